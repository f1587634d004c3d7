"""Lexical retrieval: BM25 over titles and abstracts."""

from __future__ import annotations

from rag.datatypes import Hit
from rag.retrieval.retrievers.base import LibraryRetriever
from rag.retrieval.retrievers.fusion import rank_by_bm25


class LexicalRetriever(LibraryRetriever):
    """Papers by BM25, each with the passage nearest to the question; scores above 0."""

    def hits(self, query: str, k: int) -> list[Hit]:
        return rank_by_bm25(self.library, query, self.encoder.encode([query])[0], k)
