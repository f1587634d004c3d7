"""Search in a library: passages by their vectors, papers by BM25, and the statistics of terms that ranking needs."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.datatypes import Encoder, Passage
from rag.errors import LibraryError
from rag.library.ahead import Ahead
from rag.library.reading import ReadableLibrary
from rag.library.storage import vectors
from rag.library.storage.admitting import AdmittedPapers
from rag.library.storage.dense_search import DenseSearch
from rag.library.storage.locking import storage_errors
from rag.library.storage.manifest import Manifest
from rag.library.storage.papers import PaperStore
from rag.library.storage.vectors import VectorIndex
from rag.library.storage.words.index import BM25Index
from rag.library.storage.words.updating import open_word_index
from rag.text.tokenization import stems
from rag.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from rag.datatypes import Vector
    from rag.library.storage.stored_paper import StoredPaper

_SMALL_PART = 8  # an eighth of the library is read as a list of ids; of more, the first of the library are looked up
_MORE = 100


@dataclass(frozen=True, slots=True)
class BestPassage:
    """The passage of a paper nearest to a vector, with its cosine, and the cosine of the paper's best sentence.

    ``sentence`` is -1 for a paper without an abstract.
    """

    passage: Passage
    cosine: float
    sentence: float


class SearchableLibrary(ReadableLibrary):
    """The reading and searching part of :class:`rag.library.library.Library`. Several threads may search at once."""

    ahead: Ahead | None = None  # who computes vectors that a question needs now; None: it does without

    def __init__(
        self, path: Path, manifest: Manifest, store: PaperStore, index: VectorIndex, untouched: bool = False
    ) -> None:
        super().__init__(path, manifest, store)
        self.untouched = untouched  # nothing may be written into the folder
        self._vectors = index
        self._dense_search = DenseSearch(path, store, self._vectors, untouched)
        self._bm25_index: BM25Index | None = None
        self._bm25_loading = threading.Lock()

    def dense(self, vector: Vector, k: int, within: Collection[str] | None = None) -> list[tuple[Passage, float]]:
        """The ``k`` passages nearest to a unit vector with their cosine, by (-cosine, passage id).

        ``within`` restricts the search to papers with these ids.
        """
        for last in (False, False, True):
            # Last without Chroma, whose graph in this process may for a while hold what another one has deleted.
            search = self._dense_search.compare if last else self._dense_search.search
            found = search(vector, k, within)
            by_id = self._passages_by_paper({neighbour.paper_id for neighbour in found})
            kept = [(by_id[n.passage_id], n.score) for n in found if n.passage_id in by_id]
            if last or len(kept) == len(found):
                break
            # A passage that is not in the database belongs to a paper that another process has just changed.
            self._dense_search.refresh()
        return kept

    def lexical(self, query: str, k: int) -> list[tuple[str, float]]:
        """The ``k`` papers that BM25 ranks first with their scores (above 0), by (-score, id)."""
        return self.bm25_search(Counter(stems(query)), k)

    def bm25_search(
        self, terms: Mapping[str, float], k: int, within: Collection[str] | None = None
    ) -> list[tuple[str, float]]:
        """Like :meth:`lexical`, for weighted stems; ``within`` restricts the search to papers with these ids."""
        index = self._load_bm25()
        if not isinstance(within, AdmittedPapers):
            return index.search(terms, k, within)
        if len(within) * _SMALL_PART < self.count:
            return index.search(terms, k, within)
        depth = k * self.count // len(within) + _MORE
        while True:  # the first of the whole library, until enough of them are admitted
            found = index.search(terms, depth)
            inside = within.among(one for one, _ in found)
            kept = [pair for pair in found if pair[0] in inside]
            if len(kept) >= k or len(found) < depth:
                return kept[:k]
            depth *= 4

    def best_passages(self, vector: Vector, paper_ids: Iterable[str]) -> dict[str, BestPassage]:
        """The passage of each of these papers that is nearest to a unit vector; unknown ids are left out."""
        found: dict[str, BestPassage] = {}
        for paper_id, one in self.entries(list(paper_ids)).items():
            cosines = one.vectors @ vector
            best = int(cosines[: len(one.passages)].argmax())
            sentence = float(cosines[len(one.passages) :].max(initial=-1.0))
            found[paper_id] = BestPassage(one.passages[best], float(cosines[best]), sentence)
        return found

    def pull_forward(self, paper_ids: Sequence[str]) -> None:
        """Give these papers the vectors that they lack, for this process: a question is about them.

        Does nothing where :attr:`ahead` is None, and next to nothing where no paper lacks any.
        """
        if self.ahead is not None and self._store.missing.any():
            self.ahead.embed(super().entries(paper_ids).values())

    def entries(self, paper_ids: Sequence[str]) -> dict[str, StoredPaper]:
        """Papers with their passages, sentences and vectors, also those pulled forward; unknown ids are left out."""
        found = super().entries(paper_ids)
        if self.ahead is None or all(one.has_vectors for one in found.values()):
            return found
        return self.ahead.filled_in(found)

    def document_frequencies(self, stems: Iterable[str]) -> dict[str, int]:
        """In how many papers (title or abstract) each of these :func:`~rag.text.tokenization.stems` occurs."""
        return self._load_bm25().document_frequencies(stems)

    def vocabulary(self) -> Vocabulary:
        """Every stem of the library with its document frequency."""
        return self._load_bm25().vocabulary

    def vectorstore(self, encoder: Encoder) -> Any:
        """The passages as a ``langchain_chroma.Chroma`` for other chains; ``encoder`` embeds their queries.

        Raises :class:`LibraryError` where the folder cannot be written to, which Chroma needs.
        """
        if self.untouched or not self._vectors.exists() or not self._vectors.is_writable():
            raise LibraryError(
                f"Chroma needs to write to {self.path / vectors.FOLDER} even for reading. "
                "Change the permissions of the folder, or copy it."
            )
        from rag.library.storage.langchain_store import vectorstore

        with storage_errors(self.path):
            return vectorstore(self._vectors.collection, self._passages_by_id, encoder)

    def _passages_by_id(self, ids: Sequence[str]) -> dict[str, Passage]:
        return self._passages_by_paper({one.rpartition("#")[0] for one in ids})

    def _passages_by_paper(self, paper_ids: set[str]) -> dict[str, Passage]:
        """All passages of these papers, by passage id."""
        return {passage.id: passage for one in self.entries(sorted(paper_ids)).values() for passage in one.passages}

    def _load_bm25(self) -> BM25Index:
        """The BM25 index: as loaded before, or as it is now."""
        with self._bm25_loading, storage_errors(self.path):
            if self._bm25_index is None:
                self._bm25_index = open_word_index(self.path, self._store)
            return self._bm25_index
