"""The trust card of a model: whether a GGUF answers better than built-in quotes on this library, and how fast here.

The model answers in the modes in which it writes, the built-in quotes answer the same questions, and a rule says which
of the three suits. The model also chooses the quotes in the ranker's place; whether it chooses better is kept with its
hash (``rag.generation.models.verdicts``), and mode ``quote`` with that model goes by it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rag.config import Settings
from rag.errors import EvaluationError
from rag.evaluation.answer_evaluation import run
from rag.evaluation.answer_scoring import Reply, Row, comparisons, rows
from rag.evaluation.answering_systems import Footnote
from rag.evaluation.datasets import EvalQuestion
from rag.evaluation.index_cache import Progress

if TYPE_CHECKING:
    from rag.generation.generators.evaluated_prompt import Usage

MAX_REPLACED = 0.25  # a mode whose answers are replaced by quotes more often is not worth its time
MAX_DROPPED = 0.5  # share of its sentences that the check may drop
MIN_SUPPORTED = 0.8  # share of the sentences shown that their citation must support outright, not just weakly
CHANCE = 0.1  # two-sided p above which a better choice of sentences may be luck
PRECISION_MARGIN = 0.05  # how much less precise its citations may be than those of the quotes


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens per second of reading a prompt and of writing, pooled over all answers; None where nothing was written."""

    read: float | None
    written: float | None
    answers: int


@dataclass(frozen=True, slots=True)
class ModeResult:
    """One way of answering: its figures by type of question, and its speed."""

    mode: str
    label: str
    rows: tuple[Row, ...]
    replies: tuple[Reply, ...]
    speed: Speed


@dataclass(frozen=True, slots=True)
class TrustCard:
    """What is known of a model after the run. ``memory_mb`` is the most that this process held, in 10^6 bytes."""

    model: str
    sha256: str
    size: int
    parameters: int
    quantisation: str
    context: int
    licence: str
    papers: int
    library: str
    generated: bool
    questions: tuple[EvalQuestion, ...]
    memory_mb: float
    modes: tuple[ModeResult, ...]  # the first is the quotes
    suits: str
    reason: str
    choosing: ModeResult  # quotes that the model chose
    chooses: bool | None  # better than the ranker; None where the questions cannot tell
    choosing_reason: str


def measure(questions: Sequence[EvalQuestion], generated: bool, settings: Settings, progress: Progress) -> TrustCard:
    """The card of ``settings.model``, which must be a language model. Whether it chooses quotes better is kept.

    Raises :class:`rag.errors.ModelError` where it cannot be used, :class:`EvaluationError` for the quotes. Long
    because a card has twenty fields.
    """
    from rag.factory import QUOTE, modes_of, open_answerer, registered_model
    from rag.generation.models import WRITER

    if settings.model == QUOTE:
        raise EvaluationError("The built-in quotes are no model. Give a GGUF file or a registered name.")
    model = registered_model(settings)
    written = [mode for mode in modes_of(settings.model) if mode != QUOTE]
    plain = replace(settings, model=QUOTE, mode=QUOTE)
    asked = [(plain, "built-in quotes"), *((replace(settings, mode=m), f"{model.name}, {m}") for m in written)]
    modes = [_mode(questions, one, label, progress) for one, label in asked]
    library = open_answerer(replace(settings, mode=written[0])).library
    suits, reason = verdict(modes)
    own_choice = replace(settings, mode=QUOTE, sentence_selector="model")
    choosing = _mode(questions, own_choice, f"{model.name}, quotes that it chose", progress)
    chooses, choosing_reason = choice_verdict(questions, modes[0], choosing, settings.seed)
    if chooses is not None and model.name != WRITER:  # the writer chooses its quotes whatever the card says
        _keep(settings, model.sha256, chooses, choosing_reason, len(questions), library.fingerprint)
    return TrustCard(
        model=model.name,
        sha256=model.sha256,
        size=model.info.size,
        parameters=model.info.parameters,
        quantisation=model.info.quantisation,
        context=model.info.context,
        licence=model.info.licence,
        papers=library.count,
        library=library.fingerprint,
        generated=generated,
        questions=tuple(questions),
        memory_mb=peak_memory() / 1e6,
        modes=tuple(modes),
        suits=suits,
        reason=reason,
        choosing=choosing,
        chooses=chooses,
        choosing_reason=choosing_reason,
    )


def verdict(modes: Sequence[ModeResult]) -> tuple[str, str]:
    """The mode that suits and why; ``modes`` begins with the quotes.

    A mode qualifies where few of its answers had to be replaced and not most of its sentences dropped, its citations
    support nearly all that is shown and are nearly as precise as those of the quotes, and it finds at least as many
    key facts (where the questions have any). The best that qualifies is taken: by key facts, then by how few of its
    sentences the check dropped.
    """
    quotes = modes[0].rows[0]
    reasons, good = [], []
    for mode in modes[1:]:
        failing = _failing(mode.rows[0], quotes)
        reasons += [f"in {mode.mode} mode {failing}"] if failing else []
        good += [] if failing else [mode]
    if not good:
        return modes[0].mode, f"Use the built-in quotes: {'; '.join(reasons)}."
    best = max(good, key=lambda m: (_mean(m.rows[0], "key_facts") or 0.0, -(_mean(m.rows[0], "dropped") or 0.0)))
    others = f" ({'; '.join(reasons)})" if reasons else ""
    return best.mode, f"{best.mode} mode keeps up with the built-in quotes on these questions{others}."


