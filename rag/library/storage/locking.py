"""The lock between processes that write to a library, and the wording of errors of the disk and the databases."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rag.errors import LibraryDamaged, LibraryError, LibraryLocked
from rag.system.sqlite_trouble import Trouble, named, trouble_in, trouble_of

LOCK = ".lock"
HOLDER = ".lock.json"
WANTED = ".lock.wanted"  # somebody waits for a writer who yields
EMBEDDING = ".lock.vectors"  # held by the process that computes vectors; beside it, with .json, who that is
_PATIENCE_S = 120.0  # for a writer who yields: a batch takes seconds
_UNKNOWN_S = 1.0  # for a writer who has just taken the lock and has not said yet who it is
_POLL_S = 0.05
_STALE_S = 10.0  # whoever waits renews its wish with every poll


class IndexFailure(Exception):
    """An operation of Chroma failed; the message is Chroma's."""


class WriterLock:
    """One writer per library folder. Readers do not need it. The system frees it when its process dies."""

    def __init__(self, folder: Path, yields: bool = False) -> None:
        """Take the lock, at once or from a writer who yields.

        ``yields``: this writer looks at :func:`is_wanted` every few seconds, and lets others in. Raises
        :class:`LibraryLocked`, naming the process that holds it.
        """
        from filelock import FileLock

        self._holder = folder / HOLDER
        self._lock = FileLock(folder / LOCK, timeout=0, thread_local=False)
        self._acquire(folder, waits=not yields)
        holder = {"pid": os.getpid(), "since": time.strftime("%Y-%m-%d %H:%M:%S"), "yields": yields}
        with suppress(OSError):  # on a full disk other processes cannot name this one, no more
            self._holder.write_text(json.dumps(holder), encoding="utf-8")

    def _acquire(self, folder: Path, waits: bool) -> None:
        from filelock import Timeout

        wanted, began = folder / WANTED, time.monotonic()
        asked = False
        try:
            while True:
                try:
                    self._lock.acquire()
                    return
                except Timeout as error:
                    holder = _read(self._holder)
                    patience = _UNKNOWN_S if holder is None else _PATIENCE_S if holder.get("yields") else 0.0
                    if not waits or time.monotonic() - began > patience:
                        raise LibraryLocked(
                            f"The library {folder} is being written to by {_describe(holder)}. "
                            "Wait until it has finished, or stop it."
                        ) from error
                wanted.touch()
                asked = True
                time.sleep(_POLL_S)
        finally:
            if asked:
                with suppress(OSError):
                    wanted.unlink(missing_ok=True)

    def release(self) -> None:
        """Let others write. Safe to repeat."""
        if self._lock.is_locked:
            with suppress(OSError):
                self._holder.unlink(missing_ok=True)
            self._lock.release()


def acquire_lock(path: Path, yields: bool = False) -> WriterLock:
    """The lock of the library in folder ``path``. Raises :class:`LibraryLocked`, and as :func:`storage_errors` does."""
    with storage_errors(path):
        return WriterLock(path, yields)


def is_wanted(path: Path) -> bool:
    """Whether another process waits for the writer of this library. A wish that was left behind by a kill expires."""
    try:
        return time.time() - (path / WANTED).stat().st_mtime < _STALE_S
    except OSError:
        return False


def wait_for_others(path: Path, stop: threading.Event) -> None:
    """Return when nobody waits for the lock any more, or ``stop`` is set."""
    while is_wanted(path) and not stop.wait(_POLL_S):
        pass


def _read(holder: Path) -> dict[str, Any] | None:
    """What the holder of the lock says of itself; None where that cannot be read (yet)."""
    try:
        record = json.loads(holder.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else {}


def _describe(holder: dict[str, Any] | None) -> str:
    try:
        return f"process {int((holder or {})['pid'])} since {(holder or {})['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"


@contextmanager
def storage_errors(folder: Path) -> Iterator[None]:
    """Turn what SQLite, Chroma and the file system raise into :class:`LibraryError`, which names the remedy.

    An error that SQLite itself did not raise, such as the use of a closed connection, passes through: it is a fault of
    the program, and says nothing about the library.
    """
    try:
        yield
    except sqlite3.Error as error:
        trouble = trouble_of(error)
        if trouble is None:
            raise
        raise _explained(folder, trouble, named(error)) from error
    except OSError as error:
        trouble = _TROUBLE_OF_ERRNO.get(error.errno or 0, Trouble.UNKNOWN)
        raise _explained(folder, trouble, error.strerror or str(error)) from error
    except IndexFailure as error:
        trouble = trouble_of_index(str(error))
        if trouble in PASSING:
            raise _explained(folder, trouble, str(error)) from error
        raise LibraryError(
            f"The vector index of the library {folder} could not be brought up to date ({error}). The papers are kept: "
            "the next change of the library makes the index again."
        ) from error


def trouble_of_index(message: str) -> Trouble:
    """What a message of Chroma means, which has no codes but those of SQLite that it quotes."""
    if "no space left" in message.lower() or "database or disk is full" in message.lower():
        return Trouble.FULL
    return trouble_in(message) or Trouble.UNKNOWN


def _explained(folder: Path, trouble: Trouble, reason: str) -> LibraryError:
    kind = _KINDS.get(trouble, LibraryError)
    return kind(_SENTENCES[trouble].format(folder=folder, reason=reason))


# These say nothing about the files: what was there before is there still, and the same can be tried again.
PASSING = frozenset({Trouble.FULL, Trouble.IN_USE, Trouble.READ_ONLY})

_KINDS: dict[Trouble, type[LibraryError]] = {Trouble.DAMAGED: LibraryDamaged, Trouble.IN_USE: LibraryLocked}

_TROUBLE_OF_ERRNO = {
    errno.ENOSPC: Trouble.FULL,
    errno.EDQUOT: Trouble.FULL,
    errno.EACCES: Trouble.READ_ONLY,
    errno.EPERM: Trouble.READ_ONLY,
    errno.EROFS: Trouble.READ_ONLY,
    errno.EIO: Trouble.DISK,
    errno.EFBIG: Trouble.DISK,
    errno.ENOENT: Trouble.NOT_OPENED,
    errno.EBUSY: Trouble.IN_USE,
}

_SENTENCES = {
    Trouble.DAMAGED: "The library {folder} is damaged ({reason}). "
    "Import its papers into a new folder: footnote import FILE --library NEWDIR",
    Trouble.IN_USE: "The library {folder} is in use ({reason}). Wait until the other program has finished.",
    Trouble.FULL: "There is no space left for the library {folder}. What was imported so far is kept: free some space "
    "and repeat the import.",
    Trouble.READ_ONLY: "The library {folder} cannot be written to ({reason}). Change the permissions of the folder, or "
    "choose another one with --library.",
    Trouble.HALF_DONE: "A program that wrote to the library {folder} was killed, and its last change has to be taken "
    "back, which cannot be done where nothing may be written. Open the library once without --read-only on a computer "
    "that may write to it: footnote doctor --library {folder}",
    Trouble.NOT_OPENED: "The library {folder} cannot be opened ({reason}). Put the file that is missing back, or "
    "change the permissions of the folder.",
    Trouble.DISK: "The library {folder} could not be read or written ({reason}). What was stored before is kept: check "
    "the disk and its free space, then try again.",
    Trouble.UNKNOWN: "The library {folder} could not be used ({reason}). Nothing was deleted: try again, and look at "
    "it with: footnote doctor --library {folder}",
}
