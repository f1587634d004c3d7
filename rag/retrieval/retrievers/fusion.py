"""The three rankings as plain functions: by meaning, by words, and both fused with feedback.

Each gives at most one hit per paper, with the paper's passage that is nearest to the question. Orders are total: by
(-score, paper id).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rag.datatypes import Hit, Paper, Passage
from rag.text.tokenization import stems

if TYPE_CHECKING:
    from rag.datatypes import Matrix, Vector

DEPTH = 100  # how many passages and papers each ranking brings into the fusion
_TAIL = 10  # times as many BM25 scores are looked up, so that a candidate by meaning has its own
FEEDBACK_PAPERS = 5  # papers of the first pass that the second one learns from
FEEDBACK_MEANING = 0.4  # weight of their mean vector beside the question's
FEEDBACK_WORDS = 0.25  # weight of their words beside the question's
FEEDBACK_TERMS = 20  # words that are taken over
NEIGHBOURS = 10  # most alike papers among the candidates that a paper's score is smoothed with
SMOOTHING = 0.35  # weight of their mean score beside the paper's own
FIRST = 2  # papers that keep their places: the one paper that was looked for has no need of neighbours


class Nearness(Protocol):
    """How near one paper comes to a question: cosines of its best passage and of its best sentence."""

    @property
    def passage(self) -> Passage: ...
    @property
    def cosine(self) -> float: ...


class Entry(Protocol):
    """One paper with its passages and the unit vectors of passages and sentences."""

    @property
    def paper(self) -> Paper: ...
    @property
    def passages(self) -> tuple[Passage, ...]: ...
    @property
    def passage_vectors(self) -> Matrix: ...
    @property
    def sentence_vectors(self) -> Matrix: ...


class Index(Protocol):
    """What retrieval needs of :class:`rag.library.library.Library`."""

    @property
    def count(self) -> int: ...
    def dense(self, vector: Vector, k: int, within: Collection[str] | None = None) -> list[tuple[Passage, float]]: ...
    def lexical(self, query: str, k: int) -> list[tuple[str, float]]: ...
    def bm25_search(
        self, words: Mapping[str, float], k: int, within: Collection[str] | None = None
    ) -> list[tuple[str, float]]: ...
    def closest(self, vector: Vector, paper_ids: Iterable[str]) -> Mapping[str, Nearness]: ...
    def entries(self, paper_ids: Sequence[str]) -> Mapping[str, Entry]: ...
    def document_frequencies(self, stems: Iterable[str]) -> dict[str, int]: ...


@dataclass(frozen=True, slots=True)
class FusedHit:
    """One paper with its best passage. ``score`` is the fused one; it and the parts are comparable within a question.

    ``dense`` is the cosine of ``passage`` with the question, ``sentence`` that of the paper's best sentence (that of
    the passage without an abstract). ``lexical`` is the BM25 score of the paper for the question's own words, None
    where it has none of them among the first.
    """

    passage: Passage
    score: float
    dense: float
    sentence: float
    lexical: float | None


def fuse(
    index: Index, query: str, vector: Vector, k: int, depth: int = DEPTH, within: Collection[str] | None = None
) -> list[FusedHit]:
    """The best ``k`` papers by meaning and words; ``vector`` is the question's unit vector.

    With ``within`` both rankings are of the papers with these ids alone, before anything is cut off; how rare a word
    is remains a matter of the whole library.

    Two passes. Each takes the papers of the ``depth`` nearest passages and the ``depth`` papers that BM25 ranks
    first, and adds their standard scores by meaning and by words. The first five papers of the first pass then lend
    the question their mean vector (Rocchio 1971) and their most telling words (relevance model RM3, Abdul-Jaleel et
    al. 2004) for the second, after which papers gain from alike papers with high scores (:func:`_smoothed`).
    ``docs/retrieval.md`` has what each part brings on five collections.
    """
    if k < 1:
        return []
    depth = max(k, depth)
    words = {word: float(n) for word, n in Counter(stems(query)).items()}
    found = index.bm25_search(words, _TAIL * depth, within)
    lexical = dict(found[:depth])
    entries: dict[str, Entry] = {}
    first = _mixed(index, entries, vector, found, depth, within)
    if not first:
        return []
    vector2, words2 = pseudo_relevance_feedback(
        index, [(entries[one], score) for one, score in first[:FEEDBACK_PAPERS]], vector, words
    )
    hits = []
    found2 = index.bm25_search(words2, _TAIL * depth, within)
    for one, score in _smoothed(entries, _mixed(index, entries, vector2, found2, depth, within))[:k]:
        entry = entries[one]
        cosines = entry.passage_vectors @ vector
        best = int(cosines.argmax())
        sentence = float((entry.sentence_vectors @ vector).max(initial=-1.0)) if len(entry.sentence_vectors) else None
        dense = float(cosines[best])
        hits.append(
            FusedHit(entry.passages[best], score, dense, dense if sentence is None else sentence, lexical.get(one))
        )
    return hits


def _mixed(
    index: Index,
    entries: dict[str, Entry],
    vector: Vector,
    found: Sequence[tuple[str, float]],
    depth: int,
    within: Collection[str] | None = None,
) -> list[tuple[str, float]]:
    """Paper ids by the mean of their standard scores by meaning and by words (``found``). Fills ``entries``."""
    import numpy as np

    lexical = dict(found)
    ids = {passage.paper_id for passage, _ in index.dense(vector, depth, within)} | {one for one, _ in found[:depth]}
    entries.update(index.entries(sorted(ids - entries.keys())))
    # A paper that another process has just removed is in an index and not in the entries.
    there = sorted(ids & entries.keys())
    if not there:
        return []
    meaning = np.array([_nearness(entries[one], vector) for one in there])
    wording = np.array([lexical.get(one, 0.0) for one in there])
    scores = (_standard(meaning, depth) + _standard(wording, depth)) / 2
    return sorted(zip(there, map(float, scores), strict=True), key=lambda pair: (-pair[1], pair[0]))


def _nearness(entry: Entry, vector: Vector) -> float:
    """Mean of the cosines of the best passage and the best sentence: what it is about, and whether it says it."""
    passage = float((entry.passage_vectors @ vector).max())
    if not len(entry.sentence_vectors):
        return passage
    return (passage + float((entry.sentence_vectors @ vector).max())) / 2


def _standard(scores: Vector, depth: int) -> Vector:
    """Standard scores; mean and deviation are those of the best ``depth``, so that a long tail changes nothing."""
    import numpy as np

    best = np.sort(scores)[::-1][:depth]
    standard: Vector = (scores - best.mean()) / (best.std() + 1e-6)
    return standard


def pseudo_relevance_feedback(
    index: Index, top: Sequence[tuple[Entry, float]], vector: Vector, words: Mapping[str, float]
) -> tuple[Vector, dict[str, float]]:
    """Vector and word weights of the second pass, learnt from the ``top`` papers by their scores."""
    import numpy as np

    share = np.exp(np.array([score for _, score in top]) - top[0][1])
    share = share / share.sum()
    centres = [_centre(entry) for entry, _ in top]
    moved = vector + FEEDBACK_MEANING * sum(s * c for s, c in zip(share, centres, strict=True))
    counts = [Counter(stems(f"{entry.paper.title} {entry.paper.abstract}")) for entry, _ in top]
    frequencies = index.document_frequencies({word for count in counts for word in count})
    total = max(index.count, 1)
    telling: dict[str, float] = {}
    for weight, count in zip(share, counts, strict=True):
        length = count.total() or 1
        for word, n in count.items():
            rarity = np.log(1 + (total - frequencies[word] + 0.5) / (frequencies[word] + 0.5))
            telling[word] = telling.get(word, 0.0) + float(weight) * n / length * float(rarity)
    chosen = dict(sorted(telling.items(), key=lambda pair: (-pair[1], pair[0]))[:FEEDBACK_TERMS])
    own, lent = sum(words.values()) or 1.0, sum(chosen.values()) or 1.0
    mixed = {
        word: (1 - FEEDBACK_WORDS) * words.get(word, 0.0) / own + FEEDBACK_WORDS * chosen.get(word, 0.0) / lent
        for word in sorted(words.keys() | chosen.keys())
    }
    return _unit(moved), mixed


def _smoothed(entries: Mapping[str, Entry], ranked: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Scores drawn towards those of the most alike candidates; the first two papers stay where they are.

    Papers that answer the same question are alike, so what many of them say helps the one that says it in other words
    (regularisation of scores, Diaz 2005, 'Regularizing Ad Hoc Retrieval Scores').
    """
    import numpy as np

    kept, rest = ranked[:FIRST], ranked[FIRST:]
    if not rest:
        return list(ranked)
    centres = np.stack([_centre(entries[one]) for one, _ in ranked])
    likeness = centres @ centres.T
    np.fill_diagonal(likeness, -np.inf)
    many = min(NEIGHBOURS, len(ranked) - 1)
    near = np.argpartition(-likeness, many - 1, axis=1)[:, :many]
    weights = np.maximum(np.take_along_axis(likeness, near, axis=1), 0.0) + 1e-9
    scores = np.array([score for _, score in ranked])
    means = (weights * scores[near]).sum(axis=1) / weights.sum(axis=1)
    smooth = (1 - SMOOTHING) * scores + SMOOTHING * means
    # The rest moves down as one where it would pass the last that was kept: the order is that of the scores.
    excess = max(0.0, float(smooth[FIRST:].max()) - kept[-1][1] + 1e-6)
    drawn = [(one, float(score) - excess) for (one, _), score in zip(rest, smooth[FIRST:], strict=True)]
    return [*kept, *sorted(drawn, key=lambda pair: (-pair[1], pair[0]))]


def _centre(entry: Entry) -> Vector:
    return _unit(entry.passage_vectors.sum(axis=0))


def _unit(vector: Vector) -> Vector:
    import numpy as np

    return vector / (float(np.linalg.norm(vector)) or 1.0)


def by_meaning(index: Index, vector: Vector, k: int) -> list[Hit]:
    """The best ``k`` papers by the cosine of their best passage."""
    if k < 1:
        return []
    depth = k
    while True:
        found = index.dense(vector, depth)
        best: dict[str, Hit] = {}
        for passage, score in found:
            best.setdefault(passage.paper_id, Hit(passage, score, "dense"))
        # Several passages may be of one paper: look deeper until there are k papers or no more passages.
        if len(best) >= k or len(found) < depth:
            return sorted(best.values(), key=lambda hit: (-hit.score, hit.passage.paper_id))[:k]
        depth *= 2


def by_words(index: Index, query: str, vector: Vector, k: int) -> list[Hit]:
    """The best ``k`` papers by BM25, each with its passage that is nearest to the question."""
    found = index.lexical(query, k)
    near = index.closest(vector, [paper_id for paper_id, _ in found])
    return [Hit(near[paper_id].passage, score, "lexical") for paper_id, score in found if paper_id in near]
