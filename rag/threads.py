"""How many threads a computation should use.

The threads of torch and llama.cpp spin while they wait for each other: on 2 cores of which one is busy, 2 threads
embedded 2 abstracts a second, 1 thread 15. One thread too many costs far more than one too few.
"""

from __future__ import annotations

import os

_LOOK_SECONDS = 0.1  # the kernel accounts in steps of 10 ms


def free_cores(setting: int = 0) -> int:
    """``setting`` where it is positive, else the number of cores that this process may use and nobody else does.

    Looks at the machine for a tenth of a second. At least 1.
    """
    if setting > 0:
        return setting
    import psutil

    allowed = _allowed_cores()
    percents = psutil.cpu_percent(interval=_LOOK_SECONDS, percpu=True)
    busy: float = sum(percents[core] for core in allowed if core < len(percents)) / 100
    return max(1, len(allowed) - round(busy))


def _allowed_cores() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))
