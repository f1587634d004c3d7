"""The trust card of a model: whether a GGUF answers better than what is built in on this library, and how fast here.

The model answers in the modes in which it writes, with each prompt that it may be asked with; the built-in quotes and
the built-in writer answer the same questions, and a rule says which suits. The model also chooses the quotes in the
ranker's place. What follows of it is kept with its hash (``rag.generation.models.verdicts``): mode ``cite`` asks the
model with the prompt that did better, and mode ``quote`` lets it choose where it does that better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rag.config import Settings
from rag.errors import EvaluationError
from rag.evaluation.datasets import EvalQuestion
from rag.evaluation.index_cache import Progress
from rag.evaluation.mode_results import ModeResult, mean, mode_result, peak_memory
from rag.evaluation.trust_verdicts import better_prompt, choice_verdict, verdict


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a card is measured: ``free`` mode, and the choice of quotes, besides ``cite``.

    ``texts`` is a file that keeps what the model writes, so that a run that was killed goes on (None: none is kept).
    """

    free: bool = True
    choosing: bool = True
    texts: Path | None = None


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
    patience: int
    questions: tuple[EvalQuestion, ...]
    memory_mb: float
    modes: tuple[ModeResult, ...]  # the first is the quotes
    suits: str
    reason: str
    writer: ModeResult | None  # the built-in writer on the same questions; None on its own card
    other_prompts: tuple[ModeResult, ...]  # in ``cite``, with the prompts that did not do better
    choosing: ModeResult | None  # quotes that the model chose
    chooses: bool | None  # better than the ranker; None where the questions cannot tell
    choosing_reason: str


def measure(
    questions: Sequence[EvalQuestion],
    generated: bool,
    settings: Settings,
    progress: Progress,
    wanted: Wanted | None = None,
) -> TrustCard:
    """The card of ``settings.model``, which must be a language model. What follows of it is kept.

    Raises :class:`rag.errors.ModelError` where it cannot be used, :class:`EvaluationError` for the quotes. Long
    because a card has twenty fields.
    """
    from rag.factory import QUOTE, open_library, registered_model

    wanted = wanted or Wanted()
    if settings.model == QUOTE:
        raise EvaluationError("The built-in quotes are no model. Give a GGUF file or a registered name.")
    model, library = registered_model(settings), open_library(settings)
    quotes = mode_result(questions, replace(settings, model=QUOTE, mode=QUOTE), "built-in quotes", progress)
    cards = _Run(questions, settings, progress, wanted, model.name)
    written = cards.written()
    best = better_prompt(written)
    modes = [quotes, best, *([cards.asked("free")] if wanted.free else [])]
    suits, reason = verdict(modes)
    writer = cards.beside_writer()
    if writer is not None:
        _keep_prompt(settings, model.sha256, best, writer, len(questions), library.fingerprint)
    choosing, chooses, choosing_reason = cards.choosing(quotes)
    if chooses is not None and writer is not None:  # the writer chooses its quotes whatever the card says
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
        patience=settings.patience,
        questions=tuple(questions),
        memory_mb=peak_memory() / 1e6,
        modes=tuple(modes),
        suits=suits,
        reason=reason,
        writer=writer,
        other_prompts=tuple(result for result in written if result is not best),
        choosing=choosing,
        chooses=chooses,
        choosing_reason=choosing_reason,
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """The parts of one card, each measured when it is asked for."""

    questions: Sequence[EvalQuestion]
    settings: Settings
    progress: Progress
    wanted: Wanted
    name: str

    @property
    def is_writer(self) -> bool:
        from rag.generation.models import WRITER

        return self.name == WRITER

    def asked(self, mode: str, prompt: str = "measured") -> ModeResult:
        """The model in one mode, with one prompt."""
        label = f"{self.name}, {mode}" + (f", {prompt}.md" if prompt != "measured" else "")
        settings = replace(self.settings, mode=mode, prompt=prompt)
        named = "" if prompt == "measured" else prompt
        return mode_result(self.questions, settings, label, self.progress, self.wanted.texts, named)

    def written(self) -> list[ModeResult]:
        """In the first of its modes, once with each prompt that it may be asked with."""
        from rag.factory import modes_of
        from rag.generation.models import PROMPTS

        first = modes_of(self.settings.model)[0]
        return [self.asked(first)] if self.is_writer else [self.asked(first, prompt) for prompt in PROMPTS]

    def beside_writer(self) -> ModeResult | None:
        """The built-in writer on the same questions; None on its own card, or where it is not installed."""
        from rag.generation.models import WRITER
        from rag.generation.models.writer import has_adapter

        if self.is_writer or not has_adapter():
            return None
        settings = replace(self.settings, model=WRITER, mode=None)
        return mode_result(self.questions, settings, "built-in writer", self.progress)

    def choosing(self, quotes: ModeResult) -> tuple[ModeResult | None, bool | None, str]:
        """Quotes that the model chose, whether it chooses better than the ranker, and why."""
        from rag.factory import QUOTE

        if not self.wanted.choosing:
            return None, None, "that was not measured"
        settings = replace(self.settings, mode=QUOTE, sentence_selector="model")
        label = f"{self.name}, quotes that it chose"
        chosen = mode_result(self.questions, settings, label, self.progress)
        chooses, reason = choice_verdict(self.questions, quotes, chosen, self.settings.seed)
        return chosen, chooses, reason


def _keep(settings: Settings, sha256: str, chooses: bool, reason: str, questions: int, library: str) -> None:
    from rag.generation.models import Measured, note_measured
    from rag.generation.prompting import load_prompt

    prompt = load_prompt("choose").sha256
    note_measured(settings.home, sha256, Measured(chooses, reason, prompt, questions, library, _today()))


def _keep_prompt(
    settings: Settings, sha256: str, best: ModeResult, writer: ModeResult, questions: int, library: str
) -> None:
    """Remember with which prompt the model did better; nothing where the questions have no key facts."""
    from rag.generation.models import PROMPTS, PromptVerdict, note_prompt
    from rag.generation.prompting import load_prompt

    facts, writers = mean(best.rows[0], "key_facts"), mean(writer.rows[0], "key_facts")
    if facts is None or writers is None:
        return
    hashes = {name: load_prompt(name).sha256 for name in PROMPTS}
    found = PromptVerdict(best.prompt, hashes, round(facts, 4), round(writers, 4), questions, library, _today())
    note_prompt(settings.home, sha256, found)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
