"""Questions about the whole library: 'how many papers …', 'list all …', 'which years …'.

Computed over every record, never sampled from the first few that retrieval finds; the answer says
how many records were checked. A paper counts when all words of the topic stand in its title or in
one sentence of its abstract, and that sentence is what its footnote shows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rag.datatypes import (
    AnswerSentence,
    Citation,
    Evidence,
    Intent,
    Paper,
    Reading,
    Refusal,
    RefusalGrade,
    Sentence,
    Verdict,
)
from rag.questions.scope import in_words
from rag.questions.years import bounds, years_in
from rag.text.tokenization import stems

MOST_LISTED = 50  # papers that one answer names; it says so when there are more
MOST_CITED = 20  # numbers behind one sentence


class Records(Protocol):
    """What an overview needs of a library."""

    @property
    def count(self) -> int: ...
    def papers(self) -> Sequence[Paper]: ...
    def get_papers(self, ids: Sequence[str]) -> dict[str, Paper]: ...
    def sentences(self, paper_id: str) -> tuple[Sentence, ...]: ...
    def lexical(self, query: str, k: int) -> list[tuple[str, float]]: ...


@dataclass(frozen=True, slots=True)
class SurveyAnswer:
    """What was computed; ``refusal`` where no record fits."""

    sentences: tuple[AnswerSentence, ...]
    citations: tuple[Citation, ...]
    evidence: tuple[Evidence, ...]
    refusal: Refusal | None
    years: Mapping[str, int] = field(default_factory=dict)  # dated papers that fit, by year


def answer(query: Reading, records: Records, within: Collection[str] | None = None) -> SurveyAnswer:
    """The answer to a COUNT, LIST or YEARS question; ``within`` are the ids of the papers in the scope (None: all)."""
    literal = query.scope is not None and query.scope.literal
    words, first, last = _filters(query.topic, literal)
    if not records.count:
        return _none("The library is empty. Import papers first.")
    checked = f"(checked {records.count} of {records.count})"
    if within is not None:
        checked = f"(checked {len(within)} of {records.count}: {in_words(query)})"
    asks_years = first is not None or last is not None
    # A topic without a single word or year ('C++', '🙂') fits no paper; no topic fits all of them.
    found = _matching(words, records) if words or asks_years or not query.topic else []
    if within is not None:
        inside = frozenset(within)
        found = [(p, s) for p, s in found if p.id in inside]
    dated = [(p, s) for p, s in found if p.year]
    if asks_years or query.intent is Intent.YEARS:
        if found and not dated:
            if words and len(found) == 1:
                return _none(f"The one paper about it has no year in its record {checked}.")
            where = f"{_papers(len(found))} about it" if words else "papers of this library"
            return _none(f"None of the {where} has a year in its record {checked}.")
        found = [(p, s) for p, s in dated if (first or 0) <= (p.year or 0) <= (last or 9999)]
    if not found:
        topic = f"fits “{query.topic}”" if query.topic else "is in the scope"
        return _none(f"No paper of the {records.count} {topic} {checked}.")
    evidence = tuple(Evidence(n, p, (s,), 1.0, (1.0,)) for n, (p, s) in enumerate(found[:MOST_LISTED], start=1))
    texts = _texts(query, found, checked, within is not None)
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
    years = Counter(str(p.year) for p, _ in found if p.year)
    return SurveyAnswer(tuple(sentences), tuple(citations), evidence, None, dict(sorted(years.items())))


def _texts(
    query: Reading, found: Sequence[tuple[Paper, Sentence]], checked: str, scoped: bool
) -> list[tuple[str, tuple[int, ...]]]:
    """The sentences of the answer with the numbers behind them."""
    n = len(found)
    cited = tuple(range(1, min(n, MOST_CITED) + 1))
    fit = f"{_papers(n)} {'fits' if n == 1 else 'fit'} “{query.topic}”"
    holds = f"The {'scope' if scoped else 'library'} holds {_papers(n)}"
    if query.intent is Intent.YEARS:
        years = Counter(p.year for p, _ in found)
        spread = ", ".join(f"{year} ({count})" for year, count in sorted(years.items(), key=lambda y: y[0] or 0))
        topic = f" on “{query.topic}”" if query.topic else ""
        return [(f"By year, the {_papers(n, 'dated ')}{topic} {'is' if n == 1 else 'are'}: {spread} {checked}.", cited)]
    if query.intent is Intent.COUNT:
        if not query.topic:
            return [(f"{holds} {checked}.", tuple(dict.fromkeys((1, min(n, MOST_LISTED)))))]
        more = f", the first {MOST_CITED} of them cited here" if n > MOST_CITED else ""
        return [(f"{fit} {checked}{more}.", cited)]
    more = f"; here are the first {MOST_LISTED}" if n > MOST_LISTED else ""
    head = (f"{fit if query.topic else holds} {checked}{more}.", cited)
    return [head, *((f"“{p.title}”.", (i,)) for i, (p, _) in enumerate(found[:MOST_LISTED], start=1))]


def _papers(n: int, kind: str = "") -> str:
    return f"{n} {kind}paper" if n == 1 else f"{n} {kind}papers"


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


def _filters(topic: str, literal: bool) -> tuple[list[str], int | None, int | None]:
    """The stems of a topic, and the first and last year that it names (with ``literal`` a year is but a word)."""
    first = last = None
    match = None if literal else years_in(topic)
    if match:
        first, last = bounds(match)
        topic = topic[: match.start()] + " " + topic[match.end() :]
        topic = _ABOUT_YEARS.sub(" ", topic)
    return list(dict.fromkeys(stems(topic))), first, last


# What a request says about years and itself besides its topic: 'published since 2021 that discuss GANs'.
_ABOUT_YEARS = re.compile(
    r"\b(?:published|appeared|written|dated|years?|between|discuss(?:es|ing)?|mention(?:s|ing)?|concern(?:s|ing)?|"
    r"deal(?:s|ing)?|using|uses?|there|papers?|works?|articles?|studies)\b",
    re.IGNORECASE,
)


def _none(message: str) -> SurveyAnswer:
    return SurveyAnswer((), (), (), Refusal(RefusalGrade.NOTHING, message))
