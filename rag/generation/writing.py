"""The door of this folder: evidence to the text of an answer, piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rag.datatypes import KINDS, Evidence, GenerationRequest, Generator, Intent, Message, Reading, StopSignal

BY_PAPER = frozenset(KINDS[one] for one in (Intent.MULTI, Intent.REVIEW, Intent.COMPARE))


@dataclass(frozen=True, slots=True)
class Writer:
    """A generator and how it is asked: ``render`` makes its prompt (None: it needs none).

    ``mode`` is ``quote``, ``shorten``, ``cite`` or ``free``; ``max_tokens`` bounds what a language model writes.
    """

    generator: Generator
    mode: str = "quote"
    seed: int = 0
    max_tokens: int = 220
    render: Callable[[str, Sequence[Evidence]], Sequence[Message]] | None = None
    prompt_sha256: str = ""

    def request(self, question: str, evidence: tuple[Evidence, ...]) -> GenerationRequest:
        """What the generator is given for one answer."""
        messages = tuple(self.render(question, evidence)) if self.render is not None else ()
        return GenerationRequest(question, evidence, messages, self.mode, self.seed, self.max_tokens)


def write(writer: Writer, reading: Reading, evidence: tuple[Evidence, ...], stop: StopSignal) -> Iterator[str]:
    """Pieces of the text. Raises :class:`rag.errors.GenerationCancelled` soon after ``stop`` is set.

    Where an answer over several papers is shortened, each paper is told by itself and has a line: the first one need
    not wait for the others to be read.
    """
    if reading.kind not in BY_PAPER or writer.mode != "shorten":
        yield from writer.generator.stream(writer.request(reading.asks, evidence), stop)
        return
    for item in evidence:
        yield from writer.generator.stream(writer.request(reading.asks, (item,)), stop)
        yield "\n"
