"""Import records into the database batch by batch: insert new papers, update changed ones, merge duplicates.

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
from rag.library.storage.marking import apart, is_notice, mark, marked
from rag.library.storage.papers import PaperStore
from rag.library.storage.stored_paper import content_hash
from rag.papers import kept_fields
from rag.papers.identity import identity_keys, same_paper
from rag.papers.retractions import events_of, with_status
from rag.papers.title_marks import is_marked

if TYPE_CHECKING:
    from rag.datatypes import Matrix

BATCH = 128  # papers per transaction: a few seconds of work, at most lost by a kill

_TEXT_FIELDS = ("id", "title", "abstract", "venue", "url", "doi", "source", "key", "kind", "status")
_LIST_FIELDS = ("authors", "tags", "collections", "notes")
_MERGED_FIELDS = ("abstract", "authors", "year", "venue", "url", "doi")  # filled from a duplicate where empty


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


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is. ``stage``: ``papers`` while records are read, ``index`` while the indexes are finished."""

    stage: str
    read: int
    added: int
    updated: int
    unchanged: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Numbers of records by outcome, each counted once. ``merged`` has ``(record id, reason)`` of the duplicates."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    merged: tuple[tuple[str, str], ...] = ()

    @property
    def read(self) -> int:
        """Records in total."""
        return self.added + self.updated + self.unchanged + self.duplicates


@dataclass(slots=True)
class _Counts:
    """The counts of an import under way."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    merged: list[tuple[str, str]] = field(default_factory=list)

    def copy(self) -> _Counts:
        return replace(self, merged=list(self.merged))

    def progress(self, stage: str) -> ImportProgress:
        read = self.added + self.updated + self.unchanged + self.duplicates
        return ImportProgress(stage, read, self.added, self.updated, self.unchanged, self.duplicates)

    def report(self) -> ImportReport:
        return ImportReport(self.added, self.updated, self.unchanged, self.duplicates, tuple(self.merged))


def batches(papers: Iterable[Paper]) -> Iterator[list[Paper]]:
    """Lists of 128 papers. An exception of the iterator is raised after the papers before it were yielded."""
    records = iter(papers)
    while True:
        batch: list[Paper] = []
        try:
            batch.extend(islice(records, BATCH))
        except Exception:
            if batch:
                yield batch
            raise
        if not batch:
            return
        yield batch


class Importer:
    """Imports records into one database. The caller holds the writer's lock."""

    def __init__(self, store: PaperStore, encoder: BulkEncoder | None) -> None:
        """``encoder`` may be None where only :meth:`revise` is called and title and abstract stay the same."""
        self._store = store
        self._encoder = encoder
        self._counts = _Counts()
        self._seen: set[str] = set()  # record ids of this import
        # Of the current batch or revision:
        self._new: set[str] = set()
        self._to_embed: dict[str, Paper] = {}
        self._changed = False

    def import_batch(self, papers: Iterable[Paper]) -> frozenset[str]:
        """Store one batch in one transaction; returns the ids of the papers that are new to the library."""
        self._new.clear()
        self._to_embed.clear()
        self._changed = False
        before, self._counts = self._counts, self._counts.copy()
        try:
            with self._store.transaction():  # writes nothing where nothing changes
                for paper in papers:
                    self._import_record(with_status(_without_surrogates(paper)))
                if self._changed:
                    self._embed()
                    self._store.increment_revision()
        except BaseException:
            self._counts = before  # what was not stored is not reported
            raise
        return frozenset(self._new)

    def revise(self, paper: Paper, stored: Paper) -> bool:
        """Replace ``stored`` by ``paper``; whether anything changed. The hashes of imported records are kept."""
        with self._store.transaction():
            paper = _without_surrogates(paper)
            changed = self._write(paper, stored, paper)
            # Otherwise an import would merge the paper that a corrected DOI really belongs to into this one.
            self._store.delete_keys(paper.id, set(identity_keys(stored)) - set(identity_keys(paper)))
            if changed:
                self._embed()
                self._store.increment_revision()
        return changed

    def progress(self, stage: str) -> ImportProgress:
        """The counts so far."""
        return self._counts.progress(stage)

    def report(self) -> ImportReport:
        """The counts and the merged records so far."""
        return self._counts.report()

    def _import_record(self, paper: Paper) -> None:
        paper = apart(self._store, paper)
        record_hash = content_hash(paper)
        records = self._store.records(paper.id)
        first = paper.id not in self._seen
        self._seen.add(paper.id)
        if first and records and records[0][0] == record_hash:
            self._count_unchanged(paper, records[0][1])
        elif not first and record_hash in (known for known, _ in records):
            self._count_duplicate(paper.id, "the same record twice")
        else:
            owner = self._upsert(paper, first)
            if events := events_of(paper):
                self._store.notices.add(events)
                keys = [key for event in events for key in event.keys]
                self._changed |= bool(mark(self._store, self._store.find_by_keys(keys)))
            self._store.put_record(paper.id, 0 if first else len(records), record_hash, owner)

    def _count_unchanged(self, paper: Paper, owner: str) -> None:
        """Count a record that is the same as at its last import."""
        if owner == paper.id:
            self._counts.unchanged += 1
        else:
            self._count_duplicate(paper.id, f"the same paper as {owner}")

    def _count_duplicate(self, paper_id: str, reason: str) -> None:
        self._counts.duplicates += 1
        self._counts.merged.append((paper_id, reason))

    def _upsert(self, paper: Paper, first: bool) -> str:
        """Insert, update or merge a new or changed record; returns the id of the paper that now holds it."""
        owner, reason = self._find_match(paper)
        if owner is None:
            self._write(paper, None, paper)
            self._counts.added += 1
            return paper.id
        stored = self._store.get_papers([owner])[owner]
        if owner == paper.id and first:
            # An empty field does not delete what another record filled in.
            changed = self._write(_fill_missing(paper, stored), stored, paper)
            self._counts.updated += changed
            self._counts.unchanged += not changed
        else:
            self._write(_fill_missing(stored, paper), stored, paper)
            self._count_duplicate(paper.id, reason)
        return owner

    def _find_match(self, paper: Paper) -> tuple[str | None, str]:
        """The id of the stored paper that this record describes (None: a new paper), and what they have in common."""
        if self._store.hash_of(paper.id) is not None:
            return paper.id, "the same id twice"
        for key in identity_keys(paper):
            kind = key.partition(":")[0]
            for candidate, other in self._store.get_papers(self._store.find_by_keys([key])).items():
                surely = kind not in ("title", "doi") and is_notice(other) == is_notice(paper)
                if surely or same_paper(other, paper):
                    return candidate, f"the same {_KINDS[kind]} as {candidate}"
        return None, ""

    def _write(self, paper: Paper, stored: Paper | None, record: Paper) -> bool:
        """Replace ``stored`` (None: insert) by ``paper`` and add the keys of ``record``; whether anything changed."""
        paper = marked(self._store, paper)
        changed = stored is None or content_hash(paper) != content_hash(stored)
        self._store.upsert_paper(paper, content_hash(paper), identity_keys(record))
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


