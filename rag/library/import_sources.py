"""What an import takes papers from. One kind of source is a file; Zotero is another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from rag.errors import ImportFileError, RecordError
from rag.papers.importers import read_papers

if TYPE_CHECKING:
    from rag.datatypes import Paper
    from rag.library.library import Library

OnError = Callable[[RecordError], None]


@dataclass(frozen=True, slots=True)
class Also:
    """What a source counts besides the records that it gives: papers deleted, and records that it knows to be so."""

    deleted: int = 0
    unchanged: int = 0


class Source(Protocol):
    """One source of papers."""

    @property
    def name(self) -> str:
        """What the user calls it."""
        ...

    @property
    def in_step(self) -> bool:
        """Whether what a record gives no longer goes: see :meth:`rag.library.library.Library.add`."""
        ...

    def read(self, on_error: OnError) -> Iterator[Paper]:
        """The papers; called twice, to count and to import. ``on_error`` is told of records that cannot be used.

        Raises :class:`ImportFileError` where nothing can be read.
        """
        ...

    def imported(self, library: Library) -> Also:
        """Called when all papers are in the library, open for writing. Raises :class:`rag.errors.LibraryError`."""
        ...


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to import: its path here, and its name on the user's side."""

    path: Path
    name: str
    in_step: ClassVar[bool] = False

    def read(self, on_error: OnError) -> Iterator[Paper]:
        """The papers of the file, told by its name: the user does not know the path of the upload."""

        def told(error: RecordError) -> None:
            on_error(RecordError(self.name, error.line, self._named(error.reason)))

        try:
            yield from read_papers(self.path, on_error=told)
        except ImportFileError as error:
            raise ImportFileError(self._named(str(error))) from error

    def imported(self, library: Library) -> Also:
        """Nothing is left to do."""
        return Also()

    def _named(self, text: str) -> str:
        return text.replace(str(self.path), self.name)
