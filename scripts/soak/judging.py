"""What an hour of samples says: growth after warm-up, files left open, errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from scripts.soak.server import Sample


@dataclass(frozen=True, slots=True)
class Figures:
    """The last sixth of the time beside the second, the first being the warm-up; memory in MB, growth in parts of one.

    Language models come and go, so ``lowest`` is told too: the least memory in each part, when a small one or none was
    loaded. Open files are the most in the second sixth, and what is left once all users have gone.
    """

    minutes: float
    resident: tuple[float, float]
    growth: float
    lowest: tuple[float, float]
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


def judge(samples: Sequence[Sample], at_rest: Sample, errors: int) -> Figures:
    """``samples`` while the users worked, ``at_rest`` after they had gone."""
    begun, ended = samples[0].seconds, samples[-1].seconds
    sixth = (ended - begun) / 6
    early = [one for one in samples if begun + sixth <= one.seconds < begun + 2 * sixth]
    late = [one for one in samples if one.seconds >= ended - sixth]
    resident = [median(one.resident for one in part) for part in (early, late)]
    lowest = [min(one.resident for one in part) for part in (early, late)]
    return Figures(
        minutes=round((ended - begun) / 60, 1),
        resident=(_mb(resident[0]), _mb(resident[1])),
        growth=round(resident[1] / resident[0] - 1, 4),
        lowest=(_mb(lowest[0]), _mb(lowest[1])),
        highest=_mb(max(one.resident for one in samples)),
        handles=(max(one.handles for one in early), at_rest.handles),
        threads=(max(one.threads for one in early), at_rest.threads),
        temporary_files=(max(one.temporary for one in early), at_rest.temporary),
        errors=errors,
    )


def _mb(size: float) -> float:
    return round(size / 1e6, 1)
