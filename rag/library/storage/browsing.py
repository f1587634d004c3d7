"""Browsing the papers of a library: filters, order and pages as SQL, so that 100,000 papers need not be loaded.

A library that an older program made lacks the full-text index; opened for reading it gets one in a temporary table.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from rag.datatypes import Paper
from rag.library.storage import schema
from rag.library.storage.admitting import Scopes
from rag.library.storage.database import Database
from rag.library.storage.groups import COLLECTIONS, TAGS, Groups

SORTS = ("id", "title", "authors", "year", "venue", "source")

# Scripts without blanks between words: these words are searched as substrings, not in the full-text index.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


@dataclass(frozen=True, slots=True)
class PaperFilter:
    """Which papers are admitted, all by default. Conditions are joined by 'and', the values of one by 'or'.

    Every word of ``text`` must begin a word of id, title, abstract, authors or venue. ``abstract``: with or without
    one. A paper without a year lies in no range of years. "" among venues, sources, tags or collections admits papers
    that have none; a collection admits what lies below it.
    """

    text: str = ""
    since: int | None = None
    until: int | None = None
    venues: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    abstract: bool | None = None
    tags: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PaperPage:
    """One page of the papers that a filter admits, in order, and how many it admits in total."""

    papers: tuple[Paper, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Facets:
    """The values to filter by, each with its number of papers; most papers first, years ascending.

    None among the years and "" among the names stand for papers that have none. A collection counts the papers of
    those below it as well.
    """

    years: tuple[tuple[int | None, int], ...]
    venues: tuple[tuple[str, int], ...]
    sources: tuple[tuple[str, int], ...]
    without_abstract: int
    tags: tuple[tuple[str, int], ...] = ()
    collections: tuple[tuple[str, int], ...] = ()


class PaperBrowser:
    """Filters and sorts the papers of one database. ``groups`` are their tags and collections, ``scopes`` says what
    scopes admit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.groups = Groups(database)
        self.scopes = Scopes(database, self.groups)
        self._facets: tuple[int, Facets] | None = None  # of all papers, with the revision that they were counted in
        self._temporary_revision: int | None = None  # of the papers that the temporary full-text index holds

    def page(self, chosen: PaperFilter, sort: str, descending: bool, offset: int, limit: int) -> tuple[list[str], int]:
        """Ids of ``limit`` admitted papers from ``offset`` on in the given order, and how many are admitted in total.

        Raises :class:`ValueError` for a ``sort`` that is none of :data:`SORTS`.
        """
        where, values = self._condition(chosen)
        total = int(self._database.rows(f"SELECT count(*) FROM papers{where}", values)[0][0])
        # Only ids are read here, which the covering index may answer alone.
        rows = self._database.rows(
            f"SELECT id FROM papers{where}{_order_by(sort, descending)} LIMIT ? OFFSET ?", [*values, limit, offset]
        )
        return [row[0] for row in rows], total

    def ids(self, chosen: PaperFilter) -> list[str]:
        """Ids of all admitted papers, ordered."""
        where, values = self._condition(chosen)
        # The plus sign keeps the rows, with abstracts and vectors, from being read in the order of their ids.
        return [row[0] for row in self._database.rows(f"SELECT id FROM papers{where} ORDER BY +id", values)]

    def briefs(self, chosen: PaperFilter) -> list[tuple[str, str, int | None]]:
        """``(id, title, year)`` of all admitted papers, in no order."""
        where, values = self._condition(chosen)
        return self._database.rows(f"SELECT id, title, year FROM papers{where}", values)

    def years(self, chosen: PaperFilter) -> tuple[tuple[int | None, int], ...]:
        """``(year, papers)`` of the admitted papers, ascending; those without a year first."""
        where, values = self._condition(chosen)
        rows = self._database.rows(f"SELECT year, count(*) FROM papers{where} GROUP BY year ORDER BY year", values)
        return tuple((year, int(count)) for year, count in rows)

    def facets(self, chosen: PaperFilter) -> Facets:
        """How many of the admitted papers there are of each year, venue, source, tag and collection.

        Those of all papers are kept until something changes.
        """
        if chosen != PaperFilter():
            return self._count_facets(chosen)
        revision = self._database.revision
        if self._facets is None or self._facets[0] != revision:
            self._facets = revision, self._count_facets(chosen)
        return self._facets[1]

    def _count_facets(self, chosen: PaperFilter) -> Facets:
        where, values = self._condition(chosen)

        def count_by(column: str) -> tuple[tuple[str, int], ...]:
            sql = f"SELECT {column}, count(*) FROM papers{where} GROUP BY {column} ORDER BY 2 DESC, 1"
            return tuple((value, int(count)) for value, count in self._database.rows(sql, values))

        joined = f"{where}{' AND' if where else ' WHERE'}"
        without = self._database.rows(f"SELECT count(*) FROM papers{joined} abstract = ''", values)
        groups = self.groups.count_tags(where, values), self.groups.count_collections(where, values)
        return Facets(self.years(chosen), count_by("venue"), count_by("source"), int(without[0][0]), *groups)

    def create_indexes(self) -> None:
        """Add the indexes to a library that an older program made. The caller holds the writer's lock."""
        if not self._has_full_text():
            self._database.run_script(f"BEGIN IMMEDIATE; {schema.BROWSING} {schema.REBUILD_FULL_TEXT} COMMIT;")
        elif not self._has(schema.LISTING):
            self._database.run_script(f"BEGIN IMMEDIATE; {schema.LISTINGS} COMMIT;")
        self.groups.create()

    def _condition(self, chosen: PaperFilter) -> tuple[str, list[Any]]:
        if chosen.text.strip():
            self._refresh_temporary_index()
        return _where(chosen, self.groups)

    def _refresh_temporary_index(self) -> None:
        """Make the temporary full-text index where the library has none, and drop it once it has one."""
        with self._database.lock:
            revision = None if self._has_full_text() else self._database.revision
            if self._temporary_revision != revision:
                self._database.run_script(
                    schema.DROP_TEMPORARY_FULL_TEXT if revision is None else schema.TEMPORARY_FULL_TEXT
                )
                self._temporary_revision = revision

    def _has_full_text(self) -> bool:
        return self._has(schema.FULL_TEXT)

    def _has(self, name: str) -> bool:
        return bool(self._database.rows("SELECT 1 FROM main.sqlite_master WHERE name = ?", (name,)))


