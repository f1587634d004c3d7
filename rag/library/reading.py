"""What a library holds: papers, their sentences, passages and vectors, read from the database. No index is used."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rag.datatypes import Paper, Passage, Scope, Sentence, Version
from rag.library.storage.admitting import Kind
from rag.library.storage.browsing import Facets, PaperFilter, PaperPage
from rag.library.storage.locking import storage_errors
from rag.library.storage.manifest import EmbedderId, Manifest, fingerprint_of
from rag.library.storage.merges import Merge
from rag.library.storage.papers import PaperStore
from rag.library.storage.stored_paper import StoredPaper
from rag.library.storage.versions import find_versions

if TYPE_CHECKING:
    from rag.datatypes import Matrix

_ALL = PaperFilter()
_PRECISE = 20_000  # papers whose mean vectors are kept in single precision


class ReadableLibrary:
    """The reading half of :class:`rag.library.library.Library`.

    Methods raise :class:`rag.errors.LibraryError` where the files are damaged.
    """

    def __init__(self, path: Path, manifest: Manifest, store: PaperStore) -> None:
        self.path = path
        self._manifest = manifest
        self._store = store
        self._computed: tuple[int, str] | None = None  # the fingerprint of a revision that no manifest was written for
        self._manifest_is_current = manifest.revision == store.revision  # not so after a killed import

    @property
    def embedder(self) -> EmbedderId:
        """Which encoder its vectors come from."""
        return self._manifest.embedder

    @property
    def count(self) -> int:
        """Number of papers."""
        return self._manifest.papers if self._manifest_is_current else self._store.count()

    @property
    def without_vectors(self) -> int:
        """How many papers have no vectors yet: these are found by their words alone. As it is at this moment."""
        with storage_errors(self.path):
            return self._store.missing.count()

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the ids and contents of all papers, the embedder and the chunker."""
        if self._manifest_is_current:
            return self._manifest.fingerprint
        revision = self._store.revision
        if self._computed is None or self._computed[0] != revision:
            self._computed = revision, fingerprint_of(self._manifest, self._store.hashes())
        return self._computed[1]

    def papers(self) -> list[Paper]:
        """All papers, ordered by id."""
        with storage_errors(self.path):
            return self._store.papers()

    def scan(self, within: Collection[str] | None = None) -> Iterator[Paper]:
        """The papers that ``within`` admits (None: all), ordered by id, without holding them all in memory."""
        with storage_errors(self.path):
            yield from self._store.scan_papers(within)

    def paper(self, paper_id: str) -> Paper:
        """One paper. Raises :class:`KeyError` for an unknown id."""
        return self.get_papers([paper_id])[paper_id]

    def get_papers(self, ids: Iterable[str]) -> dict[str, Paper]:
        """The papers with these ids, in that order; unknown ids are left out."""
        with storage_errors(self.path):
            return self._store.get_papers(list(ids))

    def merged(self) -> dict[str, tuple[str, ...]]:
        """Ids of the records that were merged into a paper of another id, by the paper's id."""
        found: dict[str, tuple[str, ...]] = {}
        with storage_errors(self.path):
            for paper_id, record_id in self._store.imported.merged():
                found[paper_id] = (*found.get(paper_id, ()), record_id)
        return found

    def merges(self, offset: int = 0, limit: int = -1) -> list[Merge]:
        """Records that were merged into papers, the latest first; ``limit`` -1: all from ``offset`` on."""
        with storage_errors(self.path):
            return self._store.merges.page(offset, limit)

    def merge_counts(self) -> tuple[int, int]:
        """How many records :meth:`merges` has, and how many an earlier program merged, which kept only their ids."""
        with storage_errors(self.path):
            return self._store.merges.count(), self._store.merges.count_unknown()

    def versions(self, ids: Iterable[str]) -> dict[str, tuple[Version, ...]]:
        """The other papers of the same work, for those of these papers that have some."""
        with storage_errors(self.path):
            return find_versions(self._store, list(ids))

    # --- browsing ---

    def admitted(self, scopes: Sequence[Scope]) -> Collection[str]:
        """Ids of the papers that all of ``scopes`` admit, ordered; a query where they are many."""
        with storage_errors(self.path):
            return self._store.browser.scopes.admitted(scopes)

    def names(self, kind: Kind) -> tuple[str, ...]:
        """All venues, import files, authors, tags or collections of papers, ordered; "" where papers have none."""
        with storage_errors(self.path):
            return self._store.browser.scopes.names(kind)

    def has_years(self) -> bool:
        """Whether the record of any paper has a year."""
        with storage_errors(self.path):
            return self._store.browser.scopes.has_years()

    def page(
        self, chosen: PaperFilter, sort: str = "id", descending: bool = False, offset: int = 0, limit: int = 50
    ) -> PaperPage:
        """A page of the papers that a filter admits, sorted by one of :data:`rag.library.storage.browsing.SORTS`.

        Takes milliseconds among 100,000 papers; with a text in the filter up to half a second.
        """
        with storage_errors(self.path):
            ids, total = self._store.browser.page(chosen, sort, descending, offset, limit)
            return PaperPage(tuple(self._store.get_papers(ids).values()), total)

    def ids(self, chosen: PaperFilter) -> list[str]:
        """Ids of all papers that the filter admits, ordered."""
        with storage_errors(self.path):
            return self._store.browser.ids(chosen)

    def briefs(self, chosen: PaperFilter = _ALL) -> list[tuple[str, str, int | None]]:
        """``(id, title, year)`` of all papers that the filter admits, in no order."""
        with storage_errors(self.path):
            return self._store.browser.briefs(chosen)

    def years(self, chosen: PaperFilter = _ALL) -> tuple[tuple[int | None, int], ...]:
        """``(year, papers)`` ascending, None for papers without a year."""
        with storage_errors(self.path):
            return self._store.browser.years(chosen)

    def facets(self, chosen: PaperFilter = _ALL) -> Facets:
        """How many papers there are of each year, venue, source, tag and collection."""
        with storage_errors(self.path):
            return self._store.browser.facets(chosen)

    def group_names(self, kind: Literal["tags", "collections"]) -> list[str]:
        """All tags of papers, or the paths of all collections that papers are in, ordered."""
        with storage_errors(self.path):
            return self._store.browser.groups.names(kind)

    # --- segments and vectors ---

    def entries(self, paper_ids: Sequence[str]) -> dict[str, StoredPaper]:
        """Papers with their passages, sentences and vectors; unknown ids are left out."""
        with storage_errors(self.path):
            return self._store.get(paper_ids)

    def sentences(self, paper_id: str) -> tuple[Sentence, ...]:
        """The sentences of the abstract in order; none without an abstract. Raises :class:`KeyError`."""
        return self.entries([paper_id])[paper_id].sentences

    def passages(self, paper_id: str) -> tuple[Passage, ...]:
        """The passages in order, at least one. Raises :class:`KeyError`."""
        return self.entries([paper_id])[paper_id].passages

    def sentence_vectors(self, paper_id: str) -> Matrix:
        """Unit vectors of :meth:`sentences`, shape ``(sentences, dimension)``, float32. Raises :class:`KeyError`."""
        return self.entries([paper_id])[paper_id].sentence_vectors

    def mean_vectors(self) -> tuple[list[str], Matrix]:
        """Ids of all papers in order, and the unit mean of each one's passage vectors, ``(papers, dimension)``.

        Only papers that have been embedded. Float32, of more than 20,000 papers float16: 130 MB of 170,000. Reads the
        vectors of all passages once: some seconds for 100,000 papers.
        """
        import numpy as np

        ids: list[str] = []
        with storage_errors(self.path):
            count = self._store.count()
            kind = np.float32 if count <= _PRECISE else np.float16
            vectors = np.empty((count, self._manifest.embedder.dimension), kind)
            for one, vector in islice(self._store.mean_vectors(), count):  # another process may be adding more
                vectors[len(ids)] = vector
                ids.append(one)
        return ids, vectors[: len(ids)]
