"""Which papers have no vectors yet: those whose texts were stored first, to be embedded later.

The column ``vectors`` says so by itself; a partial index over the rows where it is empty makes counting and listing
them quick. A library of an older program gets that index when it is next opened for writing, and lacks no vectors.
"""

from __future__ import annotations

from collections.abc import Iterable

from rag.library.storage import schema
from rag.library.storage.database import Database

_INDEX = "papers_without_vectors"


class MissingVectors:
    """The papers of one database that have no vectors."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._is_listed = False

    def create(self) -> None:
        """Make the index where there is none."""
        self._database.run_script(schema.WITHOUT_VECTORS)

    def any(self) -> bool:
        """Whether there is one."""
        return self._listed() and bool(self._database.rows("SELECT 1 FROM papers WHERE vectors IS NULL LIMIT 1"))

    def count(self) -> int:
        """How many there are."""
        if not self._listed():
            return 0
        return int(self._database.rows("SELECT count(*) FROM papers WHERE vectors IS NULL")[0][0])

    def first(self, limit: int) -> list[str]:
        """Ids of the first ``limit`` of them, in the order in which they were imported."""
        if not self._listed():
            return []
        sql = "SELECT id FROM papers WHERE vectors IS NULL ORDER BY rowid LIMIT ?"
        return [row[0] for row in self._database.rows(sql, (limit,))]

    def add(self, paper_ids: Iterable[str]) -> None:
        """Passages, sentences and vectors of these papers are made again later. Belongs inside a transaction."""
        self._database.execute_for_each(
            "UPDATE papers SET passages = '[]', sentences = '[]', vectors = NULL WHERE id = ?",
            [(one,) for one in paper_ids],
        )

    def _listed(self) -> bool:
        if not self._is_listed:
            sql = "SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = ?"
            self._is_listed = bool(self._database.rows(sql, (_INDEX,)))
        return self._is_listed
