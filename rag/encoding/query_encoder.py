"""Questions to unit vectors through llama.cpp, which loads in a tenth of a second."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.encoding.normalisation import unit_rows, without_nul
from rag.encoding.packaged_weights import DIMENSION, MAX_TOKENS, MODEL_NAME, WEIGHTS_SHA256, gguf_weights
from rag.errors import ModelError

if TYPE_CHECKING:
    from rag.datatypes import Matrix, Vector

_KEPT = 256  # vectors of texts that were embedded last, 1.5 kB each
_LONGEST_WORD = 40  # characters behind a cut in which the end of the word is looked for


class QueryEncoder:
    """Questions to vectors through llama.cpp; satisfies :class:`rag.datatypes.Encoder`.

    ``models`` is the folder for the weights as GGUF (47 MB, made at first use). ``threads`` is 1 unless set: a
    question takes 4 ms with one thread, and 300 ms with two where another program keeps one core busy. Calls from
    several threads wait for each other.
    """

    name = MODEL_NAME
    weights_sha256 = WEIGHTS_SHA256
    dimension = DIMENSION
    max_tokens = MAX_TOKENS

    def __init__(self, models: Path, threads: int = 0) -> None:
        self._models = models
        self._threads = max(1, threads)
        self._lock = threading.Lock()
        self._model: Any = None
        self._kept: OrderedDict[str, Vector] = OrderedDict()

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Unit vectors, shape ``(len(texts), 384)``, float32. Text beyond 256 word pieces is cut.

        Each text is computed by itself, so its vector does not depend on its neighbours. Raises
        :class:`ModelError` where the weights are missing, damaged or cannot be converted.
        """
        import numpy as np

        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        with self._lock:
            model = self._load()
            for row, text in enumerate(texts):
                vectors[row] = self._embedded(text, model)
        return unit_rows(vectors)

    def _embedded(self, text: str, model: Any) -> Vector:
        """The vector of one text: kept for a while, as a question is embedded to be read and again to be searched."""
        import numpy as np

        if text in self._kept:
            self._kept.move_to_end(text)
        else:
            self._kept[text] = np.array(model.embed(_truncate(text, model), truncate=False), np.float32)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return self._kept[text]

    def close(self) -> None:
        """Free the model's memory; the next call of :meth:`encode` loads it again."""
        with self._lock:
            if self._model is not None:
                self._model.close()
                self._model = None

    def _load(self) -> Any:
        if self._model is None:
            path = gguf_weights(self._models)
            from rag.system import llama_log

            llama_log.capture()
            import llama_cpp

            try:
                self._model = llama_cpp.Llama(
                    str(path), embedding=True, n_ctx=512, n_batch=512, n_ubatch=512,
                    n_threads=self._threads, n_threads_batch=self._threads, verbose=False,
                )  # fmt: skip
            except (ValueError, OSError, RuntimeError) as error:
                reason = llama_log.take_errors() or str(error)
                raise ModelError(
                    f"{path} cannot be loaded ({reason}). Delete it; it is made again when needed."
                ) from error
        return self._model


def _truncate(text: str, model: Any) -> str:
    """The longest beginning of ``text`` of at most 256 tokens, by bisection over its characters."""

    def fits(length: int) -> bool:
        # special=False: "[SEP]" in a question is text, not a mark.
        return len(model.tokenize(without_nul(text[:length]).encode("utf-8"), special=False)) <= MAX_TOKENS

    low, high = (len(text), 0) if fits(len(text)) else (0, len(text))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    # A part of a word may have more pieces than the whole word: try its end too.
    ends = range(low + 1, min(low + _LONGEST_WORD, len(text)) + 1) if low < len(text) else ()
    return without_nul(text[: max([low, *filter(fits, ends)])])
