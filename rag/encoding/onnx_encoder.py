"""Texts to logits through an int8 ONNX file: the only module that knows onnxruntime.

A cross-encoder of MiniLM's shape reads both texts at once (Nogueira and Cho 2019, 'Passage Re-ranking with BERT')
and gives one logit. It needs neither torch nor transformers: the vocabulary is that of the packaged weights, the
network a file whose SHA-256 is known in the code.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.encoding.packaged_weights import word_pieces
from rag.errors import ModelError
from rag.system.shipped import shipped_path
from rag.text.plaintext import encodable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def model_file(name: str) -> Path:
    """``name`` of an installed wheel, else of the checkout's ``models/``."""
    return shipped_path("models", name)


class Network:
    """An ONNX file with the inputs ``input_ids``, ``attention_mask`` and ``token_type_ids`` (int64, batch x tokens).

    ``sha256`` is the expected hash of the file, ``threads`` the number of computing threads. The file is read at the
    first call.
    """

    def __init__(self, path: Path, sha256: str, threads: int = 1) -> None:
        self.path = path
        self.sha256 = sha256
        self._threads = max(1, threads)
        self._lock = threading.Lock()
        self._session: Any = None

    def logits(self, ids: Sequence[int], kinds: Sequence[int]) -> npt.NDArray[np.float32]:
        """The network's first output for one text, (1, …), from its tokens and their kinds (0 first text, 1 second).

        Raises :class:`ModelError` where the file is missing, damaged or no such network.
        """
        import numpy as np

        rows = (ids, [1] * len(ids), kinds)
        feed = {name: np.asarray([row], dtype=np.int64) for name, row in zip(_INPUTS, rows, strict=True)}
        return np.asarray(self.load().run(None, feed)[0], np.float32)

    def load(self) -> Any:
        """The ``onnxruntime.InferenceSession``; raises like :meth:`logits`."""
        with self._lock:
            if self._session is None:
                self._session = _open(self._read_verified(), self.path, self._threads)
            return self._session

    def close(self) -> None:
        """Free the memory of the network; the next call of :meth:`logits` loads it again."""
        with self._lock:
            self._session = None

    def _read_verified(self) -> bytes:
        """The bytes of the file after comparing their SHA-256. Raises :class:`ModelError`."""
        remedy = "Install Footnote again: the file comes with it."
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise ModelError(f"{self.path} cannot be read ({error.strerror or error}). {remedy}") from error
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise ModelError(f"{self.path} has the SHA-256 {found[:12]}…, not {self.sha256[:12]}…: damaged. {remedy}")
        return content


class PairScorer:
    """Scores pairs of texts with a cross-encoder, one logit each.

    ``path``, ``sha256`` and ``threads`` are those of a :class:`Network` whose first output is one logit a row.
    ``max_tokens`` limits the word pieces of both texts together, three special ones included; where a pair is longer,
    its longer text is truncated.
    """

    def __init__(self, path: Path, sha256: str, threads: int = 1, max_tokens: int = 256) -> None:
        self.max_tokens = max_tokens
        self._network = Network(path, sha256, threads)

    def score(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """One logit for every pair, in their order.

        Each pair is computed alone: activations are quantised by the range of values in a batch, so scores would
        otherwise depend on the other pairs, and a batch is no faster. Raises
        :class:`ModelError` where the file is missing, damaged or no such network.
        """
        if not pairs:
            return []
        self._network.load()  # before the tokenizer, so that errors of the file are raised first
        tokenizer = pair_tokenizer(self.max_tokens)
        encoded = tokenizer.encode_batch([(encodable(first), encodable(second)) for first, second in pairs])
        return [float(self._network.logits(entry.ids, entry.type_ids).reshape(-1)[0]) for entry in encoded]

    def close(self) -> None:
        """Free the memory of the network; the next call of :meth:`score` loads it again."""
        self._network.close()


def _open(content: bytes, path: Path, threads: int) -> Any:
    """A session on the CPU. Raises :class:`ModelError`."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only; they are raised as exceptions too
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting threads sleep
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
def pair_tokenizer(max_tokens: int) -> Any:
    """A tokenizer of pairs as ``[CLS] first [SEP] second [SEP]``, truncated to ``max_tokens``."""
    pieces = word_pieces()
    pieces.enable_truncation(max_tokens, strategy="longest_first")
    return pieces
