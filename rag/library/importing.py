"""Import papers in a background thread: count the records, then add them; with progress, report and stop.

Papers stored before a stop, an error or a kill stay; importing the same again goes on from there. Of many papers
vectors are left for later: whoever starts the import sees to them at its end.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import FootnoteError, ImportFileError, LibraryLocked, RecordError
from rag.library.remarks import MERGED, SKIPPED, UNREAD, Remark
from rag.library.storage.writing import AT_ONCE

if TYPE_CHECKING:
    from rag.datatypes import Paper
    from rag.library.import_sources import Source
    from rag.library.library import ImportProgress, Library
    from rag.library.storage.writing import BulkEncoder

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ImportState:
    """How far an import is. ``stage``: ``count``, ``load``, ``papers`` or ``end``.

    ``total`` is the number of records counted so far in all sources, ``read`` the number of those processed.
    """

    stage: str = "count"
    total: int = 0
    read: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    merged: int = 0
    skipped: int = 0
    deleted: int = 0
    waiting: int = 0  # papers of the library whose vectors are computed later
    seconds: float = 0.0  # since the first record was read for import
    stopping: bool = False
    error: str = ""

    @property
    def finished(self) -> bool:
        """Whether the import has ended, successfully or not."""
        return self.stage == "end"

    @property
    def rate(self) -> float:
        """Papers a second."""
        return self.read / self.seconds if self.seconds > 0 else 0.0

    @property
    def remaining_s(self) -> float | None:
        """Estimated seconds to the end at the present rate; None before there is one."""
        return (self.total - self.read) / self.rate if self.stage == "papers" and self.rate else None


class ImportJob:
    """One import. ``open_library`` opens the library for writing, ``encoder`` loads the encoder: both in the thread.

    ``on_end`` is called in the thread before the state becomes finished. Every method may be called from any thread.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        open_library: Callable[[], AbstractContextManager[Library]],
        encoder: Callable[[], BulkEncoder],
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._sources = tuple(sources)
        self._open = open_library
        self._encoder = encoder
        self._on_end = on_end
        self._stop = threading.Event()
        # Read and written under this lock alone:
        self._changed = threading.Condition()
        self._state = ImportState()
        self._remarks: list[Remark] = []
        self._started_at = 0.0
        self._thread = threading.Thread(target=self._run, name="footnote-import", daemon=True)

    def start(self) -> None:
        """Begin the import; at most once."""
        self._thread.start()

    def stop(self) -> None:
        """End the import after the current batch is stored, which takes seconds."""
        self._stop.set()
        self._update(stopping=True)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most ``timeout`` seconds for the end; whether it has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def state(self) -> ImportState:
        """The progress now."""
        return self.snapshot()[0]

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """Skipped and merged records and unread files, in the order of the sources."""
        return self.snapshot()[1]

    def snapshot(self) -> tuple[ImportState, tuple[Remark, ...]]:
        """State and remarks of one moment: as many records are counted as skipped as there are remarks of it."""
        with self._changed:
            return self._state, tuple(self._remarks)

    def states(self, every: float = 0.3) -> Iterator[ImportState]:
        """Each new state, polled ``every`` so many seconds; the last one is finished."""
        seen = None
        while True:
            state = self.state
            if state != seen:
                yield state
            if state.finished:
                return
            seen = state
            with self._changed:
                self._changed.wait_for(lambda: self._state.finished, every)

    def _update(
        self, *remarks: Remark, begin: bool = False, total: int = 0, skipped: int = 0, **changes: object
    ) -> None:
        """One change of the state. ``total`` and ``skipped`` are added to it; ``begin`` starts its clock."""
        with self._changed:
            if begin:
                self._started_at = time.monotonic()
            seconds = time.monotonic() - self._started_at if self._started_at else 0.0
            counted = {"total": self._state.total + total, "skipped": self._state.skipped + skipped, "seconds": seconds}
            self._state = replace(self._state, **(counted | changes))  # type: ignore[arg-type]
            self._remarks += remarks
            if self._state.finished:
                self._changed.notify_all()

    def _run(self) -> None:
        error = ""
        try:
            try:
                self._import()
            finally:
                self._on_end()
        except FootnoteError as failure:
            error = str(failure)
        except Exception as failure:  # nothing above the thread would report it
            _log.error("An import failed", exc_info=failure)
            error = (
                f"The import ended early ({type(failure).__name__}). What was stored stays; import the same "
                "again to go on."
            )
        finally:
            self._update(stage="end", error=error)

    def _import(self) -> None:
        with self._open() as library:
            sources = self._count_records()
            if sources and not self._stop.is_set():
                self._update(stage="load")
                encoder = self._encoder()
                self._update(begin=True)
                for source in sources:
                    self._import_source(source, library, encoder)
                self._update(waiting=library.without_vectors)

    def _count_records(self) -> list[Source]:
        """The readable sources; adds their numbers of records to the state."""
        readable: list[Source] = []
        for source in self._sources:
            try:
                for _ in self._until_stopped(source.read(lambda error: None)):
                    self._update(total=1)
                readable.append(source)
            except ImportFileError as error:
                self._update(Remark(source.name, None, UNREAD, str(error)))
        return readable

    def _import_source(self, source: Source, library: Library, encoder: BulkEncoder) -> None:
        before = self.state

        def skipped(error: RecordError) -> None:
            self._update(Remark(error.path, error.line, SKIPPED, error.reason), skipped=1)

        def progress(now: ImportProgress) -> None:
            self._update(
                stage="papers",
                read=before.read + now.read,
                added=before.added + now.added,
                updated=before.updated + now.updated,
                unchanged=before.unchanged + now.unchanged,
                merged=before.merged + now.duplicates,
            )

        self._update(stage="papers")
        try:
            papers = self._until_stopped(source.read(skipped))
            later = before.total > AT_ONCE
            report = library.add(papers, encoder, on_progress=progress, in_step=source.in_step, later=later)
            self._update(*(Remark(source.name, None, MERGED, f"{one}: {reason}") for one, reason in report.merged))
            if not self._stop.is_set():
                also, state = source.imported(library), self.state
                self._update(deleted=state.deleted + also.deleted, unchanged=state.unchanged + also.unchanged)
        except ImportFileError as error:
            self._update(Remark(source.name, None, UNREAD, str(error)))

    def _until_stopped(self, papers: Iterator[Paper]) -> Iterator[Paper]:
        for paper in papers:
            if self._stop.is_set():
                return
            yield paper


