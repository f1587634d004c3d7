"""The libraries on this computer: list, create, copy, rename and delete them.

They lie side by side in one folder, a subfolder each, named as the user named them. A library that the program was
started with may lie anywhere: it is listed too, but only what lies in that folder is ever renamed or deleted. The
shipped library is never changed; a copy of it may be.
"""

from __future__ import annotations

import os
import re
import shutil
import unicodedata
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import FootnoteError, LibraryError, LibraryLocked
from rag.library.library import EmbedderId, Library
from rag.library.storage.locking import LOCK, WriterLock, storage_errors
from rag.library.storage.manifest import check_same
from rag.library.storage.recovering import load_manifest
from rag.library.storage.vector_choice import delete_collection_of, is_in_server
from rag.library.storage.writing import chunker_version

if TYPE_CHECKING:
    from rag.library.storage.chroma_server import ChromaServer

SHIPPED_NAME = "Shipped abstracts"
SHIPPED_FOLDER = "shipped"
MAX_NAME = 80  # characters
_MAX_BYTES = 200  # of a name; file systems allow 255, and temporary names are longer
_FORBIDDEN = frozenset('/\\:*?"<>|')
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{kind}{i}" for kind in ("com", "lpt") for i in range(1, 10))})
_RESERVED = frozenset({SHIPPED_FOLDER, SHIPPED_NAME.casefold()})
_BUILDING = ".building"  # suffix of the folder of a library that is being built
_DELETED = ".deleted"  # and of one that is being deleted, on the user's word
_LEFT_BEHIND = re.compile(r"\.[0-9a-f]{32}(?:\.building|\.deleted)")  # copies that were begun, and deleted libraries
_PATIENCE_S = 30.0  # for another copy


@dataclass(frozen=True, slots=True)
class LibraryInfo:
    """One library without its contents. ``problem`` says why it cannot be used, empty where it can."""

    name: str
    path: Path
    papers: int
    is_shipped: bool
    is_started: bool  # the program was started with it
    is_own: bool  # it may be renamed and deleted
    problem: str = ""

    @property
    def key(self) -> str:
        """What the page calls it: its folder as text, "" for the one that the program was started with."""
        return "" if self.is_started else str(self.path)

    @property
    def is_writable(self) -> bool:
        """Whether papers may be added, edited and deleted from the page."""
        return not self.is_shipped and not self.problem


