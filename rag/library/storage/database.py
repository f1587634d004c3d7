"""The connection to ``papers.sqlite``: queries, transactions, and one lock for all threads.

The rollback journal is used rather than WAL, so that a library can be read where nothing can be written.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from rag.library.storage import schema

NAME = "papers.sqlite"
_BUSY_SECONDS = 20.0  # how long a statement waits for another process


class Database:
    """One open database. Safe to use from several threads."""

    def __init__(self, folder: Path, *, create: bool = False, untouched: bool = False) -> None:
        """``untouched``: the file is opened for reading, even where it could be written."""
        self._lock = threading.RLock()
        self._connection = _connect(folder, create=create, untouched=untouched)
        self._writable = create or (not untouched and _is_writable(folder))
        if create:
            scripts = (schema.TABLES, schema.MADE_WITH, schema.MERGES, schema.TOTALS, schema.BROWSING, schema.GROUPS,
                       schema.WORD_INDEX, schema.WITHOUT_VECTORS)  # fmt: skip
            self.run_script(f"BEGIN; {' '.join(scripts)} COMMIT;")
        elif self.has_table("papers") and not self._has_column("papers", "more"):
            self._add_more()

    def has_table(self, name: str) -> bool:
        """Whether there is a table of that name."""
        return bool(self.rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)))

    def _has_column(self, table: str, column: str) -> bool:
        return bool(self.rows("SELECT 1 FROM pragma_table_info(?) WHERE name = ?", (table, column)))

    def _add_more(self) -> None:
        """Give a library of an earlier version the column that it lacks, on disk where that can be written."""
        if self._writable:
            try:
                self.execute(schema.ADD_MORE)
            except sqlite3.OperationalError:  # another process was faster
                if not self._has_column("papers", "more"):
                    raise
        else:
            self.execute(schema.VIEW_WITH_MORE)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run one statement; returns how many rows it changed."""
        with self._lock:
            return self._connection.execute(sql, values).rowcount

    def execute_for_each(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        """Run one statement once for each row of values."""
        with self._lock:
            self._connection.executemany(sql, values)

    def run_script(self, sql: str) -> None:
        """Run several statements."""
        with self._lock:
            self._connection.executescript(sql)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what is written inside, also when the process is killed."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk ends the transaction by itself
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """What is read inside is the database of one moment, whatever other processes write. They wait meanwhile."""
        with self._lock:
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("COMMIT")

    @property
    def lock(self) -> threading.RLock:
        """Held by each call; hold it around several calls that belong together."""
        return self._lock

    def state(self) -> tuple[int, int] | None:
        """Another value after every change of the file, by this connection or any other; None within a transaction."""
        with self._lock:
            if self._connection.in_transaction:
                return None
            return int(self.rows("PRAGMA data_version")[0][0]), self._connection.total_changes

    @property
    def revision(self) -> int:
        """How many changes have been committed."""
        return int(self.rows("SELECT revision FROM state")[0][0])


def _connect(folder: Path, *, create: bool = False, untouched: bool = False) -> sqlite3.Connection:
    path = folder / NAME
    # Even a reader must be able to roll back what a killed writer left, if the folder is writable.
    mode = "rwc" if create else "rw" if not untouched and _is_writable(folder) else "ro"
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=_BUSY_SECONDS, check_same_thread=False,
        isolation_level=None,
    )  # fmt: skip


def _is_writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and os.access(folder / NAME, os.W_OK)


def is_blank(folder: Path) -> bool:
    """Whether the folder has no ``papers.sqlite``, or one that a killed creation left, with nothing in it yet.

    What cannot be read, is in use or is another program's database is not blank.
    """
    path = folder / NAME
    if not path.exists():
        return True
    try:
        with closing(_connect(folder)) as db:
            tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not tables:
                return True  # its first transaction was rolled back
            kept = [name for name in ("papers", "made_with") if name in tables]
            return "papers" in kept and not any(db.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone() for name in kept)
    except sqlite3.Error:
        return False
