"""What an error of SQLite means, by its result code; the wording of its message is SQLite's own affair."""

from __future__ import annotations

import re
import sqlite3
from enum import Enum


class Trouble(Enum):
    """Why a database could not be used."""

    DAMAGED = "damaged"  # its file holds no database, or an inconsistent one
    IN_USE = "in use"  # another program holds a lock
    FULL = "full"  # no space left
    READ_ONLY = "read-only"  # may be read, not written to
    HALF_DONE = "half done"  # a killed writer's change has to be rolled back first, and may not be
    NOT_OPENED = "not opened"  # missing, a folder, or not permitted
    DISK = "disk"  # the system failed to read or write
    UNKNOWN = "unknown"  # anything else; says nothing about the file


_BY_CODE = {
    sqlite3.SQLITE_CORRUPT: Trouble.DAMAGED,
    sqlite3.SQLITE_NOTADB: Trouble.DAMAGED,
    sqlite3.SQLITE_BUSY: Trouble.IN_USE,
    sqlite3.SQLITE_LOCKED: Trouble.IN_USE,
    sqlite3.SQLITE_PROTOCOL: Trouble.IN_USE,
    sqlite3.SQLITE_FULL: Trouble.FULL,
    sqlite3.SQLITE_READONLY: Trouble.READ_ONLY,
    sqlite3.SQLITE_PERM: Trouble.READ_ONLY,
    sqlite3.SQLITE_AUTH: Trouble.READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: Trouble.NOT_OPENED,
    sqlite3.SQLITE_IOERR: Trouble.DISK,
}


_CODE = re.compile(r"\(code: (\d{1,6})\)")


def trouble_in(message: str) -> Trouble | None:
    """What the result code means that a message of Chroma quotes, as in ``(code: 13) …``; None where it quotes none."""
    found = _CODE.search(message)
    return _of_code(int(found[1])) if found else None


def trouble_of(error: sqlite3.Error) -> Trouble | None:
    """What the result code of ``error`` means; None where SQLite gave none.

    Then Python's module raised it: a closed connection, a wrong number of values. That is a fault of the program, and
    no sentence for a user.
    """
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else _of_code(code)


def _of_code(code: int) -> Trouble:
    if code in (sqlite3.SQLITE_READONLY_ROLLBACK, sqlite3.SQLITE_READONLY_RECOVERY):
        return Trouble.HALF_DONE
    return _BY_CODE.get(code & 0xFF, Trouble.UNKNOWN)  # the higher bits say where it came up


def named(error: sqlite3.Error) -> str:
    """The message of ``error`` with the name of its code, where it has one."""
    name = getattr(error, "sqlite_errorname", "")
    return f"{error}, {name}" if name else str(error)
