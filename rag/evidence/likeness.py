"""How like each other the papers are that a question found: one like those that surely fit is more likely to fit.

Papers that answer the same question lie near each other (the cluster hypothesis: Jardine and van Rijsbergen 1971, 'The
use of hierarchic clustering in information retrieval'), which a network that reads one paper at a time cannot see.
Vectors that the search has read anyway say so; nothing more is computed by a network.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.evidence.fitting import Fit
from rag.evidence.ranking import SentenceStore
from rag.system.logistic import logistic

if TYPE_CHECKING:
    from rag.datatypes import Matrix

# By :func:`figures`, in their order, and 1; made by ``training.fit.combine``.
WEIGHTS = (0.742, 12.864, 4.927, -15.103)
BIAS = -2.506
FEWEST = 5  # papers with vectors that it takes: of fewer the nearest ones say nothing
_BEST, _NEAREST = 3, 3
_SURE = 1e-6  # probabilities are kept this far from 0 and 1


def together(fits: Sequence[Fit], store: SentenceStore) -> tuple[Fit, ...]:
    """The judgements, best first, with what the papers' likeness to each other adds to their probabilities.

    Papers without vectors in ``store`` keep theirs, and so do all where there are few.
    """
    vectors = {fit.paper.id: store.sentence_vectors(fit.paper.id) for fit in fits}
    placed = [fit for fit in fits if len(vectors[fit.paper.id])]
    if len(placed) < FEWEST:
        return tuple(fits)
    rows = figures([fit.probability for fit in placed], [vectors[fit.paper.id] for fit in placed])
    new = {
        fit.paper.id: logistic(BIAS + sum(w * x for w, x in zip(WEIGHTS, row, strict=True)))
        for fit, row in zip(placed, rows, strict=True)
    }
    changed = (replace(fit, probability=new.get(fit.paper.id, fit.probability)) for fit in fits)
    return tuple(sorted(changed, key=lambda fit: (-fit.probability, fit.paper.id)))


def figures(probabilities: Sequence[float], vectors: Sequence[Matrix]) -> list[list[float]]:
    """For each paper a row: the log-odds that it fits, and cosines of its mean sentence vector.

    ``probabilities`` are those of the papers alone, ``vectors`` the unit vectors of their sentences, each of shape
    ``(sentences, dimension)``; there are :data:`FEWEST` papers or more. The cosines are with the mean of the others,
    each as far as it fits; with the nearest of the three that fit best; and with the three nearest, whether they fit or
    not, on the average: a paper in the midst of its field is near to everything.
    """
    import numpy as np

    means = np.array([one.mean(axis=0, dtype=np.float64) for one in vectors])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    alone = np.array([min(max(p, _SURE), 1 - _SURE) for p in probabilities])
    cosines = means @ means.T
    order = np.argsort(-alone, kind="stable")
    rows = []
    for at, (mean, p) in enumerate(zip(means, alone, strict=True)):
        others = order[order != at]
        middle = alone[others] @ means[others]
        near = cosines[at, others]
        with_middle = float(middle @ mean / max(float(np.linalg.norm(middle)), _SURE))
        with_nearest = float(np.sort(near)[-_NEAREST:].mean())
        rows.append([math.log(p / (1 - p)), with_middle, float(near[:_BEST].max()), with_nearest])
    return rows
