"""Which records were imported, and to which paper each belongs."""

from __future__ import annotations

from rag.library.storage.database import Database


class ImportedRecords:
    """The table of the records of all files, by id and by the hash of their content.

    Writing belongs inside a transaction.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, record_id: str) -> list[tuple[str, str]]:
        """``(hash, paper id)`` of the records with this id, in the order of the last file that held it."""
        return self._database.rows("SELECT hash, paper_id FROM records WHERE id = ? ORDER BY position", (record_id,))

    def merged(self) -> list[tuple[str, str]]:
        """``(paper id, id of a record that was merged into it)``, ordered."""
        sql = "SELECT DISTINCT paper_id, id FROM records WHERE id != paper_id ORDER BY paper_id, id"
        return self._database.rows(sql)

    def put(self, record_id: str, first: bool, record_hash: str, paper_id: str) -> None:
        """Remember a record behind those of its id. The ``first`` of a file replaces those of other files."""
        if first:
            self.forget(record_id)
        self._database.execute(
            "INSERT INTO records SELECT ?, coalesce(max(position) + 1, 0), ?, ? FROM records WHERE id = ?",
            (record_id, record_hash, paper_id, record_id),
        )

    def move(self, record_id: str, paper_id: str, to: str) -> None:
        """The records with this id belong to the paper ``to`` now."""
        sql = "UPDATE records SET paper_id = ? WHERE id = ? AND paper_id = ?"
        self._database.execute(sql, (to, record_id, paper_id))

    def rename(self, record_id: str, record_hash: str, to: str, new_hash: str) -> None:
        """A record is that of the paper ``to`` now, under whose id it has ``new_hash``."""
        self._database.execute("DELETE FROM records WHERE id = ? AND hash = ?", (record_id, record_hash))
        self.put(to, True, new_hash, to)

    def forget(self, record_id: str) -> None:
        """A record is no more: should it come back, it is new."""
        self._database.execute("DELETE FROM records WHERE id = ?", (record_id,))