def _where(chosen: PaperFilter, groups: Groups) -> tuple[str, list[Any]]:
    """The filter as ``WHERE …`` with its values; an empty text where it admits everything."""
    parts: list[str] = []
    values: list[Any] = []
    for sql, value in (("year >= ?", chosen.since), ("year <= ?", chosen.until)):
        if value is not None:
            parts.append(sql)
            values.append(value)
    for column, among in (("venue", chosen.venues), ("source", chosen.sources)):
        if among:
            parts.append(f"{column} IN ({','.join('?' * len(among))})")
            values += among
    for kind, names in ((TAGS, chosen.tags), (COLLECTIONS, chosen.collections)):
        if names:
            sql, more = groups.condition(kind, names)
            parts.append(sql)
            values += more
    if chosen.abstract is not None:
        parts.append(f"rowid {'NOT ' if chosen.abstract else ''}IN (SELECT rowid FROM papers WHERE abstract = '')")
    if chosen.text.strip():
        sql, more = _text_condition(chosen.text)
        parts.append(sql)
        values += more
    return (f" WHERE {' AND '.join(parts)}" if parts else ""), values


def _order_by(sort: str, descending: bool) -> str:
    """``ORDER BY …``, ties by id; papers without a value come last in both directions. Raises :class:`ValueError`."""
    if sort not in SORTS:
        raise ValueError(f"'{sort}' is not one of {', '.join(SORTS)}")
    direction = "DESC" if descending else "ASC"
    if sort == "year":
        return f" ORDER BY year {direction} NULLS LAST, id"
    if sort == "id":
        return f" ORDER BY id {direction}"
    return f" ORDER BY {sort} IN ('', '[]'), {sort} COLLATE NOCASE {direction}, id"


def _text_condition(text: str) -> tuple[str, list[Any]]:
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", text))
    substrings = [word for word in words if _UNSPACED.search(word)] or ([] if words else [text.strip()])
    prefixes = [word for word in words if not _UNSPACED.search(word)]
    parts = ["instr(title || ' ' || abstract || ' ' || authors || ' ' || venue || ' ' || id, ?) > 0"] * len(substrings)
    values = list(substrings)
    if prefixes:
        parts.insert(0, f"rowid IN (SELECT rowid FROM {schema.FULL_TEXT} WHERE {schema.FULL_TEXT} MATCH ?)")
        values.insert(0, " ".join(f'"{word}"*' for word in prefixes))
    return " AND ".join(parts), values
