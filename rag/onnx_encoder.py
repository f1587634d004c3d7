"""Pairs of texts to scores through an int8 ONNX file: the only module that knows onnxruntime.

A cross-encoder of MiniLM's shape reads both texts at once (Nogueira and Cho 2019, 'Passage Re-ranking with BERT')
and gives one logit. It needs neither torch nor transformers: the word pieces come from the vocabulary that lies beside
the packaged weights, the network from a file whose SHA-256 the code knows.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from rag.encoders import weights_folder
from rag.errors import ModelError

_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def model_file(name: str) -> Path:
    """``name`` of an installed wheel, else of the checkout's ``models/``."""
    package = Path(__file__).resolve().parent
    inside = package / "model_files" / name
    return inside if inside.is_file() else package.parent / "models" / name


class PairScorer:
    """Logits of ``(first, second)`` pairs; higher is more.

    ``path`` is an ONNX file with the inputs ``input_ids``, ``attention_mask`` and ``token_type_ids`` (int64, batch x
    tokens) and one logit a row as its first output; ``sha256`` is what it must have. ``threads`` is how many cores one
    pair is computed on. ``max_tokens`` counts word pieces of both texts together, three special ones included; of a
    pair that is longer the longer text loses its end. The file is read when the first pair is scored.
    """

    def __init__(self, path: Path, sha256: str, threads: int = 1, max_tokens: int = 256) -> None:
        self.path = path
        self.sha256 = sha256
        self.max_tokens = max_tokens
        self._threads = max(1, threads)
        self._lock = threading.Lock()
        self._session: Any = None

    def score(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """One logit for every pair, in their order.

        Each pair is computed by itself: activations are quantised by the range of what is computed together, so
        the score of one would otherwise depend on its neighbours, and a batch is no faster. Raises
        :class:`ModelError` where the file is missing, damaged or no such network.
        """
        if not pairs:
            return []
        session = self._loaded()
        tokenizer = _tokenizer(self.max_tokens)
        encoded = tokenizer.encode_batch([(_clean(first), _clean(second)) for first, second in pairs])
        return [self._logit(session, entry) for entry in encoded]

    def close(self) -> None:
        """Free the memory of the network; the next call of :meth:`score` loads it again."""
        with self._lock:
            self._session = None

    def _logit(self, session: Any, entry: Any) -> float:
        import numpy as np

        rows = (entry.ids, entry.attention_mask, entry.type_ids)
        feed = {name: np.asarray([row], dtype=np.int64) for name, row in zip(_INPUTS, rows, strict=True)}
        return float(np.asarray(session.run(None, feed)[0]).reshape(-1)[0])

    def _loaded(self) -> Any:
        with self._lock:
            if self._session is None:
                self._session = _open(self._verified(), self.path, self._threads)
            return self._session

    def _verified(self) -> bytes:
        """The file's bytes, read once and compared with their SHA-256."""
        remedy = "Install Footnote again: the file comes with it."
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise ModelError(f"{self.path} cannot be read ({error.strerror or error}). {remedy}") from error
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise ModelError(f"{self.path} has the SHA-256 {found[:12]}…, not {self.sha256[:12]}…: damaged. {remedy}")
        return content


def _open(content: bytes, path: Path, threads: int) -> Any:
    """A session on the processor alone."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; they come as exceptions
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # a waiting thread leaves its core free
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no base but this one
        raise ModelError(f"{path} is no network that onnxruntime can run ({_first_line(error)}).") from error
    names = {entry.name for entry in session.get_inputs()}
    if names != set(_INPUTS):
        raise ModelError(f"{path} takes {', '.join(sorted(names))}; what is needed is {', '.join(_INPUTS)}.")
    return session


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


@lru_cache(maxsize=4)
def _tokenizer(max_tokens: int) -> Any:
    """The packaged weights' word pieces, pairs as ``[CLS] first [SEP] second [SEP]``."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(weights_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens, strategy="longest_first")
    tokenizer.encode_special_tokens = True  # "[SEP]" in an abstract is text
    return tokenizer


def _clean(text: str) -> str:
    """Without lone surrogates, which are no text."""
    return text.encode("utf-8", "replace").decode("utf-8")
