"""Zotero as a source of an import."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import RecordError
from rag.library.import_sources import Also, OnError
from rag.library.zotero_sync import Changes, changes, remember
from rag.papers.zotero.finding import ZoteroPlace, read_zotero

if TYPE_CHECKING:
    from rag.datatypes import Paper
    from rag.library.library import Library


class ZoteroImport:
    """A :class:`rag.library.import_sources.Source`: what changed in Zotero since its last import into a library.

    ``delete_removed``: papers that were deleted in Zotero are deleted from the library too. Zotero is read once.
    """

    name = "Zotero"
    in_step = True

    def __init__(self, library: Path, place: ZoteroPlace, delete_removed: bool) -> None:
        self._library, self._place, self._delete = library, place, delete_removed
        self._bad: list[RecordError] = []
        self._found: Changes | None = None

    def find(self) -> Changes:
        """What there is to import. Raises :class:`rag.errors.ImportFileError`."""
        if self._found is None:
            self._bad.clear()
            self._found = changes(self._library, read_zotero(self._place), self._bad.append)
        return self._found

    @property
    def bad(self) -> tuple[RecordError, ...]:
        """The items that cannot be used, once Zotero was read."""
        return tuple(self._bad)

    def read(self, on_error: OnError) -> Iterator[Paper]:
        """The papers that are new or changed."""
        found = self.find()
        for error in self._bad:
            on_error(error)
        yield from found.changed

    def imported(self, library: Library) -> Also:
        """Delete what is to be deleted, and remember what was imported."""
        found = self.find()
        deleted = library.remove(found.removed) if self._delete else 0
        remember(self._library, found, forget=self._delete)
        return Also(deleted, found.unchanged)
