"""What is known of retractions and corrections, by the identity keys of the papers: kept for papers imported later."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rag.library.storage import schema
from rag.library.storage.database import Database
from rag.papers.retractions import Event, resolved


class Notices:
    """The table of events. Libraries of earlier programs have none until the first event is added."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, events: Iterable[Event]) -> int:
        """Keep ``events``; how many there were. Those kept already change nothing. Belongs inside a transaction."""
        count = 0
        for event in events:
            if not count:
                self._database.execute(schema.NOTICES)
            rows = [(key, event.nature, event.date, event.reason) for key in event.keys]
            self._database.execute_for_each("INSERT OR REPLACE INTO notices VALUES (?, ?, ?, ?)", rows)
            count += 1
        return count

    def remove(self, events: Iterable[Event]) -> None:
        """Forget ``events``. Belongs inside a transaction."""
        rows = [(key, event.nature, event.date) for event in events for key in event.keys]
        if self._database.has_table("notices"):
            self._database.execute_for_each("DELETE FROM notices WHERE key = ? AND nature = ? AND date = ?", rows)

    def status_of(self, keys: Sequence[str]) -> str:
        """What the events make of a paper with these identity keys: a status, ``reinstated``, or nothing."""
        if not self._database.has_table("notices"):
            return ""
        marks = ",".join("?" * len(keys))
        return resolved(self._database.rows(f"SELECT nature, date FROM notices WHERE key IN ({marks})", keys))

    def concerned(self) -> list[str]:
        """Ids of the papers of the library that some event is about, ordered."""
        if not self._database.has_table("notices"):
            return []
        sql = "SELECT DISTINCT paper_id FROM keys JOIN notices ON notices.key = keys.key ORDER BY paper_id"
        return [row[0] for row in self._database.rows(sql)]
