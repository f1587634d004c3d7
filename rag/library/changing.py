"""The changing third of a library: import records, revise and delete papers, part what was merged.

The database is changed first, in transactions; indexes and manifest follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from rag.datatypes import Paper
from rag.errors import LibraryError
from rag.library.searching import SearchableLibrary
from rag.library.storage.identifiers import check_identifiers_free
from rag.library.storage.indexing import discard_vector_index, is_worn, update_vector_index
from rag.library.storage.locking import WriterLock, storage_errors
from rag.library.storage.manifest import EmbedderId, Manifest, check_same, fingerprint_of, write_manifest
from rag.library.storage.marking import mark
from rag.library.storage.paper_writer import embed_first
from rag.library.storage.papers import PaperStore
from rag.library.storage.removing import remove
from rag.library.storage.unmerging import Unmerger, find_merges
from rag.library.storage.vectors import VectorIndex
from rag.library.storage.words.updating import discard_word_index, update_word_index
from rag.library.storage.writing import (
    BATCH,
    BulkEncoder,
    Importer,
    ImportProgress,
    ImportReport,
    batches,
    chunker_version,
)
from rag.papers.retractions import Event

_WORDS_AT_ONCE = 1024  # papers that an import adds to the word index together


class ChangeableLibrary(SearchableLibrary):
    """What changes a :class:`rag.library.library.Library`, which opens it. ``lock`` is None where it may not."""

    def __init__(
        self,
        path: Path,
        content: Manifest,
        store: PaperStore,
        index: VectorIndex,
        lock: WriterLock | None,
        untouched: bool = False,
    ) -> None:
        super().__init__(path, content, store, index, untouched)
        self._lock = lock

    def add(
        self,
        papers: Iterable[Paper],
        encoder: BulkEncoder,
        *,
        on_progress: Callable[[ImportProgress], None] | None = None,
        in_step: bool = False,
        later: bool = False,
    ) -> ImportReport:
        """Import records. One that was imported before changes nothing; a changed one replaces its earlier fields.

        A record that describes a paper with another id (the same DOI, arXiv id or title) is merged into that paper,
        whose id and fields stay and whose empty fields it fills. Only new and changed texts are embedded. Papers
        are stored in batches: after an error, an interrupt or a kill the library holds what was stored before, and
        the next import of the same file goes on from there. Exceptions of the iterator pass through.

        ``in_step``: the records are as their source has them now. A tag, collection or note that a record gave when it
        was last imported so and gives no longer goes, unless another record gave it as well.

        ``later``: new and changed texts are stored without vectors, thousands a second, and found by their words;
        :meth:`embed` computes the vectors afterwards.

        Raises :class:`LibraryError` on a full disk or a library opened for reading only, and
        :class:`LibraryMismatch` for another encoder than the library's.
        """
        self._check_writable()
        self._check_embedder(encoder)
        importer = Importer(self._store, encoder, in_step, later)
        report = on_progress or (lambda progress: None)
        try:
            for batch in batches(papers, _WORDS_AT_ONCE if later else BATCH):
                with storage_errors(self.path):
                    self._update_vector_index(importer.import_batch(batch))
                    self._update_word_index(_WORDS_AT_ONCE)
                report(importer.progress("papers"))
        finally:
            report(importer.progress("index"))
            self._finish_change()
        return importer.report()

    def embed(self, encoder: BulkEncoder, papers: int = BATCH) -> int:
        """Compute the vectors of the first ``papers`` that have none, and index them; returns how many these were.

        The content of the library, its fingerprint and its revision stay the same. In batches of the same size, the
        vectors are those that :meth:`add` makes of a file of new papers. Raises as :meth:`add` does.
        """
        self._check_writable()
        self._check_embedder(encoder)
        with storage_errors(self.path):
            before = self._store.missing.count()
            if before:
                self._update_vector_index(embed_first(self._store, encoder, papers))
                self._dense_search.refresh()
            left = self._store.missing.count()
            if not left:
                self._write_counts()
            return before - left

    def remove(self, ids: Iterable[str]) -> int:
        """Delete papers; returns how many of ``ids`` existed. Importing their file again brings them back."""
        self._check_writable()
        with storage_errors(self.path):
            removed = remove(self._store, list(ids))
            if removed:
                self._update_vector_index()
        self._finish_change()
        return removed

    def revise(self, paper: Paper, encoder: Callable[[], BulkEncoder]) -> bool:
        """Replace all fields of a paper of the library; returns whether that changed anything.

        ``encoder`` is called only where title or abstract changed. Importing the same file again keeps the
        revision; a record that changed in its file replaces it. Raises :class:`KeyError` for an unknown paper,
        :class:`LibraryError` where its DOI or arXiv id is another paper's.
        """
        self._check_writable()
        stored = self.paper(paper.id)
        check_identifiers_free(self._store, paper, stored)
        same_text = (paper.title, paper.abstract) == (stored.title, stored.abstract)
        with storage_errors(self.path):
            changed = Importer(self._store, None if same_text else encoder()).revise(paper, stored)
            if changed:
                self._update_vector_index()
        self._finish_change()
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
        self._finish_change()
        return count, changed

    def undo_merges(self, names: Iterable[str], encoder: Callable[[], BulkEncoder]) -> list[str]:
        """Make papers of their own of merged records, for good: no import merges them again. Returns their ids.

        ``names`` are those of merges (``m12``) or ids of records; ``encoder`` is called where there is one to be made.
        Raises :class:`LibraryError` for a name that is neither, and nothing is changed then.
        """
        self._check_writable()
        merges = find_merges(self._store, names)
        unmerger = Unmerger(self._store, encoder() if merges else None)
        made: list[str] = []
        try:
            for at in range(0, len(merges), BATCH):
                with storage_errors(self.path):
                    made += unmerger.undo(merges[at : at + BATCH])
                    self._update_vector_index(unmerger.new)
        finally:
            self._finish_change()
        return made

    def rebuild(self) -> None:
        """Make both indexes and the manifest again from ``papers.sqlite``; nothing is embedded.

        The files of the indexes are deleted and not looked into, whatever is wrong with them.
        """
        self._check_writable()
        with storage_errors(self.path):
            discard_word_index(self.path, self._store)
        self._rebuild_vector_index()
        self._finish_change(anew=True)

    def _rebuild_vector_index(self) -> None:
        with storage_errors(self.path):
            discard_vector_index(self._store, self._vectors)
            self._dense_search.use_index_again()
            self._update_vector_index()
            self._dense_search.refresh()

    def verify(self) -> list[str]:
        """The inconsistencies of the library, a sentence each; empty when there are none. Reads everything once."""
        from rag.library.storage.verifying import find_problems

        with storage_errors(self.path):
            vectors = None if self.untouched and self._vectors.server is None else self._vectors
            return find_problems(self.path, self._manifest, self._store, vectors, self.fingerprint)

    def _check_embedder(self, encoder: BulkEncoder) -> None:
        given = EmbedderId(encoder.name, encoder.weights_sha256, encoder.dimension)
        check_same(self.path, self._manifest, given, chunker_version())

    def _check_writable(self) -> None:
        if self._lock is None:
            raise LibraryError(f"The library {self.path} was opened for reading. Open it with read_only=False.")

    def _update_vector_index(self, new: frozenset[str] = frozenset()) -> None:
        """Index all pending papers; ``new`` are ids that the index cannot hold yet."""
        if update_vector_index(self.path, self._store, self._vectors, new):
            self._dense_search.use_index_again()

    def _update_word_index(self, least: int = 1) -> None:
        """Bring the word index up to the papers that changed, if there are ``least`` of them."""
        with storage_errors(self.path):
            if update_word_index(self.path, self._store, least):
                with self._bm25_loading:
                    self._bm25_index = None

    def _write_counts(self) -> None:
        """Bring the counts of the manifest up to papers that have got their vectors; their content is the same."""
        papers, passages, sentences = self._store.counts()
        counted = replace(self._manifest, papers=papers, passages=passages, sentences=sentences)
        if counted != self._manifest:
            self._manifest = counted
            write_manifest(self.path, counted)

    def _finish_change(self, anew: bool = False) -> None:
        """Bring word index and manifest up to the database; ``anew``: write the manifest in any case."""
        with storage_errors(self.path):
            if is_worn(self._store):
                self._rebuild_vector_index()
            self._dense_search.refresh()
            self._update_word_index()
            revision = self._store.revision
            if revision == self._manifest.revision and not anew:
                return
            self._manifest_is_current = False
            fingerprint = fingerprint_of(self._manifest, self._store.hashes())
            count, passages, sentences = self._store.counts()
            self._manifest = replace(
                self._manifest, papers=count, passages=passages, sentences=sentences, fingerprint=fingerprint,
                revision=revision,
            )  # fmt: skip
            write_manifest(self.path, self._manifest)
            self._manifest_is_current = True
