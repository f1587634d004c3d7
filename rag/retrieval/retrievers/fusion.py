"""The three rankings as plain functions: by cosine, by BM25, and both fused with pseudo-relevance feedback.

Each gives at most one hit per paper, with the paper's passage that is nearest to the question. Orders are total: by
(-score, paper id).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from rag.datatypes import Hit, Passage
from rag.text.tokenization import stems

if TYPE_CHECKING:
    from rag.datatypes import Matrix, Vector
    from rag.library.storage.stored_paper import StoredPaper
    from rag.retrieval.index import Index

DEPTH = 100  # candidates that dense search (passages) and BM25 (papers) contribute each
PULLED = 100  # papers without vectors that are embedded for a question, which takes seconds
_BM25_DEPTH = 10  # times as many BM25 scores are read, so that candidates of dense search have theirs too
FEEDBACK_PAPERS = 5  # pseudo-relevant papers: the first of the first pass
ROCCHIO_WEIGHT = 0.4  # of the pseudo-relevant papers' mean vector, added to the question's
RM3_WEIGHT = 0.25  # of the relevance model, interpolated with the question's terms
RM3_TERMS = 20  # terms of the relevance model
REGULARISATION_NEIGHBOURS = 10  # most similar candidates that regularise a paper's score
REGULARISATION_WEIGHT = 0.35  # of their mean score, interpolated with the paper's own
NOT_REGULARISED = 2  # first papers that keep their places: a question for one paper needs no neighbours


@dataclass(frozen=True, slots=True)
class FusedHit:
    """One paper with its best passage. ``score`` is the fused one; all scores compare within one question only.

    ``dense`` is the cosine of ``passage`` with the question, ``sentence`` that of the paper's best sentence (that of
    the passage without an abstract). ``lexical`` is the BM25 score of the paper for the question's own terms, None
    where the paper is not among the first ``depth``. ``dense`` and ``sentence`` are None of a paper without vectors.
    """

    passage: Passage
    score: float
    dense: float | None
    sentence: float | None
    lexical: float | None


def fuse(
    index: Index,
    query: str,
    vector: Vector,
    k: int,
    depth: int = DEPTH,
    within: Collection[str] | None = None,
    weighted: Mapping[str, float] | None = None,
) -> list[FusedHit]:
    """The best ``k`` papers by dense and lexical scores; ``vector`` is the question's unit vector.

    ``within`` restricts both rankings to papers with these ids before they are truncated; document frequencies stay
    those of the whole library. ``weighted`` are stems to look for, with their weights, in place of those of ``query``;
    then there is one pass alone.

    Two passes, each the mean z-score of the papers of the ``depth`` nearest passages and the ``depth`` that BM25 ranks
    first; the best five of the first expand the question for the second (:func:`_second_pass`), whose scores are
    regularised by similar papers. ``docs/retrieval.md`` has what each part brings. Papers without vectors yet are
    pulled forward where BM25 ranks them first or they are found; of others the lexical score stands for both.
    """
    if k < 1:
        return []
    depth = max(k, depth)
    terms = weighted if weighted is not None else {term: float(n) for term, n in Counter(stems(query)).items()}
    bm25 = index.bm25_search(terms, _BM25_DEPTH * depth, within)
    index.pull_forward([one for one, _ in bm25[:PULLED]])
    entries: dict[str, StoredPaper] = {}
    first = _fuse_scores(index, entries, vector, bm25, depth, within)
    if not first:
        return []
    lexical = dict(bm25[:depth])
    if weighted is not None:  # words that were looked up are less sure: feedback from what they find leads astray
        ranked = _regularise_scores(entries, first)[:k]
        return [_fused_hit(entries[one], score, vector, lexical.get(one)) for one, score in ranked]
    second = _second_pass(index, entries, first, vector, terms, depth, within)
    ranked = _regularise_scores(entries, second)[:k]
    if waiting := [one for one, _ in ranked[:PULLED] if not entries[one].has_vectors]:
        index.pull_forward(waiting)
        entries |= index.entries(waiting)
    return [_fused_hit(entries[one], score, vector, lexical.get(one)) for one, score in ranked]


def _second_pass(
    index: Index,
    entries: dict[str, StoredPaper],
    first: Sequence[tuple[str, float]],
    vector: Vector,
    terms: Mapping[str, float],
    depth: int,
    within: Collection[str] | None,
) -> list[tuple[str, float]]:
    """The scores of the question that the best papers of the ``first`` pass have expanded."""
    relevant = [(entries[one], score) for one, score in first[:FEEDBACK_PAPERS]]
    moved, expanded = pseudo_relevance_feedback(index, relevant, vector, terms)
    bm25_expanded = index.bm25_search(expanded, _BM25_DEPTH * depth, within)
    return _fuse_scores(index, entries, moved, bm25_expanded, depth, within)


def _fused_hit(entry: StoredPaper, score: float, vector: Vector, lexical: float | None) -> FusedHit:
    if not entry.has_vectors:
        return FusedHit(entry.passages[0], score, None, None, lexical)
    cosines = entry.passage_vectors @ vector
    best = int(cosines.argmax())
    dense = float(cosines[best])
    sentence = float((entry.sentence_vectors @ vector).max(initial=-1.0)) if len(entry.sentence_vectors) else dense
    return FusedHit(entry.passages[best], score, dense, sentence, lexical)


def _fuse_scores(
    index: Index,
    entries: dict[str, StoredPaper],
    vector: Vector,
    bm25: Sequence[tuple[str, float]],
    depth: int,
    within: Collection[str] | None = None,
) -> list[tuple[str, float]]:
    """One pass: ``(paper id, mean of the z-scores of dense and BM25 score)``, by (-score, id). Fills ``entries``."""
    import numpy as np

    lexical = dict(bm25)
    ids = {passage.paper_id for passage, _ in index.dense(vector, depth, within)} | {one for one, _ in bm25[:depth]}
    entries.update(index.entries(sorted(ids - entries.keys())))
    # A paper that another process has just deleted is in an index and not in the entries.
    candidates = sorted(one for one in ids & entries.keys() if entries[one].passages)
    if not candidates:
        return []
    of_words = _z_scores(np.array([lexical.get(one, 0.0) for one in candidates]), depth)
    of_vectors = of_words.copy()
    if known := [i for i, one in enumerate(candidates) if entries[one].has_vectors]:
        of_vectors[known] = _z_scores(_dense_scores([entries[candidates[i]] for i in known], vector), depth)
    scores = (of_vectors + of_words) / 2
    return sorted(zip(candidates, map(float, scores), strict=True), key=lambda pair: (-pair[1], pair[0]))


def _dense_scores(entries: Sequence[StoredPaper], vector: Vector) -> Vector:
    """Of each paper the mean of the cosines of its best passage (its topic) and its best sentence (what it says of it).

    Without sentences that of the passage. ``(papers,)``, float64; the best ones of all papers are found in one step.
    """
    import numpy as np

    passages, rows = np.array([(len(entry.passages), len(entry.vectors)) for entry in entries]).T
    first = np.cumsum(rows) - rows
    # Of each paper the rows at which its passages and its sentences begin; without sentences the former alone.
    begins, there = np.stack([first, first + passages], axis=1), np.ones((len(rows), 2), dtype=np.bool_)
    there[:, 1] = rows > passages
    cosines = np.concatenate([entry.vectors @ vector for entry in entries])
    best = np.maximum.reduceat(cosines, begins[there]).astype(np.float64)
    scores: Vector = best[np.cumsum(there).reshape(-1, 2) - 1].mean(axis=1)
    return scores


def _z_scores(scores: Vector, depth: int) -> Vector:
    """Standard scores with mean and deviation of the best ``depth``, so that further candidates change nothing."""
    import numpy as np

    best = np.sort(scores)[::-1][:depth]
    standard: Vector = (scores - best.mean()) / (best.std() + 1e-6)
    return standard


def pseudo_relevance_feedback(
    index: Index, relevant: Sequence[tuple[StoredPaper, float]], vector: Vector, terms: Mapping[str, float]
) -> tuple[Vector, dict[str, float]]:
    """Vector and term weights of the second pass, learnt from papers taken as relevant and their scores.

    The vector moves towards theirs (Rocchio 1971), their terms expand the question (RM3, Abdul-Jaleel et al. 2004).
    Papers weigh by the softmax of their scores.
    """
    import numpy as np

    weights = np.exp(np.array([score for _, score in relevant]) - relevant[0][1])
    weights = weights / weights.sum()
    papers = [entry for entry, _ in relevant]
    return _move_vector(vector, papers, weights), _expand_terms(index, terms, papers, weights)


def _move_vector(vector: Vector, relevant: Sequence[StoredPaper], weights: Vector) -> Vector:
    """The unit vector of the question plus the weighted mean of the papers' vectors (Rocchio, positive part)."""
    moved: Vector = vector + ROCCHIO_WEIGHT * (weights @ _centroids(relevant))
    return _unit(moved)


