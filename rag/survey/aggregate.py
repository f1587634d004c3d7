"""Questions about the whole library: 'how many papers …', 'list all …', 'which years …'.

Computed over every record, never sampled from the first few that retrieval finds; the answer says how many records
were checked and which forms of the words it counted. A paper counts when its title and abstract fit the expression
that :mod:`rag.survey.topic_parser` makes of the topic; its footnote shows the sentence with most of the words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from rag.datatypes import Evidence, Intent, Paper, Reading, Sentence
from rag.papers.names import name_parts
from rag.questions.scope import in_words
from rag.questions.years import bounds, years_in
from rag.survey.expressions import Expression, Record, describe
from rag.survey.survey_answer import SurveyAnswer, refuse, state
from rag.survey.terms import Term
from rag.survey.topic_parser import QUOTES, YEARS_TAKEN_OUT, parse
from rag.text.folding import fold

__all__ = ["MOST_CITED", "MOST_LISTED", "RecordSource", "SurveyAnswer", "answer"]

MOST_LISTED = 50  # papers that one answer names; it says so when there are more
MOST_CITED = 20  # numbers behind one sentence


class RecordSource(Protocol):
    """What a count needs of :class:`rag.library.library.Library`."""

    @property
    def count(self) -> int: ...
    def scan(self, within: Collection[str] | None = None) -> Iterator[Paper]: ...
    def get_papers(self, ids: Sequence[str]) -> Mapping[str, Paper]: ...
    def has_years(self) -> bool: ...
    def names(self, kind: Literal["authors"]) -> Collection[str]: ...
    def sentences(self, paper_id: str) -> tuple[Sentence, ...]: ...


def answer(reading: Reading, records: RecordSource, within: Collection[str] | None = None) -> SurveyAnswer:
    """The answer to a COUNT, LIST or YEARS question; ``within`` are the ids of the papers in the scope (None: all)."""
    if not records.count:
        return refuse("The library is empty. Import papers first.")
    asked = _understand(reading, records)
    checked = f"(checked {records.count} of {records.count})"
    if within is not None:
        checked = f"(checked {len(within)} of {records.count}: {in_words(reading)})"
    lacking = asked.lacking(records)
    if lacking:
        return refuse(f"{lacking} {checked}.")
    matches = _matches(asked, records.scan(within))
    found = [paper for paper in matches.papers if asked.admits_year(paper)]
    if matches.papers and not any(paper.year for paper in matches.papers) and asked.by_year:
        return refuse(_undated(len(matches.papers), asked.expression is not None, checked))
    if not found:
        topic = f"fits “{asked.shown}”" if asked.shown else "is in the scope"
        return refuse(f"No paper of the {records.count} {topic} {checked}.")
    wanted = list(dict.fromkeys(asked.expression.wanted())) if asked.expression else []
    listed = list(records.get_papers([paper.id for paper in found[:MOST_LISTED]]).values())
    quoted = [(paper, _quote(paper, records.sentences, wanted)) for paper in listed]
    evidence = tuple(Evidence(n, p, (s,), 1.0, (1.0,)) for n, (p, s) in enumerate(quoted, start=1))
    years = Counter(str(paper.year) for paper in found if paper.year)
    counting = checked
    if asked.expression is not None:
        counting = f"{checked}, counting {describe(asked.expression, matches.forms)}"
    return state(_texts(asked, found, listed, counting, within is not None), evidence, dict(sorted(years.items())))


# --- what is asked ---


@dataclass(frozen=True, slots=True)
class _Question:
    """``shown`` is the topic as the answer repeats it; without an ``expression`` every paper fits, if ``all_fit``."""

    intent: Intent
    shown: str
    expression: Expression | None
    all_fit: bool
    first: int | None
    last: int | None

    @property
    def by_year(self) -> bool:
        """Whether papers without a year cannot count."""
        return self.first is not None or self.last is not None or self.intent is Intent.YEARS

    def admits_year(self, paper: _Found) -> bool:
        """Whether the paper is of the years that are asked for."""
        return not self.by_year or (bool(paper.year) and (self.first or 0) <= (paper.year or 0) <= (self.last or 9999))

    def lacking(self, records: RecordSource) -> str:
        """Why nothing can be counted; empty where it can."""
        if self.by_year and not records.has_years():
            return "The records of this library carry no years, so papers cannot be counted by year"
        named = self.expression is not None and any(self.expression.authors())
        if named and not records.names("authors"):
            return "The records of this library name no authors, so papers cannot be counted by author"
        return ""


def _understand(reading: Reading, records: RecordSource) -> _Question:
    """The topic as an expression and years; where the scope is literal, years and authors are words like others."""
    literal = reading.scope is not None and reading.scope.literal
    topic = reading.topic
    first = last = None
    unquoted = _without_phrases(topic)
    match = None if literal else years_in(unquoted)
    if match:
        first, last = bounds(match)
        topic = f"{topic[: match.start()]} {YEARS_TAKEN_OUT} {topic[match.end() :]}"
    known: set[str] = set()
    if not literal and "by" in unquoted.lower().split():
        known = {part for author in records.names("authors") for part in name_parts(author)}
    expression = parse(topic, None if literal else known.__contains__)
    # A topic without a single word or year ('🙂') fits no paper; no topic fits all of them.
    all_fit = match is not None or not topic
    shown = " ".join("".join(" " if c in QUOTES else c for c in reading.topic).split())
    return _Question(reading.intent, shown, expression, all_fit, first, last)


def _without_phrases(topic: str) -> str:
    """``topic`` with what stands in quotation marks replaced by spaces."""
    inside = False
    characters = []
    for c in topic:
        inside ^= c in QUOTES
        characters.append(" " if inside or c in QUOTES else c)
    return topic if inside else "".join(characters)


# --- what fits ---


class _Found(NamedTuple):
    """What is kept of a paper that fits, of which there may be a hundred thousand."""

    id: str
    year: int | None


@dataclass(frozen=True, slots=True)
class _Matches:
    """The papers that fit, most to the point first, and the forms in which each term was found."""

    papers: list[_Found]
    forms: dict[Term, list[str]]


def _matches(asked: _Question, papers: Iterable[Paper]) -> _Matches:
    """One pass over the papers. Those with the words in their titles come first, then those that use them most."""
    if asked.expression is None:
        return _Matches([_Found(paper.id, paper.year) for paper in papers] if asked.all_fit else [], {})
    wanted = list(dict.fromkeys(asked.expression.wanted()))
    denied = set(asked.expression.terms()) - set(wanted)
    counts: dict[Term, Counter[str]] = {}
    ranked: list[tuple[int, int, _Found]] = []
    for paper in papers:
        record = Record.of(paper)
        fits = asked.expression.fits(record)
        for term, hits in record.hits.items():
            if fits or term in denied:
                counts.setdefault(term, Counter()).update(hits)
        if fits:
            title = fold(paper.title)
            in_title = sum(next(term.hits(title), None) is not None for term in wanted)
            uses = sum(record.hits[term].total() for term in wanted if term in record.hits)
            ranked.append((-in_title, -uses, _Found(paper.id, paper.year)))
    ranked.sort(key=lambda one: (one[0], one[1], one[2].id))
    forms = {term: [form for form, _ in sorted(count.items())] for term, count in counts.items()}
    return _Matches([one for *_, one in ranked], {term: _written(term, found) for term, found in forms.items()})


def _written(term: Term, forms: Sequence[str]) -> list[str]:
    """The forms in order, each once, with the capitals that were typed: 'GANs' as typed makes a 'GAN' of 'gan'."""
    plain = dict.fromkeys(" ".join(form.split()) for form in forms)
    folded = fold(term.typed)
    return [
        term.typed[: len(form)] + form[len(folded) :] if form.startswith(folded) or folded.startswith(form) else form
        for form in plain
    ]


def _quote(paper: Paper, sentences: Callable[[str], Sequence[Sentence]], wanted: Sequence[Term]) -> Sentence:
    """The first of the sentences with most of the terms; the title where it has more of them, or all say nothing."""

    def terms_in(sentence: Sentence) -> int:
        text = fold(sentence.text)
        return sum(next(term.hits(text), None) is not None for term in wanted)

    title = Sentence(paper.title, 0, 0)
    best = max(sentences(paper.id), key=terms_in, default=title) if wanted else title
    return best if terms_in(best) >= max(1, terms_in(title)) else title


# --- how it is said ---


def _undated(papers: int, has_topic: bool, checked: str) -> str:
    """What to say where years are asked for and no paper that fits has one."""
    if has_topic and papers == 1:
        return f"The one paper about it has no year in its record {checked}."
    where = f"{_papers(papers)} about it" if has_topic else "papers in the scope"
    return f"None of the {where} has a year in its record {checked}."


def _texts(
    asked: _Question, found: Sequence[_Found], listed: Sequence[Paper], counting: str, scoped: bool
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The sentences of the answer, each with the numbers of the papers that it cites; ``listed`` are the first."""
    n = len(found)
    cited = tuple(range(1, min(n, MOST_CITED) + 1))
    if asked.shown:
        head = f"{_papers(n)} {'fits' if n == 1 else 'fit'} “{asked.shown}” {counting}"
    else:
        head = f"The {'scope' if scoped else 'library'} holds {_papers(n)} {counting}"
    if asked.intent is Intent.YEARS:
        yield _by_year(asked, found, counting), cited
    elif asked.intent is Intent.COUNT and not asked.shown:
        yield f"{head}.", tuple(dict.fromkeys((1, min(n, MOST_LISTED))))
    elif asked.intent is Intent.COUNT:
        yield f"{head}{f'; the first {MOST_CITED} of them are cited here' if n > MOST_CITED else ''}.", cited
    else:
        yield f"{head}{f'; here are the first {MOST_LISTED}' if n > MOST_LISTED else ''}.", cited
        for i, paper in enumerate(listed, start=1):
            yield f"“{paper.title}”.", (i,)


def _by_year(asked: _Question, found: Sequence[_Found], counting: str) -> str:
    years = Counter(paper.year for paper in found)
    spread = ", ".join(f"{year} ({count})" for year, count in sorted(years.items(), key=lambda y: y[0] or 0))
    topic = f" on “{asked.shown}”" if asked.shown else ""
    is_or_are = "is" if len(found) == 1 else "are"
    return f"By year, the {_papers(len(found), 'dated ')}{topic} {is_or_are}: {spread} {counting}."


def _papers(n: int, kind: str = "") -> str:
    return f"{n} {kind}paper" if n == 1 else f"{n} {kind}papers"