class Imports:
    """The imports of this process, at most one at a time for each library; keeps the last of each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[Path, ImportJob] = {}

    def start(self, path: Path, job: ImportJob) -> None:
        """Begin ``job`` for the library in ``path``. Raises :class:`LibraryLocked` while another import runs."""
        with self._lock:
            self._check_idle(path)
            job.start()
            self._jobs[path] = job  # one that could not be started never ends

    def get(self, path: Path) -> ImportJob | None:
        """The running or last import into this library."""
        with self._lock:
            return self._jobs.get(path)

    def forget(self, path: Path) -> None:
        """Drop the finished import of a library: it was deleted, or its report was closed."""
        with self._lock:
            if (job := self._jobs.get(path)) is not None and job.state.finished:
                del self._jobs[path]

    def check_idle(self, path: Path) -> None:
        """Raise :class:`LibraryLocked` while an import into the library runs."""
        with self._lock:
            self._check_idle(path)

    def stop_all(self, timeout: float) -> None:
        """Stop all imports, waiting at most ``timeout`` seconds for each to store its batch."""
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            job.stop()
        for job in jobs:
            job.wait(timeout)

    def _check_idle(self, path: Path) -> None:
        job = self._jobs.get(path)
        if job is not None and not job.state.finished:
            raise LibraryLocked(
                "Papers are being imported into this library. Wait until that has finished, or stop it."
            )
