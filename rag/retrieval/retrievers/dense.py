"""Dense retrieval: the cosine of question and passage."""

from __future__ import annotations

from rag.datatypes import Hit
from rag.retrieval.retrievers.base import LibraryRetriever
from rag.retrieval.retrievers.fusion import rank_by_cosine


class DenseRetriever(LibraryRetriever):
    """Papers by the cosine of their best passage with the question; scores from -1 to 1."""

    def hits(self, query: str, k: int) -> list[Hit]:
        return rank_by_cosine(self.library, self.encoder.encode([query])[0], k)
