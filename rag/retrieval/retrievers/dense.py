"""Retrieval by meaning: the cosine of question and passage."""

from __future__ import annotations

from rag.datatypes import Hit
from rag.retrieval.retrievers.base import LibraryRetriever
from rag.retrieval.retrievers.fusion import by_meaning


class DenseRetriever(LibraryRetriever):
    """Papers by the cosine of their best passage with the question; scores from -1 to 1."""

    def hits(self, query: str, k: int) -> list[Hit]:
        return by_meaning(self.library, self.encoder.encode([query])[0], k)
