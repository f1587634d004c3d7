"""What a question reads of papers, read once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rag.datatypes import Sentence, Version

if TYPE_CHECKING:
    from rag.datatypes import Matrix
    from rag.library.searching import SearchableLibrary
    from rag.library.storage.stored_paper import StoredPaper


class ReadOnce:
    """Papers as they were when a question first asked for them, for the choice and the check of its sentences.

    Another process may change or delete a paper meanwhile: sentences and vectors stay those of one moment, and a paper
    that is not there any more has none.
    """

    def __init__(self, library: SearchableLibrary) -> None:
        self._library = library
        self._read: dict[str, StoredPaper | None] = {}

    @property
    def count(self) -> int:
        """Number of papers."""
        return self._library.count

    def document_frequencies(self, stems: Iterable[str]) -> dict[str, int]:
        """In how many papers each of these stems occurs."""
        return self._library.document_frequencies(stems)

    def sentences(self, paper_id: str) -> tuple[Sentence, ...]:
        """The sentences of the abstract in order."""
        one = self._entry(paper_id)
        return one.sentences if one is not None else ()

    def sentence_vectors(self, paper_id: str) -> Matrix:
        """Unit vectors of :meth:`sentences`, shape ``(sentences, dimension)``, float32."""
        import numpy as np

        one = self._entry(paper_id)
        if one is not None:
            return one.sentence_vectors
        return np.empty((0, self._library.embedder.dimension), np.float32)

    def versions(self, paper_ids: Iterable[str]) -> dict[str, tuple[Version, ...]]:
        """The other papers of the same work, for those of these papers that have some."""
        return self._library.versions(paper_ids)

    def read(self, paper_ids: Iterable[str]) -> None:
        """Read these papers at once, which is quicker than one by one."""
        new = [one for one in paper_ids if one not in self._read]
        found = self._library.entries(new)
        self._read |= {one: found.get(one) for one in new}

    def _entry(self, paper_id: str) -> StoredPaper | None:
        if paper_id not in self._read:
            self._read[paper_id] = self._library.entries([paper_id]).get(paper_id)
        return self._read[paper_id]
