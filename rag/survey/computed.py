"""The door of this folder for whole answers: questions about the library, or about the record of one paper."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from rag.datatypes import OVER_THE_LIBRARY, Intent, PaperHit, Reading
from rag.survey import aggregate, bibliographic_questions
from rag.survey.aggregate import SurveyAnswer

if TYPE_CHECKING:
    from rag.library.library import Library


def compute(
    reading: Reading, library: Library, search: Callable[[], Sequence[PaperHit]], within: Collection[str] | None
) -> SurveyAnswer | None:
    """What is computed over records: counts, lists, years, the record of a paper; None for any other question."""
    if reading.intent in OVER_THE_LIBRARY:
        return aggregate.answer(reading, library, within)
    if reading.intent is Intent.RECORD:
        return bibliographic_questions.read_off(reading, library, search, within)
    return None
