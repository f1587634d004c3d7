"""The three rankings as plain functions: by meaning, by words, and both fused by reciprocal rank.

Each gives at most one hit per paper, with the paper's passage that is nearest to the question. Orders are total: by
(-score, paper id).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rag.datatypes import Hit, Passage

if TYPE_CHECKING:
    from rag.datatypes import Vector

RRF_K = 60  # Cormack, Clarke and Büttcher 2009, "Reciprocal Rank Fusion outperforms Condorcet"
DEPTH = 100  # how many passages and papers each ranking brings into the fusion


class Nearness(Protocol):
    """How near one paper comes to a question: cosines of its best passage and of its best sentence."""

    @property
    def passage(self) -> Passage: ...
    @property
    def cosine(self) -> float: ...
    @property
    def sentence(self) -> float: ...


class Index(Protocol):
    """What retrieval needs of :class:`rag.library.Library`."""

    def dense(self, vector: Vector, k: int) -> list[tuple[Passage, float]]: ...
    def lexical(self, query: str, k: int) -> list[tuple[str, float]]: ...
    def closest(self, vector: Vector, paper_ids: Iterable[str]) -> Mapping[str, Nearness]: ...


@dataclass(frozen=True, slots=True)
class FusedHit:
    """One paper with its best passage. ``score`` is the fused one; ranks begin with 1.

    ``dense`` is the cosine of ``passage``, ``sentence`` that of the paper's best sentence (-1 without an abstract),
    and ``dense_rank`` is by the greater of the two. ``lexical`` is the BM25 score of the paper; it and
    ``lexical_rank`` are None where BM25 did not find the paper.
    """

    passage: Passage
    score: float
    dense: float
    sentence: float
    dense_rank: int
    lexical: float | None
    lexical_rank: int | None


def fuse(index: Index, query: str, vector: Vector, k: int, depth: int = DEPTH) -> list[FusedHit]:
    """The best ``k`` papers by reciprocal rank fusion of meaning and words; ``vector`` is the question's unit vector.

    The papers of the ``depth`` nearest passages and the ``depth`` papers that BM25 ranks first are candidates. Every
    candidate has a rank by meaning: the greatest cosine among its passages and sentences. A sentence that answers
    the question outright thus lifts a paper whose passages are about much else (96.6% → 98.7% of the right papers
    among the first five on the development questions).
    """
    lexical = index.lexical(query, max(k, depth))
    candidates = {passage.paper_id for passage, _ in index.dense(vector, max(k, depth))} | {one for one, _ in lexical}
    near = index.closest(vector, sorted(candidates))
    by_meaning = sorted(near, key=lambda one: (-max(near[one].cosine, near[one].sentence), one))
    dense_rank = {one: rank for rank, one in enumerate(by_meaning, 1)}
    # A paper that was removed by another process since the word index was opened is in ``lexical`` only.
    words = {one: (rank, score) for rank, (one, score) in enumerate(lexical, 1) if one in near}
    hits = []
    for one, nearness in near.items():
        lexical_rank, lexical_score = words.get(one, (None, None))
        score = 1 / (RRF_K + dense_rank[one]) + (1 / (RRF_K + lexical_rank) if lexical_rank else 0.0)
        hits.append(
            FusedHit(
                nearness.passage,
                score,
                nearness.cosine,
                nearness.sentence,
                dense_rank[one],
                lexical_score,
                lexical_rank,
            )
        )
    hits.sort(key=lambda hit: (-hit.score, hit.passage.paper_id))
    return hits[: max(k, 0)]


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
