"""Papers that were read last, taken apart once for as long as their database does not change.

A search reads some hundreds of papers of which most were read by the search before. What is kept is that of one state
of the database; any change, by this process or another one, begins with nothing kept.
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from rag.library.storage.database import Database
from rag.library.storage.stored_paper import StoredPaper

_MOST = 1_024  # of all libraries of the process, some 20 kB each
_kept: OrderedDict[tuple[int, str], StoredPaper] = OrderedDict()
_lock = threading.Lock()
_states = itertools.count()

Read = Callable[[Sequence[str]], Iterable[StoredPaper]]


class KeptPapers:
    """The papers of one database; ``read`` reads those that are not kept. Safe to use from several threads."""

    def __init__(self, database: Database, read: Read) -> None:
        self._database, self._read = database, read
        self._state: tuple[int, int] | None = None
        self._number = -1  # of the state in this process: what an older one kept is never found again, and goes

    def get(self, ids: Sequence[str]) -> dict[str, StoredPaper]:
        """The papers with these ids, in that order; unknown ids are left out. Nothing of them may be changed."""
        with self._database.lock:
            state = self._database.state()
            if state is None:  # in the middle of a change, which may be taken back
                found = {one.paper.id: one for one in self._read(ids)}
            else:
                if state != self._state:
                    self._state, self._number = state, next(_states)
                found = self._found(ids)
        return {one: found[one] for one in ids if one in found}

    def _found(self, ids: Sequence[str]) -> dict[str, StoredPaper]:
        found: dict[str, StoredPaper] = {}
        with _lock:
            for one in ids:
                if (paper := _kept.get((self._number, one))) is not None:
                    _kept.move_to_end((self._number, one))
                    found[one] = paper
        if missing := [one for one in ids if one not in found]:
            read = {one.paper.id: one for one in self._read(missing)}
            with _lock:
                _kept.update({(self._number, one): paper for one, paper in read.items()})
                while len(_kept) > _MOST:
                    _kept.popitem(last=False)
            found |= read
        return found
