"""Zotero's database, read from a copy: Zotero holds its own while it runs, and nothing is ever written to it.

Tables and columns are those of userdata.sql of Zotero 5 to 9 (github.com/zotero/zotero, resource/schema).
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.errors import ImportFileError
from rag.papers.zotero.data_folder import DATABASE
from rag.papers.zotero.items import ZoteroLibrary
from rag.papers.zotero.tables import missing_columns, read_libraries

_BESIDE = ("-wal", "-journal")  # what SQLite has not yet brought into the database, or needs to take back
_TRIES = 5


def read_database(folder: Path) -> list[ZoteroLibrary]:
    """The user's library and those of groups. Raises :class:`ImportFileError` for a database that cannot be read."""
    with _copied(folder / DATABASE) as copy:
        try:
            connection = sqlite3.connect(copy)
            try:
                _check(connection, folder)
                return read_libraries(connection)
            finally:
                connection.close()
        except sqlite3.DatabaseError as error:
            raise ImportFileError(
                f"Zotero's database in {folder} cannot be read ({error}). Close Zotero and try again; if that does "
                "not help, the database is damaged: see zotero.org/support/kb/corrupted_database."
            ) from error


def _check(connection: sqlite3.Connection, folder: Path) -> None:
    """Raise :class:`ImportFileError` for a database of an old Zotero or another program, or a damaged one."""
    if missing := missing_columns(connection):
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if {"items", "itemData", "collections"} <= tables:
            raise ImportFileError(
                f"The database in {folder} was made by a Zotero before 5 or after those that are known here (it has "
                f"no {missing[0]}). Start a current Zotero once, which brings the database up to date."
            )
        raise ImportFileError(
            f"{folder / DATABASE} is no database of Zotero's. Name the right folder, with --data-dir or as "
            "FOOTNOTE_ZOTERO."
        )
    (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if state != "ok":
        raise sqlite3.DatabaseError(str(state).splitlines()[0])


@contextmanager
def _copied(database: Path) -> Iterator[Path]:
    """A copy of the database and what lies beside it, all of one moment; deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="footnote-zotero-") as temporary:
        target = Path(temporary) / DATABASE
        for _ in range(_TRIES):
            before = _looks(database)
            try:
                _copy(database, target)
            except PermissionError as error:  # on Windows a lock keeps others from reading as well
                raise ImportFileError(
                    f"{database} is locked. Close Zotero, or allow other applications to communicate with it in its "
                    "settings, Advanced, and name its address: --api, or FOOTNOTE_ZOTERO."
                ) from error
            except FileNotFoundError as error:
                if not database.exists():
                    raise ImportFileError(f"{database} has gone.") from error
            else:
                if _looks(database) == before:
                    break
            time.sleep(0.2)
        else:
            raise ImportFileError(f"Zotero keeps writing to {database}. Wait until it has finished, or close it.")
        yield target


def _copy(database: Path, target: Path) -> None:
    shutil.copyfile(database, target)
    for suffix in _BESIDE:
        beside, copy = (path.with_name(path.name + suffix) for path in (database, target))
        copy.unlink(missing_ok=True)
        if beside.is_file():
            shutil.copyfile(beside, copy)


def _looks(database: Path) -> list[tuple[int, int] | None]:
    """Size and time of change of the database and what lies beside it."""
    looks: list[tuple[int, int] | None] = []
    for suffix in ("", *_BESIDE):
        path = database.with_name(database.name + suffix)
        try:
            found = path.stat()
        except FileNotFoundError:
            looks.append(None)
        else:
            looks.append((found.st_size, found.st_mtime_ns))
    return looks
