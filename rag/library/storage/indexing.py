"""Bring the vector index of a library up to its database.

It derives from the database alone; nothing is embedded. The caller holds the writer's lock.
"""

from __future__ import annotations

import logging
from pathlib import Path

from rag.library.storage.locking import PASSING, IndexFailure, trouble_of_index
from rag.library.storage.papers import PaperStore
from rag.library.storage.vectors import VectorIndex

logger = logging.getLogger(__name__)

# Papers per update of the vector index. Chroma writes its graph after each update that brings a hundred vectors, and
# parts of it whole: the fewer, the less is written.
_PAPERS_AT_ONCE = 1024
_WORN_PART = 4  # it is made again when a quarter of its papers was replaced,
_LEAST_WEAR = 16  # but not for so few


def update_vector_index(path: Path, store: PaperStore, index: VectorIndex, new: frozenset[str] = frozenset()) -> bool:
    """Replace the passages of all pending papers in the vector index; whether it was damaged and had to be rebuilt.

    ``new`` are ids of papers that the index cannot hold yet, so that it need not be searched for them. Raises
    :class:`IndexFailure` where the disk is full, or the index may not be written to or is in use.
    """
    try:
        _index_pending(store, index, new)
        return False
    except IndexFailure as error:
        if trouble_of_index(str(error)) in PASSING:
            raise
        logger.warning("The vector index of %s is damaged (%s); it is made again.", path, error)
    discard_vector_index(store, index)
    _index_pending(store, index, frozenset())
    return True


def is_worn(store: PaperStore) -> bool:
    """Whether so much of the vector index was replaced that it should be made again.

    Its graph leads from neighbour to neighbour, and loses the way to a few passages when their neighbours are deleted:
    of 250 passages one was not found after some hundred papers had been replaced.
    """
    return store.wear > max(_LEAST_WEAR, store.count() // _WORN_PART)


def discard_vector_index(store: PaperStore, index: VectorIndex) -> None:
    """Mark all papers pending for a new vector index, and delete the files of the one there is.

    In this order: killed in between, the next writer finds all papers pending, never half an index that seems whole.
    """
    with store.transaction():
        store.mark_all_pending()
    index.delete_files()
    with store.transaction():
        # Indexing what is pending now counts each paper, though nothing is replaced in an index that is new.
        store.set_wear(store.missing.count() - store.count())


def _index_pending(store: PaperStore, index: VectorIndex, new: frozenset[str]) -> None:
    pending = store.pending()
    for start in range(0, len(pending), _PAPERS_AT_ONCE):
        part = pending[start : start + _PAPERS_AT_ONCE]
        outdated = [one for one in part if one not in new]
        index.replace([one for one in store.get(part).values() if one.has_vectors], outdated)
        with store.transaction():
            store.clear_pending(part)
            if outdated:
                store.set_wear(store.wear + len(outdated))
