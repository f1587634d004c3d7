"""'Compare A and B': two papers named by their titles, and what each says of problem, method, data and results.

The result is evidence like any other: an answer is written from it, cited and checked. Where a name stands in no
title, or in several, there is none, and the caller answers the question as it answers any other.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from rag.datatypes import Evidence, Paper, Sentence
from rag.questions.kinds import sides
from rag.survey.column_extraction import known_sentences
from rag.text.facts import missing_names
from rag.text.tokenization import tokens

_MOST_LOOKED_AT = 50  # papers that BM25 finds for a name
_NAME_CHARACTERS = 300
_COMPARE = re.compile(
    r"^(?:(?:please|can you|could you) )*(?:compare|contrast) (?:the )?(?:papers? (?:on )?)?"
    r"(?P<first>.+?) (?:and|with|to|against|vs\.?|versus) (?:the )?(?:papers? (?:on )?)?(?P<second>.+)",
    re.IGNORECASE,
)
_QUOTES = " \t\"'“”‘’«»"


class PaperSource(Protocol):
    """What a comparison needs of :class:`rag.library.library.Library`."""

    def lexical(self, query: str, k: int) -> list[tuple[str, float]]: ...
    def get_papers(self, ids: Sequence[str]) -> Mapping[str, Paper]: ...
    def sentences(self, paper_id: str) -> tuple[Sentence, ...]: ...


def compared(question: str, source: PaperSource, within: Collection[str] | None = None) -> tuple[Evidence, ...]:
    """The two papers that a question compares, with their sentences; () where it does not name two of ``source``.

    ``within`` holds the ids of the papers that may be used (None: all).
    """
    match = _COMPARE.match(" ".join(question.split()).rstrip(" ?.!"))
    if match is None:
        return ()
    papers = [titled(match[part], source, within) for part in ("first", "second")]
    first, second = papers
    if first is None or second is None or first.id == second.id:
        return ()
    evidence = []
    for number, paper in enumerate((first, second), start=1):
        known = known_sentences(source.sentences(paper.id))
        found = [known[key] for key in ("problem", "method", "data", "results", "limits")]
        said = dict.fromkeys(one[0] for one in found if one is not None)
        if not said:
            return ()
        evidence.append(Evidence(number, paper, tuple(said), 1.0, (1.0,) * len(said)))
    return tuple(evidence)


def sides_missing(question: str, papers: Iterable[Paper]) -> list[str]:
    """The names that a question compares and that none of ``papers`` mentions in title or abstract."""
    named = sides(question)
    if not named:
        return []
    texts = [f"{p.title} {p.abstract}" for p in papers]
    words = [tokens(text) for text in texts]
    missing = []
    for side in named:
        wanted = tokens(side)
        phrase = any(_holds(text, wanted) for text in words)
        if not phrase and (" " in side or missing_names(side, "\n".join(texts))):
            missing.append(side)
    return missing


def one_sided(question: str, evidence: Sequence[Evidence]) -> tuple[str, ...]:
    """What to say where a comparison can only be answered for one side."""
    missing = sides_missing(question, (e.paper for e in evidence))
    return tuple(f"None of the quoted abstracts speaks of “{side}”." for side in missing)


def _holds(words: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether ``words`` contains the phrase ``wanted``, its last word in singular or plural."""
    *first, last = wanted
    ends = {last, last.removesuffix("s"), f"{last}s"}
    size = len(wanted)
    return any(
        list(words[i : i + size - 1]) == first and words[i + size - 1] in ends for i in range(len(words) - size + 1)
    )


def titled(name: str, source: PaperSource, within: Collection[str] | None = None) -> Paper | None:
    """The one paper whose title is ``name``, else begins with it, else contains it; None where no step finds one."""
    wanted = name.strip(_QUOTES)[:_NAME_CHARACTERS]
    if not wanted:
        return None
    ids = [one for one, _ in source.lexical(wanted, _MOST_LOOKED_AT) if within is None or one in within]
    has = re.compile(rf"(?<!\w){re.escape(wanted)}(?!\w)", re.IGNORECASE)
    papers = [paper for paper in source.get_papers(ids).values() if has.search(paper.title)]
    starting = [paper for paper in papers if has.match(paper.title)]
    whole = [paper for paper in papers if has.fullmatch(paper.title.strip())]
    return next((group[0] for group in (whole, starting, papers) if len(group) == 1), None)
