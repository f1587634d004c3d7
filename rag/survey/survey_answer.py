"""The answer to a question that is computed over records: counts, lists, years, the fields of one record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rag.datatypes import AnswerSentence, Citation, Evidence, Refusal, RefusalGrade, Verdict


@dataclass(frozen=True, slots=True)
class SurveyAnswer:
    """What was computed. Where no record fits, ``refusal`` says so and everything else is empty.

    ``years`` is the number of papers that fit by year, for those that have one. ``text`` is what is said where nothing
    is claimed of any paper, so that there is no sentence with a footnote.
    """

    sentences: tuple[AnswerSentence, ...]
    citations: tuple[Citation, ...]
    evidence: tuple[Evidence, ...]
    refusal: Refusal | None
    years: Mapping[str, int] = field(default_factory=dict)
    text: str = ""


def state(
    texts: Iterable[tuple[str, tuple[int, ...]]], evidence: tuple[Evidence, ...], years: Mapping[str, int] | None = None
) -> SurveyAnswer:
    """An answer of sentences, each with the numbers that it cites; what is quoted is the first sentence of each."""
    sentences = tuple(AnswerSentence(text, numbers, Verdict.SUPPORTED) for text, numbers in texts)
    citations = tuple(
        Citation(e.number, e.paper.id, position, quote.text, quote.start, quote.end, Verdict.SUPPORTED, 1.0)
        for position, sentence in enumerate(sentences)
        for e in evidence
        if e.number in sentence.citations
        for quote in e.sentences[:1]
    )
    return SurveyAnswer(sentences, citations, evidence, None, years or {})


def refuse(message: str, grade: RefusalGrade = RefusalGrade.NOTHING, nearest: tuple[str, ...] = ()) -> SurveyAnswer:
    """An answer that says why there is none."""
    return SurveyAnswer((), (), (), Refusal(grade, message, nearest))
