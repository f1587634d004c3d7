"""Passage vectors in Chroma (``chroma/``), and an exact search over the stored vectors where Chroma cannot be used.

Chroma writes to its files even when it only reads (a row in its table of locks), so a library on a read-only medium is
searched exactly instead: slower in large libraries, never worse in what it finds.
"""

from __future__ import annotations

import heapq
import os
import shutil
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.library.storage.locking import IndexFailure
from rag.library.storage.room import has_room

if TYPE_CHECKING:
    from rag.datatypes import Vector
    from rag.library.storage.chroma_server import ChromaServer
    from rag.library.storage.stored_paper import PassageVectors, StoredPaper

FOLDER = "chroma"
DISCARDED = "chroma.discarded"  # its name while it is deleted
COLLECTION = "passages"
_DATABASE = "chroma.sqlite3"
_AT_ONCE = 4_000  # passages in one call: Chroma takes 5,461, which follows from a limit of SQLite
NO_ROOM = "no space left on the disk for the vector index"
# Candidates that HNSW keeps while it builds and searches: on the shipped library it then misses 3 of 10,000 among the
# first hundred (the defaults, 100 and 100, suffice for a first ten). One thread, so that the same papers in the same
# order make the same graph. A sync after every hundred vectors leaves little of the write-ahead log to redo at opening.
_HNSW = {
    "space": "cosine",
    "ef_construction": 200,
    "ef_search": 200,
    "num_threads": 1,
    "sync_threshold": 100,
    "batch_size": 100,
}
_COMPARED_AT_ONCE = 512  # papers of an exact search


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A passage and its cosine similarity to a question."""

    passage_id: str
    paper_id: str
    score: float


def order(neighbours: Iterable[Neighbour], k: int) -> list[Neighbour]:
    """The best ``k``, by (-score, passage id)."""
    return heapq.nsmallest(k, neighbours, key=lambda n: (-n.score, n.passage_id))


def _ranked(ids: Sequence[str], distances: Sequence[float]) -> list[Neighbour]:
    """All of them, by (-score, passage id)."""
    found = sorted(zip([float(distance) - 1.0 for distance in distances], ids, strict=True))
    return [Neighbour(one, one.rpartition("#")[0], -below) for below, one in found]


class VectorIndex:
    """The Chroma collection of one library in its folder; opened when first used."""

    server: ChromaServer | None = None  # where it lies, if not in the folder

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        self._lock = threading.RLock()
        self._client: Any = None
        self._collection: Any = None

    def is_writable(self) -> bool:
        """Whether Chroma may open its files, for which it needs to write."""
        return os.access(self._folder, os.W_OK) and os.access(self._folder / _DATABASE, os.W_OK)

    def has_room(self) -> bool:
        """Whether Chroma may be asked: see :mod:`rag.library.storage.room`."""
        return has_room(self._folder)

    def exists(self) -> bool:
        """Whether there is a file that looks like a database. Only opening it shows whether it is damaged."""
        try:
            with (self._folder / _DATABASE).open("rb") as file:
                return file.read(15) == b"SQLite format 3"
        except OSError:
            return False

    @property
    def missing(self) -> str:
        """What to say of it where it does not exist and should."""
        return "its vector index is missing"

    @property
    def collection(self) -> Any:
        """The ``chromadb.Collection``. Opening takes 0.1 s and the import of chromadb before it 0.4 to 0.8 s.

        Raises :class:`IndexFailure` where its files are damaged.
        """
        with self._lock:
            if self._collection is None:
                self._open()
            return self._collection

    def _open(self) -> None:
        import chromadb
        from chromadb.config import Settings

        with _OPENING:
            name = str(self._folder) + "/." * _unusable[self._folder]
            try:
                self._client = chromadb.PersistentClient(name, settings=Settings(anonymized_telemetry=False))
                self._collection = self._client.get_or_create_collection(
                    COLLECTION, embedding_function=None, configuration={"hnsw": _HNSW}
                )
            except Exception as error:  # Chroma's own, ValueError, AttributeError from its cleaning up
                _unusable[self._folder] += 1
                raise IndexFailure(str(error.__context__ or error)) from error

    def replace(self, papers: Sequence[StoredPaper], outdated: Sequence[str]) -> None:
        """Delete the passages of papers ``outdated``, then add those of ``papers``. Raises :class:`IndexFailure`."""
        if not has_room(self._folder, *_shape(papers)):
            raise IndexFailure(NO_ROOM)
        with _index_failures():
            self._replace(papers, outdated)

    def _replace(self, papers: Sequence[StoredPaper], outdated: Sequence[str]) -> None:
        if outdated:
            self.collection.delete(where={"paper_id": {"$in": list(outdated)}})
        passages = [passage for stored in papers for passage in stored.passages]
        if passages:
            import numpy as np

            embeddings = np.concatenate([stored.passage_vectors for stored in papers])
            for at in range(0, len(passages), _AT_ONCE):
                part = passages[at : at + _AT_ONCE]
                self.collection.upsert(
                    ids=[p.id for p in part],
                    embeddings=embeddings[at : at + _AT_ONCE],
                    # Nothing that the database knows too: every value costs a row in one table and three indexes.
                    metadatas=[{"paper_id": p.paper_id} for p in part],
                )

    def search(self, vector: Vector, k: int) -> list[Neighbour]:
        """The nearest passages, by (-score, id). Approximate: HNSW (Malkov and Yashunin 2016).

        Raises :class:`IndexFailure` where the files are damaged.
        """
        with _index_failures():
            # Where there are fewer than k, all are found; to count them first takes as long as to search.
            found = self.collection.query(query_embeddings=[vector], n_results=k, include=["distances"])
        # Not the metadata: of a passage that another process has just deleted Chroma has none any more.
        return _ranked(found["ids"][0], found["distances"][0])

    def passage_ids(self) -> set[str]:
        """Ids of all passages in the index. Raises :class:`IndexFailure` where its files are damaged."""
        with _index_failures():
            return set(self.collection.get(include=[])["ids"])

    def close(self) -> None:
        """Close the files; the next use opens them again."""
        with self._lock, _OPENING:
            if self._client is not None:
                self._client.close()
            self._client = self._collection = None

    def delete_files(self) -> None:
        """Close the index and delete its files: at once for whoever looks, whenever the process is killed."""
        self.close()
        discarded = self._folder.with_name(DISCARDED)
        shutil.rmtree(discarded, ignore_errors=True)  # of a process that was killed here
        with suppress(FileNotFoundError):
            self._folder.rename(discarded)
        with _OPENING:
            _unusable[self._folder] += 1  # a reader in this process may have the deleted files open
        shutil.rmtree(discarded, ignore_errors=True)


# Chroma keeps one client for each folder name in a process, shared by all who open it, failed ones and those of deleted
# files included: another spelling of the name leaves them behind. It takes no lock while it looks for one, so that an
# opening beside a closing gets a client that is just being closed.
_OPENING = threading.RLock()
_unusable: Counter[Path] = Counter()  # how many clients of a folder must not be found again


def _shape(papers: Sequence[StoredPaper]) -> tuple[int, int]:
    """Passages, and the components of their vectors."""
    shapes = [stored.passage_vectors.shape for stored in papers]
    return sum(rows for rows, _ in shapes), max((columns for _, columns in shapes), default=0)


@contextmanager
def _index_failures() -> Iterator[None]:
    """Turn every exception of Chroma into :class:`IndexFailure`."""
    try:
        yield
    except IndexFailure:
        raise
    except Exception as error:
        raise IndexFailure(str(error)) from error


def search_exactly(papers: Iterable[PassageVectors], vector: Vector, k: int) -> list[Neighbour]:
    """The nearest passages of ``papers`` by comparing with every one, by (-score, id)."""
    import numpy as np

    best: list[Neighbour] = []
    rest = iter(papers)
    while part := list(islice(rest, _COMPARED_AT_ONCE)):
        scores = np.concatenate([one.vectors for one in part]) @ vector
        owners = np.repeat(np.arange(len(part)), [len(one.vectors) for one in part])
        firsts = np.searchsorted(owners, np.arange(len(part)))
        rows = np.arange(len(scores))
        if len(scores) > k:  # all that tie with the last one that counts: ids decide between them
            rows = np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k])
        if len(best) == k:
            rows = rows[scores[rows] >= best[-1].score]
        found = [
            Neighbour(part[owner].passage_ids[row - firsts[owner]], part[owner].paper_id, float(scores[row]))
            for row, owner in zip(rows.tolist(), owners[rows].tolist(), strict=True)
        ]
        best = order([*best, *found], k)
    return best
