"""A library of papers in one folder: open, fill, search.

``papers.sqlite`` holds the papers with their sentences, passages and vectors. Two indexes derive from it: ``chroma/``
over passage vectors and ``bm25/`` over the words of papers. ``manifest.json`` names encoder and chunker, and is written
last. One process writes at a time, any number read. A killed import leaves a library with the papers that were
committed: a reader compares with each of those that the vector index lacks, and the next writer indexes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from rag.datatypes import Paper
from rag.errors import LibraryError
from rag.library.searching import BestPassage, SearchableLibrary
from rag.library.storage import bm25_index, folder
from rag.library.storage.bm25_index import BM25Index
from rag.library.storage.browsing import Facets, PaperFilter, PaperPage
from rag.library.storage.folder import Stamp
from rag.library.storage.identifiers import check_identifiers_free
from rag.library.storage.indexing import discard_vector_index, is_worn, update_vector_index
from rag.library.storage.locking import WriterLock, acquire_lock, storage_errors
from rag.library.storage.manifest import (
    EmbedderId,
    Manifest,
    check_same,
    fingerprint_of,
    write_manifest,
)
from rag.library.storage.marking import mark
from rag.library.storage.papers import PaperStore
from rag.library.storage.recovering import load_manifest, made_with
from rag.library.storage.vectors import VectorIndex
from rag.library.storage.writing import BulkEncoder, Importer, ImportProgress, ImportReport, batches, chunker_version
from rag.papers.retractions import Event

__all__ = [
    "BestPassage",
    "EmbedderId",
    "Facets",
    "ImportProgress",
    "ImportReport",
    "Library",
    "PaperFilter",
    "PaperPage",
    "Stamp",
]


class Library(SearchableLibrary):
    """One library. Use :meth:`open` or :meth:`create`; close it, or use it in a ``with`` statement.

    Reading is in :class:`rag.library.reading.ReadableLibrary`, searching in :class:`SearchableLibrary`; opening and
    changing is here. Several threads may search at once.
    """

    def __init__(self, path: Path, content: Manifest, store: PaperStore, lock: WriterLock | None) -> None:
        super().__init__(path, content, store)
        self._lock = lock
        # What closes the files knows the files alone: whoever shares the library can have them closed when the last
        # one has let go of it.
        self.close_files = partial(_close_files, store, self._vectors, lock)

    # --- opening and closing ---

    @staticmethod
    def exists(path: Path) -> bool:
        """Whether there is a library in the folder, intact or not."""
        return folder.exists(path)

    @staticmethod
    def stamp(path: Path) -> Stamp:
        """Differs after every change of the library in ``path``; reads the manifest. Raises :class:`LibraryError`."""
        return folder.stamp(path)

    @staticmethod
    def foreign_files(path: Path) -> list[str]:
        """Names of files in the folder that no library writes, ordered."""
        return folder.foreign_files(path)

    @classmethod
    def open(cls, path: Path, *, embedder: EmbedderId, read_only: bool = True) -> Self:
        """The library in folder ``path``, whose vectors must come from ``embedder``.

        With ``read_only`` nothing needs to be writable. Otherwise no other process may be writing, and the indexes are
        first brought up to what a killed import has committed. A manifest that is missing or damaged is derived from
        the database, and written anew by the first who opens the library for writing.

        Raises :class:`LibraryNotFound`, :class:`LibraryMismatch` (another version, embedder or chunker made it),
        :class:`LibraryLocked`, :class:`LibraryDamaged`, or :class:`LibraryError` for a folder that is not writable.
        """
        check_same(path, load_manifest(path), embedder, chunker_version())
        with ExitStack() as undo:
            lock = None if read_only else acquire_lock(path)
            if lock:
                undo.callback(lock.release)
            # Read again: another process may have changed it before the lock was taken.
            content = load_manifest(path)
            with storage_errors(path):
                store = PaperStore(path, embedder.dimension)
                undo.callback(store.close)
                check_same(path, made_with(path, store, content), embedder, chunker_version())
                library = cls(path, content, store, lock)
                undo.callback(library.close)
                if lock:
                    library._recover()
            undo.pop_all()
            return library

    @classmethod
    def create(cls, path: Path, *, embedder: EmbedderId) -> Self:
        """An empty library in ``path``, open for writing. The folder may exist if it is empty.

        Raises :class:`LibraryError` where it holds anything else or cannot be made, :class:`LibraryLocked` where
        another process is making it.
        """
        with storage_errors(path):
            path.mkdir(parents=True, exist_ok=True)
        lock = acquire_lock(path)
        try:
            folder.clear_for_new_library(path)
            with storage_errors(path):
                content = Manifest(embedder, chunker_version())
                content = replace(content, fingerprint=fingerprint_of(content, ()))
                store = PaperStore(path, embedder.dimension, create=True)
                store.remember_made_with(embedder, content.chunker)
                write_manifest(path, content)
                return cls(path, content, store, lock)
        except BaseException:
            lock.release()
            raise

    def close(self) -> None:
        """Close all files and let others write. Safe to repeat."""
        self.close_files()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- changing ---

    def add(
        self,
        papers: Iterable[Paper],
        encoder: BulkEncoder,
        *,
        on_progress: Callable[[ImportProgress], None] | None = None,
    ) -> ImportReport:
        """Import records. One that was imported before changes nothing; a changed one replaces its earlier fields.

        A record that describes a paper with another id (the same DOI, arXiv id or title) is merged into that paper,
        whose id and fields stay and whose empty fields it fills. Only new and changed texts are embedded. Papers
        are stored in batches: after an error, an interrupt or a kill the library holds what was stored before, and
        the next import of the same file goes on from there. Exceptions of the iterator pass through.

        Raises :class:`LibraryError` on a full disk or a library opened for reading only, and
        :class:`LibraryMismatch` for another encoder than the library's.
        """
        self._check_writable()
        given = EmbedderId(encoder.name, encoder.weights_sha256, encoder.dimension)
        check_same(self.path, self._manifest, given, chunker_version())
        importer = Importer(self._store, encoder)
        report = on_progress or (lambda progress: None)
        try:
            for batch in batches(papers):
                with storage_errors(self.path):
                    self._update_vector_index(importer.import_batch(batch))
                report(importer.progress("papers"))
        finally:
            report(importer.progress("index"))
            self._finish_change()
        return importer.report()

    def remove(self, ids: Iterable[str]) -> int:
        """Delete papers; returns how many of ``ids`` existed. Importing their file again brings them back."""
        self._check_writable()
        existing = list(self.get_papers(ids))
        if existing:
            with storage_errors(self.path):
                with self._store.transaction():
                    self._store.delete(existing)
                    self._store.increment_revision()
                self._update_vector_index()
            self._finish_change()
        return len(existing)

    def revise(self, paper: Paper, encoder: Callable[[], BulkEncoder]) -> bool:
        """Replace all fields of a paper of the library; returns whether that changed anything.

        ``encoder`` is called only where title or abstract changed. Importing the same file again keeps the
        revision; a record that changed in its file replaces it. Raises :class:`KeyError` for an unknown paper,
        :class:`LibraryError` where its DOI or arXiv id is another paper's.
        """
        self._check_writable()
        stored = self.paper(paper.id)
        check_identifiers_free(self._store, paper)
        same_text = (paper.title, paper.abstract) == (stored.title, stored.abstract)
        with storage_errors(self.path):
            changed = Importer(self._store, None if same_text else encoder()).revise(paper, stored)
            if changed:
                self._update_vector_index()
        self._finish_change(text_changed=not same_text)
        return changed

    def note_events(self, events: Iterable[Event]) -> tuple[int, tuple[str, ...]]:
        """Keep what happened to papers, here or imported later: retracted, corrected, reinstated.

        Returns how many events there were, and the ids of the papers of this library whose status they changed.
        Exceptions of the iterator pass through, and nothing is kept then.
        """
        self._check_writable()
        with storage_errors(self.path), self._store.transaction():
            count = self._store.notices.add(events)
            changed = mark(self._store, self._store.notices.concerned())
            if changed:
                self._store.increment_revision()
        self._finish_change(text_changed=False)
        return count, changed

    def rebuild(self) -> None:
        """Make the vector index again from the stored vectors; nothing is embedded."""
        self._check_writable()
        with storage_errors(self.path):
            discard_vector_index(self._store, self._vectors)
            self._dense_search.use_index_again()
            self._update_vector_index()
            self._dense_search.refresh()

    def verify(self) -> list[str]:
        """The inconsistencies of the library, a sentence each; empty when there are none. Reads everything once."""
        from rag.library.storage.verifying import find_problems

        with storage_errors(self.path):
            return find_problems(self.path, self._manifest, self._store, self._vectors, self.fingerprint)

    def _check_writable(self) -> None:
        if self._lock is None:
            raise LibraryError(f"The library {self.path} was opened for reading. Open it with read_only=False.")

    def _update_vector_index(self, new: frozenset[str] = frozenset()) -> None:
        """Index all pending papers; ``new`` are ids that the index cannot hold yet."""
        if update_vector_index(self.path, self._store, self._vectors, new):
            self._dense_search.use_index_again()

    def _finish_change(self, text_changed: bool = True) -> None:
        """Bring BM25 index and manifest up to the database. ``text_changed``: a title or abstract did."""
        with storage_errors(self.path):
            if is_worn(self._store):
                self.rebuild()
            self._dense_search.refresh()
            revision = self._store.revision
            if revision == self._manifest.revision:
                return
            text_changed |= not self._manifest_is_current  # after a kill the stored BM25 index may be outdated
            self._manifest_is_current = False
            fingerprint = fingerprint_of(self._manifest, self._store.hashes())
            name = self._manifest.bm25_index
            if text_changed or not name:
                name = f"{revision}-{fingerprint[:12]}"
                self._bm25_index = BM25Index.build(self._store.texts())
                self._bm25_index.save(self.path / bm25_index.FOLDER, name)
            count, passages, sentences = self._store.counts()
            self._manifest = replace(
                self._manifest, papers=count, passages=passages, sentences=sentences, fingerprint=fingerprint,
                revision=revision, bm25_index=name,
            )  # fmt: skip
            write_manifest(self.path, self._manifest)
            self._manifest_is_current = True
            bm25_index.delete_others(self.path / bm25_index.FOLDER, name)

    def _recover(self) -> None:
        """Index what a killed import committed; rebuild the vector index where its files are missing."""
        folder.delete_leftovers(self.path)
        self._store.browser.create_indexes()
        self._store.remember_made_with(self.embedder, self._manifest.chunker)
        if not self._vectors.exists() and self._store.count():
            self.rebuild()
        elif self._dense_search.pending:
            self._update_vector_index()
        self._finish_change()


def _close_files(store: PaperStore, vectors: VectorIndex, lock: WriterLock | None) -> None:
    vectors.close()
    store.close()
    if lock:
        lock.release()
