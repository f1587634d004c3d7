"""The passages nearest to a vector: through Chroma where it can be used, else by comparing with every stored vector.

Both find the same up to the approximation of Chroma's index; the exact search is slower in large libraries.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from rag.library.storage import vectors
from rag.library.storage.admitting import among
from rag.library.storage.exact_search import ExactSearch
from rag.library.storage.locking import IndexFailure, storage_errors
from rag.library.storage.papers import PaperStore
from rag.library.storage.vectors import Neighbour, VectorIndex, search_exactly

if TYPE_CHECKING:
    from rag.datatypes import Vector

logger = logging.getLogger(__name__)

_TIES = 16  # passages requested beyond k: Chroma drops any of equal scores at the cut, we drop the higher ids
_TRIES = 3  # of a search during which another process changed the library
_MAX_PENDING = 1000  # with more papers pending than this the vector index is still being built and is not used
_MAX_EXACT = 2000  # up to this many papers, a search within them compares with each
_MAX_DEPTH = 4000  # at most this many nearest passages of the library are filtered for those within some papers


class DenseSearch:
    """Searches the passages of one library. :meth:`refresh` belongs after every change of the papers."""

    def __init__(self, path: Path, store: PaperStore, index: VectorIndex, untouched: bool = False) -> None:
        """``untouched``: Chroma's files, which it writes to whenever it opens them, are left alone."""
        self._path = path
        self._store = store
        self._index = index
        self._untouched = untouched and index.server is None
        self._only_exact = False
        self._state = store.database.state()
        self._said_full = False
        self._exact = ExactSearch(store)
        self._pending = store.pending()

    @property
    def pending(self) -> list[str]:
        """Ids of papers whose passages in the index are missing or outdated: these are compared one by one."""
        return self._pending

    def refresh(self) -> None:
        """Read again which papers are pending."""
        self._state = self._store.database.state()
        self._pending = self._store.pending()

    def use_index_again(self) -> None:
        """The vector index has been rebuilt: give up the exact search that a damaged one led to."""
        self._only_exact = False

    def search(self, vector: Vector, k: int, within: Collection[str] | None = None) -> list[Neighbour]:
        """The ``k`` passages nearest to a unit vector, by (-cosine, passage id); ``within``: of these papers only.

        Raises :class:`rag.errors.LibraryError` where the library cannot be read.
        """
        return self._search_all(vector, k) if within is None else self._search_within(vector, k, within)

    def _search_all(self, vector: Vector, k: int) -> list[Neighbour]:
        if k < 1:
            return []
        with storage_errors(self._path):
            for _ in range(_TRIES):
                if self._state != self._store.database.state():  # another process may have changed papers
                    self.refresh()
                found = self._search_index(vector, k)
                if found is None:
                    break
                if self._state == self._store.database.state():  # else papers went from the index meanwhile
                    return found
            return self._compare_with_all(vector, k)

    def _search_index(self, vector: Vector, k: int) -> list[Neighbour] | None:
        """Through Chroma, with what is pending compared one by one; None where Chroma cannot be used."""
        if not self._can_use_index() or len(self._pending) > _MAX_PENDING:
            return None
        pending = set(self._pending)
        try:
            # A pending paper may have outdated passages in the index: request so many more.
            found = self._index.search(vector, k + _TIES + 4 * len(pending))
        except IndexFailure as error:
            self._search_exactly_from_now_on(f"Chroma reports: {error}")
            return None
        current = [n for n in found if n.paper_id not in pending]
        nearest = vectors.order([*current, *search_exactly(self._store.passage_vectors(sorted(pending)), vector, k)], k)
        # Where another process has just deleted passages, this one's graph may still lead to them, and finds too few.
        if len(nearest) < k and len(nearest) < self._store.counts()[1] and not self._store.missing.any():
            return None
        return nearest

    def _search_within(self, vector: Vector, k: int, within: Collection[str]) -> list[Neighbour]:
        """Post-filter the nearest passages of the library, deeper and deeper; compare with each for few papers."""
        thin = max(1, self._store.counts()[0] // max(1, len(within)))
        depth = 2 * k * thin  # enough where those of the scope are spread evenly
        while len(within) > _MAX_EXACT and depth < _MAX_DEPTH:
            found = self._search_all(vector, depth)
            inside = among(within, {n.paper_id for n in found})
            found = [n for n in found if n.paper_id in inside]
            if len(found) >= k:
                return found[:k]
            depth *= 4
        return self.compare(vector, k, within)

    def compare(self, vector: Vector, k: int, within: Collection[str] | None = None) -> list[Neighbour]:
        """As :meth:`search`, without Chroma: compared with every stored vector."""
        with storage_errors(self._path):
            if within is None:
                return self._compare_with_all(vector, k)
            return search_exactly(self._store.passage_vectors(sorted(within)), vector, k)

    def _compare_with_all(self, vector: Vector, k: int) -> list[Neighbour]:
        if self._store.missing.count() == self._store.count():
            return []  # without reading all that has no vectors
        return self._exact.search(vector, k)

    def _can_use_index(self) -> bool:
        if self._only_exact or self._untouched:
            return False
        if not self._index.exists():
            # Normal for a library without vectors and for one whose very first batch was interrupted: all is pending.
            if self._store.count() - self._store.missing.count() > len(self._pending):
                self._search_exactly_from_now_on(self._index.missing)
            return False
        if not self._index.is_writable():
            self._search_exactly_from_now_on("its vector index needs to be writable even for reading")
            return False
        if not self._index.has_room():
            if not self._said_full:
                self._said_full = True
                logger.warning("The disk of %s is full: it is searched by comparing with every passage.", self._path)
            return False
        return True

    def _search_exactly_from_now_on(self, reason: str) -> None:
        self._only_exact = True
        logger.warning(
            "The library %s is searched by comparing with every passage, which is slower but finds the same: %s.",
            self._path, reason,
        )  # fmt: skip
