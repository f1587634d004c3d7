"""Vectors computed in a thread of this process, while it serves: for the libraries that it was told of, one by one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import FootnoteError
from rag.library.embedding import compute_vectors
from rag.library.library import Library

if TYPE_CHECKING:
    from rag.library.storage.chroma_server import ChromaServer
    from rag.library.storage.manifest import EmbedderId
    from rag.library.storage.writing import BulkEncoder

_log = logging.getLogger(__name__)
_AGAIN_S = 5.0  # after which a library is looked at again that another process was working on
_PATIENCE_S = 10.0  # for the batch that is being stored when the program ends


class BackgroundVectors:
    """Computes what is missing in the libraries given to :meth:`wake`. Safe to use from several threads.

    ``busy``: whether something more urgent is under way, and it pauses.
    """

    def __init__(
        self, embedder: EmbedderId, encoder: Callable[[], BulkEncoder], busy: Callable[[], bool] = lambda: False
    ) -> None:
        self._embedder, self._encoder, self._busy = embedder, encoder, busy
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._waiting: dict[Path, ChromaServer | None] = {}  # in the order in which they came
        self._thread: threading.Thread | None = None

    def wake(self, path: Path, server: ChromaServer | None = None) -> None:
        """There may be papers without vectors in the library in ``path``; ``server`` is where they may lie."""
        with self._changed:
            self._waiting[path] = server
            if self._thread is None and not self._stop.is_set():
                self._thread = threading.Thread(target=self._run, name="footnote-vectors", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def close(self) -> None:
        """End after the batch that is being stored."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(_PATIENCE_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stop.is_set())
                if self._stop.is_set():
                    return
                path = next(iter(self._waiting))
                server = self._waiting.pop(path)
            if self._is_lacking(path, server) and not self._computed(path, server):
                self._stop.wait(_AGAIN_S)
                self.wake(path, server)

    def _is_lacking(self, path: Path, server: ChromaServer | None) -> bool:
        """Whether papers lack vectors there. What cannot be opened is reported by whoever reads it."""
        try:
            with Library.open(path, embedder=self._embedder, server=server) as library:
                return library.without_vectors > 0
        except FootnoteError as error:
            _log.info("No vectors are computed in %s: %s", path, error)
            return False

    def _computed(self, path: Path, server: ChromaServer | None) -> bool:
        """Whether nothing is left to be done here, or can be; False where another process is at it."""
        try:
            return compute_vectors(path, self._embedder, self._encoder, self._stop, server=server, busy=self._busy)
        except FootnoteError as error:
            _log.warning("The vectors of %s are not computed further: %s", path, error)
        except Exception as error:  # nothing above the thread would report it
            _log.error("The vectors of %s are not computed further", path, exc_info=error)
        return True
