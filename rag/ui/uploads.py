"""Where files that a browser sends lie until they are imported: how large, how many, how long.

Gradio keeps what is uploaded in one folder for all its programs on a computer and never empties it. Here each process
has a folder of its own, which only its user can read. Files in it go once they were imported, or an hour after they
came; the folder goes when the process ends. What a killed process left is swept by the next one.
"""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rag.errors import FootnoteError, ImportFileError

# A million abstracts as JSON lines are 1.5 GB: nothing to send through a browser. 173,000 of arXiv are 250 MB.
MAX_UPLOAD = 500 * 10**6  # bytes of all files that are sent at once
MAX_WAITING = 4 * MAX_UPLOAD  # bytes of everything that lies here
MAX_AGE_S = 3600.0  # of a file that nobody imports
_PREFIX = "footnote-uploads-"
_LOCK = ".lock"
_YOUNG_S = 60.0  # a folder that another process is just making has no lock yet


class UploadsFull(FootnoteError):
    """Too much waits to be imported."""


class Uploads:
    """One folder of uploads. ``cache`` is where Gradio puts what comes; imports work on links to it."""

    def __init__(self, parent: Path) -> None:
        """Make a folder in ``parent``, after removing those that processes which have ended left there."""
        from filelock import FileLock

        sweep_left(parent)
        self._root = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        self._alive: Any = FileLock(self._root / _LOCK, thread_local=False)
        self._alive.acquire(timeout=0)
        self.cache, self._imports = self._root / "cache", self._root / "imports"
        self.cache.mkdir()
        self._imports.mkdir()
        self._lock = threading.Lock()
        self._expected = 0

    @contextmanager
    def room_for(self, size: int) -> Iterator[None]:
        """Keep ``size`` bytes free for an upload while it comes in. Raises :class:`UploadsFull`."""
        with self._lock:
            self._sweep()
            if self.size + self._expected + size > MAX_WAITING:
                raise UploadsFull(
                    "Too many files are waiting to be imported. Try again when the imports that run have ended, or use "
                    "'footnote import' on the computer that Footnote runs on."
                )
            self._expected += size
        try:
            yield
        finally:
            with self._lock:
                self._expected -= size

    def hold(self, name: str) -> bool:
        """Whether ``name`` is the path of an uploaded file."""
        return _is_file_in(Path(name), self.cache)

    def take(self, names: Sequence[str]) -> list[Path]:
        """The uploaded files of these paths for one import, in a folder of its own and under their names.

        They are hard links where the disk has such: whoever sends the same file meanwhile has it too. Raises
        :class:`ImportFileError` for what is no uploaded file.
        """
        folder = Path(tempfile.mkdtemp(dir=self._imports))
        taken: list[Path] = []
        try:
            for number, name in enumerate(names):
                target = folder / str(number) / Path(name).name  # two files may have one name
                target.parent.mkdir()
                self._link(Path(name), target)
                taken.append(target)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return taken

    def drop(self, paths: Iterable[Path]) -> None:
        """Remove files that lie here, and the folders that are empty then. What lies elsewhere stays."""
        for path in paths:
            if _is_file_in(path, self._root):
                with suppress(OSError):
                    path.unlink()
                    path.parent.rmdir()
                    if path.parent.parent.parent == self._imports:
                        path.parent.parent.rmdir()

    @property
    def size(self) -> int:
        """Bytes of all files here, a file with several names once."""
        seen: dict[int, int] = {}
        for path in self._root.rglob("*"):
            with suppress(OSError):
                about = path.lstat()
                if stat.S_ISREG(about.st_mode):
                    seen[about.st_ino] = about.st_size
        return sum(seen.values())

    def close(self) -> None:
        """Remove the folder with all that lies in it."""
        shutil.rmtree(self._root, ignore_errors=True)
        self._alive.release()

    def _link(self, path: Path, target: Path) -> None:
        if not self.hold(str(path)):
            raise ImportFileError(f"The file {path.name} is not there any more. Choose it once more.")
        try:
            os.link(path, target)
        except OSError:  # a disk without links
            shutil.copyfile(path, target)

    def _sweep(self) -> None:
        """Remove what is too old: files that nobody imported, and parts of uploads that broke off."""
        oldest = time.time() - MAX_AGE_S
        for path in sorted(self.cache.rglob("*"), reverse=True):  # what lies in a folder before the folder
            with suppress(OSError):
                if path.is_dir():
                    path.rmdir()  # fails while there is something in it
                elif path.lstat().st_mtime < oldest:
                    path.unlink()


def sweep_left(parent: Path) -> None:
    """Remove the folders of uploads in ``parent`` whose process has ended."""
    from filelock import FileLock, Timeout

    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError, Timeout):
            if time.time() - folder.stat().st_mtime > _YOUNG_S:
                with FileLock(folder / _LOCK, timeout=0):
                    shutil.rmtree(folder)


def uploads_of_this_process() -> Uploads:
    """The folder that Gradio is told to use from now on. It is read when components are made."""
    global _UPLOADS
    if _UPLOADS is None:
        _UPLOADS = Uploads(Path(tempfile.gettempdir()))
        atexit.register(_UPLOADS.close)
    os.environ["GRADIO_TEMP_DIR"] = str(_UPLOADS.cache)
    return _UPLOADS


_UPLOADS: Uploads | None = None


def _is_file_in(path: Path, folder: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.resolve().is_relative_to(folder.resolve())
