"""The folder of a library: which files are its own, when it changed, and making room for a new one."""

from __future__ import annotations

import shutil
from pathlib import Path

from rag.errors import LibraryError
from rag.library.storage import bm25_index, database, locking, manifest, vectors
from rag.library.storage.locking import storage_errors

Stamp = tuple[int, int, int]  # inode, modification time in ns, and size of the manifest
_JOURNAL, _PARTIAL = f"{database.NAME}-journal", f"{manifest.NAME}.partial"
# What a killed creation may leave.
_WITHOUT_MANIFEST = frozenset({database.NAME, _JOURNAL, vectors.FOLDER, bm25_index.FOLDER, _PARTIAL, "map.json"})
_OWN_FILES = _WITHOUT_MANIFEST | {manifest.NAME, locking.LOCK, locking.HOLDER}


def stamp(path: Path) -> Stamp:
    """Differs after every change of the library in ``path``. Raises :class:`LibraryError`."""
    with storage_errors(path):
        status = (path / manifest.NAME).stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


def foreign_files(path: Path) -> list[str]:
    """Names of files in the folder that no library writes, ordered."""
    return sorted(file.name for file in path.iterdir() if file.name not in _OWN_FILES)


def clear_for_new_library(path: Path) -> None:
    """Delete what a killed creation left in ``path``. Raises :class:`LibraryError` where it holds anything else."""
    if (path / manifest.NAME).is_file():
        raise LibraryError(f"There is a library in {path} already. Open it, or choose another folder with --library.")
    others = sorted(
        file.name for file in path.iterdir() if file.name not in _WITHOUT_MANIFEST and not file.name.startswith(".")
    )
    if others:
        raise LibraryError(
            f"The folder {path} holds other files ({others[0]}, …) and no library. Choose an empty or new folder."
        )
    for name in _WITHOUT_MANIFEST:
        shutil.rmtree(path / name, ignore_errors=True)
        if (path / name).is_file():
            (path / name).unlink()
