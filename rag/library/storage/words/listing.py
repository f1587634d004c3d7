"""Which segments the word index consists of, and which papers changed since: in the database, beside the papers.

Triggers note every paper whose text is new, changed or gone, in the transaction that changes it. So the segments and
the noted papers together always are the library as it is, whenever a process was killed, and whichever version of the
program wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rag.library.storage import schema

if TYPE_CHECKING:
    from rag.library.storage.database import Database
    from rag.library.storage.words.index import LivingSegment


class WordListing:
    """The tables of the word index of one library. What changes them belongs inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def exists(self) -> bool:
        """Whether there are such tables: not so in the library of an older program that was not written to since."""
        return self._database.has_table("word_segments")

    def create(self) -> None:
        """Make the tables where there are none, all papers noted as changed. The caller holds the writer's lock."""
        if not self.exists:
            self._database.run_script(f"BEGIN IMMEDIATE; {schema.WORD_INDEX} {schema.ALL_WORDS_CHANGED} COMMIT;")

    def segments(self) -> list[tuple[str, list[int]]]:
        """``(file name, rows of deleted papers)`` of each segment, ordered by name."""
        import numpy as np

        rows = self._database.rows("SELECT name, deleted FROM word_segments ORDER BY name")
        return [(name, np.frombuffer(deleted, dtype="<u2").tolist()) for name, deleted in rows]

    def changes(self) -> int:
        """How many papers changed since."""
        return int(self._database.rows("SELECT count(*) FROM word_changes")[0][0])

    def changed(self, most: int) -> list[str]:
        """The ids of papers that changed since, ordered; ``most`` of them at most."""
        rows = self._database.rows("SELECT paper_id FROM word_changes ORDER BY paper_id LIMIT ?", (most,))
        return [row[0] for row in rows]

    def replace(self, parts: Iterable[LivingSegment], done: Sequence[str]) -> None:
        """The index consists of ``parts`` now, which have the papers ``done`` as they are."""
        self._database.execute("DELETE FROM word_segments")
        self._database.execute_for_each(
            "INSERT INTO word_segments VALUES (?, ?)",
            [(one.segment.name, one.dead.astype("<u2").tobytes()) for one in parts],
        )
        self._database.execute_for_each("DELETE FROM word_changes WHERE paper_id = ?", [(one,) for one in done])

    def begin_anew(self) -> None:
        """Note all papers as changed, where there is an index. The caller holds the writer's lock."""
        if self.exists:
            self._database.run_script(f"BEGIN IMMEDIATE; DELETE FROM word_segments; {schema.ALL_WORDS_CHANGED} COMMIT;")

    def forget(self) -> None:
        """The index has no segment any more, and all papers are noted as changed."""
        self._database.execute("DELETE FROM word_segments")
        self._database.execute(schema.ALL_WORDS_CHANGED.rstrip("; \n"))
