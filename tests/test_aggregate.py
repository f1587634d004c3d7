"""Counts over all records, against counting by hand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import pytest

from rag.datatypes import Intent, Paper, Reading, RefusalGrade, Sentence, Verdict
from rag.library.chunking import split_sentences
from rag.questions.reading import understand
from rag.survey.aggregate import MOST_CITED, MOST_LISTED, SurveyAnswer, answer
from rag.text.inflection import forms
from rag.text.tokenization import stems
from tests.library_parts import shipped_papers


class RecordsInMemory:
    """Records in memory; ``lexical``, which titles are looked up with, ranks by the number of common words."""

    def __init__(self, papers: Sequence[Paper]) -> None:
        self._papers = {p.id: p for p in papers}
        self._bags = {p.id: Counter(stems(f"{p.title} {p.abstract}")) for p in papers}

    @property
    def count(self) -> int:
        return len(self._papers)

    def papers(self) -> Sequence[Paper]:
        return [self._papers[i] for i in sorted(self._papers)]

    def scan(self, within: Collection[str] | None = None) -> Iterator[Paper]:
        return (paper for paper in self.papers() if within is None or paper.id in within)

    def has_years(self) -> bool:
        return any(paper.year for paper in self._papers.values())

    def names(self, kind: str) -> Collection[str]:
        return {name for paper in self._papers.values() for name in paper.authors}

    def get_papers(self, ids: Sequence[str]) -> dict[str, Paper]:
        return {i: self._papers[i] for i in ids}

    def sentences(self, paper_id: str) -> tuple[Sentence, ...]:
        return tuple(split_sentences(self._papers[paper_id].abstract))

    def lexical(self, query: str, k: int) -> list[tuple[str, float]]:
        scores = {i: float(sum(bag[w] for w in stems(query))) for i, bag in self._bags.items()}
        return sorted(((i, s) for i, s in scores.items() if s > 0), key=lambda x: (-x[1], x[0]))[:k]


@pytest.fixture(scope="module")
def records() -> RecordsInMemory:
    return RecordsInMemory([replace(p, year=2015 + n % 8 if n % 5 else None) for n, p in enumerate(shipped_papers())])


SMALL = RecordsInMemory(
    [
        Paper("a", "Pruning Nets", "We prune. Nets are small.", year=2019),
        Paper("b", "On Speech", "We hear speech. Pruning of nets is not tried.", year=2020),
        Paper("c", "Pruning?", "Trees are cut.", year=2021),
        Paper("d", "Nothing", "", year=None),
    ]
)


def ask(question: str, records: RecordsInMemory) -> SurveyAnswer:
    return answer(understand(question), records)


def by_hand(records: RecordsInMemory, topic: str) -> set[str]:
    """Ids of the papers that have each word of ``topic``, in one of its forms, in title or abstract."""
    bags = {p.id: set(re.findall(r"[a-z]+", f"{p.title} {p.abstract}".lower())) for p in records.papers()}
    return {one for one, bag in bags.items() if all(bag & forms(word) for word in topic.lower().split())}


@pytest.mark.parametrize(
    "topic", ["pruning", "knowledge distillation", "speech", "ImageNet", "vision transformers", "graph", "JPEG"]
)
def test_counts_are_those_of_counting_by_hand(topic: str, records: RecordsInMemory) -> None:
    expected = by_hand(records, topic)

    result = ask(f"How many papers are about {topic}?", records)

    assert len(expected) > 0
    assert int(result.sentences[0].text.split()[0]) == len(expected)
    assert f"“{topic}” (checked 459 of 459)" in result.sentences[0].text
    assert {e.paper.id for e in result.evidence} <= expected
    assert len(result.evidence) == min(len(expected), MOST_LISTED)


@pytest.mark.parametrize(
    "question",
    [
        "How many papers are about networks?",
        "List all papers on networks",
        "Which years have papers about networks?",
        "How many papers are there?",
    ],
)
def test_every_footnote_is_a_quote_with_its_place(question: str, records: RecordsInMemory) -> None:
    result = ask(question, records)
    papers = {e.number: e.paper for e in result.evidence}

    assert result.citations
    for citation in result.citations:
        paper = papers[citation.number]
        assert citation.paper_id == paper.id
        assert citation.verdict is Verdict.SUPPORTED
        if citation.end:
            assert paper.abstract[citation.start : citation.end] == citation.quote
        else:
            assert citation.quote == paper.title
    told = {(n, i) for i, s in enumerate(result.sentences) for n in s.citations}
    assert {(c.number, c.sentence) for c in result.citations} == told
    assert [e.number for e in result.evidence] == list(range(1, len(result.evidence) + 1))


def test_more_than_fifty_are_counted_and_the_first_fifty_named(records: RecordsInMemory) -> None:
    result = ask("List all papers on networks", records)
    total = len(by_hand(records, "networks"))

    assert total > MOST_LISTED
    assert result.sentences[0].text == (
        f"{total} papers fit “networks” (checked 459 of 459), counting “network, networks”; "
        f"here are the first {MOST_LISTED}."
    )
    assert len(result.sentences) == 1 + MOST_LISTED
    assert len(result.sentences[0].citations) == MOST_CITED
    assert [s.citations for s in result.sentences[1:]] == [(n,) for n in range(1, MOST_LISTED + 1)]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How many papers are there?", "The library holds 4 papers (checked 4 of 4)."),
        ("How many papers are about pruning nets?",
         "2 papers fit “pruning nets” (checked 4 of 4), counting “prune, pruning” and “nets”."),
        ("How many papers are about speech?", "1 paper fits “speech” (checked 4 of 4), counting “speech”."),
        ("How many papers were published in 2020?", "1 paper fits “2020” (checked 4 of 4)."),
        ("How many papers since 2020 discuss pruning?",
         "2 papers fit “since 2020 discuss pruning” (checked 4 of 4), counting “prune, pruning”."),
        ("List all papers", "The library holds 4 papers (checked 4 of 4)."),
        ("Which years do the papers cover?",
         "By year, the 3 dated papers are: 2019 (1), 2020 (1), 2021 (1) (checked 4 of 4)."),
        ("Which years have papers about speech?",
         "By year, the 1 dated paper on “speech” is: 2020 (1) (checked 4 of 4), counting “speech”."),
    ],
)  # fmt: skip
def test_how_it_is_said(question: str, answer: str) -> None:
    assert ask(question, SMALL).sentences[0].text == answer


@pytest.mark.parametrize(
    ("when", "years"),
    [
        ("in 2019", {2019}),
        ("from 2019", {2019}),
        ("from 2020 on", {2020, 2021}),
        ("from 2020 onwards", {2020, 2021}),
        ("since 2020", {2020, 2021}),
        ("after 2020", {2021}),
        ("before 2020", {2019}),
        ("until 2020", {2019, 2020}),
        ("up to 2020", {2019, 2020}),
        ("between 2019 and 2020", {2019, 2020}),
        ("from 2020 to 2021", {2020, 2021}),
        ("2021-2020", {2020, 2021}),
        ("in 2020–2021", {2020, 2021}),
    ],
)
def test_years_bound_what_is_counted(when: str, years: set[int]) -> None:
    result = ask(f"List all papers published {when}", SMALL)

    assert {e.paper.year for e in result.evidence} == years


def test_years_and_topic_together(records: RecordsInMemory) -> None:
    result = ask("How many papers since 2019 are about speech?", records)
    about = by_hand(records, "speech")
    expected = [p for p in records.papers() if p.id in about and (p.year or 0) >= 2019]

    assert int(result.sentences[0].text.split()[0]) == len(expected) > 0


def test_years_are_those_of_the_records(records: RecordsInMemory) -> None:
    result = ask("Which years do the papers cover?", records)
    told = {int(y): int(n) for y, n in re.findall(r"(\d{4}) \((\d+)\)", result.sentences[0].text)}

    assert told == Counter(p.year for p in records.papers() if p.year)
    assert all(e.paper.year for e in result.evidence)  # an undated paper says nothing about years


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("How many papers are about cooking?", "No paper of the 4 fits “cooking” (checked 4 of 4)."),
        ("How many papers were published in 1999?", "No paper of the 4 fits “1999” (checked 4 of 4)."),
        ("List all papers on 🙂", "No paper of the 4 fits “🙂” (checked 4 of 4)."),
        ("Which years have papers about cooking?", "No paper of the 4 fits “cooking” (checked 4 of 4)."),
    ],
)
def test_nothing_fits(question: str, message: str) -> None:
    result = ask(question, SMALL)

    assert result.refusal is not None
    assert (result.refusal.grade, result.refusal.message) == (RefusalGrade.NOTHING, message)
    assert (result.sentences, result.citations, result.evidence) == ((), (), ())


@pytest.mark.parametrize(
    "question",
    ["Which years do the papers cover?", "How many papers on speech in 2020?", "How many papers since 2021 prune?"],
)
def test_a_library_without_years_cannot_be_counted_by_year(question: str) -> None:
    result = ask(question, RecordsInMemory([replace(p, year=None) for p in SMALL.papers()]))

    assert result.refusal is not None
    assert result.refusal.message == (
        "The records of this library carry no years, so papers cannot be counted by year (checked 4 of 4)."
    )


def test_papers_without_years_in_a_library_that_has_some() -> None:
    some = RecordsInMemory([replace(p, year=2020 if p.id == "d" else None) for p in SMALL.papers()])
    one, two = ask("How many papers on speech in 2020?", some), ask("How many papers on pruning in 2020?", some)

    assert one.refusal is not None and two.refusal is not None
    assert one.refusal.message == "The one paper about it has no year in its record (checked 4 of 4)."
    assert two.refusal.message == "None of the 3 papers about it has a year in its record (checked 4 of 4)."


def test_an_empty_library() -> None:
    for question in ("How many papers are there?", "List all papers on pruning", "Which years do the papers cover?"):
        result = ask(question, RecordsInMemory([]))
        assert result.refusal is not None
        assert result.refusal.message == "The library is empty. Import papers first."


def test_a_colon_in_the_topic_stays() -> None:
    query = Reading("?", "?", Intent.LIST, "pruning: nets", False, False)

    assert answer(query, SMALL).sentences[0].text.startswith("2 papers fit “pruning: nets”")


def test_the_same_question_gets_the_same_answer(records: RecordsInMemory) -> None:
    assert ask("List all papers on speech", records) == ask("List all papers on speech", records)
