"""The papers of a library that are nearest to one of them, by the stored vectors.

A paper is represented by the mean of its passage vectors; two papers compare by the cosine of these means. Candidates
come from the passage index and are compared exactly, so the cost does not grow with the library.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rag.datatypes import Paper, Passage

if TYPE_CHECKING:
    from rag.datatypes import Vector
    from rag.library.storage.stored_paper import StoredPaper

_PASSAGES_EACH = 12  # candidate passages for each requested paper: one paper has several


class VectorStore(Protocol):
    """What :func:`related` needs of a library."""

    def entries(self, paper_ids: Sequence[str]) -> dict[str, StoredPaper]: ...
    def pull_forward(self, paper_ids: Sequence[str]) -> None: ...
    def dense(self, vector: Vector, k: int) -> list[tuple[Passage, float]]: ...


@dataclass(frozen=True, slots=True)
class Related:
    """A paper and its cosine, in -1..1, to the given paper."""

    paper: Paper
    cosine: float


def related(library: VectorStore, paper_id: str, k: int = 4) -> list[Related]:
    """The ``k`` papers nearest to ``paper_id``, without itself, by (-cosine, id); none for an unknown id.

    Papers without vectors are not among them.
    """
    library.pull_forward([paper_id])
    own = library.entries([paper_id]).get(paper_id)
    if own is None or k < 1 or not own.has_vectors:
        return []
    centroid = _centroid(own)
    candidates = {passage.paper_id for passage, _ in library.dense(centroid, (k + 1) * _PASSAGES_EACH)} - {paper_id}
    stored = library.entries(sorted(candidates)).values()
    found = [Related(one.paper, float(_centroid(one) @ centroid)) for one in stored]
    return sorted(found, key=lambda one: (-one.cosine, one.paper.id))[:k]


def _centroid(one: StoredPaper) -> Vector:
    """The unit mean of a paper's passage vectors, shape ``(dimension,)``."""
    mean = one.vectors[: len(one.passages)].mean(axis=0)
    length = max(float((mean**2).sum()) ** 0.5, 1e-9)
    unit: Vector = mean / length
    return unit
