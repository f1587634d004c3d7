"""The next token, by llama.cpp's samplers.

A grammar is asked about the one token that would be taken; where it rejects that one and decoding is greedy, about the
likeliest ones, of which the first allowed one is what the whole vocabulary would give; and about all of it only then.
Checking 49,000 candidates for every token made writing three times slower. The order is that of llama.cpp's own
programs (https://github.com/ggml-org/llama.cpp/blob/master/common/sampling.cpp).
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from rag.errors import ModelError

TOP_P, TOP_K = 0.95, 40  # only at a temperature above 0
LIKELY = 256  # tokens that a grammar is asked about at once, before it is asked about the whole vocabulary

_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class Sampler:
    """Samples tokens one after another for one answer. Made by :func:`sampler`, which frees it."""

    def __init__(self, chain: Any, grammar: Any, n_vocab: int, greedy: bool) -> None:
        self._chain, self._grammar, self._greedy = chain, grammar, greedy
        self._candidates = np.zeros(n_vocab, dtype=_CANDIDATE)
        self._one = np.zeros(1, dtype=_CANDIDATE)

    def next(self, context: Any) -> int:
        """The token after what ``context`` (a ``llama_context_p``) evaluated last."""
        import llama_cpp

        logits = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(context, -1), shape=self._candidates.shape)
        token = self._choose(logits, constrained=False)
        if self._grammar is not None and not self._allows(token):
            likely = self._likeliest_allowed(logits) if self._greedy else None
            token = self._choose(logits, constrained=True) if likely is None else likely
        for sampler in (self._chain, self._grammar):
            if sampler is not None:
                llama_cpp.llama_sampler_accept(sampler, token)
        return token

    def allowed(self, context: Any) -> dict[int, float]:
        """Every token that the grammar allows next, with its probability among them. Nothing is taken.

        The grammar is asked about the whole vocabulary. Only for a sampler with a grammar.
        """
        import llama_cpp

        candidates = self._candidates
        candidates["id"] = np.arange(len(candidates), dtype=np.int32)
        candidates["logit"] = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(context, -1), shape=candidates.shape)
        candidates["p"] = 0
        array = _array(candidates)
        llama_cpp.llama_sampler_apply(self._grammar, ctypes.byref(array))
        kept = candidates[np.isfinite(candidates["logit"])]
        weights = np.exp(kept["logit"].astype(np.float64) - kept["logit"].max())
        return dict(zip(kept["id"].tolist(), (weights / weights.sum()).tolist(), strict=True))

    def _likeliest_allowed(self, logits: Any) -> int | None:
        """The most probable token that the grammar allows, where it is among the ``LIKELY`` first; else None."""
        import llama_cpp

        if len(logits) <= LIKELY:
            return None
        ids = np.sort(np.argpartition(logits, -LIKELY)[-LIKELY:])  # of equals, the lowest id is taken
        candidates = np.zeros(LIKELY, dtype=_CANDIDATE)
        candidates["id"], candidates["logit"] = ids, logits[ids]
        array = _array(candidates)
        llama_cpp.llama_sampler_apply(self._grammar, ctypes.byref(array))
        best = int(np.argmax(candidates["logit"]))
        return int(candidates["id"][best]) if np.isfinite(candidates["logit"][best]) else None

    def _choose(self, logits: Any, constrained: bool) -> int:
        import llama_cpp

        candidates = self._candidates
        candidates["id"] = np.arange(len(candidates), dtype=np.int32)
        candidates["logit"] = logits
        candidates["p"] = 0
        array = _array(candidates)
        if constrained:
            llama_cpp.llama_sampler_apply(self._grammar, ctypes.byref(array))
        llama_cpp.llama_sampler_apply(self._chain, ctypes.byref(array))
        # The chain sorts and shortens the candidates in place.
        return int(array.data[array.selected].id)

    def _allows(self, token: int) -> bool:
        import llama_cpp

        self._one[0] = (token, 0.0, 0.0)
        array = _array(self._one)
        llama_cpp.llama_sampler_apply(self._grammar, ctypes.byref(array))
        return bool(np.isfinite(self._one["logit"][0]))


@contextmanager
def sampler(model: Any, temperature: float, seed: int, grammar: str | None) -> Iterator[Sampler]:
    """The most probable token at temperature 0, else one sampled with ``seed``; only what ``grammar`` (GBNF) allows.

    ``model`` is a ``llama_model_p``. Raises :class:`ModelError` for a grammar that llama.cpp cannot parse.
    """
    import llama_cpp

    vocab = llama_cpp.llama_model_get_vocab(model)
    with ExitStack() as stack:
        rules = None
        if grammar is not None:
            rules = llama_cpp.llama_sampler_init_grammar(vocab, grammar.encode("utf-8"), b"root")
            if not rules:
                raise ModelError("llama.cpp does not accept the grammar. Correct its GBNF, or leave it out.")
            stack.callback(llama_cpp.llama_sampler_free, rules)
        chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
        stack.callback(llama_cpp.llama_sampler_free, chain)
        for part in _parts(temperature, seed):
            llama_cpp.llama_sampler_chain_add(chain, part)
        yield Sampler(chain, rules, int(llama_cpp.llama_vocab_n_tokens(vocab)), greedy=temperature <= 0)


def _parts(temperature: float, seed: int) -> list[Any]:
    import llama_cpp

    if temperature <= 0:
        return [llama_cpp.llama_sampler_init_greedy()]
    return [
        llama_cpp.llama_sampler_init_top_k(TOP_K),
        llama_cpp.llama_sampler_init_top_p(TOP_P, 1),
        llama_cpp.llama_sampler_init_temp(temperature),
        # To llama.cpp the highest value means: choose a seed yourself.
        llama_cpp.llama_sampler_init_dist(seed % 0xFFFFFFFF),
    ]


def _array(candidates: Any) -> Any:
    import llama_cpp

    pointer = candidates.ctypes.data_as(ctypes.POINTER(llama_cpp.llama_token_data))
    return llama_cpp.llama_token_data_array(data=pointer, size=len(candidates), selected=-1, sorted=False)
