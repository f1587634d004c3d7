"""Opening the vectors of a library where they lie, and having them lie elsewhere."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import LibraryError
from rag.library.storage.locking import IndexFailure
from rag.library.storage.papers import PaperStore
from rag.library.storage.vector_place import Place, new_place
from rag.library.storage.vectors import VectorIndex

if TYPE_CHECKING:
    from rag.library.storage.chroma_server import ChromaServer

logger = logging.getLogger(__name__)


def open_vectors(folder: Path, store: PaperStore, server: ChromaServer | None, *, writing: bool) -> VectorIndex:
    """The vectors of the library in ``folder``, where they lie; ``server`` is the one that the settings name.

    A library without papers goes over to the server when it is opened for writing; one with papers stays where it is
    until :func:`go_over`. Asks the server nothing. Raises :class:`LibraryError` where no server is named and one holds
    the vectors.
    """
    place = store.place.read()
    if place is None and server is not None and writing and not store.count() and not store.pending():
        place = new_place()
        store.place.write(place)
        VectorIndex(folder).delete_files()
    if place is not None and server is None and not place.server:
        place = None  # no server has ever had them
        if writing:
            store.place.write(place)
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


def go_over(folder: Path, store: PaperStore, server: ChromaServer | None, *, apart: bool = False) -> Place | None:
    """Have the vectors of a library lie in ``server``, or in its folder for None; the next writer puts them there.

    ``apart``: the folder is a copy of another library's, whose collection it leaves to that.

    Returns the collection that held them before and is left behind, None where there is none: it is not deleted,
    because its server may be gone for good. The caller holds the writer's lock. Raises
    :class:`rag.errors.VectorServerError` where the server does not answer; nothing has changed then.
    """
    from rag.library.storage.chroma_server import ChromaConnection

    place = store.place.read()
    is_there = place is None if server is None else (place is not None and place.server == server.place)
    if is_there and not (apart and place):
        return None
    if server is not None:
        connection = ChromaConnection(server)
        try:
            connection.version()
        finally:
            connection.close()
    with store.transaction():
        store.mark_all_pending()
    store.place.write(None if server is None else new_place())
    if server is not None:
        VectorIndex(folder).delete_files()
    return place if place is not None and place.server and not apart else None


def is_in_server(folder: Path, dimension: int) -> bool:
    """Whether the vectors of the library in ``folder`` lie in a server; not so where it is damaged."""
    try:
        with closing(PaperStore(folder, dimension)) as store:
            return store.place.read() is not None
    except sqlite3.Error:
        return False


def delete_collection_of(folder: Path, dimension: int, server: ChromaServer | None) -> None:
    """Delete the collection of a library that is being deleted, if there is one; say which is left where that fails."""
    try:
        with closing(PaperStore(folder, dimension)) as store:
            place = store.place.read()
            if place is None or not place.server:
                return
            if server is not None and place.server == server.place:
                with closing(open_vectors(folder, store, server, writing=False)) as index:
                    index.delete_files()
                return
        why = "it is none that the settings name"
    except (LibraryError, IndexFailure) as error:
        why = str(error)
    except sqlite3.Error:  # a damaged library may be deleted as well
        return
    logger.warning("The collection %s in %s is left: %s", place and place.collection, place and place.server, why)