def _expand_terms(
    index: Index, terms: Mapping[str, float], relevant: Sequence[StoredPaper], weights: Vector
) -> dict[str, float]:
    """The question's terms interpolated with the relevance model of the papers; all weights sum to 1 (RM3)."""
    model = _relevance_model(index, relevant, weights)
    own, lent = sum(terms.values()) or 1.0, sum(model.values()) or 1.0
    return {
        term: (1 - RM3_WEIGHT) * terms.get(term, 0.0) / own + RM3_WEIGHT * model.get(term, 0.0) / lent
        for term in sorted(terms.keys() | model.keys())
    }


def _relevance_model(index: Index, relevant: Sequence[StoredPaper], weights: Vector) -> dict[str, float]:
    """The 20 terms with the highest weighted mean of relative frequency times idf."""
    counts = [_counted(f"{entry.paper.title} {entry.paper.abstract}") for entry in relevant]
    frequencies = index.document_frequencies({term for count, _ in counts for term in count})
    total = max(index.count, 1)
    idf = {term: math.log(1 + (total - n + 0.5) / (n + 0.5)) for term, n in frequencies.items()}
    model: dict[str, float] = dict.fromkeys(frequencies, 0.0)
    for weight, (count, length) in zip(weights.tolist(), counts, strict=True):
        for term, n in count.items():
            model[term] += weight * n / length * idf[term]
    best = sorted([(-weight, term) for term, weight in model.items()])[:RM3_TERMS]
    return {term: -below for below, term in best}


