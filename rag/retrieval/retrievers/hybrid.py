"""Hybrid retrieval: dense and lexical scores fused."""

from __future__ import annotations

from pydantic import PositiveInt

from rag.datatypes import Hit
from rag.retrieval.retrievers.base import LibraryRetriever
from rag.retrieval.retrievers.fusion import DEPTH, FusedHit, fuse


class HybridRetriever(LibraryRetriever):
    """Papers by dense and lexical scores with feedback; ``depth`` is the number of candidates of each."""

    depth: PositiveInt = DEPTH

    def hits(self, query: str, k: int) -> list[Hit]:
        return [Hit(hit.passage, hit.score, "hybrid") for hit in self.fused(query, k)]

    def fused(self, query: str, k: int) -> list[FusedHit]:
        """The same hits with the parts of their scores. The question is encoded once."""
        return fuse(self.library, query, self.encoder.encode([query])[0], k, self.depth)
