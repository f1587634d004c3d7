"""The lines of an answer over several papers: for each paper that fits what the question asks of it, best first."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rag.datatypes import Coverage, Evidence, Sentence
from rag.evidence.fitting import Fit
from rag.text.tokenization import stems

MOST_LINES = 8  # papers that a list cites
MOST_OF_ONE = 2  # sentences of one paper in a list
SECOND = 0.0  # log-odds from which on a second sentence holds something that was asked for
DUPLICATE = 0.8  # share of common words above which two sentences say the same


def lines(fits: Sequence[Fit], most: int = MOST_LINES, said: Collection[str] = ()) -> tuple[Evidence, ...]:
    """The evidence of a list, papers numbered from 1: each of the ``most`` best that fit, at least the best one.

    ``fits`` are judgements, best first; sentences of ``said`` were told before and are told again only where a paper
    has nothing else.
    """
    fitting = [fit for fit in fits if fit.fits] or list(fits[:1])
    evidence = []
    for number, fit in enumerate(fitting[:most], start=1):
        places = _of_one(fit, said)
        sentences = tuple(fit.sentences[at] for at in places)
        scores = tuple(fit.relevance[at] for at in places)
        evidence.append(Evidence(number, fit.paper, sentences, fit.probability, scores))
    return tuple(evidence)


def coverage(fits: Sequence[Fit], cited: Collection[str]) -> Coverage:
    """How many papers were considered, fit and are cited (by id)."""
    fitting = [fit.paper for fit in fits if fit.fits or fit.paper.id in cited]
    missing = tuple((paper.id, paper.title) for paper in fitting if paper.id not in cited)
    return Coverage(len(fits), len(fitting), len(fitting) - len(missing), missing)


def _of_one(fit: Fit, said: Collection[str]) -> list[int]:
    """Places of the sentences that stand for a paper, in the order of the abstract."""
    order = sorted(range(len(fit.sentences)), key=lambda at: (fit.sentences[at].text in said, -fit.relevance[at], at))
    taken = order[:1]
    for at in order[1:]:
        enough = fit.relevance[at] >= SECOND and fit.sentences[at].text not in said
        if enough and len(taken) < MOST_OF_ONE and not any(_same(fit.sentences[at], fit.sentences[i]) for i in taken):
            taken.append(at)
    return sorted(taken)


def _same(one: Sentence, other: Sentence) -> bool:
    """Whether two sentences have nearly all words in common."""
    a, b = set(stems(one.text)), set(stems(other.text))
    return len(a & b) >= DUPLICATE * max(1, min(len(a), len(b)))
