"""What is said of a search in a library of which not all papers have vectors yet."""

from __future__ import annotations

from collections.abc import Mapping


def embedded_of(papers: int, without_vectors: int) -> dict[str, int]:
    """How many of ``papers`` have vectors; empty where all have."""
    return {"embedded": papers - without_vectors, "papers": papers} if without_vectors else {}


def partly_note(vectors: Mapping[str, int]) -> str:
    """'12,400 of 173,000 papers have vectors; …'; empty where all have."""
    if not vectors:
        return ""
    have = "has" if vectors["embedded"] == 1 else "have"
    return f"{vectors['embedded']:,} of {vectors['papers']:,} papers {have} vectors; the rest is searched by words."
