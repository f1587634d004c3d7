"""Passage vectors in a Chroma server that the user named, a collection for each library.

As in the folder they derive from ``papers.sqlite``: nothing is lost with the server. While it is away, what needs it
raises :class:`VectorServerError`, and goes on when it is back.

The collection's metadata name its ``state``, and while it is changed also the one ``before``; the database names the
state that it knows. Where they do not meet, somebody else has changed the collection, and it is used no more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rag.errors import LibraryError
from rag.library.storage.chroma_server import (
    ChromaConnection,
    ChromaServer,
    CollectionMissing,
    collection_of,
    delete_collection,
)
from rag.library.storage.locking import IndexFailure
from rag.library.storage.vector_place import Place, VectorPlace, new_place, new_state
from rag.library.storage.vectors import Neighbour, VectorIndex, order

if TYPE_CHECKING:
    from rag.datatypes import Vector
    from rag.library.storage.stored_paper import StoredPaper

# As in the folder (see storage.vectors), but for the syncs: a server stays up, so it has its log to redo but seldom.
_HNSW = {"space": "cosine", "ef_construction": 200, "ef_search": 200, "num_threads": 1, "sync_threshold": 1000}
_LOOKS = 5  # at a collection that a writer may be changing just now
_LOOK_PAUSE_S = 0.1
_IDS_AT_ONCE = 20_000

Result = TypeVar("Result")


class ServerVectors(VectorIndex):
    """The collection of one library in a server; looked for when first used.

    Beside :class:`IndexFailure`, which means that the collection is of no use and can be made again, methods raise
    :class:`rag.errors.VectorServerError` where the server is of none at present.
    """

    def __init__(self, folder: Path, place: VectorPlace, server: ChromaServer) -> None:
        super().__init__(folder)
        self._library = folder
        self._place = place
        self.server = self._server = server
        self._connection = ChromaConnection(server)

    def is_writable(self) -> bool:
        """The server writes, whoever reads."""
        return True

    def has_room(self) -> bool:
        """Whether the server's disk has room is for the server to say."""
        return True

    def exists(self) -> bool:
        """Whether the server holds the collection in the state that the database knows."""
        with self._lock:
            return self._collection is not None or self._find() is not None

    @property
    def missing(self) -> str:
        """What to say where it does not exist and should."""
        return (
            f"the Chroma server at {self._server.address.place} does not hold its vectors as they are now; to put them "
            f"there: footnote doctor --repair --library {self._library}"
        )

    def _find(self) -> Any:
        """The collection, None where it is missing or somebody else has changed it."""
        for look in range(_LOOKS):
            place = self._known()
            try:
                collection = collection_of(self._connection, place.collection)
            except CollectionMissing:
                if place.server and place.server != self._server.place:
                    raise self._elsewhere(place) from None
                collection = None
            known = self._known()  # after the collection: a writer may have gone on meanwhile
            if collection is None and known.collection == place.collection:
                return None
            if collection is not None and _in_step(collection, known):
                self._collection = collection
                return collection
            if look + 1 < _LOOKS:
                time.sleep(_LOOK_PAUSE_S)
        return None

    def _open(self) -> None:
        """Find the collection or make it; for those who write."""
        if self._find() is not None:
            return
        self._connection.create_database()
        place = self._known()
        try:
            collection_of(self._connection, place.collection)
        except CollectionMissing:
            pass
        else:  # it is another's: a copy of this library has gone on with it
            place = new_place()
        self._place.write(place)
        metadata, server = self._metadata(place.state), self._server
        self._connection.call(
            lambda api: api.create_collection(
                place.collection, configuration={"hnsw": _HNSW}, metadata=metadata, get_or_create=True,
                tenant=server.tenant, database=server.database,
            )
        )  # fmt: skip
        self._collection = collection_of(self._connection, place.collection)
        self._place.write(replace(place, server=self._server.place))

    def replace(self, papers: Sequence[StoredPaper], outdated: Sequence[str]) -> None:
        """Delete the passages of papers ``outdated``, then add those of ``papers``."""
        with self._lock:
            name = self.collection.name
            place = self._known()
            collection = self._asked(lambda: collection_of(self._connection, name))
            if not _in_step(collection, place):
                self._collection = None
                raise IndexFailure(f"another copy of this library has changed {name} in the server")
            state = new_state()
            self._asked(lambda: collection.modify(metadata=self._metadata(state, before=place.state)))
            self._replace_in(collection, papers, outdated)
            self._place.write(replace(place, state=state, server=self._server.place))
            self._asked(lambda: collection.modify(metadata=self._metadata(state)))

    def _replace_in(self, collection: Any, papers: Sequence[StoredPaper], outdated: Sequence[str]) -> None:
        import numpy as np

        if outdated:
            self._asked(lambda: collection.delete(where={"paper_id": {"$in": list(outdated)}}))
        passages = [passage for stored in papers for passage in stored.passages]
        if not passages:
            return
        vectors = np.concatenate([stored.passage_vectors for stored in papers])
        most = max(1, self._connection.call(lambda api: api.get_max_batch_size()))
        for at in range(0, len(passages), most):
            part = passages[at : at + most]
            self._asked(
                partial(
                    collection.upsert,
                    ids=[p.id for p in part],
                    embeddings=vectors[at : at + most],
                    metadatas=[{"paper_id": p.paper_id} for p in part],
                )
            )

    def search(self, vector: Vector, k: int) -> list[Neighbour]:
        """The nearest passages, by (-score, id), as in the folder."""
        found = self._read(methodcaller("query", query_embeddings=[vector], n_results=k, include=["distances"]))
        rows = zip(found["ids"][0], found["distances"][0], strict=True)
        return order((Neighbour(one, one.rpartition("#")[0], 1.0 - float(d)) for one, d in rows), k)

    def passage_ids(self) -> set[str]:
        """Ids of all passages in the collection."""
        found: set[str] = set()
        while True:
            part = self._read(methodcaller("get", include=[], limit=_IDS_AT_ONCE, offset=len(found)))["ids"]
            found.update(part)
            if len(part) < _IDS_AT_ONCE:
                return found

    def close(self) -> None:
        """Close the connection; the next use makes another."""
        with self._lock:
            self._collection = None
            self._connection.close()

    def delete_files(self) -> None:
        """Delete the collection, unless it is another library's by now."""
        with self._lock:
            if self._find() is not None:
                delete_collection(self._connection, self._known().collection)
            self._collection = None

    def _read(self, work: Callable[[Any], Result]) -> Result:
        """What ``work`` gives of the collection; looked for anew where another process has made it again."""
        for attempt in range(2):
            with self._lock:
                collection = self._collection or self._find()
            if collection is None:
                break
            try:
                return self._connection.call(partial(_ignoring_api, partial(work, collection)))
            except CollectionMissing:
                with self._lock:
                    self._collection = None
                if attempt:
                    break
        raise IndexFailure(self.missing)

    def _asked(self, work: Callable[[], Result]) -> Result:
        """What ``work`` gives, for those who write."""
        try:
            return self._connection.call(partial(_ignoring_api, work))
        except CollectionMissing as error:
            self._collection = None
            raise IndexFailure(str(error)) from error

    def _known(self) -> Place:
        place = self._place.read()
        if place is None:
            raise IndexFailure("another process has taken the vectors of this library back into its folder")
        return place

    def _metadata(self, state: str, before: str = "") -> dict[str, str]:
        """``library`` tells whoever runs the server which folder a collection belongs to."""
        return {"library": self._library.name, "state": state, **({"before": before} if before else {})}

    def _elsewhere(self, place: Place) -> LibraryError:
        return LibraryError(
            f"The vectors of the library {self._library} lie in the Chroma server {place.server}, and the settings "
            f"name {self._server.place}, which does not hold them. Correct FOOTNOTE_CHROMA_URL, FOOTNOTE_CHROMA_TENANT "
            f"and FOOTNOTE_CHROMA_DATABASE, or copy them there: footnote doctor --repair --library {self._library}"
        )


def _ignoring_api(work: Callable[[], Result], api: Any) -> Result:
    """``work``, for collections, which know the server's API themselves."""
    return work()


def _in_step(collection: Any, place: Place) -> bool:
    metadata = collection.metadata or {}
    return collection.name == place.collection and place.state in (metadata.get("state"), metadata.get("before"))
