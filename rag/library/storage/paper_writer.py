"""Write papers into the database with their segments and vectors, a batch in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rag.datatypes import Paper, Passage, Sentence
from rag.library.chunking import split_passages, split_sentences
from rag.library.storage.marking import marked
from rag.library.storage.papers import PaperStore
from rag.library.storage.stored_paper import content_hash
from rag.library.storage.versions import stored_keys

if TYPE_CHECKING:
    from rag.datatypes import Matrix


class EncodedPaper(Protocol):
    """Unit vectors of a paper's passages and sentences, one row each."""

    @property
    def passages(self) -> Matrix: ...
    @property
    def sentences(self) -> Matrix: ...


class BulkEncoder(Protocol):
    """What an import needs of :class:`rag.encoding.paper_encoder.PaperEncoder`."""

    @property
    def name(self) -> str: ...
    @property
    def weights_sha256(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    def count_tokens(self, text: str) -> int: ...
    def passage_limit(self, title: str) -> int: ...
    def encode_passages(
        self, papers: Sequence[tuple[str, Sequence[Passage], Sequence[Sentence]]]
    ) -> Sequence[EncodedPaper]: ...


class PaperWriter:
    """Writes papers. The caller holds the writer's lock."""

    def __init__(self, store: PaperStore, encoder: BulkEncoder | None) -> None:
        """``encoder`` may be None where no title and no abstract changes."""
        self._store = store
        self._encoder = encoder
        # Of the current batch:
        self._new: set[str] = set()
        self._to_embed: dict[str, Paper] = {}
        self._changed = False

    @property
    def new(self) -> frozenset[str]:
        """Ids of the papers of the last batch that the vector index cannot hold yet."""
        return frozenset(self._new)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """One transaction: all of what is written inside, or nothing, also when the process is killed."""
        self._new.clear()
        self._to_embed.clear()
        self._changed = False
        with self._store.transaction():  # writes nothing where nothing changes
            yield
            if self._changed:
                self._embed()
                self._store.increment_revision()

    def write(self, paper: Paper, stored: Paper | None, record: Paper) -> bool:
        """Replace ``stored`` (None: insert) by ``paper`` and add the keys of ``record``; whether anything changed."""
        paper = marked(self._store, paper)
        changed = stored is None or content_hash(paper) != content_hash(stored)
        self._store.upsert_paper(paper, content_hash(paper), stored_keys(record))
        if stored is None:
            self._new.add(paper.id)
        if stored is None or (paper.title, paper.abstract) != (stored.title, stored.abstract):
            self._to_embed[paper.id] = paper
        self._changed |= changed
        return changed

    def _embed(self) -> None:
        import numpy as np

        papers = list(self._to_embed.values())
        if not papers:
            return
        assert self._encoder is not None
        segmented = [(paper.title, *_segment(paper, self._encoder)) for paper in papers]
        for paper, (_, passages, sentences), vectors in zip(
            papers, segmented, self._encoder.encode_passages(segmented), strict=True
        ):
            rows = np.concatenate([vectors.passages, vectors.sentences])
            self._store.set_segments(paper.id, passages, sentences, rows)


def _segment(paper: Paper, encoder: BulkEncoder) -> tuple[list[Passage], list[Sentence]]:
    passages = split_passages(paper, encoder.count_tokens, encoder.passage_limit(paper.title))
    return passages, split_sentences(paper.abstract)
