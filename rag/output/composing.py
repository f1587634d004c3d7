"""What the stations found, put together as one :class:`~rag.datatypes.Answer` with its trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rag.datatypes import Answer, Evidence, Message, PaperHit, Reading, Refusal, Trace
from rag.evidence.refusal import unanswered
from rag.generation.writing import Writer
from rag.questions.scope import in_words
from rag.survey.survey_answer import SurveyAnswer
from rag.verification.citations import Checked


@dataclass(frozen=True, slots=True)
class Findings:
    """What the stations found for one question, as far as each was reached."""

    hits: Sequence[PaperHit] = ()
    evidence: tuple[Evidence, ...] = ()
    judgements: tuple[Mapping[str, Any], ...] = ()
    prompt: tuple[Message, ...] = ()
    checked: Checked = field(default_factory=lambda: Checked((), (), ()))
    refusal: Refusal | None = None
    notes: tuple[str, ...] = ()
    years: Mapping[str, int] = field(default_factory=dict)
    said: str = ""  # a line that claims nothing of any paper


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
    settings: Mapping[str, Any],
    timings: Mapping[str, Any],
) -> Answer:
    """The answer; a refusal where nothing is left of it. ``library`` is the fingerprint, ``timings`` are ms."""
    refusal = found.refusal
    if refusal is None and not found.checked.sentences and not found.said:
        refusal = unanswered(found.hits)
    text = refusal.message if refusal is not None else found.said or found.checked.text
    trace = _trace(reading, found, writer, library, settings, timings)
    checked = found.checked
    return Answer(
        reading.asked or reading.text, text, checked.sentences, checked.citations, found.evidence, refusal, trace
    )


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
        notes=found.notes,
        chosen=found.judgements,
        settings=settings,
        scope=in_words(reading),
        filters=reading.filters.as_record() if reading.filters is not None else {},
        years=found.years,
        prompt=found.prompt,
        reading=reading_record(reading),
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
    return {"kind": reading.kind, "filters": filters, "follow_up": reading.search if reading.is_follow_up else None}
