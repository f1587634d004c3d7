"""``papers.sqlite``: papers, their sentences and passages, and all vectors. The source that the indexes derive from.

Rollback journal rather than WAL, so that a library can be read where nothing can be written. Offsets are stored, not
texts: a sentence or passage is a slice of its abstract. The vectors of a paper are one blob of float16, passages
first, then sentences; the rounding moves a cosine by less than 0.001.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rag.datatypes import Paper, Passage, Sentence
from rag.library.storage import browsing
from rag.library.storage.browsing import Facets, PaperFilter, PaperPage

if TYPE_CHECKING:
    from rag.datatypes import Matrix, Vector

NAME = "papers.sqlite"
_BUSY_SECONDS = 20.0
_CHUNK = 500  # ids in one statement; SQLite allows 999 variables in old builds
_COLUMNS = "id, title, abstract, authors, year, venue, url, doi, source"

_SCHEMA = """
CREATE TABLE papers (
    id TEXT PRIMARY KEY, hash TEXT NOT NULL,
    title TEXT NOT NULL, abstract TEXT NOT NULL, authors TEXT NOT NULL, year INTEGER,
    venue TEXT NOT NULL, url TEXT NOT NULL, doi TEXT NOT NULL, source TEXT NOT NULL,
    passages TEXT NOT NULL, sentences TEXT NOT NULL, vectors BLOB
);
-- Under which keys a paper is known: see rag.papers.identity.
CREATE TABLE keys (key TEXT NOT NULL, paper_id TEXT NOT NULL, PRIMARY KEY (key, paper_id)) WITHOUT ROWID;
CREATE INDEX keys_paper ON keys (paper_id);
-- The records as the files gave them, to tell at the next import what is new. One id may come several times in a file.
CREATE TABLE records (
    id TEXT NOT NULL, position INTEGER NOT NULL, hash TEXT NOT NULL, paper_id TEXT NOT NULL,
    PRIMARY KEY (id, position)
) WITHOUT ROWID;
CREATE INDEX records_paper ON records (paper_id);
-- Papers whose passages the vector index does not hold yet, or holds in an old version.
CREATE TABLE pending (paper_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE state (revision INTEGER NOT NULL);
INSERT INTO state VALUES (0);
"""


@dataclass(frozen=True, slots=True)
class StoredPaper:
    """One paper with everything that was derived from it. ``vectors``: float32, ``(passages + sentences, dim)``."""

    paper: Paper
    passages: tuple[Passage, ...]
    sentences: tuple[Sentence, ...]
    vectors: Matrix

    @property
    def passage_vectors(self) -> Matrix:
        return self.vectors[: len(self.passages)]

    @property
    def sentence_vectors(self) -> Matrix:
        return self.vectors[len(self.passages) :]


class Labels(NamedTuple):
    """What papers are chosen by, without their texts: a hundred thousand are read in a fraction of a second."""

    id: str
    year: int | None
    venue: str
    source: str


class PaperStore:
    """The database of one library. Safe to use from several threads; one writer at a time among processes."""

    def __init__(self, folder: Path, dimension: int, *, create: bool = False) -> None:
        self._dimension = dimension
        self._lock = threading.RLock()
        path = folder / NAME
        # Even a reader must be able to roll back what a killed writer left, where the folder lets it.
        writable = os.access(folder, os.W_OK) and (create or os.access(path, os.W_OK))
        mode = "rwc" if create else "rw" if writable else "ro"
        self._db = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=_BUSY_SECONDS, check_same_thread=False,
            isolation_level=None,
        )  # fmt: skip
        if create:
            self._db.executescript(f"BEGIN; {_SCHEMA} {browsing.SCHEMA} COMMIT;")
        self._words_of: int | None = None  # the revision that the temporary index of words was made from

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # --- reading ---

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def _rows_of(self, columns: str, ids: Sequence[str]) -> Iterator[Any]:
        for start in range(0, len(ids), _CHUNK):
            part = ids[start : start + _CHUNK]
            marks = ",".join("?" * len(part))
            yield from self._rows(f"SELECT {columns} FROM papers WHERE id IN ({marks})", part)

    @property
    def revision(self) -> int:
        """How many changes have been committed."""
        return int(self._rows("SELECT revision FROM state")[0][0])

    def count(self) -> int:
        return int(self._rows("SELECT count(*) FROM papers")[0][0])

    def counts(self) -> tuple[int, int, int]:
        """Papers, passages, sentences."""
        sql = "SELECT count(*), total(json_array_length(passages)), total(json_array_length(sentences)) FROM papers"
        papers, passages, sentences = self._rows(sql)[0]
        return int(papers), int(passages), int(sentences)

    def hashes(self) -> Iterator[tuple[str, str]]:
        """``(id, content hash)`` of every paper, ordered by id."""
        yield from self._rows("SELECT id, hash FROM papers ORDER BY id")

    def papers(self) -> list[Paper]:
        return [_paper(row) for row in self._rows(f"SELECT {_COLUMNS} FROM papers ORDER BY id")]

    def labels(self) -> Iterator[Labels]:
        """What a scope looks at, of every paper, ordered by id."""
        yield from (Labels(*row) for row in self._rows("SELECT id, year, venue, source FROM papers ORDER BY id"))

    def get_papers(self, ids: Sequence[str]) -> dict[str, Paper]:
        """The papers among ``ids`` that there are, in that order."""
        found = {row[0]: _paper(row) for row in self._rows_of(_COLUMNS, ids)}
        return {one: found[one] for one in ids if one in found}

    def get(self, ids: Sequence[str]) -> dict[str, StoredPaper]:
        """The papers among ``ids`` that there are, with sentences, passages and vectors, in that order."""
        found = {row[0]: self._stored(row) for row in self._rows_of(f"{_COLUMNS}, passages, sentences, vectors", ids)}
        return {one: found[one] for one in ids if one in found}

    def scan(self) -> Iterator[StoredPaper]:
        """Every paper with its vectors, ordered by id, without holding them all."""
        last = ""
        while True:
            rows = self._rows(
                f"SELECT {_COLUMNS}, passages, sentences, vectors FROM papers WHERE id > ? ORDER BY id LIMIT ?",
                (last, _CHUNK),
            )
            if not rows:
                return
            yield from map(self._stored, rows)
            last = rows[-1][0]

    def mean_vectors(self) -> Iterator[tuple[str, Vector]]:
        """``(id, unit mean of the passage vectors)`` of every paper that has any, ordered by id."""
        import numpy as np

        last = ""
        while rows := self._rows(
            "SELECT id, json_array_length(passages), vectors FROM papers WHERE id > ? ORDER BY id LIMIT ?",
            (last, _CHUNK),
        ):
            for one, passages, blob in rows:
                if passages and blob:
                    values = np.frombuffer(blob, np.float16, passages * self._dimension).astype(np.float32)
                    mean = values.reshape(passages, self._dimension).mean(axis=0)
                    yield one, mean / max(float(np.linalg.norm(mean)), 1e-12)
            last = rows[-1][0]

    def texts(self) -> Iterator[tuple[str, str]]:
        """``(id, title and abstract)`` of every paper, ordered by id, without holding them all."""
        last = ""
        while rows := self._rows(
            "SELECT id, title, abstract FROM papers WHERE id > ? ORDER BY id LIMIT ?", (last, _CHUNK)
        ):
            yield from ((row[0], f"{row[1]}\n{row[2]}") for row in rows)
            last = rows[-1][0]

    def hash_of(self, paper_id: str) -> str | None:
        """The content hash of a paper, None where there is none with this id."""
        rows = self._rows("SELECT hash FROM papers WHERE id = ?", (paper_id,))
        return str(rows[0][0]) if rows else None

    def known_by(self, keys: Sequence[str]) -> list[str]:
        """Ids of the papers that share one of ``keys``: those that share an earlier key first, then by id."""
        found: dict[str, None] = {}
        for key in keys:
            rows = self._rows("SELECT paper_id FROM keys WHERE key = ? ORDER BY paper_id", (key,))
            found |= dict.fromkeys(row[0] for row in rows)
        return list(found)

    def records(self, record_id: str) -> list[tuple[str, str]]:
        """``(hash, paper id)`` of the records with this id, in the order of the last file that held it."""
        return self._rows("SELECT hash, paper_id FROM records WHERE id = ? ORDER BY position", (record_id,))

    def merged(self) -> list[tuple[str, str]]:
        """``(paper id, id of a record that was merged into it)``, ordered."""
        return self._rows("SELECT DISTINCT paper_id, id FROM records WHERE id != paper_id ORDER BY paper_id, id")

    def pending(self) -> list[str]:
        """Ids of papers that the vector index must take up or forget, ordered."""
        return [row[0] for row in self._rows("SELECT paper_id FROM pending ORDER BY paper_id")]

    # --- browsing ---

    def page(self, chosen: PaperFilter, sort: str, descending: bool, offset: int, limit: int) -> PaperPage:
        """``limit`` papers from ``offset`` on; see :mod:`rag.library.storage.browsing`."""
        where, values = self._condition(chosen)
        total = int(self._rows(f"SELECT count(*) FROM papers{where}", values)[0][0])
        # The order is found first, in the narrow index where that does; only then are the rows of the page read.
        ids = self._rows(
            f"SELECT id FROM papers{where}{browsing.order(sort, descending)} LIMIT ? OFFSET ?",
            [*values, limit, offset],
        )
        return PaperPage(tuple(self.get_papers([row[0] for row in ids]).values()), total)

    def ids(self, chosen: PaperFilter) -> list[str]:
        """Ids of all papers that the filter admits, ordered."""
        where, values = self._condition(chosen)
        return [row[0] for row in self._rows(f"SELECT id FROM papers{where} ORDER BY id", values)]

    def years(self, chosen: PaperFilter) -> tuple[tuple[int | None, int], ...]:
        """Papers by year, ascending; those without a year first."""
        where, values = self._condition(chosen)
        rows = self._rows(f"SELECT year, count(*) FROM papers{where} GROUP BY year ORDER BY year", values)
        return tuple((year, int(count)) for year, count in rows)

    def facets(self, chosen: PaperFilter) -> Facets:
        """How the papers that the filter admits spread over years, venues and sources."""
        where, values = self._condition(chosen)

        def counted(column: str) -> tuple[tuple[str, int], ...]:
            sql = f"SELECT {column}, count(*) FROM papers{where} GROUP BY {column} ORDER BY 2 DESC, 1"
            return tuple((value, int(count)) for value, count in self._rows(sql, values))

        without = self._rows(f"SELECT count(*) FROM papers{where}{' AND' if where else ' WHERE'} abstract = ''", values)
        return Facets(
            self.years(chosen),
            counted("venue"),
            counted("source"),
            int(without[0][0]),
        )

    def _condition(self, chosen: PaperFilter) -> tuple[str, list[Any]]:
        if chosen.text.strip():
            with self._lock:
                made_from = None if self._has_words() else self.revision
                if self._words_of != made_from:
                    self._db.executescript(browsing.DROP_TEMPORARY if made_from is None else browsing.TEMPORARY)
                    self._words_of = made_from
        return browsing.condition(chosen)

    def _has_words(self) -> bool:
        return bool(self._rows("SELECT 1 FROM main.sqlite_master WHERE name = ?", (browsing.WORDS,)))

    def prepare_browsing(self) -> None:
        """Make the indexes of a library that an older program made. Needs the writer's lock."""
        if not self._has_words():
            with self._lock:
                self._db.executescript(f"BEGIN IMMEDIATE; {browsing.SCHEMA} {browsing.REBUILD} COMMIT;")

    def is_intact(self) -> list[str]:
        """What SQLite finds wrong with the file; empty when nothing is."""
        return [row[0] for row in self._rows("PRAGMA quick_check(5)") if row[0] != "ok"]

    def _stored(self, row: Sequence[Any]) -> StoredPaper:
        import numpy as np

        paper = _paper(row)
        passages = tuple(
            Passage(one, paper.id, paper.abstract[start:end] if end else paper.title, start, end)
            for one, start, end in json.loads(row[9])
        )
        sentences = tuple(Sentence(paper.abstract[start:end], start, end) for start, end in json.loads(row[10]))
        vectors = np.frombuffer(row[11] or b"", dtype=np.float16).reshape(-1, self._dimension).astype(np.float32)
        return StoredPaper(paper, passages, sentences, vectors)

    # --- writing ---

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what is written inside, also when the process is killed."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk ends it by itself
                    self._db.execute("ROLLBACK")
                raise

    def put_paper(self, paper: Paper, content_hash: str, keys: Iterable[str]) -> None:
        """Insert the paper or replace its fields; passages, sentences and vectors stay as they are."""
        values = (content_hash, paper.title, paper.abstract, json.dumps(paper.authors, ensure_ascii=False), paper.year,
                  paper.venue, paper.url, paper.doi, paper.source, paper.id)  # fmt: skip
        changed = self._db.execute(
            "UPDATE papers SET hash=?, title=?, abstract=?, authors=?, year=?, venue=?, url=?, doi=?, source=?"
            " WHERE id=?",
            values,
        ).rowcount
        if not changed:
            self._db.execute(
                "INSERT INTO papers (hash, title, abstract, authors, year, venue, url, doi, source, id, passages,"
                " sentences) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '[]', '[]')",
                values,
            )
        # Keys are only added: a paper stays known by the title and DOI of every record that was merged into it.
        self._db.executemany("INSERT OR IGNORE INTO keys VALUES (?, ?)", [(key, paper.id) for key in keys])

    def put_vectors(
        self, paper_id: str, passages: Sequence[Passage], sentences: Sequence[Sentence], vectors: Matrix
    ) -> None:
        """Set what was derived from a paper and mark it for the vector index."""
        import numpy as np

        self._db.execute(
            "UPDATE papers SET passages = ?, sentences = ?, vectors = ? WHERE id = ?",
            (json.dumps([(p.id, p.start, p.end) for p in passages]), json.dumps([(s.start, s.end) for s in sentences]),
             vectors.astype(np.float16).tobytes(), paper_id),
        )  # fmt: skip
        self.mark_pending([paper_id])

    def put_record(self, record_id: str, position: int, record_hash: str, paper_id: str) -> None:
        """Remember a record as its file gave it. Position 0 forgets the records of earlier files with this id."""
        if position == 0:
            self._db.execute("DELETE FROM records WHERE id = ?", (record_id,))
        self._db.execute("INSERT INTO records VALUES (?, ?, ?, ?)", (record_id, position, record_hash, paper_id))

    def delete(self, paper_ids: Sequence[str]) -> None:
        """Forget papers with their keys and records, and mark them for the vector index."""
        for table, column in (("papers", "id"), ("keys", "paper_id"), ("records", "paper_id")):
            self._db.executemany(f"DELETE FROM {table} WHERE {column} = ?", [(one,) for one in paper_ids])
        self.mark_pending(paper_ids)

    def mark_pending(self, paper_ids: Iterable[str]) -> None:
        self._db.executemany("INSERT OR IGNORE INTO pending VALUES (?)", [(one,) for one in paper_ids])

    def mark_all_pending(self) -> None:
        self._db.execute("INSERT OR IGNORE INTO pending SELECT id FROM papers")

    def clear_pending(self, paper_ids: Iterable[str]) -> None:
        self._db.executemany("DELETE FROM pending WHERE paper_id = ?", [(one,) for one in paper_ids])

    def forget_keys(self, paper_id: str, keys: Iterable[str]) -> None:
        """A paper is no longer known under these."""
        self._db.executemany("DELETE FROM keys WHERE key = ? AND paper_id = ?", [(key, paper_id) for key in keys])

    def count_up(self) -> None:
        """A new revision: what was derived from the old one is out of date."""
        self._db.execute("UPDATE state SET revision = revision + 1")


def content_hash(paper: Paper) -> str:
    """SHA-256 over all fields but ``source``: the same record from another file is the same content."""
    fields = [paper.id, paper.title, paper.abstract, list(paper.authors), paper.year, paper.venue, paper.url, paper.doi]
    return hashlib.sha256(json.dumps(fields, ensure_ascii=False).encode("utf-8")).hexdigest()


def _paper(row: Sequence[Any]) -> Paper:
    return Paper(row[0], row[1], row[2], tuple(json.loads(row[3])), *row[4:9])
