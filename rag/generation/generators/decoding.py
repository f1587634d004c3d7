"""How the next tokens are chosen: by llama.cpp's samplers, or by a shortening."""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol

import numpy as np

from rag.generation.generators.sampling import Sampler
from rag.generation.generators.shortening import Shortening

LOOP = 16  # tokens; a model that writes as many in a row a second time is stopped


class Decoder(Protocol):
    """Chooses the next tokens."""

    def next_tokens(self, context: Any) -> list[int]:
        """One or more tokens behind what ``context`` (a ``llama_context_p``) evaluated last; none at the end."""
        ...


class SamplingDecoder:
    """One token after another from ``sampler``, until the model ends its turn or repeats itself."""

    def __init__(self, sampler: Sampler, vocab: Any) -> None:
        self._sampler, self._vocab, self._loop = sampler, vocab, LoopDetector()

    def next_tokens(self, context: Any) -> list[int]:
        """The next token; none where it would end the model's turn or close a loop."""
        import llama_cpp

        token = self._sampler.next(context)
        ends = llama_cpp.llama_vocab_is_eog(self._vocab, token) or self._loop.closes(token)
        return [] if ends else [token]


class ShorteningDecoder:
    """The likeliest token that a shortening allows, and the tokens that must follow it: those are evaluated together.

    ``n_vocab`` is the size of the model's vocabulary.
    """

    def __init__(self, shortening: Shortening, n_vocab: int) -> None:
        self._shortening, self._n_vocab = shortening, n_vocab

    def next_tokens(self, context: Any) -> list[int]:
        """The chosen token with those that can only follow it; none where every sentence has been written."""
        import llama_cpp

        if forced := self._shortening.take_forced():
            return forced
        if self._shortening.done:
            return []
        logits = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(context, -1), shape=(self._n_vocab,))
        token = self._shortening.choose(logits)
        return [token, *self._shortening.take_forced()]


class LoopDetector:
    """Notices a model that repeats itself, as small ones do until their tokens run out.

    It ends the answer instead of penalising repetition, because a penalised figure comes out as another figure.
    """

    def __init__(self) -> None:
        self._last: deque[int] = deque(maxlen=LOOP)
        self._seen: set[tuple[int, ...]] = set()

    def closes(self, token: int) -> bool:
        """Whether ``token`` completes a run of ``LOOP`` tokens that was written before."""
        self._last.append(token)
        run = tuple(self._last)
        if len(run) == LOOP and run in self._seen:
            return True
        self._seen.add(run)
        return False
