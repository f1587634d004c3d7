"""A folder that is watched: which of its files are to be imported now, and which have been.

The folder is looked at again and again. That finds changes on network drives and in containers too, where the system's
notices of changes do not arrive, and whether a file is still being written shows from two looks in any case. What was
imported stands in the folder of the library, by path and by content: a file that is renamed, moved or touched is not
imported again, nor is anything after a restart.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rag.library.storage.folder import WATCHED
from rag.library.storage.locking import storage_errors
from rag.system.whole_files import write_whole

_log = logging.getLogger(__name__)

_FORMAT = 1
# What programs call a file or folder that they have not finished.
_UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".opdownload", ".tmp", ".temp", ".swp", "~")
_LOCKS = ("~$", ".~lock.")  # of office programs, beside a document that is open


@dataclass(frozen=True, slots=True)
class Look:
    """What a file looked like: its size in bytes, and when it changed."""

    size: int
    changed_ns: int


@dataclass(frozen=True, slots=True)
class _Imported:
    look: Look
    sha256: str


class FolderWatch:
    """The files of ``folder`` and all folders in it, except those of the library in ``library`` and hidden ones."""

    def __init__(self, folder: Path, library: Path) -> None:
        self._folder, self._library = folder, library
        self._before: dict[Path, Look] = {}
        self._failed: dict[Path, Look] = {}  # in memory only: another release may read what this one cannot
        self.waiting = False

    def ready(self) -> list[tuple[Path, Look]]:
        """One look: the files that are to be imported now, in the order of their names.

        A file is ready when it is as it was at the last look; ``waiting`` says whether there is one that is not.
        Raises :class:`OSError` where the folder cannot be read.
        """
        looks = dict(_looks(self._folder, self._library))
        known = _read(self._library)  # each time: another process may watch as well, or delete the library
        new = [
            (path, look) for path, look in sorted(looks.items())
            if look.size > 0 and self._failed.get(path) != look and not _is_same(known.get(str(path)), look)
        ]  # fmt: skip
        settled = [(path, look) for path, look in new if self._before.get(path) == look]
        self.waiting = len(settled) < len(new)
        self._before = looks
        return [(path, look) for path, look in settled if not self._is_known_content(path, look, known)]

    def imported(self, path: Path, look: Look) -> None:
        """Remember that ``path`` was imported as it was at ``look``. The library must exist.

        Raises :class:`rag.errors.LibraryError` where that cannot be written.
        """
        digest = _digest(path)
        if digest and _look(path) == look:  # else it changed while it was imported, and is imported again
            self._remember(path, _Imported(look, digest))

    def failed(self, path: Path, look: Look) -> None:
        """Leave ``path`` alone until it changes."""
        self._failed[path] = look

    def _is_known_content(self, path: Path, look: Look, known: dict[str, _Imported]) -> bool:
        """Whether a file with this content was imported under this or another name; it is remembered then."""
        digest = _digest(path)
        if not digest or _look(path) != look:
            return True  # it has gone or changed just now: the next look sees what it has become
        if all(one.sha256 != digest for one in known.values()):
            return False
        self._remember(path, _Imported(look, digest))
        return True

    def _remember(self, path: Path, imported: _Imported) -> None:
        _write(self._library, {**_read(self._library), str(path): imported})


def _is_same(known: _Imported | None, look: Look) -> bool:
    return known is not None and known.look == look


def _looks(folder: Path, library: Path) -> Iterator[tuple[Path, Look]]:
    os.scandir(folder).close()  # os.walk would pass over a folder that cannot be read
    for at, folders, files in os.walk(folder):
        here = Path(at)
        folders[:] = [name for name in folders if not _is_passed_over(name) and here / name != library]
        for name in files:
            look = None if _is_passed_over(name) else _look(here / name)
            if look is not None:
                yield here / name, look


def _is_passed_over(name: str) -> bool:
    return name.startswith((".", *_LOCKS)) or name.lower().endswith(_UNFINISHED)


def _look(path: Path) -> Look | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return Look(found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _read(library: Path) -> dict[str, _Imported]:
    """What was imported by path; nothing where there is no such file, or none that can be understood."""
    try:
        content = json.loads((library / WATCHED).read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise ValueError(f"format {content['format']}")
        return {
            str(one["path"]): _Imported(Look(int(one["size"]), int(one["changed_ns"])), str(one["sha256"]))
            for one in content["files"]
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        _log.warning("%s cannot be used (%s): the files of watched folders are imported again.", WATCHED, error)
        return {}


def _write(library: Path, imported: dict[str, _Imported]) -> None:
    files = [
        {"path": path, "size": one.look.size, "changed_ns": one.look.changed_ns, "sha256": one.sha256}
        for path, one in sorted(imported.items())
    ]
    with storage_errors(library):
        # A name that is no UTF-8 becomes an escape, as JSON has it.
        write_whole(library / WATCHED, json.dumps({"format": _FORMAT, "files": files}))
