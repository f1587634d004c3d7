"""Building the library of the abstracts that come with the program."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import LibraryDamaged, LibraryError, LibraryMismatch, LibraryNotFound
from rag.system.shipped import shipped_path

if TYPE_CHECKING:
    from rag.encoding.paper_encoder import PaperEncoder
    from rag.library.library import EmbedderId, ImportProgress

Progress = Callable[["ImportProgress"], None]


def shipped_papers() -> Path:
    """The file of the abstracts. Raises :class:`LibraryNotFound` where this installation lacks it."""
    path = shipped_path("data", "papers.jsonl")
    if path.is_file():
        return path
    raise LibraryNotFound("The shipped abstracts (data/papers.jsonl) are missing. Install the program again.")


def build_shipped_library(
    path: Path, embedder: EmbedderId, encoder: Callable[[], PaperEncoder], on_progress: Progress | None = None
) -> bool:
    """Build it in ``path`` where there is no library yet; whether anything was done.

    It is built beside its place and then moved there, so that one that was cut short is never taken for the whole; the
    next call goes on with it. Processes wait for each other.
    """
    from filelock import FileLock

    from rag.library.library import Library
    from rag.library.storage.locking import storage_errors

    if Library.exists(path):
        return False
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_name(f".{path.name}.lock"))
        lock.acquire()
    try:
        if Library.exists(path):  # another process has built it meanwhile
            return False
        building = path.with_name(f"{path.name}.building")
        _build(building, embedder, encoder, on_progress)
        with storage_errors(path):
            building.rename(path)
    finally:
        lock.release()
    return True


def _build(path: Path, embedder: EmbedderId, encoder: Callable[[], PaperEncoder], on_progress: Progress | None) -> None:
    from rag.library.library import Library
    from rag.papers.importers import read_papers

    try:
        library = Library.open(path, embedder=embedder, read_only=False)
    except LibraryNotFound:
        library = Library.create(path, embedder=embedder)
    except (LibraryDamaged, LibraryMismatch):  # what is left of another version, or of a disk that failed
        _delete_half(path)
        library = Library.create(path, embedder=embedder)
    try:
        library.add(read_papers(shipped_papers()), encoder(), on_progress=on_progress)
    finally:
        library.close()


def _delete_half(path: Path) -> None:
    """Delete the folder that the shipped library was being built in. Raises :class:`LibraryError` for foreign files.

    It holds no papers but shipped ones: no library of a user can have its name.
    """
    from rag.library.library import Library
    from rag.library.storage.locking import storage_errors

    if foreign := Library.foreign_files(path):
        raise LibraryError(
            f"{path}, where the shipped library is built, holds other files ({foreign[0]}, …). Move them away."
        )
    with storage_errors(path):
        shutil.rmtree(path)
