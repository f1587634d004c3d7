"""Delete papers, and what records gave that are no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rag.library.storage.papers import PaperStore
from rag.library.storage.stored_paper import content_hash


def remove(store: PaperStore, ids: Sequence[str]) -> int:
    """Delete papers in one transaction; returns how many of ``ids`` existed.

    Of a record that was merged into another paper, what it alone gave goes from that paper, where the record was kept
    in step with its source.
    """
    with store.transaction():
        existing = list(store.get_papers(ids))
        store.delete(existing)
        merged = sorted(one for one in set(ids) - set(existing) if store.givers.papers_of(one))
        changed = [one for one in merged if _take_back(store, one)]
        store.merges.forget("record_id", merged)
        for one in merged:
            store.imported.forget(one)
        if existing or changed:
            store.increment_revision()
    return len(existing)


def _take_back(store: PaperStore, record_id: str) -> bool:
    """Take from every paper what this record alone gave it; whether there was anything."""
    found = False
    for paper in store.get_papers(store.givers.papers_of(record_id)).values():
        # A text that is searched stays: nothing is embedded here.
        left = replace(store.givers.left(paper, record_id), abstract=paper.abstract)
        found |= left != paper
        store.upsert_paper(left, content_hash(left), ())
    return found
