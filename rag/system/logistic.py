"""Log-odds to probabilities."""

from __future__ import annotations

import math

_LARGEST = 700.0  # above 709 math.exp overflows; a probability is 0 or 1 to the last bit of a float long before


def logistic(log_odds: float) -> float:
    """The probability of natural ``log_odds``: 1 / (1 + e^-x), in 0..1."""
    return 1 / (1 + math.exp(-max(-_LARGEST, min(_LARGEST, log_odds))))
