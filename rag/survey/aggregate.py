"""Questions about the whole library: 'how many papers …', 'list all …', 'which years …'.

Computed over every record, never sampled from the first few that retrieval finds; the answer says
how many records were checked. A paper counts when all words of the topic stand in its title or in
one sentence of its abstract, and that sentence is what its footnote shows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Protocol

from rag.datatypes import Evidence, Intent, Paper, Reading, Sentence
from rag.questions.scope import in_words
from rag.questions.years import bounds, years_in
from rag.survey.survey_answer import SurveyAnswer, refuse, state
from rag.text.tokenization import stems

__all__ = ["MOST_CITED", "MOST_LISTED", "RecordSource", "SurveyAnswer", "answer"]

MOST_LISTED = 50  # papers that one answer names; it says so when there are more
MOST_CITED = 20  # numbers behind one sentence


class RecordSource(Protocol):
    """What a count needs of :class:`rag.library.library.Library`."""

    @property
    def count(self) -> int: ...
    def papers(self) -> Sequence[Paper]: ...
    def get_papers(self, ids: Sequence[str]) -> dict[str, Paper]: ...
    def sentences(self, paper_id: str) -> tuple[Sentence, ...]: ...
    def lexical(self, query: str, k: int) -> list[tuple[str, float]]: ...


def answer(reading: Reading, records: RecordSource, within: Collection[str] | None = None) -> SurveyAnswer:
    """The answer to a COUNT, LIST or YEARS question; ``within`` are the ids of the papers in the scope (None: all)."""
    if not records.count:
        return refuse("The library is empty. Import papers first.")
    literal = reading.scope is not None and reading.scope.literal
    words, first, last = _filters(reading.topic, literal)
    checked = f"(checked {records.count} of {records.count})"
    if within is not None:
        checked = f"(checked {len(within)} of {records.count}: {in_words(reading)})"
    asks_years = first is not None or last is not None
    # A topic without a single word or year ('C++', '🙂') fits no paper; no topic fits all of them.
    found = _matching(words, records) if words or asks_years or not reading.topic else []
    if within is not None:
        inside = frozenset(within)
        found = [(p, s) for p, s in found if p.id in inside]
    if asks_years or reading.intent is Intent.YEARS:
        dated = [(p, s) for p, s in found if p.year]
        if found and not dated:
            return refuse(_undated(len(found), bool(words), checked))
        found = [(p, s) for p, s in dated if (first or 0) <= (p.year or 0) <= (last or 9999)]
    if not found:
        topic = f"fits “{reading.topic}”" if reading.topic else "is in the scope"
        return refuse(f"No paper of the {records.count} {topic} {checked}.")
    evidence = tuple(Evidence(n, p, (s,), 1.0, (1.0,)) for n, (p, s) in enumerate(found[:MOST_LISTED], start=1))
    years = Counter(str(p.year) for p, _ in found if p.year)
    return state(_texts(reading, found, checked, within is not None), evidence, dict(sorted(years.items())))


def _undated(papers: int, has_topic: bool, checked: str) -> str:
    """What to say where years are asked for and no paper that fits has one."""
    if has_topic and papers == 1:
        return f"The one paper about it has no year in its record {checked}."
    where = f"{_papers(papers)} about it" if has_topic else "papers of this library"
    return f"None of the {where} has a year in its record {checked}."


def _texts(
    reading: Reading, found: Sequence[tuple[Paper, Sentence]], checked: str, scoped: bool
) -> list[tuple[str, tuple[int, ...]]]:
    """The sentences of the answer with the numbers behind them."""
    n = len(found)
    cited = tuple(range(1, min(n, MOST_CITED) + 1))
    fit = f"{_papers(n)} {'fits' if n == 1 else 'fit'} “{reading.topic}”"
    holds = f"The {'scope' if scoped else 'library'} holds {_papers(n)}"
    if reading.intent is Intent.YEARS:
        years = Counter(p.year for p, _ in found)
        spread = ", ".join(f"{year} ({count})" for year, count in sorted(years.items(), key=lambda y: y[0] or 0))
        topic = f" on “{reading.topic}”" if reading.topic else ""
        return [(f"By year, the {_papers(n, 'dated ')}{topic} {'is' if n == 1 else 'are'}: {spread} {checked}.", cited)]
    if reading.intent is Intent.COUNT:
        if not reading.topic:
            return [(f"{holds} {checked}.", tuple(dict.fromkeys((1, min(n, MOST_LISTED)))))]
        more = f", the first {MOST_CITED} of them cited here" if n > MOST_CITED else ""
        return [(f"{fit} {checked}{more}.", cited)]
    more = f"; here are the first {MOST_LISTED}" if n > MOST_LISTED else ""
    head = (f"{fit if reading.topic else holds} {checked}{more}.", cited)
    return [head, *((f"“{p.title}”.", (i,)) for i, (p, _) in enumerate(found[:MOST_LISTED], start=1))]


def _papers(n: int, kind: str = "") -> str:
    return f"{n} {kind}paper" if n == 1 else f"{n} {kind}papers"


def _matching(words: Sequence[str], records: RecordSource) -> list[tuple[Paper, Sentence]]:
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
