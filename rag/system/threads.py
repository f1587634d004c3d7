"""How many threads a model should compute with: one for every core that no other process uses.

The threads of torch and llama.cpp spin while they wait for each other: on 2 cores of which one is busy, 2 threads
embedded 2 abstracts a second, 1 thread 15. So one thread too many costs far more than one too few. A number that the
user sets overrides the measurement.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from rag.system.once import once

_SHORTEST_MEASUREMENT_S = 0.05  # below it, the kernel's accounting (10 ms) is too coarse


def free_cores(setting: int = 0) -> int:
    """``setting`` where it is positive, else the number of free cores, measured for 0.1 s; at least 1."""
    if setting > 0:
        return setting
    meter = CoreMeter()
    time.sleep(2 * _SHORTEST_MEASUREMENT_S)
    return meter.free()


@once
def algebra_in_one_thread() -> None:
    """From now on numpy multiplies matrices in the thread that asks, in the whole process.

    Those of one search are so small that a second thread brings nothing, and waits by spinning: with it a search took
    twice the processor time. The same sums come out on every machine, too.
    """
    import numpy  # noqa: F401  its library has to be there to be told
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")


def usable_cores() -> int:
    """Cores this process may compute on: its CPU affinity, real cores rather than hyperthreads, its cgroup's quota."""
    import psutil

    allowed = len(_affinity())
    # A container sees the host's cores here, which may be more than it may use.
    physical = psutil.cpu_count(logical=False) or allowed
    return max(1, min(allowed, physical, _quota() or allowed))


@dataclass
class CoreMeter:
    """Measures how many cores other processes keep busy; its own process does not count.

    :meth:`free` measures over the time since its last call (since construction, the first time).
    """

    _others: float = 0.0
    _last: tuple[float, float, float] = field(default_factory=lambda: _reading())

    def free(self) -> int:
        """The number of free cores, at least 1."""
        now = _reading()
        elapsed, busy, own = (b - a for a, b in zip(self._last, now, strict=True))
        if elapsed >= _SHORTEST_MEASUREMENT_S:
            self._others = max(0.0, (busy - own) / elapsed)
            self._last = now
        return max(1, min(usable_cores(), len(_affinity()) - round(self._others)))


def _reading() -> tuple[float, float, float]:
    """In seconds: the clock, busy time of all allowed cores together, CPU time of this process."""
    import psutil

    cores = psutil.cpu_times(percpu=True)
    allowed = [cores[i] for i in _affinity() if i < len(cores)]
    busy = sum(sum(c) - c.idle - getattr(c, "iowait", 0.0) - getattr(c, "guest", 0.0) for c in allowed)
    own = os.times()
    return time.monotonic(), busy, own.user + own.system


def _affinity() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _quota() -> int | None:
    """Whole cores that the cgroup (version 2) allows, None without a limit."""
    try:
        limit, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return max(1, int(limit) // int(period))
    except (OSError, ValueError):
        return None
