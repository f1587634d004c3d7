"""Import records into the database batch by batch: insert new papers, update changed ones, merge duplicates.

A batch is one transaction of the database, then one update of the vector index. Whenever the process is killed, the
database holds whole batches and a list of the papers that the vector index lacks; the next import begins with those.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from rag.datatypes import Paper
from rag.library.chunking import CHUNKER_VERSION
from rag.library.storage.import_report import Counts, ImportProgress, ImportReport
from rag.library.storage.marking import apart, mark
from rag.library.storage.matching import detailed, find_match, shared_kind
from rag.library.storage.paper_writer import BulkEncoder, PaperWriter
from rag.library.storage.papers import PaperStore
from rag.library.storage.stored_paper import content_hash
from rag.papers.identity import identity_keys
from rag.papers.merging import Additions, additions, filled, still_added, still_there, together
from rag.papers.retractions import events_of, with_status
from rag.papers.title_marks import is_marked

__all__ = ["BulkEncoder", "ImportProgress", "ImportReport", "Importer", "batches", "chunker_version"]

BATCH = 128  # papers per transaction: a few seconds of work, at most lost by a kill

AT_ONCE = 500  # new papers that are embedded while they are imported, in seconds; of more, later

_TEXT_FIELDS = ("id", "title", "abstract", "venue", "url", "doi", "source", "key", "kind", "status")
_LIST_FIELDS = ("authors", "tags", "collections", "notes")


def batches(papers: Iterable[Paper], size: int = BATCH) -> Iterator[list[Paper]]:
    """Lists of ``size`` papers. An exception of the iterator is raised after the papers before it were yielded."""
    records = iter(papers)
    while True:
        batch: list[Paper] = []
        try:
            batch.extend(islice(records, size))
        except Exception:
            if batch:
                yield batch
            raise
        if not batch:
            return
        yield batch


class Importer(PaperWriter):
    """Imports records into one database. The caller holds the writer's lock."""

    def __init__(
        self, store: PaperStore, encoder: BulkEncoder | None, in_step: bool = False, later: bool = False
    ) -> None:
        """``encoder`` may be None where only :meth:`revise` is called and title and abstract stay the same.

        ``in_step``: what a record gave at its last import and gives no longer goes, see :mod:`storage.givers`.
        ``later``: texts are stored without vectors.
        """
        super().__init__(store, encoder, later)
        self._in_step = in_step
        self._counts = Counts()
        self._seen: set[str] = set()  # record ids of this import

    def import_batch(self, papers: Iterable[Paper]) -> frozenset[str]:
        """Store one batch in one transaction; returns the ids of the papers that are new to the library."""
        before, self._counts = self._counts, self._counts.copy()
        try:
            with self.batch():
                for paper in papers:
                    self._import_record(with_status(_without_surrogates(paper)))
        except BaseException:
            self._counts = before  # what was not stored is not reported
            raise
        return self.new

    def revise(self, paper: Paper, stored: Paper) -> bool:
        """Replace ``stored`` by ``paper``; whether anything changed. The hashes of imported records are kept."""
        with self.batch():
            paper = _without_surrogates(paper)
            changed = self.write(paper, stored, paper)
            # Otherwise an import would merge the paper that a corrected DOI really belongs to into this one.
            self._store.delete_keys(paper.id, set(identity_keys(stored)) - set(identity_keys(paper)))
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
        records = self._store.imported.of(paper.id)
        first = paper.id not in self._seen
        self._seen.add(paper.id)
        if first and records and records[0][0] == record_hash:
            self._count_unchanged(paper, records[0][1], record_hash)
        elif not first and record_hash in (known for known, _ in records):
            self._counts.duplicate(paper.id, "the same record twice")
        else:
            owner = self._upsert(paper, first, record_hash)
            self._note_events(paper, owner)
            self._store.imported.put(paper.id, first, record_hash, owner)

    def _note_events(self, paper: Paper, owner: str) -> None:
        """Keep what a record says of the retraction of others, and mark those."""
        # A mark in its title says nothing of a paper of that title from which the user parted it.
        if is_marked(paper.title) and self._store.merges.parted_from(owner):
            return
        if events := events_of(paper):
            self._store.notices.add(events)
            keys = [key for event in events for key in event.keys]
            self._changed |= bool(mark(self._store, self._store.find_by_keys(keys)))

    def _count_unchanged(self, paper: Paper, owner: str, record_hash: str) -> None:
        """Count a record that is the same as at its last import."""
        if owner == paper.id:
            self._counts.unchanged += 1
            return
        self._counts.duplicate(paper.id, f"the same paper as {owner}")
        if not self._store.merges.has(paper.id, record_hash):  # an earlier program merged it
            stored = self._store.get_papers([owner])[owner]
            kind = detailed(shared_kind(self._store, paper, owner), paper, stored)
            self._store.merges.add(paper, record_hash, owner, kind, {})

    def _upsert(self, paper: Paper, first: bool, record_hash: str) -> str:
        """Insert, update or merge a new or changed record; returns the id of the paper that now holds it."""
        match = find_match(self._store, paper)
        if match is None:
            self.write(paper, None, paper)
            self._store.merges.forget("record_id", [paper.id])
            self._note_giver(paper, paper.id, None)
            self._counts.added += 1
            return paper.id
        stored = self._store.get_papers([match.owner])[match.owner]
        kept = self._store.givers.left(stored, paper.id, paper) if self._in_step and first else stored
        if match.owner == paper.id and first:
            # An empty field does not delete what another record filled in.
            changed = self.write(filled(paper, kept), stored, paper)
            if kept is not stored:  # by a DOI that was taken away nothing is found any more
                self._store.delete_keys(paper.id, self._keys_gone(stored, paper))
            for merge in self._store.merges.into(paper.id):
                self._store.merges.set_added(merge, still_added(merge.added, paper))
            self._counts.updated += changed
            self._counts.unchanged += not changed
        else:
            joined = filled(kept, paper)
            self.write(joined, stored, paper)
            kind, added = detailed(match.kind, paper, stored), additions(kept, joined)
            if self._in_step and first:
                added = self._all_added(paper.id, match.owner, added, joined)
            self._store.merges.add(paper, record_hash, match.owner, kind, added)
            self._counts.duplicate(paper.id, match.reason)
        self._note_giver(paper, match.owner, kept)
        return match.owner

    def _keys_gone(self, stored: Paper, now: Paper) -> set[str]:
        """The identifiers that the paper had and that neither its record gives now nor any that was merged into it."""
        records = (now, *(merge.record for merge in self._store.merges.into(now.id)))
        gone = set(identity_keys(stored)).difference(*map(identity_keys, records))
        return {key for key in gone if not key.startswith(("id:", "title:"))}

    def _note_giver(self, record: Paper, owner: str, before: Paper | None) -> None:
        """Remember what the record gave to the paper ``owner``, which was ``before``."""
        if self._in_step:
            self._store.givers.note(record, owner, before)
        else:
            self._store.givers.keep(record, owner)

    def _all_added(self, record_id: str, owner: str, added: Additions, joined: Paper) -> dict[str, Any]:
        """``added`` with what is left of what earlier versions of the record filled in; those are forgotten.

        They would give back what was taken away, once another record is parted from the paper.
        """
        merges, before = self._store.merges, dict[str, Any]()
        for one in merges.into(owner):
            if one.record.id == record_id:
                before = together(before, one.added)
        merges.forget("record_id", [record_id])
        return together(still_there(before, joined), added)


def chunker_version() -> str:
    """The version of the rules that segment abstracts into sentences and passages."""
    return CHUNKER_VERSION


def _without_surrogates(paper: Paper) -> Paper:
    """``paper`` with lone surrogates, which UTF-8 cannot encode, replaced by ``?``; offsets stay."""
    fields: dict[str, Any] = {name: _encodable(getattr(paper, name)) for name in _TEXT_FIELDS}
    lists: dict[str, Any] = {name: tuple(map(_encodable, getattr(paper, name))) for name in _LIST_FIELDS}
    kept = tuple((_encodable(name), _encodable(value)) for name, value in paper.fields)
    return replace(paper, **fields, **lists, fields=kept)


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
