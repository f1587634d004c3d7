"""The libraries that a process holds open for reading."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.library.library import EmbedderId, Library, Stamp

_KEPT = 4


class OpenLibraries:
    """Each library opened once, and anew when it has changed on disk. Safe to call from several threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        # By folder, the newest last: a question that began before a change ends with the library that it began with.
        self._opened: dict[Path, list[tuple[Stamp, Library]]] = {}

    def get(self, path: Path, embedder: EmbedderId) -> Library:
        """The library in ``path`` as it is now. Raises as :meth:`rag.library.library.Library.open` does."""
        from rag.library.library import Library

        with self._lock:
            opened = self._opened.setdefault(path, [])
            stamp = Library.stamp(path)
            if not opened or opened[-1][0] != stamp:
                opened.append((stamp, Library.open(path, embedder=embedder)))
            for _, outdated in opened[:-_KEPT]:
                outdated.close()
            del opened[:-_KEPT]
            return opened[-1][1]

    def close(self, path: Path) -> None:
        """Close what is open of the library in ``path``, before its folder is moved or deleted."""
        with self._lock:
            for _, library in self._opened.pop(path, []):
                library.close()

    def close_all(self) -> None:
        """Close every one."""
        with self._lock:
            for path in list(self._opened):
                self.close(path)
