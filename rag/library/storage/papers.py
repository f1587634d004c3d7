"""The papers of a library in SQLite, with their sentences, passages and vectors. The indexes derive from this.

Writing methods belong inside :meth:`PaperStore.transaction`; one process writes at a time.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.datatypes import Paper, Passage, Sentence
from rag.library.storage import schema
from rag.library.storage.admitting import AdmittedPapers, among
from rag.library.storage.browsing import PaperBrowser
from rag.library.storage.database import Database
from rag.library.storage.givers import Givers
from rag.library.storage.imported import ImportedRecords
from rag.library.storage.kept_papers import KeptPapers
from rag.library.storage.manifest import EmbedderId
from rag.library.storage.merges import Merges
from rag.library.storage.missing import MissingVectors
from rag.library.storage.notices import Notices
from rag.library.storage.stored_paper import (
    PAPER_COLUMNS,
    STORED_COLUMNS,
    PassageVectors,
    StoredPaper,
    mean_passage_vector,
    more_of,
    paper_from_row,
    passage_vectors_from_row,
    segments_to_columns,
    stored_from_row,
)
from rag.library.storage.vector_place import VectorPlace
from rag.library.storage.words.listing import WordListing

if TYPE_CHECKING:
    from rag.datatypes import Matrix, Vector

_CHUNK = 500  # ids in one statement; SQLite allows 999 variables in old builds


class PaperStore:
    """The papers of one library. ``browser`` filters and sorts them, ``notices`` knows which were retracted,
    ``merges`` what was merged into which, ``givers`` whose tags they have, ``imported`` which records
    they come from, ``words`` what the word index consists of, ``missing`` which have no vectors yet,
    ``place`` where the vectors lie.

    Safe to use from several threads.
    """

    def __init__(self, folder: Path, dimension: int, *, create: bool = False, untouched: bool = False) -> None:
        self.database = Database(folder, create=create, untouched=untouched)
        self.browser = PaperBrowser(self.database)
        self.notices = Notices(self.database)
        self.merges = Merges(self.database)
        self.givers = Givers(self.database)
        self.imported = ImportedRecords(self.database)
        self.words = WordListing(self.database)
        self.missing = MissingVectors(self.database)
        self.place = VectorPlace(self.database)
        self._dimension = dimension
        self._rows = self.database.rows
        self._kept = KeptPapers(self.database, self._read)

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def made_with(self) -> tuple[EmbedderId, str] | None:
        """Encoder and chunker version of the library; None where an older program made it, or it is no library."""
        if not self.database.has_table("made_with"):
            return None
        rows = self._rows("SELECT embedder, weights_sha256, dimension, chunker FROM made_with")
        return (EmbedderId(*rows[0][:3]), rows[0][3]) if rows else None

    def remember_made_with(self, embedder: EmbedderId, chunker: str) -> None:
        """Note encoder and chunker where they are not noted yet."""
        if self.made_with() is None:
            with self.transaction():
                self.database.execute(schema.MADE_WITH)
                self.database.execute("INSERT INTO made_with VALUES (?, ?, ?, ?)", (*astuple(embedder), chunker))

    # --- the wear of the vector index ---

    @property
    def wear(self) -> int:
        """How many papers in the vector index were replaced or deleted since it was made."""
        rows = self._rows("SELECT replaced FROM wear") if self.database.has_table("wear") else []
        return int(rows[0][0]) if rows else 0

    def set_wear(self, replaced: int) -> None:
        """Note it. Belongs inside a transaction."""
        self.database.execute(schema.WEAR)
        if not self.database.execute("UPDATE wear SET replaced = ?", (replaced,)):
            self.database.execute("INSERT INTO wear VALUES (?)", (replaced,))

    # --- counts and identity ---

    @property
    def revision(self) -> int:
        """How many changes have been committed."""
        return self.database.revision

    def count(self) -> int:
        """Number of papers."""
        return int(self._rows("SELECT count(*) FROM papers")[0][0])

    def counts(self) -> tuple[int, int, int]:
        """Papers, passages, sentences."""
        if not self.database.has_table("totals"):
            return self.recount()
        papers, passages, sentences = self._rows("SELECT papers, passages, sentences FROM totals")[0]
        return papers, passages, sentences

    def recount(self) -> tuple[int, int, int]:
        """Papers, passages, sentences, by reading them all."""
        papers, passages, sentences = self._rows(schema.COUNTED)[0]
        return int(papers), int(passages), int(sentences)

    def create_totals(self) -> None:
        """Count once in the library of an older program, and keep the counts from then on."""
        if not self.database.has_table("totals"):
            self.database.run_script(f"BEGIN IMMEDIATE; {schema.TOTALS} COMMIT;")

    def hashes(self) -> Iterator[tuple[str, str]]:
        """``(id, content hash)`` of every paper, ordered by id."""
        yield from self._rows("SELECT id, hash FROM papers ORDER BY id")

    def hash_of(self, paper_id: str) -> str | None:
        """The content hash of a paper, None for an unknown id."""
        rows = self._rows("SELECT hash FROM papers WHERE id = ?", (paper_id,))
        return str(rows[0][0]) if rows else None

    def find_by_keys(self, keys: Sequence[str]) -> list[str]:
        """Ids of the papers that have one of the identity ``keys``: those with an earlier key first, then by id."""
        found: dict[str, None] = {}
        for key in keys:
            rows = self._rows("SELECT paper_id FROM keys WHERE key = ? ORDER BY paper_id", (key,))
            found |= dict.fromkeys(row[0] for row in rows)
        return list(found)

    def pending(self) -> list[str]:
        """Ids of papers whose passages in the vector index are missing or outdated, ordered."""
        return [row[0] for row in self._rows("SELECT paper_id FROM pending ORDER BY paper_id")]

    def find_damage(self) -> list[str]:
        """What SQLite finds wrong with the file; empty when nothing is."""
        return [row[0] for row in self._rows("PRAGMA quick_check(5)") if row[0] != "ok"]

    # --- papers ---

    def papers(self) -> list[Paper]:
        """All papers, ordered by id."""
        return [paper_from_row(row) for row in self._rows(f"SELECT {PAPER_COLUMNS} FROM papers ORDER BY id")]

    def scan_papers(self, within: Collection[str] | None = None) -> Iterator[Paper]:
        """The papers that ``within`` admits (None: all), ordered by id, without holding them all in memory."""
        if within is not None and not isinstance(within, AdmittedPapers):
            for start in range(0, len(ids := sorted(within)), _CHUNK):
                yield from self.get_papers(ids[start : start + _CHUNK]).values()
            return
        for rows in self._scan_parts(PAPER_COLUMNS):
            inside = among(within, [row[0] for row in rows])
            yield from (paper_from_row(row) for row in rows if row[0] in inside)

    def get_papers(self, ids: Sequence[str]) -> dict[str, Paper]:
        """The papers with these ids, in that order; unknown ids are left out."""
        found = {row[0]: paper_from_row(row) for row in self._rows_of(PAPER_COLUMNS, ids)}
        return {one: found[one] for one in ids if one in found}

    def get(self, ids: Sequence[str]) -> dict[str, StoredPaper]:
        """The papers with these ids with segments and vectors, in that order; unknown ids are left out."""
        return self._kept.get(ids)

    def _read(self, ids: Sequence[str]) -> Iterator[StoredPaper]:
        for row in self._rows_of(STORED_COLUMNS, ids):
            yield stored_from_row(row, self._dimension)

    def scan(self) -> Iterator[StoredPaper]:
        """Every paper with segments and vectors, ordered by id, without holding them all in memory."""
        for row in self._scan_rows(STORED_COLUMNS):
            yield stored_from_row(row, self._dimension)

    def passage_vectors(self, ids: Sequence[str] | None = None) -> Iterator[PassageVectors]:
        """The passages of the papers with these ids (None: of all), without texts and without order."""
        # Those of passages come first: what lies behind them is not read. How many bytes a vector takes follows from
        # how many there are.
        columns = "id, passages, json_array_length(passages), substr(vectors, 1, json_array_length(passages) * "
        columns += "(length(vectors) / max(1, json_array_length(passages) + json_array_length(sentences))))"
        rows = self._scan_rows(columns, "vectors IS NOT NULL") if ids is None else self._rows_of(columns, ids)
        for row in rows:
            yield passage_vectors_from_row(row, self._dimension)

    def mean_vectors(self) -> Iterator[tuple[str, Vector]]:
        """``(id, unit mean of the passage vectors)`` of every paper that has any, ordered by id."""
        for one in self.passage_vectors():
            if len(one.vectors):
                yield one.paper_id, mean_passage_vector(one.vectors)

    def texts(self) -> Iterator[tuple[str, str]]:
        """``(id, title and abstract)`` of every paper, ordered by id, without holding them all in memory."""
        for one, title, abstract in self._scan_rows("id, title, abstract"):
            yield one, f"{title}\n{abstract}"

    def texts_of(self, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
        """``(id, title and abstract)`` of the papers with these ids, without order; unknown ids are left out."""
        for one, title, abstract in self._rows_of("id, title, abstract", ids):
            yield one, f"{title}\n{abstract}"

    def _rows_of(self, columns: str, ids: Sequence[str]) -> Iterator[Any]:
        for start in range(0, len(ids), _CHUNK):
            part = ids[start : start + _CHUNK]
            marks = ",".join("?" * len(part))
            yield from self._rows(f"SELECT {columns} FROM papers WHERE id IN ({marks})", part)

    def _scan_rows(self, columns: str, where: str = "1") -> Iterator[Any]:
        """All rows ordered by id; ``columns`` must begin with the id."""
        for rows in self._scan_parts(columns, where):
            yield from rows

    def _scan_parts(self, columns: str, where: str = "1") -> Iterator[list[Any]]:
        """As :meth:`_scan_rows`, some hundred at once: others may use the database in between."""
        last = ""
        sql = f"SELECT {columns} FROM papers WHERE id > ? AND {where} ORDER BY id LIMIT ?"
        while rows := self._rows(sql, (last, _CHUNK)):
            yield rows
            last = rows[-1][0]

    # --- writing ---

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing of what is written inside, also when the process is killed."""
        return self.database.transaction()

    def upsert_paper(self, paper: Paper, content_hash: str, keys: Iterable[str]) -> None:
        """Insert the paper or replace its fields; passages, sentences and vectors stay as they are."""
        values = (content_hash, paper.title, paper.abstract, json.dumps(paper.authors, ensure_ascii=False), paper.year,
                  paper.venue, paper.url, paper.doi, paper.source, more_of(paper), paper.id)  # fmt: skip
        changed = self.database.execute(
            "UPDATE papers SET hash=?, title=?, abstract=?, authors=?, year=?, venue=?, url=?, doi=?, source=?, more=?"
            " WHERE id=?",
            values,
        )
        if not changed:
            self.database.execute(
                "INSERT INTO papers (hash, title, abstract, authors, year, venue, url, doi, source, more, id, passages,"
                " sentences) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '[]', '[]')",
                values,
            )
        self.add_keys(paper.id, keys)

    def add_keys(self, paper_id: str, keys: Iterable[str]) -> None:
        """Add identity keys: a paper keeps the title and DOI of every record that was merged into it."""
        self.database.execute_for_each("INSERT OR IGNORE INTO keys VALUES (?, ?)", [(key, paper_id) for key in keys])

    def set_segments(
        self, paper_id: str, passages: Sequence[Passage], sentences: Sequence[Sentence], vectors: Matrix
    ) -> None:
        """Replace passages, sentences and vectors of a paper, which has to be marked pending for the vector index."""
        self.database.execute(
            "UPDATE papers SET passages = ?, sentences = ?, vectors = ? WHERE id = ?",
            (*segments_to_columns(passages, sentences, vectors), paper_id),
        )

    def delete(self, paper_ids: Sequence[str]) -> None:
        """Delete papers with their keys and records, and mark them pending for the vector index."""
        for table, column in (("papers", "id"), ("keys", "paper_id"), ("records", "paper_id")):
            self.database.execute_for_each(f"DELETE FROM {table} WHERE {column} = ?", [(one,) for one in paper_ids])
        self.merges.forget("paper_id", paper_ids)
        self.givers.forget(paper_ids)
        self.mark_pending(paper_ids)

    def delete_keys(self, paper_id: str, keys: Iterable[str]) -> None:
        """Delete identity keys of a paper."""
        self.database.execute_for_each(
            "DELETE FROM keys WHERE key = ? AND paper_id = ?", [(key, paper_id) for key in keys]
        )

    def mark_pending(self, paper_ids: Iterable[str]) -> None:
        """The vector index has to be updated for these papers."""
        self.database.execute_for_each("INSERT OR IGNORE INTO pending VALUES (?)", [(one,) for one in paper_ids])

    def mark_all_pending(self) -> None:
        """The vector index has to be updated for every paper that has vectors."""
        self.database.execute("INSERT OR IGNORE INTO pending SELECT id FROM papers WHERE vectors IS NOT NULL")

    def clear_pending(self, paper_ids: Iterable[str]) -> None:
        """The vector index is up to date for these papers."""
        self.database.execute_for_each("DELETE FROM pending WHERE paper_id = ?", [(one,) for one in paper_ids])

    def increment_revision(self) -> None:
        """Count one change: the indexes and the manifest of the revision before are outdated."""
        self.database.execute("UPDATE state SET revision = revision + 1")
