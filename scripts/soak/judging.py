"""What an hour of samples says: growth after warm-up, files left open, errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from scripts.soak.server import Sample


@dataclass(frozen=True, slots=True)
class Figures:
    """Growth in parts of one: of the last sixth of the time beside the second, the first being the warm-up.

    Handles are counted at rest: before the users came, once everything had been opened, and after they had gone.
    """

    minutes: float
    resident_mb: tuple[float, float]
    growth: float
    private_growth: float
    handles: tuple[int, int]
    threads: tuple[int, int]
    temporary: tuple[int, int]
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
            found.append(f"{self.handles[1] - self.handles[0]} handles were left open")
        return found


def judge(samples: Sequence[Sample], before: Sample, after: Sample, errors: int) -> Figures:
    """``samples`` while the users worked, ``before`` and ``after`` at rest."""
    begun, ended = samples[0].seconds, samples[-1].seconds
    sixth = (ended - begun) / 6
    early = [one for one in samples if begun + sixth <= one.seconds < begun + 2 * sixth]
    late = [one for one in samples if one.seconds >= ended - sixth]
    resident = [median(one.resident for one in part) for part in (early, late)]
    private = [median(one.private for one in part) for part in (early, late)]
    return Figures(
        minutes=round((ended - begun) / 60, 1),
        resident_mb=(round(resident[0] / 1e6, 1), round(resident[1] / 1e6, 1)),
        growth=round(resident[1] / resident[0] - 1, 4),
        private_growth=round(private[1] / private[0] - 1, 4),
        handles=(before.handles, after.handles),
        threads=(before.threads, after.threads),
        temporary=(before.temporary, after.temporary),
        errors=errors,
    )
