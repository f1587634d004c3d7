"""Vectors of papers that have none yet, computed ahead of their turn because a question needs them now.

They stay in the memory of this process and are not stored: the vectors that a library ends up with are those of an
import that was waited for, whatever was asked meanwhile.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from rag.library.storage.paper_writer import BulkEncoder, embed
from rag.library.storage.stored_paper import content_hash, stored_as

if TYPE_CHECKING:
    from rag.library.storage.stored_paper import StoredPaper

_MOST = 2_000  # papers that are kept, some 20 kB each


class Ahead:
    """What questions had embedded ahead; ``encoder`` loads the encoder, when the first paper needs it.

    One for all libraries of an encoder. Safe to use from several threads.
    """

    def __init__(self, encoder: Callable[[], BulkEncoder]) -> None:
        self._encoder = encoder
        self._embedding = threading.Lock()
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, StoredPaper] = OrderedDict()  # by the hash of the content, the last used last

    def embed(self, papers: Iterable[StoredPaper]) -> None:
        """Compute the vectors of these papers, of those that have none: some 40 a second on 2 cores."""
        with self._embedding:
            wanted = [one.paper for one in papers if not one.has_vectors and self._known(one) is one]
            made = embed(wanted, self._encoder()) if wanted else []
        with self._lock:
            for one in made:
                stored = stored_as(one.paper, one.passages, one.sentences, one.vectors)
                self._kept[content_hash(one.paper)] = stored
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)

    def filled_in(self, papers: Mapping[str, StoredPaper]) -> dict[str, StoredPaper]:
        """``papers`` with the vectors that are known of those that have none."""
        return {id_: one if one.has_vectors else self._known(one) for id_, one in papers.items()}

    def _known(self, one: StoredPaper) -> StoredPaper:
        key = content_hash(one.paper)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key, one)
