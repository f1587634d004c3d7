"""Whether a question after one thing is better answered from several papers, a line for each.

A logistic regression over what the question looks like and how far its best papers fit; ``training/fit/spread.py``
fits it and says how well it tells the two apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from rag.datatypes import Intent, Reading
from rag.evidence.features import names_in
from rag.evidence.fitting import Fit
from rag.questions.parts import asks_for_things

PAPERS = 4  # whose probabilities are looked at, best first
LEAST_PAPERS = 3  # with fewer there is nothing to spread over
_SURE = 1e-4  # probabilities are kept this far from 0 and 1

# By :func:`figures`, in their order, and 1; made by ``training.fit.spread``.
WEIGHTS = (0.396, 0.933, 1.654, 0.886, 0.676, -1.906, 0.603, 0.063, -1.689)
BIAS = 1.255
LEAST = 0.57  # log-odds from which on an answer is spread: 5% of the questions that one paper answers reach it
OF_FIGURE = 1.5  # more where a figure is asked for: that most often stands in one paper, and few such were learned from


def figures(reading: Reading, fits: Sequence[Fit]) -> tuple[float, ...]:
    """What the decision is made from: the reading's log-odds that several papers are asked for, those of the four best
    papers, whether a name or several things of one kind are asked for, a question mark, and the words."""
    best = [fit.probability for fit in fits[:PAPERS]] + [_SURE] * (PAPERS - len(fits))
    return (
        reading.several,
        *(_log_odds(one) for one in best),
        float(bool(names_in(reading.text))),
        float(asks_for_things(reading.text)),
        float(reading.text.rstrip().endswith("?")),
        math.log(max(len(reading.text.split()), 1)),
    )


def is_spread(reading: Reading, fits: Sequence[Fit]) -> bool:
    """Whether a question after one thing is borne on by several papers alike, so that one would not do.

    ``fits`` are the judgements of its papers, best first. A follow-up is about what was answered.
    """
    if reading.intent is not Intent.FACT or len(fits) < LEAST_PAPERS or reading.is_follow_up:
        return False
    found = sum(w * x for w, x in zip(WEIGHTS, figures(reading, fits), strict=True)) + BIAS
    return found >= LEAST + OF_FIGURE * reading.wants_figure


def _log_odds(probability: float) -> float:
    return math.log(max(probability, _SURE) / max(1 - probability, _SURE))
