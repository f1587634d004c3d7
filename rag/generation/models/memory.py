"""Whether a model fits this computer's memory."""

from __future__ import annotations

CONTEXT = 2048
# Python with llama.cpp, its compute buffers and the retrieval beside it, measured with a model of 92 MB.
_BESIDE_THE_MODEL = 250_000_000


def memory_needed(size: int, kv_bytes: int, context: int = CONTEXT) -> int:
    """Bytes that a model of ``size`` bytes takes with ``context`` tokens of ``kv_bytes`` each."""
    return size + kv_bytes * context + _BESIDE_THE_MODEL


def memory_available() -> int:
    """Bytes that can be taken now without swapping."""
    import psutil

    return int(psutil.virtual_memory().available)


def fits(size: int, kv_bytes: int, context: int = CONTEXT) -> bool:
    """Whether the model can be loaded now without swapping."""
    return memory_needed(size, kv_bytes, context) <= memory_available()
