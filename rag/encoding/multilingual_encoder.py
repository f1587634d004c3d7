"""Questions and words of any language to unit vectors of one space, through llama.cpp."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.encoding.e5_weights import MODEL_NAME, WEIGHTS_SHA256, MultilingualWeights, multilingual_weights
from rag.encoding.normalisation import unit_rows, without_nul
from rag.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rag.datatypes import Matrix, Vector

_BEGIN, _END = 0, 2  # the marks around a text
_CONTEXT = 512  # tokens that the network reads at once
_QUESTION = "query: "  # what the network was trained to see before a question
_CHARACTERS = 4000  # of a text that are cut into pieces: 512 tokens are never more of them
_TOGETHER, _LONGEST_PHRASE = 16, 32  # words that are computed at once, and tokens of one


class MultilingualEncoder:
    """multilingual-e5-small; 384 values a vector. Calls from several threads wait for each other.

    ``models`` is the folder for the network as GGUF (18 MB with the vocabulary, made at first use). ``threads``
    compute; a vector depends on its text alone.
    """

    name = MODEL_NAME
    weights_sha256 = WEIGHTS_SHA256
    dimension = 384

    def __init__(self, models: Path, threads: int = 1) -> None:
        self._models = models
        self._threads = max(1, threads)
        self._lock = threading.Lock()
        self._network: _Network | None = None
        self._weights: MultilingualWeights | None = None

    def encode_question(self, text: str) -> Vector:
        """The unit vector of a question, ``(384,)``, float32; of a text beyond 510 tokens that of its beginning.

        Raises :class:`ModelError` where the weights are missing, damaged or cannot be converted.
        """
        return self._encoded(_QUESTION + text, _CONTEXT)

    def encode_words(self, words: Sequence[str]) -> Matrix:
        """The unit vectors of some words or short phrases, ``(words, 384)``, float32, several at a time; raises as
        :meth:`encode_question` does."""
        import numpy as np

        with self._lock:
            network, weights = self._load()
            texts = [self._ids(weights, _QUESTION + word, _LONGEST_PHRASE) for word in words]
            rows = [
                network.vectors(texts[at : at + _TOGETHER], weights.table) for at in range(0, len(texts), _TOGETHER)
            ]
        return np.concatenate(rows) if rows else np.zeros((0, self.dimension), np.float32)

    def segmented(self, text: str) -> list[str]:
        """``text`` cut into the pieces of the vocabulary, without the marks of spaces: of a script without spaces its
        words, about. Raises as :meth:`encode_question` does."""
        with self._lock:
            _, weights = self._load()
            return weights.pieces.cut(without_nul(text)[:_CHARACTERS])

    def close(self) -> None:
        """Free the model's memory; the next call loads it again."""
        with self._lock:
            if self._network is not None:
                self._network.close()
                self._network = self._weights = None

    def _encoded(self, text: str, longest: int) -> Vector:
        with self._lock:
            network, weights = self._load()
            vector: Vector = network.vectors([self._ids(weights, text, longest)], weights.table)[0]
        return vector

    @staticmethod
    def _ids(weights: MultilingualWeights, text: str, longest: int) -> list[int]:
        return [_BEGIN, *weights.pieces.encode(without_nul(text)[:_CHARACTERS])[: longest - 2], _END]

    def _load(self) -> tuple[_Network, MultilingualWeights]:
        if self._network is None or self._weights is None:
            self._weights = multilingual_weights(self._models)
            self._network = _Network(self._weights.network, self._threads)
        return self._network, self._weights


class _Network:
    """llama.cpp with a network that is given rows of its table and not tokens. Raises :class:`ModelError`."""

    def __init__(self, path: Path, threads: int) -> None:
        from rag.system import llama_log

        llama_log.capture()
        import llama_cpp

        try:
            self._model = llama_cpp.Llama(
                str(path), embedding=True, n_ctx=_CONTEXT, n_batch=_CONTEXT, n_ubatch=_CONTEXT,
                n_seq_max=_TOGETHER, n_threads=threads, n_threads_batch=threads, verbose=False,
            )  # fmt: skip
        except (ValueError, OSError, RuntimeError) as error:
            reason = llama_log.take_errors() or str(error)
            raise ModelError(f"{path} cannot be loaded ({reason}). Delete it; it is made again when needed.") from error
        self._batch: Any = llama_cpp.llama_batch_init(_CONTEXT, self._model.n_embd(), 1)

    def vectors(self, texts: Sequence[Sequence[int]], table: npt.NDArray[np.uint8]) -> Matrix:
        """Of each text the unit mean of what the network makes of its rows of ``table``; 512 rows in all at most."""
        import ctypes

        import gguf
        import llama_cpp
        import numpy as np

        ids = [one for text in texts for one in text]
        rows = gguf.dequantize(np.ascontiguousarray(table[ids]), gguf.GGMLQuantizationType.Q4_0)
        rows = np.ascontiguousarray(rows, np.float32)
        batch, context = self._batch, self._model._ctx
        batch.n_tokens = len(ids)
        ctypes.memmove(batch.embd, rows.ctypes.data, rows.nbytes)
        places = [(number, place) for number, text in enumerate(texts) for place in range(len(text))]
        for at, (number, place) in enumerate(places):
            batch.pos[at], batch.n_seq_id[at], batch.seq_id[at][0], batch.logits[at] = place, 1, number, True
        context.kv_cache_clear()
        if (code := llama_cpp.llama_decode(context.ctx, batch)) != 0:
            raise ModelError(f"llama.cpp could not compute vectors of {len(ids)} tokens (code {code}).")
        width = rows.shape[1]
        means = [llama_cpp.llama_get_embeddings_seq(context.ctx, number)[:width] for number in range(len(texts))]
        return unit_rows(np.array(means, np.float32))

    def close(self) -> None:
        """Free the memory."""
        import llama_cpp

        llama_cpp.llama_batch_free(self._batch)
        self._model.close()
