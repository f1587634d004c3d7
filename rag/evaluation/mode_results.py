"""One way in which a model answers, measured: its figures by type of question, its speed, the memory it took."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rag.config import Settings
from rag.evaluation.answer_evaluation import run
from rag.evaluation.answer_scoring import Reply, Row, rows
from rag.evaluation.answering_systems import Footnote
from rag.evaluation.datasets import EvalQuestion
from rag.evaluation.index_cache import Progress
from rag.evaluation.kept_texts import KeptTexts

if TYPE_CHECKING:
    from rag.generation.generators.evaluated_prompt import Usage


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens per second of reading a prompt and of writing, pooled over all answers; None where nothing was written."""

    read: float | None
    written: float | None
    answers: int


@dataclass(frozen=True, slots=True)
class ModeResult:
    """One way of answering: its figures by type of question, and its speed.

    ``prompt`` is the file of ``prompts/`` that it was asked with, '' without one.
    """

    mode: str
    label: str
    rows: tuple[Row, ...]
    replies: tuple[Reply, ...]
    speed: Speed
    prompt: str = ""


def mode_result(
    questions: Sequence[EvalQuestion],
    settings: Settings,
    label: str,
    progress: Progress,
    texts: Path | None = None,
    prompt: str = "",
) -> ModeResult:
    """The figures of one way of answering. ``texts`` is a file that keeps what a language model writes."""
    from rag.factory import open_answerer

    pipeline = open_answerer(settings)
    meter = Meter(pipeline.writer.generator)
    kept = None
    if texts is not None and pipeline.writer.render is not None:
        kept = KeptTexts(pipeline.writer.generator, texts)
        pipeline = replace(pipeline, writer=replace(pipeline.writer, generator=kept))
    replies = run(meter.watch(Footnote(pipeline, label=label), kept), questions, progress)
    results = rows(questions, replies, settings.seed)
    return ModeResult(pipeline.settings.mode, label, results, replies, meter.speed(), prompt)


def mean(row: Row, key: str) -> float | None:
    """The mean of a figure in a row, None where it has none."""
    return row.estimates[key].mean if key in row.estimates else None


class Meter:
    """Adds up the tokens of a generator's answers."""

    def __init__(self, generator: object) -> None:
        self._generator = generator
        self._last = self._usage()
        self._read: list[tuple[int, float]] = []  # tokens, milliseconds
        self._written: list[tuple[int, float]] = []

    def watch(self, system: Footnote, kept: KeptTexts | None = None) -> Watched:
        """The same system, every reply of it measured."""
        return Watched(system, self, kept)

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
    """A system whose replies a meter takes note of. ``kept`` texts count with the time that they once took."""

    def __init__(self, system: Footnote, meter: Meter, kept: KeptTexts | None = None) -> None:
        self.name, self.label = system.name, system.label
        self._system, self._meter, self._kept = system, meter, kept

    def reply(self, question: EvalQuestion) -> Reply:
        """The system's reply."""
        if self._kept is None:
            reply = self._system.reply(question)
        else:
            self._kept.forget_saved()
            reply = self._system.reply(question)
            first, whole = self._kept.saved_ms
            word = None if reply.first_word_ms is None else reply.first_word_ms + first
            reply = replace(reply, first_word_ms=word, total_ms=reply.total_ms + whole)
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
