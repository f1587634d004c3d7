"""What says which tokens come next: llama.cpp's samplers, or a shortening."""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol

import numpy as np

from rag.generation.generators.sampling import Sampler
from rag.generation.generators.shortening import Shortening

LOOP = 16  # tokens that a model writes a second time before it is stopped


class Decoder(Protocol):
    """Says which tokens come next."""

    def run(self, context: Any) -> list[int]:
        """One or more tokens behind what ``context`` (a ``llama_context_p``) evaluated last; none at the end."""
        ...


class Sampled:
    """One token after another from llama.cpp's samplers, until the model ends its turn or repeats itself."""

    def __init__(self, draw: Sampler, vocab: Any) -> None:
        self._draw, self._vocab, self._loop = draw, vocab, Loop()

    def run(self, context: Any) -> list[int]:
        import llama_cpp

        token = self._draw.next(context)
        ends = llama_cpp.llama_vocab_is_eog(self._vocab, token) or self._loop.closes(token)
        return [] if ends else [token]


class Shortened:
    """The likeliest token that a shortening admits, and those that can only follow it, which cost one look together."""

    def __init__(self, shortening: Shortening, n_vocab: int) -> None:
        self._shortening, self._n_vocab = shortening, n_vocab

    def run(self, context: Any) -> list[int]:
        import llama_cpp

        if forced := self._shortening.forced():
            return forced
        if self._shortening.done:
            return []
        logits = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(context, -1), shape=(self._n_vocab,))
        token = self._shortening.choose(logits)
        return [token, *self._shortening.forced()]


class Loop:
    """Notices a model that repeats itself, as small ones do until their tokens run out.

    It ends the answer instead of penalising repetition, because a penalised figure comes out as another figure.
    """

    def __init__(self) -> None:
        self._last: deque[int] = deque(maxlen=LOOP)
        self._seen: set[tuple[int, ...]] = set()

    def closes(self, token: int) -> bool:
        self._last.append(token)
        run = tuple(self._last)
        if len(run) == LOOP and run in self._seen:
            return True
        self._seen.add(run)
        return False
