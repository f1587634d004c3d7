"""The folder of a library: which files are its own, when it changed, and making room for a new one."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from rag.errors import LibraryError
from rag.library.storage import database, locking, manifest, vectors
from rag.library.storage.locking import storage_errors
from rag.library.storage.words import updating

Stamp = tuple[int, str]  # inode of the database, and SHA-256 of the manifest ("" without one)
_JOURNAL, _PARTIAL = f"{database.NAME}-journal", f"{manifest.NAME}.partial"
# All that a killed creation may leave, beside hidden files.
_HALF_MADE = frozenset({database.NAME, _JOURNAL, _PARTIAL})
WATCHED = "watched.json"  # the files of watched folders that were imported
ZOTERO = "zotero.json"  # the items of Zotero that were imported
LOG = "vectors.log"  # of the process that computes vectors in the background
_OWN_FILES = _HALF_MADE | {
    manifest.NAME, locking.LOCK, locking.HOLDER, locking.WANTED, locking.EMBEDDING, f"{locking.EMBEDDING}.json", LOG,
    vectors.FOLDER, vectors.DISCARDED, updating.FOLDER, "map.json", WATCHED, f".{WATCHED}.partial", ZOTERO,
    f".{ZOTERO}.partial",
}  # fmt: skip
_OWN_NAMES = re.compile(r"\.map\.json\.\d{1,9}\.tmp")  # of a process that was killed while it wrote the map


def exists(path: Path) -> bool:
    """Whether there is a library in the folder, intact or not: a manifest, or a database that holds something."""
    return (path / manifest.NAME).is_file() or not database.is_blank(path)


def stamp(path: Path) -> Stamp:
    """Differs after every change of the library in ``path``, whatever the clock says. Raises :class:`LibraryError`."""
    with storage_errors(path):
        inode = (path / database.NAME).stat().st_ino
    try:
        return inode, hashlib.sha256((path / manifest.NAME).read_bytes()).hexdigest()
    except OSError:  # opening the library says what is wrong, or does without it
        return inode, ""


def commits(path: Path) -> int:
    """Another number after every transaction of whichever process; 0 where it cannot be read.

    It is the file change counter in the header of an SQLite database (sqlite.org/fileformat2.html, 1.3.7), which is
    counted up whenever the database is unlocked after a change, as long as there is no write-ahead log.
    """
    try:
        with (path / database.NAME).open("rb", buffering=0) as file:
            return int.from_bytes(file.read(28)[24:], "big")
    except OSError:
        return 0


def foreign_files(path: Path) -> list[str]:
    """Names of files in the folder that no library writes, ordered."""
    return sorted(
        file.name for file in path.iterdir() if file.name not in _OWN_FILES and not _OWN_NAMES.fullmatch(file.name)
    )


def delete_leftovers(path: Path) -> None:
    """Delete what killed processes left beside the files of the library; a file that is just being written may go."""
    for file in path.iterdir():
        if _OWN_NAMES.fullmatch(file.name):
            file.unlink(missing_ok=True)


def clear_for_new_library(path: Path) -> None:
    """Delete what a killed creation left in ``path``, never papers. Raises :class:`LibraryError` for anything else."""
    if exists(path):
        raise LibraryError(
            f"There is a library in {path} already, or a {database.NAME} that cannot be read. Open it, or choose "
            "another folder with --library."
        )
    others = sorted(
        file.name for file in path.iterdir() if file.name not in _HALF_MADE and not file.name.startswith(".")
    )
    if others:
        raise LibraryError(
            f"The folder {path} holds other files ({others[0]}, …) and no library. Choose an empty or new folder."
        )
    with storage_errors(path):
        for name in _HALF_MADE:
            (path / name).unlink(missing_ok=True)
