"""Whether a question is being answered in this process, so that work in the background can make room for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_LONGEST_S = 120.0  # an answer that nobody reads to its end does not hold up the background for ever


class Activity:
    """Counts what is under way. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._began_at = 0.0  # when the last one began

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Something is under way while this is held."""
        with self._lock:
            self._count += 1
            self._began_at = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1

    @property
    def is_busy(self) -> bool:
        """Whether something is under way that has begun lately."""
        with self._lock:
            return self._count > 0 and time.monotonic() - self._began_at < _LONGEST_S


ANSWERING = Activity()
