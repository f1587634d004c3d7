"""The door of this folder for answers that need no retrieved evidence and no writer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from rag.datatypes import OVER_THE_LIBRARY, Intent, PaperHit, Reading
from rag.survey import aggregate, bibliographic_questions
from rag.survey.aggregate import RecordSource
from rag.survey.comparing import PaperSource
from rag.survey.survey_answer import SurveyAnswer

TALK = (
    "Glad to help. Footnote answers from the papers of this library: ask about one thing, several papers side by side, "
    "what is known about a topic, or how many papers there are on it."
)


class Records(RecordSource, PaperSource, Protocol):
    """What computed answers need of :class:`rag.library.library.Library`."""


def compute(
    reading: Reading,
    library: Records,
    search: Callable[[], Sequence[PaperHit]],
    within: Collection[str] | None = None,
) -> SurveyAnswer | None:
    """The answer to a question of kind COUNT, LIST, YEARS, RECORD or TALK; None for all other kinds.

    ``search`` finds the papers nearest to the question, best first; it is called only for a RECORD question that
    names no title. ``within`` are the ids of the papers that may be used (None: all).
    """
    if reading.intent in OVER_THE_LIBRARY:
        return aggregate.answer(reading, library, within)
    if reading.intent is Intent.RECORD:
        return bibliographic_questions.read_off(reading, library, search, within)
    if reading.intent is Intent.TALK:
        return SurveyAnswer((), (), (), None, text=TALK)
    return None