class LibraryManager:
    """Lists and changes the libraries in ``folder``.

    ``started`` is the folder of the library that the program was started with, ``embedder`` the encoder of all
    libraries; ``close`` closes what this process holds open of a library before its folder is moved or deleted;
    ``server`` is where the vectors of new libraries lie, if not in their folders.
    Methods raise :class:`rag.errors.LibraryError`.
    """

    def __init__(
        self,
        folder: Path,
        started: Path,
        embedder: EmbedderId,
        close: Callable[[Path], None],
        server: ChromaServer | None = None,
    ) -> None:
        self._folder = folder
        self._started = started
        self._embedder = embedder
        self._close = close
        self._server = server

    def list_all(self) -> list[LibraryInfo]:
        """The library that the program was started with, then the others by name. Opens none of them."""
        others = sorted(
            (path for path in self._found() if path != self._started),
            key=lambda path: (path.name.casefold(), path.name),
        )
        return [self._describe(path) for path in (self._started, *others)]

    def find(self, key: str) -> LibraryInfo:
        """The library with this :attr:`LibraryInfo.key`. Raises :class:`LibraryError` where it no longer exists."""
        return self._describe(self.folder_of(key))

    def folder_of(self, key: str) -> Path:
        """The folder of the listed library with this :attr:`LibraryInfo.key`; whatever else lies on the disk is none.

        Raises :class:`LibraryError`.
        """
        if not key:
            return self._started
        # Compared as text with what is listed: a key that a request names is never looked up on the disk.
        found = next((path for path in (self._started, *self._found()) if str(path) == key), None)
        if found is None:
            raise LibraryError(
                f"The library {key.rpartition(os.sep)[2]} has gone: it was renamed or deleted, or the program was "
                "started with another one. Choose another one."
            )
        return found

    def _found(self) -> list[Path]:
        """The libraries in the folder, in no order."""
        try:
            return [path for path in self._folder.iterdir() if _is_library(path)] if self._folder.is_dir() else []
        except OSError as error:
            raise LibraryError(f"{self._folder} cannot be read ({error.strerror}). Change its permissions.") from error

    def create(self, name: str) -> LibraryInfo:
        """A new library without papers. Raises :class:`LibraryError` for a name that is invalid or taken."""
        path = self._path_for(name)
        Library.create(path, embedder=self._embedder, server=self._server).close()
        return self._describe(path)

    def copy(self, info: LibraryInfo, name: str) -> LibraryInfo:
        """A copy of a library under another name; nothing is embedded again. All or nothing."""
        path = self._path_for(name)
        building = path.with_name(f".{uuid.uuid4().hex}{_BUILDING}")
        with storage_errors(path), self._moving(), _locked(info.path):
            try:
                shutil.copytree(info.path, building, ignore=shutil.ignore_patterns(f"{LOCK}*"))
                _make_writable(building)
                if is_in_server(building, self._embedder.dimension):
                    Library.repair(building, embedder=self._embedder, server=self._server, apart=True)
                building.rename(path)
            except BaseException:
                shutil.rmtree(building, ignore_errors=True)
                raise
        return self._describe(path)

    def rename(self, info: LibraryInfo, name: str) -> LibraryInfo:
        """Rename a library. Raises :class:`LibraryError`, also while another process writes to it."""
        self._check_own(info)
        same = checked_name(name).casefold() == info.path.name.casefold()  # 'papers' to 'Papers'
        path = self._folder / checked_name(name) if same else self._path_for(name)
        with storage_errors(info.path), self._moving(), _locked(info.path):
            self._close(info.path)
            info.path.rename(path)
        return self._describe(path)

    def delete(self, info: LibraryInfo) -> None:
        """Delete a library with all its papers, all or nothing.

        Raises :class:`LibraryError` for one that lies elsewhere, is shipped, is being written to or holds other files.
        """
        self._check_own(info)
        deleted = info.path.with_name(f".{uuid.uuid4().hex}{_DELETED}")
        with storage_errors(info.path), self._moving(), _locked(info.path):
            foreign = Library.foreign_files(info.path)
            if foreign:
                raise LibraryError(
                    f"The folder {info.path} holds files that are none of the library's ({foreign[0]}, …). Move them "
                    "away, or delete the folder yourself."
                )
            self._close(info.path)
            info.path.rename(deleted)
        delete_collection_of(deleted, self._embedder.dimension, self._server)
        shutil.rmtree(deleted, ignore_errors=True)
        if deleted.exists():
            raise LibraryError(
                f"The library {info.name} is gone from the list, but some of its files could not be deleted: they lie "
                f"in {deleted}. Change their permissions and delete that folder."
            )

    def propose_name(self, wish: str) -> str:
        """``wish`` where no library has that name, else the first of ``wish 2``, ``wish 3``, … that none has."""
        taken = self._taken_names()
        names = (wish if i == 1 else f"{wish} {i}" for i in range(1, len(taken) + 3))
        return next(name for name in names if name.casefold() not in taken)

    @contextmanager
    def _moving(self) -> Iterator[None]:
        """One copy, renaming or deletion at a time; first, what such a one left that was killed is deleted.

        Raises :class:`LibraryLocked` while another process is at it.
        """
        from filelock import FileLock, Timeout

        self._folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._folder.with_name(f".{self._folder.name}.lock"), timeout=_PATIENCE_S)
        try:
            lock.acquire()
        except Timeout as error:
            raise LibraryLocked(
                "Another library is being copied, renamed or deleted. Wait until that has finished, then try again."
            ) from error
        try:
            for path in self._folder.iterdir():
                if _LEFT_BEHIND.fullmatch(path.name):
                    shutil.rmtree(path, ignore_errors=True)
            yield
        finally:
            lock.release()

    def _describe(self, path: Path) -> LibraryInfo:
        is_shipped = path == self._folder / SHIPPED_FOLDER
        papers, problem = 0, ""
        if not is_shipped or Library.exists(path):  # the shipped one is built at its first use
            try:
                content = load_manifest(path)
                papers = content.papers
                check_same(path, content, self._embedder, chunker_version())
            except FootnoteError as error:
                problem = str(error)
        is_started = path == self._started
        is_own = path.parent == self._folder and not is_shipped and not is_started and not path.is_symlink()
        name = SHIPPED_NAME if is_shipped else path.name or str(path)
        return LibraryInfo(name, path, papers, is_shipped, is_started, is_own, problem)

    def _taken_names(self) -> set[str]:
        return {path.name.casefold() for path in self._folder.iterdir()} if self._folder.is_dir() else set()

    def _path_for(self, name: str) -> Path:
        """Where a new library called ``name`` goes. Raises :class:`LibraryError` for a name invalid or taken."""
        name = checked_name(name)
        if name.casefold() in {unicodedata.normalize("NFC", one) for one in self._taken_names()}:
            raise LibraryError(f"There is a library called '{name}' already. Use another name.")
        return self._folder / name

    def _check_own(self, info: LibraryInfo) -> None:
        """Raise :class:`LibraryError` unless the library may be renamed or deleted."""
        now = self.find(info.key)
        if now.is_own:
            return
        if now.is_shipped:
            reason = "comes with the program and stays as it is. Make a copy of it, or choose another library."
        elif now.is_started:
            reason = "is the one that the program was started with. Start it with another --library first."
        else:
            reason = f"lies outside of {self._folder}. Rename or delete its folder yourself."
        raise LibraryError(f"The library {now.name} {reason}")


def checked_name(name: str) -> str:
    """``name``, normalised, if a folder can have it on any system. Raises :class:`LibraryError` otherwise."""
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


def _is_library(path: Path) -> bool:
    return not path.name.startswith(".") and not path.name.endswith(_BUILDING) and Library.exists(path)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep writers out. Raises :class:`rag.errors.LibraryLocked` while another process writes."""
    if not os.access(path, os.W_OK):  # then nobody can write
        yield
        return
    lock = WriterLock(path)
    try:
        yield
    finally:
        lock.release()


def _make_writable(folder: Path) -> None:
    """Give the user write permission: the original may lie on a read-only medium."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode | (0o700 if path.is_dir() else 0o600))
