"""The papers of a library that are nearest to one of them, by the stored vectors.

A paper stands for the mean of its passage vectors; nearness is the cosine of two such means. The passage index
proposes, exact comparison decides, so the cost does not grow with the library.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rag.datatypes import Paper, Passage

if TYPE_CHECKING:
    from rag.datatypes import Vector
    from rag.library.storage.stored_paper import StoredPaper

_PASSAGES_EACH = 12  # passages looked at for each paper that is wanted: one paper has several


class VectorStore(Protocol):
    """What nearness needs of a library."""

    def entries(self, paper_ids: Sequence[str]) -> dict[str, StoredPaper]: ...
    def dense(self, vector: Vector, k: int) -> list[tuple[Passage, float]]: ...


@dataclass(frozen=True, slots=True)
class Related:
    """A paper and its cosine, in -1..1, to the one that was asked for."""

    paper: Paper
    cosine: float


def related(library: VectorStore, paper_id: str, k: int = 4) -> list[Related]:
    """The ``k`` papers nearest to ``paper_id``, without itself, by (-cosine, id); none for an id that is not there."""
    own = library.entries([paper_id]).get(paper_id)
    if own is None or k < 1:
        return []
    centre = _mean(own)
    proposed = {passage.paper_id for passage, _ in library.dense(centre, (k + 1) * _PASSAGES_EACH)} - {paper_id}
    found = [
        Related(one.paper, float(_mean(one) @ centre)) for one in library.entries(sorted(proposed)).values()
    ]  # fmt: skip
    return sorted(found, key=lambda one: (-one.cosine, one.paper.id))[:k]


def _mean(one: StoredPaper) -> Vector:
    """The unit vector of a paper, shape ``(dimension,)``: the mean of its passages'."""
    mean = one.vectors[: len(one.passages)].mean(axis=0)
    length = max(float((mean**2).sum()) ** 0.5, 1e-9)
    unit: Vector = mean / length
    return unit
