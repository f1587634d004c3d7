"""The lock between processes that write to a library, and the wording of errors of the disk and the databases."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rag.errors import LibraryError, LibraryLocked

LOCK = ".lock"
HOLDER = ".lock.json"
_FULL = "database or disk is full"  # what SQLite says, in Chroma's messages too


class IndexFailure(Exception):
    """An operation of Chroma failed; the message is Chroma's."""


class WriterLock:
    """One writer per library folder. Readers do not need it. The system frees it when its process dies."""

    def __init__(self, folder: Path) -> None:
        """Take the lock at once. Raises :class:`LibraryLocked`, naming the process that holds it."""
        from filelock import FileLock, Timeout

        self._holder = folder / HOLDER
        self._lock = FileLock(folder / LOCK, timeout=0, thread_local=False)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise LibraryLocked(
                f"The library {folder} is being written to by {_describe(self._holder)}. "
                "Wait until it has finished, or stop it."
            ) from error
        holder = {"pid": os.getpid(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
        with suppress(OSError):  # on a full disk other processes cannot name this one, no more
            self._holder.write_text(json.dumps(holder), encoding="utf-8")

    def release(self) -> None:
        """Let others write. Safe to repeat."""
        if self._lock.is_locked:
            with suppress(OSError):
                self._holder.unlink(missing_ok=True)
            self._lock.release()


def _describe(holder: Path) -> str:
    try:
        record = json.loads(holder.read_text(encoding="utf-8"))
        return f"process {int(record['pid'])} since {record['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


@contextmanager
def storage_errors(folder: Path) -> Iterator[None]:
    """Turn what SQLite, Chroma and the file system raise into :class:`LibraryError`, which names the remedy."""
    try:
        yield
    except sqlite3.Error as error:
        raise LibraryError(_explain(folder, str(error))) from error
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise LibraryError(_explain(folder, _FULL if full else f"{error.strerror or error}")) from error
    except IndexFailure as error:
        raise LibraryError(_explain(folder, str(error))) from error


def means_full(reason: str) -> bool:
    """Whether an error message says that there is no space left."""
    return _FULL in reason.lower() or "no space left" in reason.lower()


def _explain(folder: Path, reason: str) -> str:
    lower = reason.lower()
    if means_full(reason):
        return (
            f"There is no space left for the library {folder}. What was imported so far is kept: free some space and "
            "repeat the import."
        )
    if "readonly" in lower or "read-only" in lower or "permission" in lower or "unable to open" in lower:
        return (
            f"The library {folder} cannot be written to ({reason}). Change the permissions of the folder, or choose "
            "another one with --library."
        )
    if "locked" in lower:
        return f"The library {folder} is in use ({reason}). Wait until the other program has finished."
    return (
        f"The library {folder} is damaged ({reason}). "
        "Import its papers into a new folder: footnote import FILE --library NEWDIR"
    )
