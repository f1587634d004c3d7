"""The passages nearest to a vector by comparing with every one: where Chroma cannot be used, or may not be.

The vectors of passages are read from the database once for each of its states and stay in memory, in half precision:
768 bytes a passage. Chroma's files are not touched.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from rag.library.storage.vectors import Neighbour, order, search_exactly

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rag.datatypes import Vector
    from rag.library.storage.papers import PaperStore

_MOST = 1_000_000  # passages that are kept in memory; of more, all are read from the disk for every question
_AT_ONCE = 8_192  # rows that are made float32 together


class ExactSearch:
    """Searches the passages of one library. Several threads may search at once."""

    def __init__(self, store: PaperStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._state: tuple[int, int] | None = None
        self._kept: PassageMatrix | None = None

    def search(self, vector: Vector, k: int) -> list[Neighbour]:
        """The ``k`` passages nearest to a unit vector, by (-cosine, passage id)."""
        if k < 1:
            return []
        if self._store.counts()[1] > _MOST:
            return search_exactly(self._store.passage_vectors(), vector, k)
        with self._lock:
            state = self._store.database.state()
            if self._kept is None or state is None or state != self._state:
                # Read after its state: what is committed meanwhile makes the next search read again.
                self._kept, self._state = PassageMatrix(self._store), state
            return self._kept.search(vector, k)


class PassageMatrix:
    """All passage vectors of a library, of one moment."""

    def __init__(self, store: PaperStore) -> None:
        import numpy as np

        self._ids: list[str] = []
        self._papers: list[str] = []
        self._blocks: list[npt.NDArray[np.float16]] = []
        parts: list[npt.NDArray[np.float16]] = []  # of the next block
        rows = 0
        for one in store.passage_vectors():
            if not len(one.vectors):
                continue
            self._ids += one.passage_ids
            self._papers += [one.paper_id] * len(one.vectors)
            parts.append(one.vectors.astype(np.float16))
            rows += len(one.vectors)
            if rows >= _AT_ONCE:
                self._blocks.append(np.concatenate(parts))
                parts, rows = [], 0
        if parts:
            self._blocks.append(np.concatenate(parts))

    def search(self, vector: Vector, k: int) -> list[Neighbour]:
        """See :meth:`ExactSearch.search`."""
        import numpy as np

        if not self._ids:
            return []
        scores = np.concatenate([block.astype(np.float32) @ vector for block in self._blocks])
        rows = np.arange(len(scores))
        if len(rows) > k:
            # All ties with the k-th are kept, so that ids decide between them.
            rows = np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k])
        return order((Neighbour(self._ids[row], self._papers[row], float(scores[row])) for row in rows.tolist()), k)