def choice_verdict(
    questions: Sequence[EvalQuestion], ranker: ModeResult, model: ModeResult, seed: int
) -> tuple[bool | None, str]:
    """Whether the model chooses quotes better than the ranker, and why; None where the questions do not tell.

    It does where it has a sentence of the evidence first more often, by more than chance, has one among its first two
    no less often, finds no fewer key facts and refuses no more of what can be answered. Doubt goes to the ranker: a
    model that is trusted wrongly makes answers worse, one that is not costs nothing.
    """
    found = comparisons(questions, model.replies, ranker.replies, seed)
    if "evidence_1" not in found:
        return None, "the questions name no supporting sentences; give some that do with --questions"
    shares = [_mean(result.rows[0], "evidence_1") or 0.0 for result in (model, ranker)]
    first = f"a supporting sentence comes first for {shares[0]:.0%} of the questions, against {shares[1]:.0%}"
    if found["evidence_1"].difference <= 0:
        return False, first
    if found["evidence_1"].p > CHANCE:
        return False, f"{first}, which may be chance (p={found['evidence_1'].p:.2f})"
    worse = (("evidence_2", 1, "fewer among the first two"), ("key_facts", 1, "fewer key facts"),
             ("false_refusal", -1, "more refusals of what can be answered"))  # fmt: skip
    for key, sign, what in worse:
        if key in found and sign * found[key].difference < 0:
            return False, f"{first}, but {what} ({found[key].difference:+.0%})"
    return True, first


def _keep(settings: Settings, sha256: str, chooses: bool, reason: str, questions: int, library: str) -> None:
    from datetime import UTC, datetime

    from rag.generation.models import Measured, note_measured
    from rag.generation.prompting import load_prompt

    today = datetime.now(UTC).date().isoformat()
    prompt = load_prompt("choose").sha256
    note_measured(settings.home, sha256, Measured(chooses, reason, prompt, questions, library, today))


def _failing(row: Row, quotes: Row) -> str:
    """What speaks against a mode, or ``''``."""
    replaced, dropped, supported = (_mean(row, key) for key in ("replaced", "dropped", "supported"))
    precision, wanted = _mean(row, "citation_precision"), _mean(quotes, "citation_precision")
    facts, wanted_facts = _mean(row, "key_facts"), _mean(quotes, "key_facts")
    if replaced is None or dropped is None or supported is None or precision is None:
        return "it answered nothing"
    if replaced > MAX_REPLACED:
        return f"{replaced:.0%} of the answers had to be replaced by quotes"
    if dropped > MAX_DROPPED:
        return f"the check dropped {dropped:.0%} of the sentences"
    if supported < MIN_SUPPORTED:
        return f"only {supported:.0%} of the sentences are supported outright by what they cite"
    if wanted is not None and precision < wanted - PRECISION_MARGIN:
        return f"citations are {precision:.0%} precise against {wanted:.0%}"
    if facts is not None and wanted_facts is not None and facts < wanted_facts:
        return f"{facts:.0%} of the key facts are found against {wanted_facts:.0%}"
    return ""


def _mean(row: Row, key: str) -> float | None:
    return row.estimates[key].mean if key in row.estimates else None


def _mode(questions: Sequence[EvalQuestion], settings: Settings, label: str, progress: Progress) -> ModeResult:
    from rag.factory import open_answerer

    pipeline = open_answerer(settings)
    meter = Meter(pipeline.writer.generator)
    replies = run(meter.watch(Footnote(pipeline, label=label)), questions, progress)
    return ModeResult(pipeline.settings.mode, label, rows(questions, replies, settings.seed), replies, meter.speed())


class Meter:
    """Adds up the tokens of a generator's answers."""

    def __init__(self, generator: object) -> None:
        self._generator = generator
        self._last = self._usage()
        self._read: list[tuple[int, float]] = []  # tokens, milliseconds
        self._written: list[tuple[int, float]] = []

    def watch(self, system: Footnote) -> Watched:
        """The same system, every reply of it measured."""
        return Watched(system, self)

    def note(self) -> None:
        """Take up the last answer, where the generator wrote one since the last call."""
        usage = self._usage()
        if usage is None or usage is self._last:
            return
        self._last = usage
        self._read.append((usage.prompt_tokens - usage.reused_tokens, usage.prompt_ms))
        self._written.append((usage.written_tokens, usage.total_ms - usage.prompt_ms))

    def speed(self) -> Speed:
        """Pooled over all answers that were noted."""
        return Speed(_per_second(self._read), _per_second(self._written), len(self._written))

    def _usage(self) -> Usage | None:
        from rag.generation.generators.choosing import ChosenQuotes
        from rag.generation.generators.llama import LlamaGenerator

        return self._generator.usage if isinstance(self._generator, LlamaGenerator | ChosenQuotes) else None


class Watched:
    """A system whose replies a meter takes note of."""

    def __init__(self, system: Footnote, meter: Meter) -> None:
        self.name, self.label = system.name, system.label
        self._system, self._meter = system, meter

    def reply(self, question: EvalQuestion) -> Reply:
        """The system's reply."""
        reply = self._system.reply(question)
        self._meter.note()
        return reply


def _per_second(spent: Sequence[tuple[int, float]]) -> float | None:
    tokens, milliseconds = sum(t for t, _ in spent), sum(ms for _, ms in spent)
    return 1000 * tokens / milliseconds if tokens and milliseconds else None


def peak_memory() -> int:
    """The most bytes that this process has held so far."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
