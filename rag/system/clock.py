"""How long the steps of one answer took."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any


class Clock:
    """Milliseconds of the steps of one answer; it starts when it is made."""

    def __init__(self) -> None:
        self._begin = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """End the step ``name``."""
        now = time.perf_counter()
        self._laps[name] = round((now - self._last) * 1000, 2)
        self._last = now

    def timings(self) -> Mapping[str, Any]:
        """All steps and their total, in milliseconds."""
        return {**self._laps, "total": round((time.perf_counter() - self._begin) * 1000, 2)}
