"""Questions and papers of any language to unit vectors of one space, through llama.cpp."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.encoding.e5_weights import MODEL_NAME, WEIGHTS_SHA256, MultilingualWeights, multilingual_weights
from rag.encoding.normalisation import unit_rows, without_nul
from rag.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rag.datatypes import Vector

_BEGIN, _END = 0, 2  # the marks around a text
_CONTEXT = 512  # tokens that the network reads at once
# What the network was trained to see before a text, so that a question is near its answer and not near its like.
_QUESTION, _PAPER = "query: ", "passage: "
_CHARACTERS = 4000  # of a text that are cut into pieces: 512 tokens are never more of them
HEAD = 120  # tokens of title and abstract that a paper's vector is made of


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

    def encode_papers(self, texts: Sequence[str]) -> Iterator[Vector]:
        """The unit vector of each text, from its first ``HEAD`` tokens, one after another; raises as
        :meth:`encode_question` does."""
        for text in texts:
            yield self._encoded(_PAPER + text, HEAD)

    def close(self) -> None:
        """Free the model's memory; the next call loads it again."""
        with self._lock:
            if self._network is not None:
                self._network.close()
                self._network = self._weights = None

    def _encoded(self, text: str, longest: int) -> Vector:
        with self._lock:
            network, weights = self._load()
            ids = weights.pieces.encode(without_nul(text)[:_CHARACTERS])[: longest - 2]
            return network.vector([_BEGIN, *ids, _END], weights.table)

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
                n_threads=threads, n_threads_batch=threads, verbose=False,
            )  # fmt: skip
        except (ValueError, OSError, RuntimeError) as error:
            reason = llama_log.take_errors() or str(error)
            raise ModelError(f"{path} cannot be loaded ({reason}). Delete it; it is made again when needed.") from error
        self._batch: Any = llama_cpp.llama_batch_init(_CONTEXT, self._model.n_embd(), 1)

    def vector(self, ids: Sequence[int], table: npt.NDArray[np.uint8]) -> Vector:
        """The unit mean of what the network makes of these rows of ``table``."""
        import ctypes

        import gguf
        import llama_cpp
        import numpy as np

        rows = gguf.dequantize(np.ascontiguousarray(table[list(ids)]), gguf.GGMLQuantizationType.Q4_0)
        rows = np.ascontiguousarray(rows, np.float32)
        batch, context = self._batch, self._model._ctx
        batch.n_tokens = len(ids)
        ctypes.memmove(batch.embd, rows.ctypes.data, rows.nbytes)
        for at in range(len(ids)):
            batch.pos[at], batch.n_seq_id[at], batch.seq_id[at][0], batch.logits[at] = at, 1, 0, True
        context.kv_cache_clear()
        if (code := llama_cpp.llama_decode(context.ctx, batch)) != 0:
            raise ModelError(f"llama.cpp could not compute a vector of {len(ids)} tokens (code {code}).")
        mean = np.array([llama_cpp.llama_get_embeddings_seq(context.ctx, 0)[: rows.shape[1]]], np.float32)
        vector: Vector = unit_rows(mean)[0]
        return vector

    def close(self) -> None:
        """Free the memory."""
        import llama_cpp

        llama_cpp.llama_batch_free(self._batch)
        self._model.close()
