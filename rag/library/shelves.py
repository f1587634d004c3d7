"""The libraries on this computer: list, make, copy, rename and delete them.

They lie side by side in ``libraries/`` of the home folder, a folder each, named as the user named them. A library that
the program was started with may lie anywhere: it is listed too, but only what lies in ``libraries/`` is ever renamed
or deleted. The shipped library stays as it is; a copy of it is the user's own.
"""

from __future__ import annotations

import shutil
import unicodedata
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import FootnoteError, LibraryError
from rag.factory import close_library, embedder_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rag.config import Settings

SHIPPED_NAME = "Shipped abstracts"
MAX_NAME = 80  # characters
_MAX_BYTES = 200  # file systems take 255; the rest is room for what is put before and behind a name for a while
_FORBIDDEN = frozenset('/\\:*?"<>|')
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{kind}{i}" for kind in ("com", "lpt") for i in range(1, 10))})
_RESERVED = frozenset({"shipped", SHIPPED_NAME.casefold()})
_BUILDING = ".building"  # of a library that is being built


@dataclass(frozen=True, slots=True)
class Shelf:
    """One library as a list shows it. ``problem`` says why it cannot be used, empty where nothing is wrong.

    ``key`` is how the page names it: its folder as text, "" for the one that the program was started with.
    """

    name: str
    path: Path
    papers: int
    is_shipped: bool
    is_started: bool
    is_own: bool  # it may be renamed and deleted here
    problem: str = ""

    @property
    def key(self) -> str:
        return "" if self.is_started else str(self.path)

    @property
    def is_writable(self) -> bool:
        """Whether papers may be added, edited and deleted from the page."""
        return not self.is_shipped and not self.problem


def libraries_folder(settings: Settings) -> Path:
    """Where the libraries of this user lie."""
    return settings.home.expanduser().absolute() / "libraries"


def list_libraries(settings: Settings) -> list[Shelf]:
    """The library that the program was started with, then the others by name. Opens none of them."""
    started = _started_path(settings)
    folder = libraries_folder(settings)
    try:
        found = [path for path in folder.iterdir() if _is_library(path)] if folder.is_dir() else []
    except OSError as error:
        raise LibraryError(f"{folder} cannot be read ({error.strerror}). Change its permissions.") from error
    others = sorted((path for path in found if path != started), key=lambda path: (path.name.casefold(), path.name))
    return [_shelf(settings, path) for path in (started, *others)]


def find_library(settings: Settings, key: str) -> Shelf:
    """The library that the page calls ``key``. Raises :class:`LibraryError` where it has gone."""
    path = Path(key).absolute() if key else _started_path(settings)
    shelf = next((shelf for shelf in list_libraries(settings) if shelf.path == path), None)
    if shelf is None:
        raise LibraryError(f"The library {path.name} has gone: it was renamed or deleted. Choose another one.")
    return shelf


def make_library(settings: Settings, name: str) -> Shelf:
    """A new library without papers. Raises :class:`LibraryError` for a name that cannot be used or is taken."""
    from rag.library.library import Library

    path = _free_path(settings, name)
    Library.create(path, embedder=embedder_id()).close()
    return _shelf(settings, path)


