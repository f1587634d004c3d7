"""The libraries that a process holds open for reading, shared by all who read."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import LibraryLocked

if TYPE_CHECKING:
    from rag.library.library import EmbedderId, Library, Stamp
    from rag.library.storage.chroma_server import ChromaServer

_KEPT = 8  # libraries that stay open while nobody reads them
_PATIENCE_S = 5.0
_REST_S = 5.0  # while a library is being written to, it is opened anew no more often than this


@dataclass(frozen=True, slots=True)
class _Opened:
    """A library with what told its version apart when it was opened."""

    library: Library
    stamp: Stamp
    commits: int
    since: float
    server: ChromaServer | None

    def is_as(self, stamp: Stamp, commits: int) -> bool:
        """Whether it is still good enough to read: an import changes the stamp when it ends, and commits all along."""
        rests = time.monotonic() - self.since < _REST_S
        return self.stamp == stamp and (self.commits == commits or rests)


class OpenLibraries:
    """Each library opened once, and anew when it has changed on disk. Safe to call from several threads.

    Whoever changed it, in this process or another one: the end of a change is seen at once, and what an import has
    stored so far within some seconds.

    Whoever has got a library keeps it as long as they hold a reference, whatever is opened, changed or released
    meanwhile: a question ends with the library that it began with. Its files are closed after the last has let go.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._current: dict[tuple[Path, bool], _Opened] = {}  # the last used last
        self._alive: dict[Path, weakref.WeakSet[Library]] = {}
        # What closes the files of libraries that nobody holds. A garbage collection may come upon one in the middle of
        # anything, with any lock held: so the files are not closed there, but by the next who calls.
        self._unused: deque[Callable[[], None]] = deque()

    def get(
        self, path: Path, embedder: EmbedderId, server: ChromaServer | None = None, *, untouched: bool = False
    ) -> Library:
        """The library in ``path`` as it is now.

        ``server`` and ``untouched`` are as for :meth:`rag.library.library.Library.open`, and so are the exceptions.
        """
        from rag.library.library import Library

        with self._lock:
            stamp, commits = Library.stamp(path), Library.commits(path)
            known = self._current.pop((path, untouched), None)
            if known is None or known.server != server or not known.is_as(stamp, commits):
                library = Library.open(path, embedder=embedder, server=server, untouched=untouched)
                weakref.finalize(library, self._unused.append, library.close_files).atexit = False
                self._alive.setdefault(path, weakref.WeakSet()).add(library)
                known = _Opened(library, stamp, commits, time.monotonic(), server)
            self._current[path, untouched] = known
            for longest_unused in list(self._current)[:-_KEPT]:
                del self._current[longest_unused]
            self._close_unused()
            return known.library

    def close(self, path: Path) -> None:
        """Let go of the library in ``path`` before its folder is moved or deleted.

        Raises :class:`LibraryLocked` where somebody still reads it after some seconds.
        """
        until = time.monotonic() + _PATIENCE_S
        while self._is_read(path):
            if time.monotonic() > until:
                raise LibraryLocked(
                    f"The library {path} is being read: an answer, a table or a map is being made from it. Wait until "
                    "that has finished, then try again."
                )
            time.sleep(0.05)

    def close_all(self) -> None:
        """Let go of every one."""
        with self._lock:
            self._current.clear()
            gc.collect()
            self._close_unused()

    def _is_read(self, path: Path) -> bool:
        """Whether anybody but this cache holds the library in ``path``."""
        with self._lock:
            for untouched in (False, True):
                self._current.pop((path, untouched), None)
            if self._alive.get(path):
                gc.collect()  # one that only a circle of references holds is not read
            self._close_unused()
            if self._alive.get(path):
                return True
            self._alive.pop(path, None)
            return False

    def _close_unused(self) -> None:
        while self._unused:
            self._unused.popleft()()
