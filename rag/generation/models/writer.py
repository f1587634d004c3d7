"""The writer: a network that judges sentences, and the bundled model with an adapter that was trained to shorten them.

Both come with the program: ``models/pruning.onnx`` (:mod:`rag.evidence.pruning`) and ``models/writer.gguf``, which
llama.cpp applies to the bundled model when it loads that. ``training/pruning`` and ``training/writer`` make them.
Where the adapter is not there, no writer is offered.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from rag.errors import ModelError, ModelNotFound
from rag.evidence import pruning
from rag.generation.generators.shortening import Costs
from rag.generation.models.registry import WRITER, RegisteredModel
from rag.system.hashing import sha256_of
from rag.system.shipped import shipped_path

ADAPTER = "writer.gguf"
# Of models/writer.gguf.
ADAPTER_SHA256 = "1a913a3ffa51bb40e83eaf907214e898ae0518123d39311d2ca37d0140582c63"
TITLE = "Writer: quotes, shortened by SmolLM2-135M"
PROMPT = "write"  # the file of prompts/ that it was taught with
# Chosen on tuning questions: docs/writer.md.
COSTS = Costs(cut=0.5, stay=1.0, word=2.0)
EXTRA_CANDIDATES = 3  # sentences that the network judges beyond the setting
MIN_LOGIT = 0.0  # of a sentence that is used: log-odds that it answers
_REMEDY = "Install Footnote again: the file comes with it. Or use --model smollm2 or quote."


def adapter_file() -> Path:
    """``writer.gguf`` of an installed wheel, else of the checkout's ``models/``; it may not be there."""
    return shipped_path("models", ADAPTER)


def has_adapter() -> bool:
    """Whether this installation has the adapter, whole or damaged."""
    return adapter_file().is_file()


def problem() -> str:
    """What is wrong with the files that are there, ``""`` for nothing."""
    files = (("adapter", adapter_file(), ADAPTER_SHA256), ("network", pruning.network_file(), pruning.MODEL_SHA256))
    for what, path, wanted in files:
        try:
            stat = path.stat()
            found = _sha256(path, stat.st_size, stat.st_mtime_ns)
        except OSError as error:
            return f"its {what} {path} cannot be read ({error.strerror})"
        if found != wanted:
            return f"its {what} {path} is not the one that comes with this version"
    return ""


def verified_adapter() -> Path:
    """The adapter's file. Raises :class:`ModelNotFound` where it is missing, :class:`ModelError` where it is not it."""
    if not has_adapter():
        raise ModelNotFound(f"The model '{WRITER}' is not in this installation: {adapter_file()} is missing. {_REMEDY}")
    if wrong := problem():
        raise ModelError(f"The model '{WRITER}' cannot be used: {wrong}. {_REMEDY}")
    return adapter_file()


def writer_on(bundled: RegisteredModel) -> RegisteredModel:
    """The writer on the prepared bundled model, with the ``problem`` of any file.

    Its hash is that of all files: SHA-256 over the digests of model, adapter and network in hexadecimal.
    """
    path = adapter_file()
    size = sum(file.stat().st_size for file in (path, pruning.network_file()) if file.is_file())
    digests = f"{bundled.sha256}{ADAPTER_SHA256}{pruning.MODEL_SHA256}"
    return replace(
        bundled,
        name=WRITER,
        sha256=hashlib.sha256(digests.encode()).hexdigest(),
        info=replace(bundled.info, name=TITLE, size=bundled.info.size + size, licence="Apache-2.0"),
        problem=bundled.problem or problem(),
        adapter=path,
        adapter_sha256=ADAPTER_SHA256,
        prompt=PROMPT,
        costs=COSTS,
        extra_candidates=EXTRA_CANDIDATES,
        min_logit=MIN_LOGIT,
    )


@lru_cache(maxsize=4)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    """Of a file that has not changed since it had that size and time."""
    return sha256_of(path)
