"""What was read of libraries, as long as there is room: those used last stay."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """Values by name, ``limit`` in all as ``size`` counts them; beyond that the longest unused go.

    The value that was used last stays, whatever its size. Safe to call from several threads.
    """

    def __init__(self, size: Callable[[V], int], limit: int) -> None:
        self._size, self._limit = size, limit
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, V] = OrderedDict()
        self._sum = 0  # of the sizes of what is kept

    def get(self, name: str) -> V | None:
        """The value of that name, which is now the last used; None where it is not kept."""
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
            return self._kept.get(name)

    def keep(self, name: str, value: V) -> None:
        """Keep a value in the place of the one before."""
        with self._lock:
            self._drop(name)
            self._kept[name] = value
            self._sum += self._size(value)
            while len(self._kept) > 1 and self._sum > self._limit:
                self._drop(next(iter(self._kept)))

    def forget(self, name: str) -> None:
        """Drop the value of that name, if there is one."""
        with self._lock:
            self._drop(name)

    def _drop(self, name: str) -> None:
        if name in self._kept:
            self._sum -= self._size(self._kept.pop(name))
