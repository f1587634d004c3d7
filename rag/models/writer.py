"""The writer: the bundled model with an adapter that has taught it to shorten sentences to what a question asks for.

The adapter is a small GGUF that comes with the program, ``models/writer.gguf``; llama.cpp applies it to the bundled
model when it loads that. ``training/writer`` makes it. Where the file is not there, no writer is offered.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from rag.errors import ModelError, ModelNotFound
from rag.generators.shortening import Costs
from rag.models import registry
from rag.models.registry import WRITER, RegisteredModel

ADAPTER = "writer.gguf"
# Of models/writer.gguf.
ADAPTER_SHA256 = "6bb33ce5a4cac8673ee2ce53a2587119d6a1fcdb21808db3f3ee292878409da4"
TITLE = "SmolLM2-135M taught to shorten quotes"
PROMPT = "write"  # the file of prompts/ that it was taught with
# Of rag.generators.shortening; by them 92% of the key facts stayed in 75% of the words of tuning questions.
COSTS = Costs(cut=0.5, sentence=2.8, behind=0.6)
MORE = 1  # sentences beyond the setting: a shortened one takes less room
_REMEDY = "Install Footnote again: the file comes with it. Or use --model smollm2 or quote."


def adapter_file() -> Path:
    """``writer.gguf`` of an installed wheel, else of the checkout's ``models/``; it may not be there."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "model_files" / ADAPTER
    return inside if inside.is_file() else package.parent / "models" / ADAPTER


def has_adapter() -> bool:
    """Whether this installation has the adapter, whole or damaged."""
    return adapter_file().is_file()


def adapter_problem() -> str:
    """What is wrong with the adapter that is there, ``""`` for nothing."""
    path = adapter_file()
    try:
        stat = path.stat()
        found = _sha256(path, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        return f"its adapter {path} cannot be read ({error.strerror})"
    return "" if found == ADAPTER_SHA256 else f"its adapter {path} is not the one that comes with this version"


def verified_adapter() -> Path:
    """The adapter's file. Raises :class:`ModelNotFound` where it is missing, :class:`ModelError` where it is not it."""
    if not has_adapter():
        raise ModelNotFound(f"The model '{WRITER}' is not in this installation: {adapter_file()} is missing. {_REMEDY}")
    problem = adapter_problem()
    if problem:
        raise ModelError(f"The model '{WRITER}' cannot be used: {problem}. {_REMEDY}")
    return adapter_file()


def writer_on(bundled: RegisteredModel) -> RegisteredModel:
    """The writer on the prepared bundled model, with the ``problem`` of either file.

    Its hash is that of both files: SHA-256 over their two digests in hexadecimal, the model's first.
    """
    path = adapter_file()
    size = path.stat().st_size if path.is_file() else 0
    return replace(
        bundled,
        name=WRITER,
        sha256=hashlib.sha256(f"{bundled.sha256}{ADAPTER_SHA256}".encode()).hexdigest(),
        info=replace(bundled.info, name=TITLE, size=bundled.info.size + size, licence="Apache-2.0"),
        problem=bundled.problem or adapter_problem(),
        adapter=path,
        adapter_sha256=ADAPTER_SHA256,
        prompt=PROMPT,
        costs=COSTS,
        more=MORE,
    )


@lru_cache(maxsize=4)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    """Of a file that has not changed since it had that size and time."""
    return registry.sha256(path)
