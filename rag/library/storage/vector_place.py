"""Where the vectors of a library lie: in its own folder, or in a Chroma server, in a collection of its own.

``papers.sqlite`` says which, and names the state that the collection was left in; the collection names it as well. So
a folder that was copied, or put back from a backup, notices that the collection has gone on without it.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import LibraryError
from rag.library.storage import schema
from rag.library.storage.vectors import VectorIndex

if TYPE_CHECKING:
    from rag.library.storage.chroma_server import ChromaServer
    from rag.library.storage.database import Database
    from rag.library.storage.papers import PaperStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """A collection of a server: its name, the state it was left in, and the server as ``ChromaServer.place``."""

    collection: str
    state: str
    server: str


def new_state() -> str:
    """A name that no other state of any collection has."""
    return uuid.uuid4().hex


def new_place(server: ChromaServer) -> Place:
    """A collection that is not there yet, named after an id that no other library has."""
    return Place(f"footnote-{uuid.uuid4().hex}", new_state(), server.place)


class VectorPlace:
    """What the database says about where the vectors lie. Libraries of older programs say nothing: in the folder."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> Place | None:
        """The collection of a server, None where the vectors lie in the folder."""
        if not self._database.has_table("vector_place"):
            return None
        rows = self._database.rows("SELECT collection, state, server FROM vector_place")
        return Place(*rows[0]) if rows else None

    def write(self, place: Place | None) -> None:
        """Note it, in a transaction of its own."""
        with self._database.transaction():
            self._database.execute(schema.VECTOR_PLACE)
            self._database.execute("DELETE FROM vector_place")
            if place is not None:
                self._database.execute(
                    "INSERT INTO vector_place VALUES (?, ?, ?)", (place.collection, place.state, place.server)
                )


def open_vectors(folder: Path, store: PaperStore, server: ChromaServer | None, *, writing: bool) -> VectorIndex:
    """The vectors of the library in ``folder``, where they lie; ``server`` is the one that the settings name.

    A library without papers goes over to the server when it is opened for writing; one with papers stays where it is
    until :func:`go_over`. Asks the server nothing. Raises :class:`LibraryError` where no server is named and one holds
    the vectors.
    """
    place = store.place.read()
    if place is None and server is not None and writing and not store.count() and not store.pending():
        place = new_place(server)
        store.place.write(place)
        VectorIndex(folder).delete_files()
    if place is None:
        if server is not None and store.count():
            logger.warning(
                "The vectors of the library %s lie in its own folder and are searched there. To copy them to the "
                "Chroma server at %s: footnote doctor --repair --library %s",
                folder, server.address.place, folder,
            )  # fmt: skip
        return VectorIndex(folder)
    if server is None:
        raise LibraryError(
            f"The vectors of the library {folder} lie in a Chroma server ({place.server}). Name it in "
            f"FOOTNOTE_CHROMA_URL, or copy them into the folder: footnote doctor --repair --library {folder}"
        )
    from rag.library.storage.server_vectors import ServerVectors

    return ServerVectors(folder, store.place, server)


def go_over(folder: Path, store: PaperStore, server: ChromaServer | None) -> Place | None:
    """Have the vectors of a library lie in ``server``, or in its folder for None; the next writer puts them there.

    Returns the collection that held them before and is left behind, None where there is none: it is not deleted,
    because its server may be gone for good. The caller holds the writer's lock. Raises
    :class:`rag.errors.VectorServerError` where the server does not answer; nothing has changed then.
    """
    from rag.library.storage.chroma_server import ChromaConnection

    place = store.place.read()
    if (place is None) if server is None else (place is not None and place.server == server.place):
        return None
    if server is not None:
        connection = ChromaConnection(server)
        try:
            connection.version()
        finally:
            connection.close()
    with store.transaction():
        store.mark_all_pending()
    store.place.write(None if server is None else new_place(server))
    if server is not None:
        VectorIndex(folder).delete_files()
    return place
