"""A library of papers in one folder: open, fill, search.

``papers.sqlite`` holds the papers with their sentences, passages and vectors; ``chroma/`` finds passages by meaning and
``bm25/`` papers by words, both derived from it; ``manifest.json`` says what made the library, and is written last. One
process writes at a time, any number read. What is left of a killed import is a library with the papers that were
committed: a reader searches those that the indexes lack by comparing with each, and the next writer takes them up.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rag.datatypes import Encoder, Paper, Passage, Sentence
from rag.errors import LibraryError
from rag.library.storage import bm25_index, locking, manifest, papers, vectors
from rag.library.storage.bm25_index import BM25Index
from rag.library.storage.browsing import Facets, PaperFilter, PaperPage
from rag.library.storage.locking import IndexFailure, WriterLock, means_full, storage_errors
from rag.library.storage.manifest import EmbedderId, Manifest, check_same, read_manifest, write_manifest
from rag.library.storage.papers import Labels, PaperStore, StoredPaper
from rag.library.storage.vectors import Neighbour, VectorIndex, search_exactly
from rag.library.storage.writing import BulkEncoder, Importer, ImportProgress, ImportReport, batches, chunker_version
from rag.papers.identity import identity_keys
from rag.text.tokenization import stems

if TYPE_CHECKING:
    from rag.datatypes import Matrix, Vector

__all__ = [
    "Closest",
    "EmbedderId",
    "Facets",
    "ImportProgress",
    "ImportReport",
    "Library",
    "PaperFilter",
    "PaperPage",
    "Stamp",
]

logger = logging.getLogger(__name__)

_INDEX_BATCH = 256  # papers per update of the vector index
_TIES = 16  # passages looked at beyond those asked for: Chroma cuts equal scores anywhere, we cut them by id
_FEW_PENDING = 1000  # with more papers than this to take up, the vector index is being made and no help yet
_FEW_WITHIN = 2000  # papers of a scope that are compared one by one
_DEEP = 4000  # passages of all papers that are looked through for those of a scope
_ALL = PaperFilter()
Stamp = tuple[int, int, int]
_OWN_FILES = frozenset(
    {papers.NAME, f"{papers.NAME}-journal", vectors.FOLDER, bm25_index.FOLDER, f"{manifest.NAME}.partial", "map.json"}
)


@dataclass(frozen=True, slots=True)
class Closest:
    """How near a paper comes to a question: its best passage and cosine, and the cosine of its best sentence.

    ``sentence`` is -1 for a paper without an abstract.
    """

    passage: Passage
    cosine: float
    sentence: float


class Library:
    """One library. Use :meth:`open` or :meth:`create`; close it, or use it in a ``with`` statement.

    Several threads may search at once.
    """

    def __init__(self, path: Path, content: Manifest, store: PaperStore, lock: WriterLock | None) -> None:
        self.path = path
        self._manifest = content
        self._store = store
        self._lock = lock
        self._vectors = VectorIndex(path)
        self._current = content.revision == store.revision
        self._pending = store.pending()
        self._lexicon: BM25Index | None = None
        self._loading = threading.Lock()
        self._exact = False

    # --- life ---

    @staticmethod
    def exists(path: Path) -> bool:
        """Whether there is a library in the folder, sound or not."""
        return (path / manifest.NAME).is_file()

    @staticmethod
    def stamp(path: Path) -> Stamp:
        """Differs after every change of the library in ``path``; costs no reading. Raises :class:`LibraryError`."""
        with storage_errors(path):
            status = (path / manifest.NAME).stat()
        return status.st_ino, status.st_mtime_ns, status.st_size

    @staticmethod
    def foreign_files(path: Path) -> list[str]:
        """Names of what lies in the folder and is none of a library's files, ordered."""
        own = _OWN_FILES | {manifest.NAME, locking.LOCK, locking.HOLDER}
        return sorted(file.name for file in path.iterdir() if file.name not in own)

    @classmethod
    def open(cls, path: Path, *, embedder: EmbedderId, read_only: bool = True) -> Self:
        """The library in folder ``path``, whose vectors must come from ``embedder``.

        With ``read_only`` nothing needs to be writable. Otherwise no other process may be writing, and what a killed
        import left is put in order first.

        Raises :class:`LibraryNotFound`, :class:`LibraryMismatch` (another version, embedder or chunker made it),
        :class:`LibraryLocked`, or :class:`LibraryError` for a folder that is damaged or not writable.
        """
        check_same(path, read_manifest(path), embedder, chunker_version())
        lock = None if read_only else _locked(path)
        try:
            # Read again: it may have changed while this process waited for nothing but a moment.
            content = read_manifest(path)
            with storage_errors(path):
                library = cls(path, content, PaperStore(path, embedder.dimension), lock)
                if lock:
                    library._put_in_order()
            return library
        except BaseException:
            if lock:
                lock.release()
            raise

    @classmethod
    def create(cls, path: Path, *, embedder: EmbedderId) -> Self:
        """An empty library in ``path``, open for writing. The folder may exist if it is empty.

        Raises :class:`LibraryError` where it holds anything else or cannot be made, :class:`LibraryLocked` where
        another process is making it.
        """
        with storage_errors(path):
            path.mkdir(parents=True, exist_ok=True)
        lock = _locked(path)
        try:
            _check_empty(path)
            with storage_errors(path):
                content = Manifest(embedder, chunker_version())
                content = replace(content, fingerprint=_fingerprint(content, ()))
                store = PaperStore(path, embedder.dimension, create=True)
                write_manifest(path, content)
                return cls(path, content, store, lock)
        except BaseException:
            lock.release()
            raise

    def close(self) -> None:
        """Close all files and let others write. Safe to repeat."""
        self._vectors.close()
        self._store.close()
        if self._lock:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- what it holds ---

    @property
    def embedder(self) -> EmbedderId:
        """Which encoder its vectors come from."""
        return self._manifest.embedder

    @property
    def count(self) -> int:
        """Number of papers."""
        return self._manifest.papers if self._current else self._store.count()

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the ids and contents of all papers, the embedder and the chunker."""
        return self._manifest.fingerprint if self._current else _fingerprint(self._manifest, self._store.hashes())

    def papers(self) -> list[Paper]:
        """All papers, ordered by id."""
        with storage_errors(self.path):
            return self._store.papers()

    def paper(self, paper_id: str) -> Paper:
        """Raises :class:`KeyError` for an id that is not there."""
        return self.get_papers([paper_id])[paper_id]

    def get_papers(self, ids: Iterable[str]) -> dict[str, Paper]:
        """The papers among ``ids`` that there are, in that order."""
        with storage_errors(self.path):
            return self._store.get_papers(list(ids))

    def merged(self) -> dict[str, tuple[str, ...]]:
        """Ids of the records that were merged into a paper of another id, by the paper's id."""
        found: dict[str, tuple[str, ...]] = {}
        with storage_errors(self.path):
            for paper_id, record_id in self._store.merged():
                found[paper_id] = (*found.get(paper_id, ()), record_id)
        return found

    def labels(self) -> list[Labels]:
        """Id, year, venue and source of every paper, ordered by id."""
        with storage_errors(self.path):
            return list(self._store.labels())

    def page(
        self, chosen: PaperFilter, sort: str = "id", descending: bool = False, offset: int = 0, limit: int = 50
    ) -> PaperPage:
        """Some of the papers that a filter admits, in the order of one of :data:`rag.library.storage.browsing.SORTS`.

        Milliseconds among 100,000 papers; a search in all their words takes up to half a second.
        """
        with storage_errors(self.path):
            return self._store.page(chosen, sort, descending, offset, limit)

    def ids(self, chosen: PaperFilter) -> list[str]:
        """Ids of all papers that the filter admits, ordered."""
        with storage_errors(self.path):
            return self._store.ids(chosen)

    def years(self, chosen: PaperFilter = _ALL) -> tuple[tuple[int | None, int], ...]:
        """``(year, papers)`` ascending, None for papers without a year."""
        with storage_errors(self.path):
            return self._store.years(chosen)

    def facets(self, chosen: PaperFilter = _ALL) -> Facets:
        """How many papers there are of each year, venue and source."""
        with storage_errors(self.path):
            return self._store.facets(chosen)

    def sentences(self, paper_id: str) -> tuple[Sentence, ...]:
        """The sentences of the abstract in order; none without an abstract. Raises :class:`KeyError`."""
        return self._stored([paper_id])[paper_id].sentences

    def passages(self, paper_id: str) -> tuple[Passage, ...]:
        """The passages in order, at least one. Raises :class:`KeyError`."""
        return self._stored([paper_id])[paper_id].passages

    def sentence_vectors(self, paper_id: str) -> Matrix:
        """Unit vectors of :meth:`sentences`, shape ``(sentences, dimension)``, float32. Raises :class:`KeyError`."""
        return self._stored([paper_id])[paper_id].sentence_vectors

    def mean_vectors(self) -> tuple[list[str], Matrix]:
        """Ids of all papers in order, and the unit mean of each one's passage vectors, float32 ``(papers, dimension)``.

        Only the papers that have been embedded. Reads the whole database once: some seconds for 100,000 papers.
        """
        import numpy as np

        with storage_errors(self.path):
            rows = list(self._store.mean_vectors())
        dimension = self._manifest.embedder.dimension
        return [one for one, _ in rows], np.array([v for _, v in rows], np.float32).reshape(len(rows), dimension)

    def _stored(self, ids: Sequence[str]) -> dict[str, StoredPaper]:
        with storage_errors(self.path):
            return self._store.get(ids)

    # --- search ---

    def dense(self, vector: Vector, k: int, within: Collection[str] | None = None) -> list[tuple[Passage, float]]:
        """The ``k`` passages nearest to a unit vector with their cosine, by (-cosine, passage id).

        With ``within`` those of the papers with these ids alone.
        """
        found = self._neighbours(vector, k) if within is None else self._neighbours_within(vector, k, set(within))
        stored = self._stored(sorted({neighbour.paper_id for neighbour in found}))
        by_id = {passage.id: passage for one in stored.values() for passage in one.passages}
        # A passage that is not in the database belongs to a paper that another process has just changed.
        return [(by_id[n.passage_id], n.score) for n in found if n.passage_id in by_id]

    def lexical(self, query: str, k: int) -> list[tuple[str, float]]:
        """The ``k`` papers that BM25 ranks first with their scores (above 0), by (-score, id)."""
        return self.bm25_search(Counter(stems(query)), k)

    def bm25_search(
        self, words: Mapping[str, float], k: int, within: Collection[str] | None = None
    ) -> list[tuple[str, float]]:
        """Like :meth:`lexical`, for stems with what each counts; with ``within`` among papers with these ids."""
        return self._words().search(words, k, within)

    def entries(self, paper_ids: Sequence[str]) -> dict[str, StoredPaper]:
        """Papers with their passages, sentences and vectors; ids that are not there are left out."""
        return self._stored(paper_ids)

    def closest(self, vector: Vector, paper_ids: Iterable[str]) -> dict[str, Closest]:
        """How near each of these papers comes to a unit vector; ids that are not there are left out."""
        found: dict[str, Closest] = {}
        for paper_id, one in self._stored(list(paper_ids)).items():
            cosines = one.vectors @ vector
            best = int(cosines[: len(one.passages)].argmax())
            sentence = float(cosines[len(one.passages) :].max(initial=-1.0))
            found[paper_id] = Closest(one.passages[best], float(cosines[best]), sentence)
        return found

    def document_frequencies(self, stems: Iterable[str]) -> dict[str, int]:
        """In how many papers (title or abstract) each of these :func:`~rag.text.tokenization.stems` occurs."""
        return self._words().document_frequencies(stems)

    def vocabulary(self) -> dict[str, int]:
        """Every stem of the library with the number of papers that have it."""
        return self._words().vocabulary()

    def _neighbours(self, vector: Vector, k: int) -> list[Neighbour]:
        if k < 1:
            return []
        with storage_errors(self.path):
            if not self._can_use_chroma():
                return search_exactly(self._store.scan(), vector, k)
            waiting = set(self._pending)
            if len(waiting) > _FEW_PENDING:
                return search_exactly(self._store.scan(), vector, k)
            try:
                # A waiting paper may still be in the index in its old version: ask for so many more.
                found = self._vectors.search(vector, k + _TIES + 4 * len(waiting))
            except IndexFailure as error:
                self._search_exactly_from_now_on(f"Chroma reports: {error}")
                return search_exactly(self._store.scan(), vector, k)
            sound = [n for n in found if n.paper_id not in waiting]
            return vectors.order([*sound, *search_exactly(self._store.get(self._pending).values(), vector, k)], k)

    def _neighbours_within(self, vector: Vector, k: int, ids: set[str]) -> list[Neighbour]:
        """Few papers are compared one by one. Of many, the nearest of all are looked through, deeper and deeper."""
        depth = 2 * k
        while len(ids) > _FEW_WITHIN and depth < _DEEP:
            found = [n for n in self._neighbours(vector, depth) if n.paper_id in ids]
            if len(found) >= k:
                return found[:k]
            depth *= 4
        with storage_errors(self.path):
            inside = sorted(ids)
            parts = (inside[at : at + _INDEX_BATCH] for at in range(0, len(inside), _INDEX_BATCH))
            return search_exactly((one for part in parts for one in self._store.get(part).values()), vector, k)

    def _can_use_chroma(self) -> bool:
        if self._exact:
            return False
        if not self._vectors.is_there():
            # Normal for an empty library and for one whose very first batch was cut short: all is pending then.
            if self._store.count() > len(self._pending):
                self._search_exactly_from_now_on("its vector index is missing")
            return False
        if not self._vectors.is_writable():
            self._search_exactly_from_now_on("its vector index needs to be writable even for reading")
            return False
        return True

    def _search_exactly_from_now_on(self, reason: str) -> None:
        self._exact = True
        logger.warning(
            "The library %s is searched by comparing with every passage, which is slower but finds the same: %s.",
            self.path, reason,
        )  # fmt: skip

    def _words(self) -> BM25Index:
        with self._loading, storage_errors(self.path):
            if self._lexicon is None:
                self._lexicon = self._loaded_words() or BM25Index.build(self._store.texts())
            return self._lexicon

    def _loaded_words(self) -> BM25Index | None:
        if not self._current or not self._manifest.lexicon:
            return None
        try:
            return BM25Index.load(self.path / bm25_index.FOLDER / self._manifest.lexicon)
        except (OSError, ValueError, KeyError) as error:
            logger.warning("The word index of %s cannot be read (%s); it is made again in memory.", self.path, error)
            return None

    def vectorstore(self, encoder: Encoder) -> Any:
        """The passages as a ``langchain_chroma.Chroma`` for chains of others; ``encoder`` embeds their questions.

        Raises :class:`LibraryError` where the folder cannot be written to, which Chroma needs.
        """
        if not self._vectors.is_there() or not self._vectors.is_writable():
            raise LibraryError(
                f"Chroma needs to write to {self.path / vectors.FOLDER} even for reading. "
                "Change the permissions of the folder, or copy it."
            )
        from rag.library.storage.langchain_store import vectorstore

        with storage_errors(self.path):
            return vectorstore(self._vectors.collection, self._passages_by_id, encoder)

    def _passages_by_id(self, ids: Sequence[str]) -> dict[str, Passage]:
        stored = self._stored(sorted({one.rpartition("#")[0] for one in ids}))
        return {passage.id: passage for one in stored.values() for passage in one.passages}

    # --- change ---

    def add(
        self,
        papers: Iterable[Paper],
        encoder: BulkEncoder,
        *,
        on_progress: Callable[[ImportProgress], None] | None = None,
    ) -> ImportReport:
        """Take in papers. A record that is there already changes nothing; a changed one replaces what it says.

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
                    self._publish(importer.take(batch))
                report(importer.progress("papers"))
        finally:
            report(importer.progress("index"))
            self._finish()
        return importer.report()

    def remove(self, ids: Iterable[str]) -> int:
        """Remove papers; returns how many of ``ids`` there were. A later import of their file brings them back."""
        self._check_writable()
        there = list(self.get_papers(ids))
        if there:
            with storage_errors(self.path):
                with self._store.transaction():
                    self._store.delete(there)
                    self._store.count_up()
                self._publish()
            self._finish()
        return len(there)

    def revise(self, paper: Paper, encoder: Callable[[], BulkEncoder]) -> bool:
        """Replace what the library says of a paper that it has; returns whether that changed anything.

        ``encoder`` is asked for only where title or abstract changed. Importing the same file again keeps the
        revision; a record that changed in its file replaces it. Raises :class:`KeyError` for a paper that is not
        there, :class:`LibraryError` where its DOI or arXiv id is another paper's.
        """
        self._check_writable()
        stored = self.paper(paper.id)
        self._check_unowned(paper)
        same_text = (paper.title, paper.abstract) == (stored.title, stored.abstract)
        with storage_errors(self.path):
            changed = Importer(self._store, None if same_text else encoder()).revise(paper, stored)
            if changed:
                self._publish()
        self._finish(texts=not same_text)
        return changed

    def _check_unowned(self, paper: Paper) -> None:
        for key in identity_keys(paper):
            kind, _, value = key.partition(":")
            others = [one for one in self._store.known_by([key]) if one != paper.id]
            if kind in ("doi", "arxiv") and others:
                title = next(iter(self._store.get_papers(others[:1]).values())).title
                raise LibraryError(
                    f"{value} belongs to another paper of this library already: {title} ({others[0]}). "
                    "Correct it, or delete one of the two."
                )

    def _check_writable(self) -> None:
        if self._lock is None:
            raise LibraryError(f"The library {self.path} was opened for reading. Open it with read_only=False.")

    def _publish(self, new: frozenset[str] = frozenset()) -> None:
        """Bring the vector index up to the database. ``new`` papers need not be looked for there."""
        try:
            self._publish_pending(new)
        except IndexFailure as error:
            if means_full(str(error)):
                raise
            logger.warning("The vector index of %s is damaged (%s); it is made again.", self.path, error)
            self._begin_index_anew()
            self._publish_pending(frozenset())

    def _publish_pending(self, new: frozenset[str]) -> None:
        waiting = self._store.pending()
        for start in range(0, len(waiting), _INDEX_BATCH):
            part = waiting[start : start + _INDEX_BATCH]
            self._vectors.replace(list(self._store.get(part).values()), [one for one in part if one not in new])
            with self._store.transaction():
                self._store.clear_pending(part)

    def _begin_index_anew(self) -> None:
        self._vectors.delete_files()
        self._exact = False
        with self._store.transaction():
            self._store.mark_all_pending()

    def _finish(self, texts: bool = True) -> None:
        """Make the word index and the manifest agree with the database. ``texts``: titles or abstracts changed."""
        with storage_errors(self.path):
            self._pending = self._store.pending()
            revision = self._store.revision
            if revision == self._manifest.revision:
                return
            texts |= not self._current  # else the words on disk are those of before this change
            self._current = False
            fingerprint = _fingerprint(self._manifest, self._store.hashes())
            name = self._manifest.lexicon
            if texts or not name:
                self._lexicon = words = BM25Index.build(self._store.texts())
                name = f"{revision}-{fingerprint[:12]}"
                words.save(self.path / bm25_index.FOLDER, name)
            count, passages, sentences = self._store.counts()
            self._manifest = replace(
                self._manifest, papers=count, passages=passages, sentences=sentences, fingerprint=fingerprint,
                revision=revision, lexicon=name,
            )  # fmt: skip
            write_manifest(self.path, self._manifest)
            self._current = True
            bm25_index.delete_others(self.path / bm25_index.FOLDER, name)

    def _put_in_order(self) -> None:
        """Take up what a killed import left; make the vector index again where its files are gone."""
        self._store.prepare_browsing()
        if not self._vectors.is_there() and self._store.count():
            self.rebuild()
        elif self._pending:
            self._publish()
        self._finish()

    def rebuild(self) -> None:
        """Make the vector index again from the stored vectors: nothing is embedded."""
        self._check_writable()
        with storage_errors(self.path):
            self._begin_index_anew()
            self._publish()
            self._pending = []

    # --- soundness ---

    def verify(self) -> list[str]:
        """What is wrong with the library, a sentence each; empty when nothing is. Reads everything once."""
        from rag.library.storage.verifying import problems

        with storage_errors(self.path):
            return problems(self.path, self._manifest, self._store, self._vectors, self.fingerprint)


def _locked(path: Path) -> WriterLock:
    with storage_errors(path):
        return WriterLock(path)


def _check_empty(path: Path) -> None:
    """Make room for a new library, or say why there is none. What a killed creation left is removed."""
    if Library.exists(path):
        raise LibraryError(f"There is a library in {path} already. Open it, or choose another folder with --library.")
    others = sorted(
        file.name for file in path.iterdir() if file.name not in _OWN_FILES and not file.name.startswith(".")
    )
    if others:
        raise LibraryError(
            f"The folder {path} holds other files ({others[0]}, …) and no library. Choose an empty or new folder."
        )
    for name in _OWN_FILES:
        shutil.rmtree(path / name, ignore_errors=True)
        if (path / name).is_file():
            (path / name).unlink()


def _fingerprint(content: Manifest, hashes: Iterable[tuple[str, str]]) -> str:
    digest = hashlib.sha256(f"{content.embedder}\n{content.embedder.weights_sha256}\n{content.chunker}\n".encode())
    for paper_id, paper_hash in hashes:
        digest.update(f"{paper_id}\0{paper_hash}\n".encode())
    return digest.hexdigest()
