"""Where Zotero is on this computer: the folder of its data, or the program itself while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rag.errors import ImportFileError
from rag.papers.zotero.data_folder import find_data_folder
from rag.papers.zotero.database import read_database
from rag.papers.zotero.items import ZoteroLibrary
from rag.papers.zotero.local_api import DEFAULT, answers, read_api


@dataclass(frozen=True, slots=True)
class ZoteroPlace:
    """Where to read Zotero: a folder of its data, else the address of its API.

    With ``instead`` the API is asked where the database cannot be read: Zotero may hold it locked.
    """

    folder: Path | None = None
    api: str = ""
    instead: bool = False

    def __str__(self) -> str:
        return str(self.folder) if self.folder is not None else self.api


def find_zotero(named: str = "") -> ZoteroPlace:
    """Zotero where ``named`` says, a folder or an address of this computer; else wherever it is found.

    Raises :class:`ImportFileError` where it is not there.
    """
    if named.lower().startswith(("http://", "https://")):
        return ZoteroPlace(api=named)
    if named:
        return ZoteroPlace(find_data_folder(Path(named)))
    try:
        return ZoteroPlace(find_data_folder(), DEFAULT, instead=True)
    except ImportFileError as error:
        if answers(DEFAULT):
            return ZoteroPlace(api=DEFAULT)
        raise ImportFileError(
            f"Zotero was not found on this computer: neither its data nor a running Zotero at {DEFAULT}. {error}"
        ) from error


def read_zotero(place: ZoteroPlace) -> list[ZoteroLibrary]:
    """The user's library and those of groups. Raises :class:`ImportFileError`."""
    if place.folder is None:
        return read_api(place.api)
    try:
        return read_database(place.folder)
    except ImportFileError:
        if not (place.instead and answers(place.api)):
            raise
        return read_api(place.api)
