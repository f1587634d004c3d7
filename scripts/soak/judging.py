"""What an hour of samples says: growth after warm-up, files left open, errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from scripts.soak.server import Sample


@dataclass(frozen=True, slots=True)
class Figures:
    """After the first sixth of the time, which is the warm-up; memory in MB, growth in parts of one.

    ``at_rest`` is the memory after every sixth, when nobody asks anything and the smallest model is the one loaded:
    ``growth`` is from the first to the last of them. While the users work, what is in memory is mostly which models
    they use; ``at_work`` are the medians of the second and the last sixth all the same. Open files are the most in the
    second sixth, and what is left once all users have gone.
    """

    minutes: float
    at_rest: tuple[float, ...]
    growth: float
    at_work: tuple[float, float]
    growth_at_work: float
    highest: float
    handles: tuple[int, int]
    threads: tuple[int, int]
    temporary_files: tuple[int, int]
    errors: int

    @property
    def faults(self) -> list[str]:
        """What is not as it must be."""
        found = []
        if self.errors:
            found.append(f"{self.errors} errors, not 0")
        if self.growth >= 0.05:
            found.append(f"memory grew by {self.growth:.1%}, not under 5%")
        if self.handles[1] > self.handles[0]:
            found.append(f"{self.handles[1] - self.handles[0]} files were left open")
        return found


def judge(samples: Sequence[Sample], rests: Sequence[Sample], gone: Sample, errors: int) -> Figures:
    """``samples`` while the users worked, ``rests`` after each sixth, ``gone`` when all had left."""
    begun, ended = samples[0].seconds, samples[-1].seconds
    sixth = (ended - begun) / 6
    early = [one for one in samples if begun + sixth <= one.seconds < begun + 2 * sixth]
    late = [one for one in samples if one.seconds >= ended - sixth]
    resident = [median(one.resident for one in part) for part in (early, late)]
    return Figures(
        minutes=round((ended - begun) / 60, 1),
        at_rest=tuple(_mb(one.resident) for one in rests),
        growth=round(rests[-1].resident / rests[0].resident - 1, 4),
        at_work=(_mb(resident[0]), _mb(resident[1])),
        growth_at_work=round(resident[1] / resident[0] - 1, 4),
        highest=_mb(max(one.resident for one in samples)),
        handles=(max(one.handles for one in early), gone.handles),
        threads=(max(one.threads for one in early), gone.threads),
        temporary_files=(max(one.temporary for one in early), gone.temporary),
        errors=errors,
    )


def _mb(size: float) -> float:
    return round(size / 1e6, 1)
