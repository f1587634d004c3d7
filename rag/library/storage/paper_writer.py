"""Write papers into the database with their segments and vectors, a batch in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rag.datatypes import Paper, Passage, Sentence
from rag.library.chunking import split_passages, split_sentences
from rag.library.storage.marking import marked
from rag.library.storage.papers import PaperStore
from rag.library.storage.stored_paper import content_hash
from rag.library.storage.versions import stored_keys

if TYPE_CHECKING:
    from rag.datatypes import Matrix

Segmented = tuple[str, Sequence[Passage], Sequence[Sentence]]  # title, passages, sentences


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
    def encode_passages(self, papers: Sequence[Segmented]) -> Sequence[EncodedPaper]: ...


class PaperWriter:
    """Writes papers. The caller holds the writer's lock."""

    def __init__(self, store: PaperStore, encoder: BulkEncoder | None, later: bool = False) -> None:
        """``encoder`` may be None where no title and no abstract changes. ``later``: vectors are left to
        :func:`embed_first`."""
        self._store = store
        self._encoder = encoder
        self._later = later
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
        papers = list(self._to_embed.values())
        if not papers:
            return
        if self._later:
            texts = [paper.id for paper in papers if paper.id not in self._new]
            self._store.missing.add(texts)  # those of new papers are empty
            self._store.mark_pending(texts)
            return
        assert self._encoder is not None
        write_vectors(self._store, embed(papers, self._encoder))


@dataclass(frozen=True, slots=True)
class Embedded:
    """A paper with its segments and their vectors: ``(passages + sentences, dimension)``, passages first."""

    paper: Paper
    passages: Sequence[Passage]
    sentences: Sequence[Sentence]
    vectors: Matrix


def embed(papers: Sequence[Paper], encoder: BulkEncoder) -> list[Embedded]:
    """Segment and embed these papers."""
    import numpy as np

    segmented = [(paper.title, *_segment(paper, encoder)) for paper in papers]
    return [
        Embedded(paper, passages, sentences, np.concatenate([vectors.passages, vectors.sentences]))
        for paper, (_, passages, sentences), vectors in zip(
            papers, segmented, encoder.encode_passages(segmented), strict=True
        )
    ]


def write_vectors(store: PaperStore, papers: Iterable[Embedded]) -> None:
    """Store segments and vectors, and mark the papers pending for the vector index. Belongs inside a transaction."""
    for one in papers:
        store.set_segments(one.paper.id, one.passages, one.sentences, one.vectors)
        store.mark_pending([one.paper.id])


def embed_first(store: PaperStore, encoder: BulkEncoder, papers: int) -> frozenset[str]:
    """Give the first ``papers`` that have no vectors theirs, in one transaction.

    Returns the ids of those that the vector index cannot hold yet.
    """
    waiting = store.get_papers(store.missing.first(papers))
    made = embed(list(waiting.values()), encoder)
    known = set(store.pending())  # an older version of a paper may still be in the index
    with store.transaction():
        write_vectors(store, made)
    return frozenset(waiting) - known


def _segment(paper: Paper, encoder: BulkEncoder) -> tuple[list[Passage], list[Sentence]]:
    passages = split_passages(paper, encoder.count_tokens, encoder.passage_limit(paper.title))
    return passages, split_sentences(paper.abstract)
