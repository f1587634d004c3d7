"""Questions about the whole library: 'how many papers …', 'list all …', 'which years …'.

Computed over every record, never sampled from the first few that retrieval finds; the answer says
how many records were checked. A paper counts when all words of the topic stand in its title or in
one sentence of its abstract, and that sentence is what its footnote shows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rag.datatypes import (
    AnswerSentence,
    Citation,
    Evidence,
    Intent,
    Paper,
    Query,
    Refusal,
    RefusalGrade,
    Sentence,
    Verdict,
)
from rag.words import stems

MOST_LISTED = 50  # papers that one answer names; it says so when there are more
MOST_CITED = 20  # numbers behind one sentence

_YEAR = re.compile(
    r"\b(?:(?P<since>since|from|after|starting in)|(?P<before>before|until|up to)|in|of|during)?\s*"
    r"(?P<year>(?:19|20)\d\d)"
    r"(?:\s*(?:-|–|to|and|until)\s*(?P<end>(?:19|20)\d\d))?\b",
    re.IGNORECASE,
)


class Records(Protocol):
    """What an overview needs of a library."""

    @property
    def count(self) -> int: ...
    def papers(self) -> Sequence[Paper]: ...
    def get_papers(self, ids: Sequence[str]) -> dict[str, Paper]: ...
    def sentences(self, paper_id: str) -> tuple[Sentence, ...]: ...
    def lexical(self, query: str, k: int) -> list[tuple[str, float]]: ...


@dataclass(frozen=True, slots=True)
class Overview:
    """What was computed; ``refusal`` where no record fits."""

    sentences: tuple[AnswerSentence, ...]
    citations: tuple[Citation, ...]
    evidence: tuple[Evidence, ...]
    refusal: Refusal | None


def survey(query: Query, records: Records) -> Overview:
    """The answer to a COUNT, LIST or YEARS question."""
    words, first, last = _filters(query.topic)
    found = _matching(words, records)
    dated = first is not None or last is not None or query.intent is Intent.YEARS
    if dated and not any(p.year for p, _ in found):
        where = f"the {len(found)} papers about it" if words else "the papers of this library"
        return _none(f"None of {where} has a year in its record (checked {records.count} of {records.count}).")
    found = [
        (p, s)
        for p, s in found
        if (first is None or (p.year or 0) >= first) and (last is None or 0 < (p.year or 0) <= last)
    ]
    if not found:
        return _none(
            f"No paper of the {records.count} fits “{query.topic}” (checked {records.count} of {records.count})."
        )
    evidence = tuple(Evidence(n, p, (s,), 1.0, (1.0,)) for n, (p, s) in enumerate(found[:MOST_LISTED], start=1))
    texts = _texts(query, found, records.count, words)
    sentences: list[AnswerSentence] = []
    citations: list[Citation] = []
    for text, numbers in texts:
        position = len(sentences)
        sentences.append(AnswerSentence(text, numbers, Verdict.SUPPORTED))
        for e in evidence:
            if e.number in numbers:
                quote = e.sentences[0]
                citations.append(
                    Citation(e.number, e.paper.id, position, quote.text, quote.start, quote.end, Verdict.SUPPORTED, 1.0)
                )
    return Overview(tuple(sentences), tuple(citations), evidence, None)


def _texts(
    query: Query, found: Sequence[tuple[Paper, Sentence]], total: int, words: Sequence[str]
) -> list[tuple[str, tuple[int, ...]]]:
    checked = f"checked {total} of {total}"
    cited = tuple(range(1, min(len(found), MOST_CITED) + 1))
    topic = f" that fit “{query.topic}”" if query.topic else ""
    if query.intent is Intent.YEARS:
        years = Counter(p.year for p, _ in found if p.year)
        spread = ", ".join(f"{year} ({n})" for year, n in sorted(years.items()))
        return [(f"By year, the {sum(years.values())} dated papers{topic} are: {spread} ({checked}).", cited)]
    if query.intent is Intent.COUNT:
        if not query.topic:
            ends = (1, min(len(found), MOST_LISTED))
            return [(f"The library holds {total} papers ({checked}).", ends)]
        more = f", the first {MOST_CITED} of them cited here" if len(found) > MOST_CITED else ""
        verb = "paper fits" if len(found) == 1 else "papers fit"
        return [(f"{len(found)} {verb} “{query.topic}” ({checked}){more}.", cited)]
    more = f"; the first {MOST_LISTED} are" if len(found) > MOST_LISTED else ""
    verb = "paper" if len(found) == 1 else "papers"
    head = (f"{len(found)} {verb}{topic or ' are in the library'} ({checked}){more}:".replace(":", "."), cited)
    return [head, *((f"“{p.title}”.", (n,)) for n, (p, _) in enumerate(found[:MOST_LISTED], start=1))]


def _matching(words: Sequence[str], records: Records) -> list[tuple[Paper, Sentence]]:
    """Papers with all ``words`` in the title or in one sentence, and that sentence; all papers without words."""
    if not words:
        return [(p, _title(p)) for p in records.papers()]
    wanted = set(words)
    ranked = [paper_id for paper_id, score in records.lexical(" ".join(words), records.count) if score > 0]
    papers = records.get_papers(ranked)
    found = []
    for paper_id in ranked:
        paper = papers[paper_id]
        title = set(stems(paper.title))
        if not wanted <= title | set(stems(paper.abstract)):
            continue
        fitting = [s for s in records.sentences(paper_id) if wanted <= set(stems(s.text))]
        if fitting:
            found.append((paper, fitting[0]))
        elif wanted <= title:
            found.append((paper, _title(paper)))
    return found


def _title(paper: Paper) -> Sentence:
    return Sentence(paper.title, 0, 0)


def _filters(topic: str) -> tuple[list[str], int | None, int | None]:
    """The stems of a topic, and the first and last year that it names."""
    first = last = None
    match = _YEAR.search(topic)
    if match:
        year = int(match["year"])
        first, last = (year, None) if match["since"] and not match["end"] else (year, int(match["end"] or year))
        if match["before"]:
            first, last = None, year
        topic = topic[: match.start()] + " " + topic[match.end() :]
        topic = re.sub(r"\b(?:published|appeared|written|dated|years?|between)\b", " ", topic)
    return list(dict.fromkeys(stems(topic))), first, last


def _none(message: str) -> Overview:
    return Overview((), (), (), Refusal(RefusalGrade.NOTHING, message))
