"""A judge of papers for tests, without a network: a paper fits as far as its vectors are near the question."""

from __future__ import annotations

from dataclasses import dataclass

from rag.datatypes import Reading
from rag.evidence.features import SENTENCE_FEATURES
from rag.evidence.fitting import MOST_READ, Fit, best_of_each
from rag.evidence.ranking import Ranked
from rag.system.logistic import logistic

_COSINE = SENTENCE_FEATURES.index("cosine")
_NEAR, _STEEP = 0.4, 20.0  # the cosine of an even chance, and nats for each unit of it


@dataclass(frozen=True, slots=True)
class CosineJudge:
    """A :class:`rag.evidence.fitting.FitJudge`."""

    def judge(self, reading: Reading, ranked: Ranked) -> tuple[Fit, ...]:
        """One judgement for each paper of ``ranked`` that has sentences, best first, equal ones by id."""
        hits = {hit.paper.id: hit for hit in ranked.hits}
        found = []
        for paper_id, mine in best_of_each(ranked, MOST_READ).items():
            relevance = tuple(_STEEP * (c.features[_COSINE] - _NEAR) for c in mine)
            probability = logistic(_STEEP * ((hits[paper_id].dense or 0.0) - _NEAR))
            found.append(Fit(hits[paper_id].paper, probability, tuple(c.sentence for c in mine), relevance))
        return tuple(sorted(found, key=lambda fit: (-fit.probability, fit.paper.id)))
