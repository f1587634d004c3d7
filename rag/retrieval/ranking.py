"""The door of this folder: a reading to its papers, best first. Embed the question, then search."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from rag.datatypes import Encoder, Paper, PaperHit, Reading, Version
from rag.papers.kept_fields import NOTICE
from rag.retrieval.retrievers.fusion import fuse

if TYPE_CHECKING:
    from rag.datatypes import Vector
    from rag.retrieval.index import PaperIndex


VersionsOf = Callable[[Sequence[str]], Mapping[str, Sequence[Version]]]


class Search(Protocol):
    """Finds at most ``k`` papers for a text and its unit vector, best first; ``within``: among these ids only.

    ``terms`` are weighted stems that are looked for in place of those of the text. :func:`rank` passes the last two
    arguments only where they are needed.
    """

    def __call__(
        self,
        text: str,
        vector: Vector,
        k: int,
        within: Collection[str] | None = None,
        terms: Mapping[str, float] | None = None,
        /,
    ) -> Sequence[PaperHit]: ...


@dataclass(frozen=True, slots=True)
class Ranking:
    """Papers for a question, best first. vector: unit vector of the question, (dimension,), float32."""

    hits: tuple[PaperHit, ...]
    vector: Vector


class Rank(Protocol):
    """Finds ``k`` papers (None: as many as an answer after one thing looks at) for the question, or a part of it."""

    def __call__(self, k: int | None, part: Reading | None = None, /) -> Ranking: ...


def rank(reading: Reading, k: int, encoder: Encoder, search: Search, within: Collection[str] | None = None) -> Ranking:
    """The best ``k`` papers for a question; ``within`` restricts them to these ids."""
    vector = embed_question(reading, encoder)
    if reading.rendering is not None:
        terms = dict(reading.rendering.terms)
        return Ranking(tuple(search(reading.search, vector, k, within, terms)), vector)
    restriction = () if within is None else (within,)
    return Ranking(tuple(search(reading.search, vector, k, *restriction)), vector)


_ASKS_FOR_NOTICES = re.compile(r"retract|withdr[ae]w|errat|corrigend|correction|expressions? of concern", re.I)


def without_notices(ranking: Ranking, reading: Reading) -> Ranking:
    """``ranking`` without notices of retractions and corrections, which repeat what their papers claim.

    A question that asks about such things gets them.
    """
    return replace(ranking, hits=tuple(hit for hit in ranking.hits if may_testify(hit.paper, reading.text)))


def may_testify(paper: Paper, text: str) -> bool:
    """Whether ``paper`` can be evidence on ``text``: a notice only where the text is about such things."""
    return paper.status != NOTICE or bool(_ASKS_FOR_NOTICES.search(text))


def one_of_each_work(ranking: Ranking, versions_of: VersionsOf) -> Ranking:
    """``ranking`` with the best one of papers that are versions of one work: a preprint and its article are not two
    that agree."""
    versions = versions_of([hit.paper.id for hit in ranking.hits])
    kept: list[PaperHit] = []
    gone: set[str] = set()
    for hit in ranking.hits:
        if hit.paper.id not in gone:
            kept.append(hit)
            gone |= {one.paper_id for one in versions.get(hit.paper.id, ())}
    return replace(ranking, hits=tuple(kept)) if len(kept) < len(ranking.hits) else ranking


def embed_question(reading: Reading, encoder: Encoder) -> Vector:
    """The unit vector of a question; of a follow-up, that of the completed question plus the question as asked.

    The completed question has the topic of the turn before, the follow-up itself what is now asked of it.
    """
    if reading.rendering is not None:
        return reading.rendering.vector
    vector: Vector = encoder.encode([reading.search])[0]
    if reading.is_follow_up:
        both = vector + encoder.encode([reading.text])[0]
        vector = both / max(float((both**2).sum()) ** 0.5, 1e-9)
    return vector


def hybrid_search(index: PaperIndex, depth: int) -> Search:
    """Dense and lexical search fused (:func:`~rag.retrieval.retrievers.fusion.fuse`) with ``depth`` candidates each."""

    def search(
        text: str,
        vector: Vector,
        k: int,
        within: Collection[str] | None = None,
        terms: Mapping[str, float] | None = None,
    ) -> list[PaperHit]:
        hits = fuse(index, text, vector, k, depth, within, terms)
        papers = index.get_papers([hit.passage.paper_id for hit in hits])
        return [
            PaperHit(papers[hit.passage.paper_id], hit.score, hit.dense, hit.lexical)
            for hit in hits
            if hit.passage.paper_id in papers  # another process may just have deleted it
        ]

    return search
