"""Token ids to logits through an int8 ONNX file: the only module that knows onnxruntime.

It needs neither torch nor transformers. The SHA-256 of every file is known in the code of who uses it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import ModelError
from rag.system.hashing import sha256_of
from rag.system.shipped import shipped_path

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def model_file(name: str) -> Path:
    """``name`` of an installed wheel, else of the checkout's ``models/``."""
    return shipped_path("models", name)


class Network:
    """An ONNX file on the processor, computed by ``threads`` threads; ``sha256`` is the expected hash of the file.

    The file is read at the first call. Without ``prepack`` the weights are not laid out a second time for the
    processor: of a large network that saves half of the memory, and costs some hundredths of the time.
    """

    def __init__(self, path: Path, sha256: str, threads: int = 1, *, prepack: bool = True) -> None:
        self.path = path
        self.sha256 = sha256
        self._threads = max(1, threads)
        self._prepack = prepack
        self._lock = threading.Lock()
        self._session: Any = None

    def logits(self, **inputs: Sequence[int]) -> npt.NDArray[np.float32]:
        """The network's first output for one text, (1, …). ``inputs`` are its own, int64, by name.

        Each text is computed alone: activations are quantised by the range of values in a batch, so that what comes
        out would otherwise depend on the other texts, and a batch is no faster. Raises :class:`ModelError` where the
        file is missing, damaged or takes other inputs.
        """
        import numpy as np

        session = self.load()
        taken = {entry.name for entry in session.get_inputs()}
        if taken != set(inputs):
            raise ModelError(f"{self.path} takes {', '.join(sorted(taken))}; what is needed is {', '.join(inputs)}.")
        feed = {name: np.asarray([row], dtype=np.int64) for name, row in inputs.items()}
        return np.asarray(session.run(None, feed)[0], np.float32)

    def properties(self) -> Mapping[str, str]:
        """The texts that were put into the file when it was made; raises as :meth:`logits` does."""
        return dict(self.load().get_modelmeta().custom_metadata_map)

    def load(self) -> Any:
        """The ``onnxruntime.InferenceSession``; raises like :meth:`logits`."""
        with self._lock:
            if self._session is None:
                self._verify()
                self._session = _open(self.path, self._threads, self._prepack)
            return self._session

    def close(self) -> None:
        """Free the memory of the network; the next call of :meth:`logits` loads it again."""
        with self._lock:
            self._session = None

    def _verify(self) -> None:
        """Compare the file's SHA-256, without holding its content. Raises :class:`ModelError`."""
        remedy = "Install Footnote again: the file comes with it."
        try:
            found = sha256_of(self.path)
        except OSError as error:
            raise ModelError(f"{self.path} cannot be read ({error.strerror or error}). {remedy}") from error
        if found != self.sha256:
            raise ModelError(f"{self.path} has the SHA-256 {found[:12]}…, not {self.sha256[:12]}…: damaged. {remedy}")


def token_logits(network: Network, ids: Sequence[int], kinds: Sequence[int]) -> npt.NDArray[np.float32]:
    """What a cross-encoder says of each token of one text, (tokens, …); ``kinds`` are 0 for its first part, 1 for the
    rest. Raises as :meth:`Network.logits` does."""
    said: npt.NDArray[np.float32] = network.logits(input_ids=ids, attention_mask=[1] * len(ids), token_type_ids=kinds)[
        0
    ]
    return said


def _open(path: Path, threads: int, prepack: bool) -> Any:
    """A session on the CPU. Raises :class:`ModelError`."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    if not prepack:
        options.add_session_config_entry("session.disable_prepacking", "1")
    options.log_severity_level = 3  # errors only; they are raised as exceptions too
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting threads sleep
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no base but this one
        raise ModelError(f"{path} is no network that onnxruntime can run ({_first_line(error)}).") from error
    return session


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
