"""What of a paper comes from records that are kept in step with their source: each tag, collection and note, and the
other fields.

What such a record gave and gives no longer goes from the paper. What any other record gave as well stays: no row stands
for it, whoever gave it first. A tag, collection or note has a row of its own; the other fields of one record are one
row of short marks. Older programs wrote no such row: it comes with the next import of a record that has changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from rag.datatypes import Paper
from rag.library.storage import schema
from rag.library.storage.database import Database

_KINDS = ("tags", "collections", "notes")
# Not the title, which no paper lacks, nor the status, which follows from notices too.
_WHOLE = ("abstract", "authors", "year", "venue", "url", "doi", "key", "kind")
_REST = "rest"  # the kind of the row of marks
_Given = tuple[str, str]  # field of the paper, and its value as :func:`_mark` has it


class Givers:
    """The table of what records gave. It is made when the first record is kept in step; writing belongs inside a
    transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, record: Paper, paper_id: str, before: Paper | None) -> None:
        """``record`` gave what it holds to the paper, which was ``before`` (None: it is new). What the paper had from
        elsewhere stays with it for good."""
        self._database.execute(schema.GIVEN)
        known = {(kind, mark) for kind, mark, _ in self._rows(paper_id)}
        had = set(_given(before)) - known if before is not None else set[_Given]()
        rows = [(paper_id, kind, mark, record.id) for kind, mark in _given(record) if (kind, mark) not in had]
        self._database.execute_for_each("INSERT OR IGNORE INTO given VALUES (?, ?, ?, ?)", rows)
        # Where there is no other record, nothing is from elsewhere, whatever an older program noted.
        if before is None or self._is_alone(record, paper_id):
            stays = set[str]()
        else:
            stays = set(_rest(before)).difference(*self._rests(paper_id).values())
        self._set_rest(paper_id, record.id, set(_rest(record)) - stays)

    def left(self, paper: Paper, record_id: str, now: Paper | None = None) -> Paper:
        """``paper`` without what this record alone gave, and no longer does ``now`` (None: it is gone)."""
        gives = set(_given(now)) if now is not None else set[_Given]()
        rows = self._rows(paper.id)
        taken = {(kind, mark) for kind, mark, giver in rows if giver == record_id} - gives
        rest = self._rest_left(paper, record_id, now)
        if not taken:
            return replace(paper, **rest) if rest else paper
        self._database.execute_for_each(
            "DELETE FROM given WHERE paper_id = ? AND kind = ? AND mark = ? AND giver = ?",
            [(paper.id, kind, mark, record_id) for kind, mark in taken],
        )
        gone = taken - {(kind, mark) for kind, mark, giver in rows if giver != record_id}
        left: dict[str, Any] = {
            kind: tuple(one for one in getattr(paper, kind) if (kind, _mark(one)) not in gone) for kind in _KINDS
        }
        return replace(paper, **left, **rest)

    def move(self, record: Paper, from_id: str, to_id: str) -> None:
        """The record is parted from one paper and is another now, whose id imports call it by."""
        if any(giver == record.id for _, _, giver in self._rows(from_id)) or record.id in self._rests(from_id):
            self._database.execute("DELETE FROM given WHERE paper_id = ? AND giver = ?", (from_id, record.id))
            self.note(replace(record, id=to_id), to_id, None)

    def papers_of(self, record_id: str) -> list[str]:
        """Ids of the papers that have something from this record alone or among others of its kind, ordered."""
        if not self._database.has_table("given"):
            return []
        sql = "SELECT DISTINCT paper_id FROM given WHERE giver = ? ORDER BY paper_id"
        return [row[0] for row in self._database.rows(sql, (record_id,))]

    def keep(self, record: Paper, paper_id: str) -> None:
        """Another record gives the paper what it holds: that stays, whoever takes it back."""
        if not self._database.has_table("given"):
            return
        self._database.execute_for_each(
            "DELETE FROM given WHERE paper_id = ? AND kind = ? AND mark = ?",
            [(paper_id, kind, mark) for kind, mark in _given(record)],
        )
        marks = set(_rest(record))
        for giver, its in self._rests(paper_id).items():
            if its & marks:
                self._set_rest(paper_id, giver, its - marks)

    def forget(self, paper_ids: Iterable[str]) -> None:
        """The papers are deleted."""
        if self._database.has_table("given"):
            self._database.execute_for_each("DELETE FROM given WHERE paper_id = ?", [(one,) for one in paper_ids])

    def _rows(self, paper_id: str) -> list[tuple[str, str, str]]:
        """Kind, mark and giver of each tag, collection and note."""
        if not self._database.has_table("given"):
            return []
        sql = "SELECT kind, mark, giver FROM given WHERE paper_id = ? AND kind != ?"
        return self._database.rows(sql, (paper_id, _REST))

    def _rests(self, paper_id: str) -> dict[str, set[str]]:
        """The marks of the other fields, by giver."""
        if not self._database.has_table("given"):
            return {}
        rows = self._database.rows("SELECT giver, mark FROM given WHERE paper_id = ? AND kind = ?", (paper_id, _REST))
        return {giver: set(marks.split()) for giver, marks in rows}

    def _set_rest(self, paper_id: str, giver: str, marks: Iterable[str]) -> None:
        key = (paper_id, _REST, giver)
        self._database.execute("DELETE FROM given WHERE paper_id = ? AND kind = ? AND giver = ?", key)
        if text := " ".join(sorted(marks)):
            self._database.execute("INSERT INTO given VALUES (?, ?, ?, ?)", (paper_id, _REST, text, giver))

    def _rest_left(self, paper: Paper, record_id: str, now: Paper | None) -> dict[str, Any]:
        """The fields other than lists that are empty now, and the kept fields that are left; nothing of those where
        this record takes nothing away."""
        rests = self._rests(paper.id)
        its = rests.pop(record_id, set())
        taken = its.difference(_rest(now) if now is not None else ())
        if not taken:
            return {}
        self._set_rest(paper.id, record_id, its - taken)
        gone = taken.difference(*rests.values())
        empty = Paper("", "", "")
        left: dict[str, Any] = {
            name: getattr(empty, name) for name in _WHOLE if _short_mark(name, getattr(paper, name)) in gone
        }
        return left | {"fields": tuple(one for one in paper.fields if _short_mark("fields", one) not in gone)}

    def _is_alone(self, record: Paper, paper_id: str) -> bool:
        """Whether the paper was imported from this record and from no other."""
        sql = "SELECT 1 FROM records WHERE paper_id = ? AND id != ? LIMIT 1"
        return record.id == paper_id and not self._database.rows(sql, (paper_id, record.id))


def _given(record: Paper) -> Iterator[_Given]:
    return ((kind, _mark(value)) for kind in _KINDS for value in getattr(record, kind))


def _rest(record: Paper) -> Iterator[str]:
    """A mark for each field that is no list of tags, collections or notes, and for each kept field."""
    yield from (_short_mark(name, value) for name in _WHOLE if (value := getattr(record, name)))
    yield from (_short_mark("fields", pair) for pair in record.fields)


def _mark(value: str) -> str:
    """The value, or of a long one (a note) its hash."""
    return value if len(value) <= 100 else hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def _short_mark(name: str, value: Any) -> str:
    """Ten hexadecimal digits that another value of one paper would hardly have."""
    return hashlib.sha256(json.dumps([name, value]).encode("utf-8")).hexdigest()[:10]
