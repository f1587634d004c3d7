"""Which records were merged into which paper, and why; and which the user parted again. Writing needs a transaction.

A row holds a record as its file had it, so that it can be shown beside its paper and become one of its own. Once it
has, ``undone`` is the id of that paper, and the row stays: no later import merges the two again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rag.datatypes import Paper
from rag.library.storage import schema
from rag.library.storage.database import Database
from rag.papers.merging import Additions, of_record, to_record

_NAME = re.compile(r"m[0-9]{1,15}")
_COLUMNS = "number, paper_id, record, kind, added, undone"
REASONS = {
    "id": "the same id",
    "doi": "the same DOI",
    "arxiv": "the same arXiv id",
    "pmid": "the same PubMed id",
    "title": "the same title",
    "title year": "the same title and year",
    "title authors": "the same title and authors",
    "title year authors": "the same title, year and authors",
    "": "the same paper",
}


@dataclass(frozen=True, slots=True)
class Merge:
    """One record that was merged into the paper ``paper_id``.

    ``record`` is as its file had it; ``kind`` a key of :data:`REASONS`; ``added`` what the record filled in, see
    :mod:`rag.papers.merging`; ``undone`` the id of the paper that it became again, empty while it is merged.
    """

    number: int
    paper_id: str
    record: Paper
    kind: str
    added: Additions
    undone: str = ""

    @property
    def id(self) -> str:
        """The name under which it can be undone: ``m12``."""
        return f"m{self.number}"

    @property
    def reason(self) -> str:
        """Why it was merged, in words."""
        return REASONS.get(self.kind, REASONS[""])


class Merges:
    """The table of merges. Libraries of earlier programs get it when they are next opened for writing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows, self._execute = database.rows, database.execute
        self._there = database.has_table("merges")

    def create(self) -> None:
        """Make the table where it is missing."""
        if not self._exists():
            self._database.run_script(schema.MERGES)
            self._there = True

    # --- reading ---

    def count(self) -> int:
        """How many records are merged."""
        return self._count("SELECT count(*) FROM merges WHERE undone = ''") if self._exists() else 0

    def count_unknown(self) -> int:
        """How many records were merged by an earlier program, which kept nothing of them but their ids."""
        unknown = "SELECT count(*) FROM records WHERE id != paper_id"
        if self._exists():
            unknown += " AND NOT EXISTS (SELECT 1 FROM merges WHERE record_id = records.id)"
        return self._count(unknown)

    def page(self, offset: int, limit: int) -> list[Merge]:
        """Records that are merged, the latest first."""
        return self._found("undone = '' ORDER BY number DESC LIMIT ? OFFSET ?", limit, offset)

    def get(self, numbers: Sequence[int]) -> list[Merge]:
        """The merges with these numbers, undone ones as well, in that order; unknown numbers are left out."""
        return [one for number in numbers for one in self._found("number = ?", number)]

    def named(self, name: str) -> list[Merge]:
        """The merge called ``m12``, undone or not; else those of the records with this id that are not undone."""
        numbers = [int(name[1:])] if _NAME.fullmatch(name) else []
        return self.get(numbers) or self._found("record_id = ? AND undone = '' ORDER BY number", name)

    def into(self, paper_id: str) -> list[Merge]:
        """Merges into a paper that are not undone, in the order in which they were made."""
        return self._found("paper_id = ? AND undone = '' ORDER BY number", paper_id)

    def has(self, record_id: str, record_hash: str) -> bool:
        """Whether the merge of this record is kept."""
        sql = "SELECT 1 FROM merges WHERE record_id = ? AND record_hash = ?"
        return self._exists() and bool(self._rows(sql, (record_id, record_hash)))

    def parted_from(self, paper_id: str) -> list[Merge]:
        """Undone merges between a paper and any other, in the order in which they were made."""
        by_owner = self._found("paper_id = ? AND undone != ''", paper_id)
        return sorted(
            [*by_owner, *self._found("undone = ? AND paper_id != undone", paper_id)], key=lambda one: one.number
        )

    def are_parted(self, one: str, other: str) -> bool:
        """Whether the user said that two papers are not the same."""
        sql = "SELECT 1 FROM merges WHERE undone != '' AND paper_id = ? AND undone = ?"
        return self._exists() and any(self._rows(sql, pair) for pair in ((one, other), (other, one)))

    def moved(self, record_id: str) -> list[tuple[Merge, str]]:
        """Undone merges of records with this id whose paper has another one, and the hash of each record."""
        where = "record_id = ? AND undone NOT IN ('', record_id)"
        hashes = dict(self._rows(f"SELECT number, record_hash FROM merges WHERE {where}", (record_id,)))
        return [(one, hashes[one.number]) for one in self._found(where, record_id)] if hashes else []

    def _exists(self) -> bool:
        self._there = self._there or self._database.has_table("merges")
        return self._there

    def _count(self, sql: str) -> int:
        return int(self._rows(sql)[0][0])

    def _found(self, where: str, *values: Any) -> list[Merge]:
        if not self._exists():
            return []
        return [
            Merge(number, paper_id, of_record(json.loads(record)), kind, json.loads(added), undone)
            for number, paper_id, record, kind, added, undone in self._rows(
                f"SELECT {_COLUMNS} FROM merges WHERE {where}", values
            )
        ]

    # --- writing ---

    def add(self, record: Paper, record_hash: str, paper_id: str, kind: str, added: Additions) -> None:
        """Keep that ``record`` was merged. What was kept of it for another paper is forgotten."""
        self._execute(
            "DELETE FROM merges WHERE record_id = ? AND undone = '' AND (paper_id != ? OR record_hash = ?)",
            (record.id, paper_id, record_hash),
        )
        self._execute(
            "INSERT INTO merges (record_id, record_hash, paper_id, record, kind, added, undone)"
            " VALUES (?, ?, ?, ?, ?, ?, '')",
            (record.id, record_hash, paper_id, _json(to_record(record)), kind, _json(added)),
        )

    def set_added(self, merge: Merge, added: Additions) -> None:
        """Change what the record filled in."""
        self._execute("UPDATE merges SET added = ? WHERE number = ?", (_json(added), merge.number))

    def move(self, merge: Merge, paper_id: str, added: Additions) -> None:
        """The record belongs to another paper."""
        self._execute("UPDATE merges SET paper_id = ? WHERE number = ?", (paper_id, merge.number))
        self.set_added(merge, added)

    def set_undone(self, merge: Merge, paper_id: str) -> None:
        """The record is the paper ``paper_id`` now."""
        self._execute("UPDATE merges SET undone = ? WHERE number = ?", (paper_id, merge.number))

    def forget(self, column: str, ids: Iterable[str]) -> None:
        """Forget merges that are not undone by their ``paper_id`` or ``record_id``."""
        assert column in ("paper_id", "record_id")
        if self._exists():
            sql = f"DELETE FROM merges WHERE {column} = ? AND undone = ''"
            self._database.execute_for_each(sql, [(one,) for one in ids])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
