"""The memory of this process, where the C library is glibc (Linux); elsewhere nothing is done."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

_M_ARENA_MAX = -8  # of malloc.h
ARENAS = 2


def return_free_memory() -> None:
    """Give what was freed back to the system.

    ``free`` returns at once what was allocated alone; small blocks stay with the process for its next ones.
    """
    if (trim := _glibc("malloc_trim")) is not None:
        trim(ctypes.c_size_t(0))


def share_arenas() -> None:
    """Let all threads allocate from ``ARENAS`` places. To be called before threads are started.

    Else each of the first eight a core gets its own, and what it has freed there is of no use to the others: a page
    with forty threads holds hundreds of megabytes that nobody uses.
    """
    if (mallopt := _glibc("mallopt")) is not None:
        mallopt(ctypes.c_int(_M_ARENA_MAX), ctypes.c_int(ARENAS))


def _glibc(name: str) -> Any:
    """A function of the C library; None where it has none of that name."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
