"""A judge of papers for tests: a paper fits as far as its best sentence answers, as the network of the writer says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.datatypes import Reading
from rag.evidence.fitting import MOST_READ, Fit, best_of_each
from rag.evidence.pruning import Pruner
from rag.evidence.ranking import Ranked
from rag.system.logistic import logistic


@dataclass(frozen=True, slots=True)
class PrunerJudge:
    """A :class:`rag.evidence.fitting.FitJudge`."""

    pruner: Pruner

    def judge(self, reading: Reading, ranked: Ranked) -> tuple[Fit, ...]:
        """One judgement for each paper of ``ranked`` that has sentences, best first, equal ones by id."""
        papers = {hit.paper.id: hit.paper for hit in ranked.hits}
        found = []
        for paper_id, mine in best_of_each(ranked, MOST_READ).items():
            judged = self.pruner.judge(reading.search, [(1, c.sentence.text) for c in mine])
            logits = tuple(one.relevance_logit for one in judged)
            found.append(Fit(papers[paper_id], logistic(max(logits)), tuple(c.sentence for c in mine), logits))
        return tuple(sorted(found, key=lambda fit: (-fit.probability, fit.paper.id)))

    def weigh(self, reading: Reading, fits: Sequence[Fit]) -> tuple[Fit, ...]:
        """As they are."""
        return tuple(fits)
