"""What a process needs once: made by whoever asks first, the same for all who ask later."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

T = TypeVar("T")


def once(make: Callable[[], T]) -> Callable[[], T]:
    """``make``, called once in the process. Threads that ask at the same time wait, and get the same object.

    Where it raises, the next caller tries again.
    """
    lock, cached = threading.Lock(), lru_cache(maxsize=1)(make)

    @wraps(make)
    def made() -> T:
        with lock:
            return cached()

    return made
