"""Log-odds to probabilities."""

from __future__ import annotations

import math

import pytest

from rag.system.logistic import logistic


@pytest.mark.parametrize("log_odds", [-30.0, -2.5, 0.0, 0.1, 30.0])
def test_it_is_the_logistic_function(log_odds: float) -> None:
    assert logistic(log_odds) == 1 / (1 + math.exp(-log_odds))


def test_no_log_odds_are_too_large() -> None:
    assert logistic(1e9) == 1.0
    assert 0 <= logistic(-1e9) < 1e-300
    assert logistic(math.inf) == 1.0
