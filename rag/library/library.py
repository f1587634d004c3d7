"""A library of papers in one folder: open, fill, search.

``papers.sqlite`` holds the papers with their sentences, passages and vectors. Two indexes derive from it: ``chroma/``
over passage vectors and ``bm25/`` over the words of papers. ``manifest.json`` names encoder and chunker, and is written
last. One process writes at a time, any number read. A killed import leaves a library with the papers that were
committed: a reader compares with each of those that the vector index lacks, and the next writer indexes them.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from rag.library.changing import ChangeableLibrary
from rag.library.searching import BestPassage
from rag.library.storage import folder
from rag.library.storage.browsing import Facets, PaperFilter, PaperPage
from rag.library.storage.folder import Stamp
from rag.library.storage.locking import WriterLock, acquire_lock, storage_errors
from rag.library.storage.manifest import (
    FORMAT,
    EmbedderId,
    Manifest,
    check_same,
    fingerprint_of,
    write_manifest,
)
from rag.library.storage.papers import PaperStore
from rag.library.storage.recovering import load_manifest, made_with
from rag.library.storage.vectors import VectorIndex
from rag.library.storage.writing import (
    ImportProgress,
    ImportReport,
    chunker_version,
)

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


class Library(ChangeableLibrary):
    """One library. Use :meth:`open` or :meth:`create`; close it, or use it in a ``with`` statement.

    Reading is in :class:`rag.library.reading.ReadableLibrary`, searching in
    :class:`rag.library.searching.SearchableLibrary`, changing in :class:`ChangeableLibrary`; opening is here. Several
    threads may search at once.
    """

    def __init__(
        self, path: Path, content: Manifest, store: PaperStore, lock: WriterLock | None, untouched: bool = False
    ) -> None:
        super().__init__(path, content, store, lock, untouched)
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
    def commits(path: Path) -> int:
        """Differs after every transaction, also in the middle of an import; reads 28 bytes."""
        return folder.commits(path)

    @staticmethod
    def foreign_files(path: Path) -> list[str]:
        """Names of files in the folder that no library writes, ordered."""
        return folder.foreign_files(path)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        embedder: EmbedderId,
        read_only: bool = True,
        rebuild: bool = False,
        untouched: bool = False,
    ) -> Self:
        """The library in folder ``path``, whose vectors must come from ``embedder``.

        With ``read_only`` nothing needs to be writable. Otherwise no other process may be writing, and the indexes are
        first brought up to what a killed import has committed. A manifest that is missing or damaged is derived from
        the database, and written anew by the first who opens the library for writing. With ``rebuild`` the indexes are
        made again, without looking into those that there are: see :meth:`rebuild`.

        ``untouched``, for reading: no file is written, even where that could be done. Chroma writes whenever it reads,
        so passages are compared one by one. What a killed writer left half done cannot be rolled back, and is an error.

        Raises :class:`LibraryNotFound`, :class:`LibraryMismatch` (another version, embedder or chunker made it),
        :class:`LibraryLocked`, :class:`LibraryDamaged`, or :class:`LibraryError` for a folder that is not writable.
        """
        check_same(path, load_manifest(path), embedder, chunker_version())
        with ExitStack() as undo:
            lock = None if read_only and not rebuild else acquire_lock(path)
            if lock:
                undo.callback(lock.release)
            # Read again: another process may have changed it before the lock was taken.
            content = load_manifest(path)
            with storage_errors(path):
                store = PaperStore(path, embedder.dimension, untouched=untouched)
                undo.callback(store.close)
                check_same(path, made_with(path, store, content), embedder, chunker_version())
                library = cls(path, content, store, lock, untouched)
                undo.callback(library.close)
                if lock:
                    library._recover(rebuild)
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

    def _recover(self, rebuild: bool) -> None:
        """Index what a killed import committed; rebuild the vector index where its files are missing."""
        folder.delete_leftovers(self.path)
        if self._manifest.format != FORMAT:  # before anything is written that an older program would misread
            self._store.words.begin_anew()  # of Greek letters it has other words
            self._manifest = replace(self._manifest, format=FORMAT)
            write_manifest(self.path, self._manifest)
        self._store.browser.create_indexes()
        self._store.remember_made_with(self.embedder, self._manifest.chunker)
        self._store.merges.create()
        self._store.create_totals()
        self._store.words.create()
        if rebuild:
            self.rebuild()
            return
        self._update_word_index(0)  # also where nothing changed: files may be missing
        if not self._vectors.exists() and self._store.count():
            self._rebuild_vector_index()
        elif self._dense_search.pending:
            self._update_vector_index()
        self._finish_change()


def _close_files(store: PaperStore, vectors: VectorIndex, lock: WriterLock | None) -> None:
    vectors.close()
    store.close()
    if lock:
        lock.release()
