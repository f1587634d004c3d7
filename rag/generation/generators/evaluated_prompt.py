"""A prompt that a model has read: how likely each next token is, the text that follows, and what all that took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rag.generation.generators.loaded_model import LoadedModel
from rag.generation.generators.shortening import Shortening


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and times of one generation. Times in milliseconds from the moment it was its turn."""

    prompt_tokens: int
    reused_tokens: int  # of the prompt, kept from the question before
    written_tokens: int
    prompt_ms: float
    first_piece_ms: float
    total_ms: float
    threads: int


class EvaluatedPrompt:
    """Made by :meth:`rag.generation.generators.engine.Engine.evaluated`, and valid only within its block.

    ``text`` is the prompt, ``tokens`` its length, ``reused`` how many of them were in the cache, ``begun`` when its
    evaluation began (``time.perf_counter``). ``check`` raises once the caller wants to stop.
    """

    def __init__(
        self, model: LoadedModel, text: str, tokens: int, reused: int, begun: float, check: Callable[[], None]
    ) -> None:
        self.text = text
        self._model, self._tokens, self._reused, self._check = model, tokens, reused, check
        self._begun, self._read = begun, time.perf_counter()
        self._first, self._written = self._read, 0

    def next_probabilities(self, grammar: str) -> dict[str, float]:
        """The probability of each first piece of text that ``grammar`` allows, ``''`` for the end; they sum to 1."""
        pieces: dict[str, float] = {}
        with self._model.sampler(0.0, 0, grammar) as sampler:
            for token, probability in sampler.allowed(self._model.llama.ctx).items():
                piece = self._model.piece(token).decode("utf-8", "replace")
                pieces[piece] = pieces.get(piece, 0.0) + probability
        return pieces

    def generate(
        self,
        grammar: str | None,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        shortening: Shortening | None = None,
    ) -> Iterator[str]:
        """What the model writes, piece by piece; some are empty. Once only: it goes on from the prompt.

        With a ``shortening`` nothing but the likeliest words that it allows.
        """
        room = self._model.context - self._tokens
        with self._model.decoder(grammar, shortening, temperature, seed) as decoder:
            for tokens, piece in self._model.generate(decoder, min(max_tokens, room), self._check):
                if tokens and not self._written:
                    self._first = time.perf_counter()
                self._written += tokens
                yield piece

    def write(self, grammar: str, max_tokens: int) -> str:
        """The whole of what the model most probably writes under ``grammar``. Once only."""
        return "".join(self.generate(grammar, max_tokens))

    def usage(self) -> Usage:
        """Tokens and times up to now."""
        ms = [1000 * (t - self._begun) for t in (self._read, self._first, time.perf_counter())]
        return Usage(self._tokens, self._reused, self._written, ms[0], ms[1], ms[2], self._model.threads)
