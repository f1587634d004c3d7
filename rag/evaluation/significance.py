"""How sure a figure is: bootstrap intervals, and the paired randomisation test between two systems.

Both are scipy's, with a fixed number of resamples and a seed, so the same figures give the same intervals. The
randomisation test asks how often swapping the two systems' scores at random, query by query, gives a difference of
means at least as large (Smucker, Allan and Carterette 2007, "A Comparison of Statistical Significance Tests for
Information Retrieval Evaluation"). No correction is made for several comparisons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

RESAMPLES = 10_000
CONFIDENCE = 0.95
_BATCH = 250  # resamples at a time: 250 of 1,000 queries are 2 MB


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over ``n`` queries with its 95% interval (percentile bootstrap)."""

    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Mean difference to a baseline over the ``n`` queries that both have, and its two-sided p value."""

    difference: float
    p: float
    n: int


def estimate(values: Sequence[float], seed: int) -> Estimate:
    """Mean and interval of ``values``. Raises :class:`ValueError` where there are none."""
    import numpy as np

    if not values:
        raise ValueError("no values to estimate a mean from")
    array = np.asarray(values, dtype=np.float64)
    mean = float(array.mean())
    if len(array) == 1 or float(np.ptp(array)) == 0.0:  # every resample has the same mean
        return Estimate(mean, mean, mean, len(array))
    from scipy.stats import bootstrap

    interval = bootstrap(
        (array,), np.mean, n_resamples=RESAMPLES, batch=_BATCH, confidence_level=CONFIDENCE, method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval  # fmt: skip
    return Estimate(mean, float(interval.low), float(interval.high), len(array))


def compare(ours: Sequence[float], theirs: Sequence[float], seed: int) -> Comparison:
    """``ours`` minus ``theirs``, value by value for the same queries.

    Raises :class:`ValueError` where their lengths differ or are zero.
    """
    import numpy as np

    if len(ours) != len(theirs) or not ours:
        raise ValueError(f"not the same number of queries, or none: {len(ours)} and {len(theirs)}")
    differences = np.asarray(ours, dtype=np.float64) - np.asarray(theirs, dtype=np.float64)
    mean = float(differences.mean())
    if len(differences) == 1 or not differences.any():  # swapping cannot give anything less extreme
        return Comparison(mean, 1.0, len(differences))
    from scipy.stats import permutation_test

    tested = permutation_test(
        (differences,), lambda x, axis: np.mean(x, axis=axis), permutation_type="samples", vectorized=True,
        n_resamples=RESAMPLES, batch=_BATCH, rng=np.random.default_rng(seed),
    )  # fmt: skip
    return Comparison(mean, float(tested.pvalue), len(differences))
