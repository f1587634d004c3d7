"""Which questions are computed over records, and which are left to retrieval and writing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rag.datatypes import Intent, Paper, PaperHit, RefusalGrade
from rag.questions.reading import understand
from rag.survey.computed import compute
from rag.survey.survey_answer import SurveyAnswer
from tests.test_aggregate import RecordsInMemory

LIBRARY = RecordsInMemory(
    [
        Paper("a", "Pruning Nets", "We prune nets.", ("Ada Strand",), 2019),
        Paper("b", "On Speech", "We hear speech.", ("Ben Öre",)),
        Paper("c", "On Speech and Noise", "Noise is loud."),
    ]
)


def no_search() -> Sequence[PaperHit]:
    raise AssertionError("nothing is searched for")


def ask(question: str, intent: Intent) -> SurveyAnswer | None:
    reading = understand(question)
    assert reading.intent is intent
    return compute(reading, LIBRARY, no_search)


@pytest.mark.parametrize(
    ("question", "intent", "text"),
    [
        ("How many papers are there?", Intent.COUNT, "The library holds 3 papers (checked 3 of 3)."),
        ("List all papers", Intent.LIST, "The library holds 3 papers (checked 3 of 3)."),
        ("Which years do the papers span?", Intent.YEARS,
         "By year, the 1 dated paper is: 2019 (1) (checked 3 of 3)."),
        ("Who wrote Pruning Nets?", Intent.RECORD, "“Pruning Nets” was written by Ada Strand."),
        ("When was Pruning Nets published?", Intent.RECORD, "“Pruning Nets” was published in 2019."),
    ],
)  # fmt: skip
def test_what_is_computed(question: str, intent: Intent, text: str) -> None:
    result = ask(question, intent)

    assert result is not None and result.refusal is None
    assert result.sentences[0].text == text
    assert result.citations


@pytest.mark.parametrize(
    ("question", "intent"),
    [
        ("What does pruning do?", Intent.FACT),
        ("Which papers look at noise?", Intent.MULTI),
        ("Summarise Pruning Nets", Intent.SUMMARY),
    ],
)
def test_all_else_is_left_to_others(question: str, intent: Intent) -> None:
    assert ask(question, intent) is None


def test_a_title_that_is_not_there_is_searched_for_once_and_refused() -> None:
    searched: list[int] = []

    def search() -> Sequence[PaperHit]:
        searched.append(1)
        return [PaperHit(p, 1.0, None, None) for p in LIBRARY.papers()]

    result = compute(understand("Who wrote Singing Rocks?"), LIBRARY, search)

    assert result is not None and result.refusal is not None
    assert result.refusal.message == "No single title matches “Singing Rocks”."
    assert (result.refusal.grade, result.refusal.nearest) == (RefusalGrade.NOTHING, ("a", "b", "c"))
    assert searched == [1]


def test_a_field_that_the_record_lacks_is_said_to_lack() -> None:
    result = ask("When was On Speech and Noise published?", Intent.RECORD)

    assert result is not None and result.refusal is not None
    assert result.refusal.message == "The record of “On Speech and Noise” does not say when it appeared."
    assert result.refusal.grade is RefusalGrade.NOT_IN_ABSTRACT
