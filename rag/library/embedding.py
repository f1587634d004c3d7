"""Compute the vectors that a library lacks: batch by batch, beside others who read it, change it and ask it.

One process works on a library at a time. It holds the writer's lock, and lets go of it after a batch when somebody
else wants to write. Killed, it has lost one batch at most; whoever comes next goes on from there.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import LibraryLocked
from rag.library.library import Library
from rag.library.storage.locking import EMBEDDING, is_wanted, storage_errors, wait_for_others

if TYPE_CHECKING:
    from rag.library.storage.chroma_server import ChromaServer
    from rag.library.storage.manifest import EmbedderId
    from rag.library.storage.writing import BulkEncoder

_GLANCE_S = 1.0  # longer than at_work holds the lock that it looks at
_PAUSE_S = 0.1  # between two looks at what has to be waited for

Progress = Callable[[int, int], object]  # papers that have vectors, all papers


def compute_vectors(
    path: Path,
    embedder: EmbedderId,
    encoder: Callable[[], BulkEncoder],
    stop: threading.Event,
    *,
    server: ChromaServer | None = None,
    busy: Callable[[], bool] = lambda: False,
    on_progress: Progress = lambda done, of: None,
) -> bool:
    """Compute all vectors that the library in ``path`` lacks; whether this process did so, and no other is at it.

    Pauses while ``busy`` says so, ends after a batch when ``stop`` is set. ``encoder`` is called when there is
    something to embed; ``server`` is where the vectors may lie. Raises as :meth:`Library.open` and
    :meth:`Library.embed` do, but waits for other writers.
    """
    with _alone(path) as alone:
        while alone and not stop.is_set():
            try:
                with Library.open(path, embedder=embedder, read_only=False, yields=True, server=server) as library:
                    if _work(library, encoder, stop, busy, on_progress):
                        break
            except LibraryLocked:  # an import is running
                stop.wait(_PAUSE_S)
            wait_for_others(path, stop)
        return alone


def _work(
    library: Library,
    encoder: Callable[[], BulkEncoder],
    stop: threading.Event,
    busy: Callable[[], bool],
    on_progress: Progress,
) -> bool:
    """Batch after batch, until all is done, which it returns, or another process wants to write."""
    left = library.without_vectors
    while left and not stop.is_set() and not is_wanted(library.path):
        if busy():
            stop.wait(_PAUSE_S)
            continue
        left -= library.embed(encoder())
        on_progress(library.count - left, library.count)
    return not left


def at_work(path: Path) -> int | None:
    """The process that computes vectors of this library now; None where there is none."""
    from filelock import FileLock, Timeout

    lock = FileLock(path / EMBEDDING, timeout=0)
    try:
        with lock:
            return None
    except Timeout:
        with suppress(OSError, ValueError, KeyError, TypeError):
            return int(json.loads((path / f"{EMBEDDING}.json").read_text(encoding="utf-8"))["pid"])
        return 0
    except OSError:  # where nothing can be written
        return None


@contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Whether no other process, and no other thread of this one, computes vectors of this library meanwhile."""
    from filelock import FileLock, Timeout

    lock = FileLock(path / EMBEDDING, timeout=_GLANCE_S, thread_local=False)
    with storage_errors(path):
        try:
            lock.acquire()
        except Timeout:  # an OSError as well
            alone = False
        else:
            alone = True
    if not alone:
        yield False
        return
    holder = path / f"{EMBEDDING}.json"
    try:
        with suppress(OSError):
            holder.write_text(json.dumps({"pid": os.getpid(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}))
        yield True
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()
