"""Which tags, collections and notes of a paper come from records that are kept in step with their source.

What such a record gave and gives no longer goes from the paper. What any other record gave as well stays: no row stands
for it, whoever gave it first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from rag.datatypes import Paper
from rag.library.storage import schema
from rag.library.storage.database import Database

_KINDS = ("tags", "collections", "notes")
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

    def left(self, paper: Paper, record_id: str, now: Paper | None = None) -> Paper:
        """``paper`` without what this record alone gave, and no longer does ``now`` (None: it is gone)."""
        gives = set(_given(now)) if now is not None else set[_Given]()
        rows = self._rows(paper.id)
        taken = {(kind, mark) for kind, mark, giver in rows if giver == record_id} - gives
        if not taken:
            return paper
        self._database.execute_for_each(
            "DELETE FROM given WHERE paper_id = ? AND kind = ? AND mark = ? AND giver = ?",
            [(paper.id, kind, mark, record_id) for kind, mark in taken],
        )
        gone = taken - {(kind, mark) for kind, mark, giver in rows if giver != record_id}
        left: dict[str, Any] = {
            kind: tuple(one for one in getattr(paper, kind) if (kind, _mark(one)) not in gone) for kind in _KINDS
        }
        return replace(paper, **left)

    def move(self, record: Paper, from_id: str, to_id: str) -> None:
        """The record is parted from one paper and is another now, whose id imports call it by."""
        if any(giver == record.id for _, _, giver in self._rows(from_id)):
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
        if (given := list(_given(record))) and self._database.has_table("given"):
            self._database.execute_for_each(
                "DELETE FROM given WHERE paper_id = ? AND kind = ? AND mark = ?",
                [(paper_id, kind, mark) for kind, mark in given],
            )

    def forget(self, paper_ids: Iterable[str]) -> None:
        """The papers are deleted."""
        if self._database.has_table("given"):
            self._database.execute_for_each("DELETE FROM given WHERE paper_id = ?", [(one,) for one in paper_ids])

    def _rows(self, paper_id: str) -> list[tuple[str, str, str]]:
        if not self._database.has_table("given"):
            return []
        return self._database.rows("SELECT kind, mark, giver FROM given WHERE paper_id = ?", (paper_id,))


def _given(record: Paper) -> Iterator[_Given]:
    return ((kind, _mark(value)) for kind in _KINDS for value in getattr(record, kind))


def _mark(value: str) -> str:
    """The value, or of a long one (a note) its hash."""
    return value if len(value) <= 100 else hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