def copy_library(settings: Settings, shelf: Shelf, name: str) -> Shelf:
    """The same papers once more, under a name of their own; nothing is embedded anew. Whole or not at all."""
    from rag.library.storage.locking import LOCK, storage_errors

    path = _free_path(settings, name)
    building = path.with_name(f".{uuid.uuid4().hex}{_BUILDING}")
    with storage_errors(path), _nobody_writing(shelf.path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copytree(shelf.path, building, ignore=shutil.ignore_patterns(f"{LOCK}*"))
            _make_writable(building)
            building.rename(path)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
    return _shelf(settings, path)


def rename_library(settings: Settings, shelf: Shelf, name: str) -> Shelf:
    """The library under another name. Raises :class:`LibraryError`, also while somebody writes to it."""
    from rag.library.storage.locking import storage_errors

    _check_own(settings, shelf)
    same = checked_name(name).casefold() == shelf.path.name.casefold()  # 'papers' to 'Papers'
    path = libraries_folder(settings) / checked_name(name) if same else _free_path(settings, name)
    with storage_errors(shelf.path), _nobody_writing(shelf.path):
        close_library(shelf.path)
        shelf.path.rename(path)
    return _shelf(settings, path)


def delete_library(settings: Settings, shelf: Shelf) -> None:
    """Delete a library with all its papers; it disappears at once or not at all.

    Raises :class:`LibraryError` for one that lies elsewhere, is shipped, is being written to or holds other files.
    """
    from rag.library.library import Library
    from rag.library.storage.locking import storage_errors

    _check_own(settings, shelf)
    strange = Library.foreign_files(shelf.path)
    if strange:
        raise LibraryError(
            f"The folder {shelf.path} holds files that are none of the library's ({strange[0]}, …). Move them away, or "
            "delete the folder yourself."
        )
    gone = shelf.path.with_name(f".{uuid.uuid4().hex}.deleted")
    with storage_errors(shelf.path), _nobody_writing(shelf.path):
        close_library(shelf.path)
        shelf.path.rename(gone)
        shutil.rmtree(gone)


def checked_name(name: str) -> str:
    """``name`` as a folder can be called, on any system. Raises :class:`LibraryError` where it cannot be."""
    name = unicodedata.normalize("NFC", name).strip()
    if not name:
        raise LibraryError("The library has no name. Type one.")
    if len(name) > MAX_NAME or len(name.encode("utf-8", "replace")) > _MAX_BYTES:
        raise LibraryError(f"The name is too long. Use at most {MAX_NAME} characters.")
    strange = next((char for char in name if char in _FORBIDDEN or unicodedata.category(char)[0] == "C"), None)
    if strange is not None:
        shown = strange if strange.isprintable() else f"U+{ord(strange):04X}"
        raise LibraryError(f"A name cannot contain {shown}. Use letters, digits, blanks and - _ ( ) , instead.")
    if name[0] in ".~" or name.endswith("."):
        raise LibraryError("A name cannot begin with a dot or ~ or end with a dot. Use another one.")
    if name.casefold() in _RESERVED or name.partition(".")[0].strip().casefold() in _DEVICES:
        raise LibraryError(f"'{name}' is a name that the program or the system needs. Use another one.")
    if name.casefold().endswith(_BUILDING):
        raise LibraryError(f"A name cannot end with {_BUILDING}. Use another one.")
    return name


def free_name(settings: Settings, wish: str) -> str:
    """``wish``, or with a number behind it the first name like it that is free."""
    taken = _taken(settings)
    names = (wish if i == 1 else f"{wish} {i}" for i in range(1, len(taken) + 3))
    return next(name for name in names if name.casefold() not in taken)


def _shelf(settings: Settings, path: Path) -> Shelf:
    from rag.library.library import Library
    from rag.library.storage.manifest import check_same, read_manifest
    from rag.library.storage.writing import chunker_version

    started, folder = _started_path(settings), libraries_folder(settings)
    is_shipped = path == folder / "shipped"
    papers, problem = 0, ""
    if not is_shipped or Library.exists(path):  # the shipped one is built at its first use
        try:
            content = read_manifest(path)
            papers = content.papers
            check_same(path, content, embedder_id(), chunker_version())
        except FootnoteError as error:
            problem = str(error)
    is_own = path.parent == folder and not is_shipped and path != started and not path.is_symlink()
    name = SHIPPED_NAME if is_shipped else path.name or str(path)
    return Shelf(name, path, papers, is_shipped, path == started, is_own, problem)


def _started_path(settings: Settings) -> Path:
    return settings.library_path.expanduser().absolute()


def _is_library(path: Path) -> bool:
    from rag.library.library import Library

    return not path.name.startswith(".") and not path.name.endswith(_BUILDING) and Library.exists(path)


def _taken(settings: Settings) -> set[str]:
    folder = libraries_folder(settings)
    return {path.name.casefold() for path in folder.iterdir()} if folder.is_dir() else set()


def _free_path(settings: Settings, name: str) -> Path:
    name = checked_name(name)
    if name.casefold() in {unicodedata.normalize("NFC", one) for one in _taken(settings)}:
        raise LibraryError(f"There is a library called '{name}' already. Use another name.")
    return libraries_folder(settings) / name


def _check_own(settings: Settings, shelf: Shelf) -> None:
    """Raise :class:`LibraryError` unless the library may be renamed or deleted."""
    now = find_library(settings, shelf.key)
    if now.is_own:
        return
    if now.is_shipped:
        reason = "comes with the program and stays as it is. Make a copy of it, or choose another library."
    elif now.is_started:
        reason = "is the one that the program was started with. Start it with another --library first."
    else:
        reason = f"lies outside of {libraries_folder(settings)}. Rename or delete its folder yourself."
    raise LibraryError(f"The library {now.name} {reason}")


@contextmanager
def _nobody_writing(path: Path) -> Iterator[None]:
    """Raises :class:`rag.errors.LibraryLocked` while somebody writes; nobody can begin to before the end."""
    import os

    from rag.library.storage.locking import WriterLock

    if not os.access(path, os.W_OK):  # then nobody writes
        yield
        return
    lock = WriterLock(path)
    try:
        yield
    finally:
        lock.release()


def _make_writable(folder: Path) -> None:
    """A copy of a library on a read-only medium is the user's to change."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode | (0o700 if path.is_dir() else 0o600))
