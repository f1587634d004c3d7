"""The lines of an answer over several papers: for each paper that fits what the question asks of it, best first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from rag.datatypes import Coverage, Evidence, Sentence
from rag.evidence.fitting import Fit
from rag.text.self_contained import leans_on_previous, needed_before
from rag.text.tokenization import stems

SentencesOf = Callable[[str], Sequence[Sentence]]

MOST_LINES = 8  # papers that a list cites
MOST_OF_ONE = 2  # sentences of one paper in a list
LEANING = 1.0  # log-odds that a sentence loses which needs the one before it
AGAIN = 4.0  # and one that was said before
SECOND = -1.0  # log-odds from which on a second sentence holds something that was asked for
LEAST = 0.45  # probability from which on a list cites a paper; those from ``FITS`` on are named below it
DUPLICATE = 0.8  # share of common words above which two sentences say the same
_FEWEST = 3  # and common words that it takes


def lines(
    fits: Sequence[Fit],
    sentences_of: SentencesOf,
    most: int = MOST_LINES,
    said: Collection[str] = (),
) -> tuple[Evidence, ...]:
    """The evidence of a list, papers numbered from 1: the ``most`` best that fit with a probability of ``LEAST``, and
    the best one in any case.

    ``fits`` are judgements, best first; sentences of ``said`` were told before and are told again only where a paper
    has nothing else. A sentence that leans on the one before it is taken only where it is much better than those that
    do not, and then with what it leans on, which ``sentences_of`` finds in the abstract.
    """
    fitting = [fit for fit in fits if fit.probability >= LEAST] or list(fits[:1])
    return tuple(
        Evidence(number, fit.paper, *_of_one(fit, sentences_of(fit.paper.id), said))
        for number, fit in enumerate(fitting[:most], start=1)
    )


def standing(evidence: Sequence[Evidence], sentences_of: SentencesOf) -> tuple[Evidence, ...]:
    """The evidence, with what a sentence leans on before it where that is missing: 'They are slow' needs who they are.

    ``sentences_of`` finds the sentences of an abstract in order.
    """
    found = []
    for item in evidence:
        abstract = sentences_of(item.paper.id)
        texts, place = [one.text for one in abstract], {one.start: at for at, one in enumerate(abstract)}
        given = dict.fromkeys((one.start for one in item.sentences), item.score)
        given |= dict(zip(given, item.scores, strict=False))
        chosen: dict[int, Sentence] = {}
        for one in item.sentences:
            at = place.get(one.start, 0)
            needed = [s for s in abstract[at - (needed_before(texts, at) or 0) : at] if s.start not in given]
            chosen |= {s.start: s for s in (*needed, one)}
        scores = tuple(given.get(start, min(item.scores)) for start in chosen) if item.scores else ()
        found.append(replace(item, sentences=tuple(chosen.values()), scores=scores))
    return tuple(found)


def coverage(fits: Sequence[Fit], cited: Collection[str]) -> Coverage:
    """How many papers were considered, fit and are cited (by id)."""
    fitting = [fit.paper for fit in fits if fit.fits or fit.paper.id in cited]
    missing = tuple((paper.id, paper.title) for paper in fitting if paper.id not in cited)
    return Coverage(len(fits), len(fitting), len(fitting) - len(missing), missing)


def _of_one(
    fit: Fit, abstract: Sequence[Sentence], said: Collection[str]
) -> tuple[tuple[Sentence, ...], float, tuple[float, ...]]:
    """The sentences that stand for a paper, in the order of the abstract, the paper's score, and theirs."""
    texts = [sentence.text for sentence in abstract]
    place = {sentence.start: at for at, sentence in enumerate(abstract)}

    told = [Sentence(text, 0, 0) for text in said]

    def worth(at: int) -> float:
        again = any(_same(fit.sentences[at], one) for one in told)
        return fit.relevance[at] - LEANING * leans_on_previous(fit.sentences[at].text) - AGAIN * again

    order = sorted(range(len(fit.sentences)), key=lambda at: (-worth(at), at))
    taken = order[:1]
    for at in order[1:]:
        if worth(at) >= SECOND and len(taken) < MOST_OF_ONE:
            taken += [] if any(_same(fit.sentences[at], fit.sentences[i]) for i in taken) else [at]
    score = {fit.sentences[at].start: fit.relevance[at] for at in taken}
    found = dict.fromkeys(score)
    for start in score:
        at = place.get(start, 0)
        found |= dict.fromkeys(abstract[i].start for i in range(at - (needed_before(texts, at) or 0), at))
    chosen = [s for s in abstract if s.start in found] or [fit.sentences[at] for at in sorted(taken)]
    lowest = min(score.values())
    return tuple(chosen), fit.probability, tuple(score.get(s.start, lowest) for s in chosen)


def _same(one: Sentence, other: Sentence) -> bool:
    """Whether two sentences have nearly all words in common; a few words are no sentence."""
    a, b = set(stems(one.text)), set(stems(other.text))
    return len(a & b) >= max(DUPLICATE * min(len(a), len(b)), _FEWEST)
