"""Where the vectors of a library lie: in its own folder, or in a Chroma server, in a collection of its own.

``papers.sqlite`` says which, and names the state that the collection was left in; the collection names it as well. So
a folder that was copied, or put back from a backup, notices that the collection has gone on without it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.library.storage import schema

if TYPE_CHECKING:
    from rag.library.storage.database import Database


@dataclass(frozen=True, slots=True)
class Place:
    """A collection of a server: its name, the state it was left in, and the server as ``ChromaServer.place``.

    ``server`` is '' until the collection has been made.
    """

    collection: str
    state: str
    server: str


def new_state() -> str:
    """A name that no other state of any collection has."""
    return uuid.uuid4().hex


def new_place() -> Place:
    """A collection that is in no server yet, named after an id that no other library has."""
    return Place(f"footnote-{uuid.uuid4().hex}", new_state(), "")


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
