"""What the stations found, put together as one :class:`~rag.datatypes.Answer` with its trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rag.datatypes import Answer, Evidence, Intent, Message, PaperHit, Reading, Refusal, Trace
from rag.evidence.fitting import Fit
from rag.evidence.refusal import unanswered
from rag.evidence.several import coverage
from rag.generation.writing import Writer
from rag.output.layout import answer_text
from rag.output.partly import partly_note
from rag.output.sections import in_sections
from rag.papers.naming import short_name
from rag.papers.retractions import sentences
from rag.questions.scope import in_words
from rag.survey.reviewing import what_was_covered
from rag.survey.structure import Structured
from rag.survey.survey_answer import SurveyAnswer
from rag.text.messages import how_many_fit
from rag.verification.checked import Checked


@dataclass(frozen=True, slots=True)
class Findings:
    """What the stations found for one question, as far as each was reached.

    ``quotes`` are the sentences of the evidence that answer as they stand; ``evidence`` may have more to read.
    """

    hits: Sequence[PaperHit] = ()
    evidence: tuple[Evidence, ...] = ()
    judgements: tuple[Mapping[str, Any], ...] = ()
    fits: tuple[Fit, ...] = ()
    prompt: tuple[Message, ...] = ()
    checked: Checked = field(default_factory=lambda: Checked((), (), ()))
    refusal: Refusal | None = None
    notes: tuple[str, ...] = ()
    vectors: Mapping[str, int] = field(default_factory=dict)  # of the library, while some papers have none
    years: Mapping[str, int] = field(default_factory=dict)
    said: str = ""  # a line that claims nothing of any paper
    structured: Structured | None = None
    closing: tuple[str, ...] = ()
    lead: str = ""


def of_computed(computed: SurveyAnswer) -> Findings:
    """The findings of an answer that was computed over records; it needs no check."""
    checked = Checked(computed.sentences, computed.citations, ())
    return Findings(
        (), computed.evidence, checked=checked, refusal=computed.refusal, years=computed.years, said=computed.text
    )


def compose(
    reading: Reading,
    found: Findings,
    writer: Writer,
    *,
    library: str,
    papers: int,
    settings: Mapping[str, Any],
    timings: Mapping[str, Any],
) -> Answer:
    """The answer; a refusal where nothing is left of it.

    ``library`` is the fingerprint, ``papers`` how many could be used, ``timings`` are ms.
    """
    refusal = found.refusal
    if refusal is None and not found.checked.sentences and not found.said:
        refusal = unanswered(found.hits, reading.language)
    trace = _trace(reading, found, writer, library, settings, timings)
    asked = reading.asked or reading.text
    if refusal is not None:
        return Answer(asked, refusal.message, (), (), found.evidence, refusal, trace)
    checked = _in_sections(reading, found)
    covered, lead = None, found.lead
    closing = found.closing
    if found.fits:
        cited = {item.paper.id for item in found.evidence if item.number in checked.cited}
        covered = coverage(found.fits, cited)
        if not lead and reading.over_several:
            lead = how_many_fit(covered.fitting, covered.cited, papers, reading.language)
    if found.structured is not None:
        lead, closing = found.structured.lead or lead, (*found.structured.closing, *closing)
    if reading.intent is Intent.REVIEW and covered is not None:
        closing = (*closing, what_was_covered(covered))
    closing = (*closing, *statuses(found.evidence, checked))
    text = found.said or answer_text(checked.sentences, reading.kind, lead, closing)
    return Answer(
        asked, text, checked.sentences, checked.citations, found.evidence, None, trace, lead=lead, closing=closing,
        coverage=covered,
    )  # fmt: skip


def _in_sections(reading: Reading, found: Findings) -> Checked:
    """The sentences under the headings of their kind: in a list, the names of the papers."""
    listed = reading.intent is Intent.MULTI or reading.spread
    if found.structured is not None and (found.structured.sections or not listed):
        return in_sections(found.checked, found.structured.sections)
    if not listed:
        return found.checked
    names = {item.number: short_name(item.paper) for item in found.evidence}
    return found.checked.told_by(
        lambda sentence, _: replace(sentence, section=names[sentence.citations[0]]) if sentence.citations else sentence
    )


def statuses(evidence: Sequence[Evidence], checked: Checked) -> tuple[str, ...]:
    """'[2] was retracted.': of the papers that the sentences rest on."""
    return sentences((item.number, item.paper) for item in evidence if item.number in checked.cited)


def _trace(
    reading: Reading,
    found: Findings,
    writer: Writer,
    library: str,
    settings: Mapping[str, Any],
    timings: Mapping[str, Any],
) -> Trace:
    return Trace(
        generator=writer.generator.name,
        model=writer.generator.model,
        model_sha256=writer.generator.model_sha256,
        mode=writer.mode,
        seed=writer.seed,
        prompt_sha256=writer.prompt_sha256,
        library=library,
        timings_ms=timings,
        question_rewritten=reading.search if reading.search != reading.text else "",
        retrieved=tuple(
            {"paper_id": h.paper.id, "score": h.score, "dense": h.dense, "lexical": h.lexical} for h in found.hits
        ),
        dropped=found.checked.dropped,
        notes=(*found.notes, *filter(None, [partly_note(found.vectors)])),
        chosen=found.judgements,
        settings=settings,
        scope=in_words(reading),
        filters=reading.filters.as_record() if reading.filters is not None else {},
        years=found.years,
        prompt=found.prompt,
        reading=reading_record(reading),
        vectors=found.vectors,
    )


def reading_record(reading: Reading) -> dict[str, Any]:
    """How the question was read: kind, filters of its own words, and the question that a follow-up was made into."""
    filters: dict[str, Any] = {}
    if reading.filters is not None:
        named = dict(reading.named)
        filters = {name: year for name in ("since", "until") if (year := getattr(reading.filters, name)) is not None}
        for name, values in (("venue", reading.filters.venues), ("author", reading.filters.authors)):
            if values:
                filters[name] = named.get(name) or ", ".join(values)
    follow_up = reading.search if reading.is_follow_up else None
    record = {"kind": reading.kind, "filters": filters, "follow_up": follow_up}
    return record if reading.rendering is None else {**record, "language": reading.language}
