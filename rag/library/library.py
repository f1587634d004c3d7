"""A library of papers in one folder: open, fill, search.

``papers.sqlite`` holds the papers with their sentences, passages and vectors. Two indexes derive from it: ``chroma/``
over passage vectors and ``bm25/`` over the words of papers. ``manifest.json`` names encoder and chunker, and is written
last. One process writes at a time, any number read. A killed import leaves a library with the papers that were
committed: a reader compares with each of those that the vector index lacks, and the next writer indexes them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

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
from rag.library.storage.vector_choice import go_over, open_vectors
from rag.library.storage.vector_place import Place
from rag.library.storage.vectors import VectorIndex
from rag.library.storage.writing import (
    ImportProgress,
    ImportReport,
    chunker_version,
)

if TYPE_CHECKING:
    from rag.library.storage.chroma_server import ChromaServer

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

    @cached_property
    def close_files(self) -> Callable[[], None]:
        """Closes the files and knows the files alone: who shares the library has it called when all have let go."""
        return partial(_close_files, self._store, self._vectors, self._lock)

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
        yields: bool = False,
        server: ChromaServer | None = None,
        rebuild: bool = False,
        untouched: bool = False,
    ) -> Self:
        """The library in folder ``path``, whose vectors must come from ``embedder``; ``server`` is where they may lie.

        With ``read_only`` nothing needs to be writable. Otherwise no other process may be writing, and the indexes and
        a damaged manifest are brought up to what the database holds; ``rebuild``: from nothing (:meth:`rebuild`). A
        writer who ``yields`` closes the library soon after :func:`rag.library.storage.locking.is_wanted` says so.

        ``untouched``, for reading: no file is written. Chroma writes whenever it opens its files, so passages are
        compared one by one, unless a server has the vectors. What a killed writer left half done is an error then.

        Raises :class:`LibraryNotFound`, :class:`LibraryMismatch` (another version, embedder or chunker made it),
        :class:`LibraryLocked`, :class:`LibraryDamaged`, or :class:`LibraryError` for a folder that is not writable.
        """
        check_same(path, load_manifest(path), embedder, chunker_version())
        with ExitStack() as undo:
            lock = None if read_only and not rebuild else acquire_lock(path, yields)
            if lock:
                undo.callback(lock.release)
            content = load_manifest(path)  # again: it may have been changed before the lock was taken
            with storage_errors(path):
                store = PaperStore(path, embedder.dimension, untouched=untouched)
                undo.callback(store.close)
                check_same(path, made_with(path, store, content), embedder, chunker_version())
                index = open_vectors(path, store, server, writing=lock is not None)
                library = cls(path, content, store, index, lock, untouched)
                undo.callback(library.close)
                if lock:
                    library._recover(rebuild)
            undo.pop_all()
            return library

    @classmethod
    def create(cls, path: Path, *, embedder: EmbedderId, server: ChromaServer | None = None) -> Self:
        """An empty library in ``path``, open for writing, whose vectors will lie in ``server`` where one is named.

        The folder may exist if it is empty. The server is asked nothing before there are papers.

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
                index = open_vectors(path, store, server, writing=True)
                return cls(path, content, store, index, lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def repair(
        cls, path: Path, *, embedder: EmbedderId, server: ChromaServer | None = None, apart: bool = False
    ) -> Place | None:
        """Make both indexes of the library in ``path`` again, the vectors in ``server`` or for None in the folder.

        From what the database holds: nothing is embedded. ``apart``: the folder is a copy of another
        library's. Returns the collection of a server that held the vectors before and is left behind, if there is one.
        Raises as :meth:`open` for writing does.
        """
        check_same(path, load_manifest(path), embedder, chunker_version())
        lock = acquire_lock(path)
        try:
            with storage_errors(path), closing(PaperStore(path, embedder.dimension)) as store:
                left = go_over(path, store, server, apart=apart)
        finally:
            lock.release()
        cls.open(path, embedder=embedder, read_only=False, server=server, rebuild=True).close()
        return left

    @property
    def vectors_at(self) -> ChromaServer | None:
        """The server that the vectors lie in, None where they lie in the folder."""
        return self._vectors.server

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
        self._store.missing.create()
        if rebuild:
            self.rebuild()
            return
        self._update_word_index(0)  # also where nothing changed: files may be missing
        if not self._vectors.exists() and self._store.count():
            self._rebuild_vector_index()
        elif self._dense_search.pending:
            self._update_vector_index()
        self._finish_change()
        if not self._store.missing.any():  # the last vectors were stored, and then the process was killed
            self._write_counts()


def _close_files(store: PaperStore, vectors: VectorIndex, lock: WriterLock | None) -> None:
    vectors.close()
    store.close()
    if lock:
        lock.release()