def chunker_version() -> str:
    """The version of the rules that segment abstracts into sentences and passages."""
    return CHUNKER_VERSION


_KINDS = {"id": "id", "doi": "DOI", "arxiv": "arXiv id", "pmid": "PubMed id", "title": "title"}


def _segment(paper: Paper, encoder: BulkEncoder) -> tuple[list[Passage], list[Sentence]]:
    passages = split_passages(paper, encoder.count_tokens, encoder.passage_limit(paper.title))
    return passages, split_sentences(paper.abstract)


def _fill_missing(paper: Paper, other: Paper) -> Paper:
    """``paper`` with its empty fields filled from ``other``."""
    added = {name: getattr(other, name) for name in _MERGED_FIELDS if not getattr(paper, name)}
    if is_marked(other.title) and not is_marked(paper.title):  # whoever sees the title shall see that
        added["title"] = other.title
    return replace(paper, **added, **kept_fields.joined(paper, other))


def _without_surrogates(paper: Paper) -> Paper:
    """``paper`` with lone surrogates, which UTF-8 cannot encode, replaced by ``?``; offsets stay."""
    fields: dict[str, Any] = {name: _encodable(getattr(paper, name)) for name in _TEXT_FIELDS}
    lists: dict[str, Any] = {name: tuple(map(_encodable, getattr(paper, name))) for name in _LIST_FIELDS}
    kept = tuple((_encodable(name), _encodable(value)) for name, value in paper.fields)
    return replace(paper, **fields, **lists, fields=kept)


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