@lru_cache(maxsize=1_024)  # the same papers are relevant to one question after another; some 10 kB each
def _counted(text: str) -> tuple[Mapping[str, int], int]:
    """How often each stem of ``text`` stands in it, and how many there are, at least 1."""
    count = Counter(stems(text))
    return count, count.total() or 1


def _regularise_scores(
    entries: Mapping[str, StoredPaper], ranked: Sequence[tuple[str, float]]
) -> list[tuple[str, float]]:
    """Scores interpolated with those of the most similar candidates; the first two papers stay where they are.

    Relevant papers are similar to each other, so their scores help one that says the same in other words
    (Diaz 2005, 'Regularizing Ad Hoc Retrieval Scores').
    """
    import numpy as np

    fixed, rest = ranked[:NOT_REGULARISED], ranked[NOT_REGULARISED:]
    if not rest:
        return list(ranked)
    centroids = _centroids([entries[one] for one, _ in ranked])
    similarity = centroids @ centroids.T
    np.fill_diagonal(similarity, -np.inf)
    k = min(REGULARISATION_NEIGHBOURS, len(ranked) - 1)
    neighbours = np.argpartition(-similarity, k - 1, axis=1)[:, :k]
    weights = np.maximum(np.take_along_axis(similarity, neighbours, axis=1), 0.0) + 1e-9
    scores = np.array([score for _, score in ranked])
    means = (weights * scores[neighbours]).sum(axis=1) / weights.sum(axis=1)
    smooth = (1 - REGULARISATION_WEIGHT) * scores + REGULARISATION_WEIGHT * means
    without = [i for i, (one, _) in enumerate(ranked) if not entries[one].has_vectors]
    smooth[without] = scores[without]  # nothing is known to be like them
    # Lower all the rest by the same amount where its best would pass the fixed papers: order and scores must agree.
    excess = max(0.0, float(smooth[NOT_REGULARISED:].max()) - fixed[-1][1] + 1e-6)
    lowered = [
        (one, float(score) - excess) for (one, _), score in zip(rest, smooth[NOT_REGULARISED:], strict=True)
    ]  # fmt: skip
    return [*fixed, *sorted(lowered, key=lambda pair: (-pair[1], pair[0]))]


def _centroids(entries: Sequence[StoredPaper]) -> Matrix:
    """The unit mean of each paper's passage vectors, ``(papers, dimension)``, float32."""
    import numpy as np

    ends = np.cumsum([len(entry.passages) for entry in entries])
    passages = np.concatenate([entry.passage_vectors for entry in entries])
    sums = np.add.reduceat(passages, [0, *ends[:-1]], axis=0)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.where(lengths > 0, lengths, 1.0), np.float32)


def _unit(vector: Vector) -> Vector:
    import numpy as np

    return vector / (float(np.linalg.norm(vector)) or 1.0)


def rank_by_cosine(index: Index, vector: Vector, k: int) -> list[Hit]:
    """The best ``k`` papers by the cosine of their best passage."""
    if k < 1:
        return []
    depth = k
    while True:
        found = index.dense(vector, depth)
        best: dict[str, Hit] = {}
        for passage, score in found:
            best.setdefault(passage.paper_id, Hit(passage, score, "dense"))
        # Several passages may be of one paper: search deeper until there are k papers or no more passages.
        if len(best) >= k or len(found) < depth:
            return sorted(best.values(), key=lambda hit: (-hit.score, hit.passage.paper_id))[:k]
        depth *= 2


def rank_by_bm25(index: Index, query: str, vector: Vector, k: int) -> list[Hit]:
    """The best ``k`` papers by BM25, each with its passage that is nearest to the question."""
    found = index.lexical(query, k)
    best = index.best_passages(vector, [paper_id for paper_id, _ in found])
    return [Hit(best[paper_id].passage, score, "lexical") for paper_id, score in found if paper_id in best]
