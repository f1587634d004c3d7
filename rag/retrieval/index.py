"""What retrieval needs of a library; :class:`rag.library.library.Library` satisfies both Protocols."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from rag.datatypes import Paper, Passage

if TYPE_CHECKING:
    from rag.datatypes import Vector
    from rag.library.searching import BestPassage
    from rag.library.storage.stored_paper import StoredPaper


class Index(Protocol):
    """Dense and lexical search over papers, their vectors, and document frequencies."""

    @property
    def count(self) -> int: ...
    def dense(self, vector: Vector, k: int, within: Collection[str] | None = None) -> list[tuple[Passage, float]]: ...
    def lexical(self, query: str, k: int) -> list[tuple[str, float]]: ...
    def bm25_search(
        self, terms: Mapping[str, float], k: int, within: Collection[str] | None = None
    ) -> list[tuple[str, float]]: ...
    def best_passages(self, vector: Vector, paper_ids: Iterable[str]) -> Mapping[str, BestPassage]: ...
    def entries(self, paper_ids: Sequence[str]) -> Mapping[str, StoredPaper]: ...
    def pull_forward(self, paper_ids: Sequence[str]) -> None: ...
    def document_frequencies(self, stems: Iterable[str]) -> dict[str, int]: ...


class PaperIndex(Index, Protocol):
    """An index that also has the records of the papers."""

    def get_papers(self, ids: Iterable[str]) -> dict[str, Paper]: ...
