"""The file of the conversations: made when it is missing, one connection to it, errors in words.

Write-ahead log, so that a reader never waits for a writer; every commit is on the disk when it returns.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rag.errors import HistoryError
from rag.system.sqlite_trouble import Trouble, named, trouble_of

VERSION = 1
_BUSY_SECONDS = 20.0

_SCHEMA = f"""
CREATE TABLE conversations (
    id TEXT PRIMARY KEY, user TEXT NOT NULL, title TEXT NOT NULL,
    library TEXT NOT NULL, library_name TEXT NOT NULL, fingerprint TEXT NOT NULL,
    created REAL NOT NULL, changed REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX conversations_of ON conversations (user, changed);
CREATE TABLE turns (
    row INTEGER PRIMARY KEY AUTOINCREMENT,  -- grows with the conversation, and is never given twice
    conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    id TEXT NOT NULL, asked REAL NOT NULL, question TEXT NOT NULL, model TEXT NOT NULL, mode TEXT NOT NULL,
    library TEXT NOT NULL, scope TEXT, answer TEXT, error TEXT NOT NULL, stopped INTEGER NOT NULL, draft TEXT NOT NULL,
    seconds REAL NOT NULL, rating INTEGER NOT NULL DEFAULT 0, note TEXT NOT NULL DEFAULT '',
    UNIQUE (conversation, id)
);
CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'unicode61');
CREATE TRIGGER forget_words AFTER DELETE ON turns BEGIN DELETE FROM words WHERE rowid = old.row; END;
PRAGMA user_version = {VERSION};
"""


@dataclass
class Database:
    """The file at ``path``. Safe to use from several threads; other processes wait for their turn to write."""

    path: Path
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _opened: sqlite3.Connection | None = field(default=None, repr=False)

    @contextmanager
    def transaction(self, read_only: bool = False) -> Iterator[sqlite3.Connection]:
        """All or nothing of what is done inside, also when the process is killed."""
        with self.errors(), self._lock:
            db = self._db()
            db.execute("BEGIN" if read_only else "BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:  # a full disk ends it by itself
                    db.execute("ROLLBACK")
                raise

    def empty_log(self) -> None:
        """Move what was written ahead into the file: what is deleted there is then gone from the disk."""
        with self.errors(), self._lock:
            self._db().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def _db(self) -> sqlite3.Connection:
        if self._opened is None:
            self._opened = _open(self.path)
        return self._opened

    @contextmanager
    def errors(self) -> Iterator[None]:
        """What SQLite and the file system raise, as :class:`HistoryError` with the remedy."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if isinstance(error, sqlite3.Error) and trouble_of(error) is None:
                raise  # Python's module refused a call: a fault of the program, which says nothing about the file
            raise HistoryError(_explain(self.path, error)) from error


def _open(path: Path) -> sqlite3.Connection:
    """The file, made with its tables where it is missing."""
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):  # two programs may come first at once
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # what one asks is nobody else's business
        db = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None)
        try:
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
                db.execute(f"PRAGMA {pragma}")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, VERSION):
                raise HistoryError(
                    f"{path} was written by a newer version of the program (format {version}, this one reads "
                    f"{VERSION}). Update the program, or move the file away."
                )
            if version == 0:
                db.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
        except BaseException:
            db.close()
            raise
    return db


def _explain(path: Path, error: sqlite3.Error | OSError) -> str:
    if isinstance(error, OSError):
        trouble = Trouble.FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else Trouble.READ_ONLY
        return _SENTENCES[trouble].format(path=path, reason=error.strerror or error)
    if "fts5" in str(error).lower():
        return f"Python's SQLite was built without FTS5, which the search of {path} needs. Install another Python."
    return _SENTENCES[trouble_of(error) or Trouble.UNKNOWN].format(path=path, reason=named(error))


_SENTENCES = {
    Trouble.FULL: "There is no space left for {path}. What was kept before is safe: free some space and ask again.",
    Trouble.READ_ONLY: "{path} cannot be written ({reason}). Change its permissions, or choose another FOOTNOTE_HOME.",
    Trouble.HALF_DONE: "{path} needs to be written before it can be read ({reason}). Change its permissions, or choose "
    "another FOOTNOTE_HOME.",
    Trouble.NOT_OPENED: "{path} cannot be opened ({reason}). Change its permissions, or choose another FOOTNOTE_HOME.",
    Trouble.IN_USE: "{path} is in use by another program ({reason}). Wait until that has finished.",
    Trouble.DISK: "{path} could not be read or written ({reason}). What was kept before is safe: check the disk "
    "and its free space, then try again.",
    Trouble.DAMAGED: "{path} is damaged ({reason}). Move it away; a new one is made, and the old one stays for a "
    "repair.",
    Trouble.UNKNOWN: "{path} could not be used ({reason}). Nothing was deleted: try again, or start the program anew.",
}
