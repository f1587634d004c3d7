"""Papers into a library: what is new, what changed, what is a paper that is there already, batch by batch.

A batch is one transaction of the database, then one update of the vector index. Whenever the process is killed, the
database holds whole batches and a list of the papers that the vector index lacks; the next import begins with those.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from rag.datatypes import Paper, Passage, Sentence
from rag.library.chunking import CHUNKER_VERSION, split_passages, split_sentences
from rag.library.storage.papers import PaperStore, content_hash
from rag.papers.identity import identity_keys, same_paper

if TYPE_CHECKING:
    from rag.datatypes import Matrix

BATCH = 128  # papers per transaction; a few seconds of work, which is what a kill can cost

_TEXT_FIELDS = ("id", "title", "abstract", "venue", "url", "doi", "source")
_FILLED = ("abstract", "authors", "year", "venue", "url", "doi")  # what one record may add to another


class EncodedPaper(Protocol):
    """Unit vectors of a paper's passages and sentences, one row each."""

    @property
    def passages(self) -> Matrix: ...
    @property
    def sentences(self) -> Matrix: ...


class BulkEncoder(Protocol):
    """What an import needs of :class:`rag.encoding.encoders.PaperEncoder`."""

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


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is. ``stage`` is ``papers`` while they are read and ``index`` for the end of the work."""

    stage: str
    read: int
    added: int
    updated: int
    unchanged: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the records: each is counted once. ``merged`` holds ``(paper id, reason)`` for the duplicates."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    merged: tuple[tuple[str, str], ...] = ()

    @property
    def read(self) -> int:
        return self.added + self.updated + self.unchanged + self.duplicates


@dataclass(slots=True)
class _Tally:
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    merged: list[tuple[str, str]] = field(default_factory=list)

    def progress(self, stage: str) -> ImportProgress:
        read = self.added + self.updated + self.unchanged + self.duplicates
        return ImportProgress(stage, read, self.added, self.updated, self.unchanged, self.duplicates)

    def report(self) -> ImportReport:
        return ImportReport(self.added, self.updated, self.unchanged, self.duplicates, tuple(self.merged))


def batches(papers: Iterable[Paper]) -> Iterator[list[Paper]]:
    """Lists of 128 papers. An exception of the iterator comes through after the papers that it gave before."""
    reading = iter(papers)
    while True:
        batch: list[Paper] = []
        try:
            batch.extend(islice(reading, BATCH))
        except Exception:
            if batch:
                yield batch
            raise
        if not batch:
            return
        yield batch


class Importer:
    """One import into one library. The caller holds the writer's lock."""

    def __init__(self, store: PaperStore, encoder: BulkEncoder | None) -> None:
        """Without an encoder only :meth:`revise`, and only of what is not embedded."""
        self._store = store
        self._encoder = encoder
        self._tally = _Tally()
        self._seen: set[str] = set()  # record ids of this import
        # Of the batch that is being taken in:
        self._new: set[str] = set()
        self._to_embed: dict[str, Paper] = {}
        self._changed = False

    def take(self, papers: Iterable[Paper]) -> frozenset[str]:
        """Store one batch, all of it or nothing; returns the ids of the papers that are new to the library."""
        self._new.clear()
        self._to_embed.clear()
        self._changed = False
        with self._store.transaction():  # leaves the file untouched where nothing changes
            for paper in papers:
                self._take(_storable(paper))
            if self._changed:
                self._embed()
                self._store.count_up()
        return frozenset(self._new)

    def revise(self, paper: Paper, stored: Paper) -> bool:
        """Write ``paper`` over ``stored``; returns whether anything changed. What the files said stays remembered."""
        with self._store.transaction():
            paper = _storable(paper)
            changed = self._put(paper, stored, paper)
            # A DOI that was corrected must not draw the paper that it belongs to into this one.
            self._store.forget_keys(paper.id, set(identity_keys(stored)) - set(identity_keys(paper)))
            if changed:
                self._embed()
                self._store.count_up()
        return changed

    def progress(self, stage: str) -> ImportProgress:
        """What was done so far."""
        return self._tally.progress(stage)

    def report(self) -> ImportReport:
        """What was done in all."""
        return self._tally.report()

    def _take(self, paper: Paper) -> None:
        record_hash = content_hash(paper)
        records = self._store.records(paper.id)
        first = paper.id not in self._seen
        self._seen.add(paper.id)
        if first and records and records[0][0] == record_hash:
            self._count_known(paper, records[0][1])
        elif not first and record_hash in (known for known, _ in records):
            self._count_duplicate(paper.id, "the same record twice")
        else:
            owner = self._stored_as(paper, first)
            self._store.put_record(paper.id, 0 if first else len(records), record_hash, owner)

    def _count_known(self, paper: Paper, owner: str) -> None:
        """A record that is as it was at the last import."""
        if owner == paper.id:
            self._tally.unchanged += 1
        else:
            self._count_duplicate(paper.id, f"the same paper as {owner}")

    def _count_duplicate(self, paper_id: str, reason: str) -> None:
        self._tally.duplicates += 1
        self._tally.merged.append((paper_id, reason))

    def _stored_as(self, paper: Paper, first: bool) -> str:
        """Store a new or changed record; returns the id of the paper that it belongs to."""
        owner, reason = self._owner(paper)
        if owner is None:
            self._put(paper, None, paper)
            self._tally.added += 1
            return paper.id
        stored = self._store.get_papers([owner])[owner]
        if owner == paper.id and first:
            # What other records added is kept: a field that this one leaves empty is no correction.
            changed = self._put(_filled(paper, stored), stored, paper)
            self._tally.updated += changed
            self._tally.unchanged += not changed
        else:
            self._put(_filled(stored, paper), stored, paper)
            self._count_duplicate(paper.id, reason)
        return owner

    def _owner(self, paper: Paper) -> tuple[str | None, str]:
        """The id of the stored paper that this record describes, and how that is known."""
        if self._store.hash_of(paper.id) is not None:
            return paper.id, "the same id twice"
        for key in identity_keys(paper):
            kind = key.partition(":")[0]
            for candidate, other in self._store.get_papers(self._store.known_by([key])).items():
                if kind != "title" or same_paper(other, paper):
                    return candidate, f"the same {_KINDS[kind]} as {candidate}"
        return None, ""

    def _put(self, paper: Paper, stored: Paper | None, record: Paper) -> bool:
        """Write ``paper`` over ``stored``; returns whether anything changed."""
        changed = stored is None or content_hash(paper) != content_hash(stored)
        self._store.put_paper(paper, content_hash(paper), identity_keys(record))
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
        cut = [(paper.title, *_cut(paper, self._encoder)) for paper in papers]
        for paper, (_, passages, sentences), vectors in zip(
            papers, cut, self._encoder.encode_passages(cut), strict=True
        ):
            rows = np.concatenate([vectors.passages, vectors.sentences])
            self._store.put_vectors(paper.id, passages, sentences, rows)


def chunker_version() -> str:
    """The version of the rules that cut abstracts into sentences and passages."""
    return CHUNKER_VERSION


_KINDS = {"id": "id", "doi": "DOI", "arxiv": "arXiv id", "title": "title"}


def _cut(paper: Paper, encoder: BulkEncoder) -> tuple[list[Passage], list[Sentence]]:
    passages = split_passages(paper, encoder.count_tokens, encoder.passage_limit(paper.title))
    return passages, split_sentences(paper.abstract)


def _filled(paper: Paper, other: Paper) -> Paper:
    """``paper``, its empty fields taken from ``other``."""
    added = {name: getattr(other, name) for name in _FILLED if not getattr(paper, name)}
    return replace(paper, **added) if added else paper


def _storable(paper: Paper) -> Paper:
    """Without lone surrogates, which no file can hold; offsets stay."""
    fields: dict[str, Any] = {name: _encodable(getattr(paper, name)) for name in _TEXT_FIELDS}
    return replace(paper, **fields, authors=tuple(map(_encodable, paper.authors)))


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
