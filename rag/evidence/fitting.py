"""Which of the papers found are about what is asked: a judgement for each paper, calibrated.

The probability is that the paper belongs into a good answer, not that it is the best. A network reads the question with
the title and the sentences of one paper at once, one pass a paper, and says this of the paper, and of each sentence
whether it holds what is asked of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from rag.datatypes import Paper, Reading, Sentence
from rag.evidence.pruning import Pruner
from rag.evidence.ranking import Candidate, Ranked
from rag.system.logistic import logistic


@dataclass(frozen=True, slots=True)
class Fit:
    """How far one paper is about what is asked.

    ``probability`` is in 0..1. ``sentences`` are those that were read, in the order of the abstract, ``relevance`` the
    log-odds (nats) of each that it says what the question asks of the paper; ``dense`` is the paper's cosine.
    """

    paper: Paper
    probability: float
    sentences: tuple[Sentence, ...]
    relevance: tuple[float, ...]

    @property
    def best(self) -> Sentence:
        """The sentence that most says what is asked."""
        return self.sentences[max(range(len(self.sentences)), key=lambda at: (self.relevance[at], -at))]

    @property
    def fits(self) -> bool:
        """Whether the paper belongs into the answer."""
        return self.probability >= FITS


FITS = 0.5


class FitJudge(Protocol):
    """Judges papers."""

    def judge(self, reading: Reading, ranked: Ranked) -> tuple[Fit, ...]:
        """One judgement for each paper of ``ranked`` that has sentences, best first, equal ones by id."""
        ...


MOST_READ = 5  # sentences of a paper, the ranker's best


@dataclass(frozen=True, slots=True)
class PrunerJudge:
    """A paper fits as far as its best sentence answers, in the opinion of the network that chooses sentences."""

    pruner: Pruner

    def judge(self, reading: Reading, ranked: Ranked) -> tuple[Fit, ...]:
        """One judgement for each paper of ``ranked`` that has sentences, best first, equal ones by id."""
        papers = {hit.paper.id: hit.paper for hit in ranked.hits}
        found = []
        for paper_id, mine in best_of_each(ranked, MOST_READ).items():
            judged = self.pruner.judge(reading.search, [(1, c.sentence.text) for c in mine])
            logits = tuple(one.relevance_logit for one in judged)
            sentences = tuple(c.sentence for c in mine)
            found.append(Fit(papers[paper_id], logistic(max(logits)), sentences, logits))
        return tuple(sorted(found, key=lambda fit: (-fit.probability, fit.paper.id)))


def best_of_each(ranked: Ranked, most: int) -> dict[str, list[Candidate]]:
    """By paper its ``most`` best candidates, in the order of the abstract."""
    found: dict[str, list[Candidate]] = {}
    for candidate in ranked.candidates:
        mine = found.setdefault(candidate.paper_id, [])
        if len(mine) < most:
            mine.append(candidate)
    return {paper_id: sorted(mine, key=lambda c: c.index) for paper_id, mine in found.items()}
