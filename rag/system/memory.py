"""The memory of this process."""

from __future__ import annotations

import ctypes
import sys


def return_free_memory() -> None:
    """Give what was freed back to the system where the C library keeps it (glibc); elsewhere nothing is to be done.

    ``free`` returns at once what was allocated alone; small blocks stay with the process for its next ones.
    """
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(ctypes.c_size_t(0))
