"""The connection to ``papers.sqlite``: queries, transactions, and one lock for all threads.

The rollback journal is used rather than WAL, so that a library can be read where nothing can be written.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rag.library.storage import schema

NAME = "papers.sqlite"
_BUSY_SECONDS = 20.0  # how long a statement waits for another process


class Database:
    """One open database. Safe to use from several threads."""

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        self._lock = threading.RLock()
        path = folder / NAME
        # Even a reader must be able to roll back what a killed writer left, if the folder is writable.
        writable = os.access(folder, os.W_OK) and (create or os.access(path, os.W_OK))
        mode = "rwc" if create else "rw" if writable else "ro"
        self._connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=_BUSY_SECONDS, check_same_thread=False,
            isolation_level=None,
        )  # fmt: skip
        if create:
            self.run_script(f"BEGIN; {schema.TABLES} {schema.BROWSING} COMMIT;")

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

    @property
    def lock(self) -> threading.RLock:
        """Held by each call; hold it around several calls that belong together."""
        return self._lock

    @property
    def revision(self) -> int:
        """How many changes have been committed."""
        return int(self.rows("SELECT revision FROM state")[0][0])
