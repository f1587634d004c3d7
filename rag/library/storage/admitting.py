"""Scopes as conditions of SQL: which papers they admit is asked of the database, and no list of all papers is made."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from rag.datatypes import Scope
from rag.library.storage import schema
from rag.library.storage.database import Database
from rag.library.storage.groups import COLLECTIONS, TAGS, Groups
from rag.library.storage.words.keys import keys_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Kind = Literal["venues", "sources", "authors", "tags", "collections"]

FEW = 2000  # papers up to which the ids of a scope are read at once: a search within so few compares with each
_IN_STATEMENT = 500  # ids in one statement; SQLite allows 999 variables in old builds
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]{2,}")  # words that Python and SQLite divide alike
_AMONG = "IN (SELECT value FROM json_each(?))"  # a list of any length as one value
_OF_AUTHORS = f"EXISTS (SELECT 1 FROM json_each(papers.authors) AS author WHERE author.value {_AMONG})"


class AdmittedPapers(Collection[str]):
    """The ids of the papers that a condition admits: a query, whose ids are read only by whoever goes through them.

    Its size is that of the first time that it was asked for; another process may change the papers meanwhile.
    """

    def __init__(self, database: Database, where: str, values: Sequence[Any]) -> None:
        """``where`` is ``WHERE …`` over the table of papers, with its ``values``."""
        self._database, self._where, self._values = database, where, tuple(values)
        self._count: int | None = None

    def __len__(self) -> int:
        if self._count is None:
            self._count = int(self._database.rows(f"SELECT count(*) FROM papers{self._where}", self._values)[0][0])
        return self._count

    def __contains__(self, paper_id: object) -> bool:
        return isinstance(paper_id, str) and bool(self.among([paper_id]))

    def __iter__(self) -> Iterator[str]:
        """The ids, ordered."""
        return iter(self.first(-1))

    @cached_property
    def keys(self) -> npt.NDArray[np.uint64]:
        """What the word index knows the papers by, read once: a question searches it twice."""
        return keys_of(self)

    def first(self, limit: int) -> list[str]:
        """The first ``limit`` ids in order; all where it is negative."""
        # The plus sign keeps the rows, with abstracts and vectors, from being read in the order of their ids.
        sql = f"SELECT id FROM papers{self._where} ORDER BY +id LIMIT ?"
        return [row[0] for row in self._database.rows(sql, [*self._values, limit])]

    def among(self, ids: Iterable[str]) -> set[str]:
        """Those of ``ids`` that are admitted, looked up one by one."""
        wanted = list(ids)
        found: set[str] = set()
        for start in range(0, len(wanted), _IN_STATEMENT):
            part = wanted[start : start + _IN_STATEMENT]
            sql = f"SELECT id FROM papers{self._where} AND id IN ({','.join('?' * len(part))})"
            found.update(row[0] for row in self._database.rows(sql, [*self._values, *part]))
        return found


class Scopes:
    """What scopes admit of one library, and the names that they can be made of."""

    def __init__(self, database: Database, groups: Groups) -> None:
        self._database, self._groups = database, groups
        self._names: dict[Kind, tuple[int, tuple[str, ...]]] = {}  # with the revision that they were read of

    def admitted(self, scopes: Sequence[Scope]) -> Collection[str]:
        """Ids of the papers that all of ``scopes`` admit: a sorted tuple of few, else :class:`AdmittedPapers`."""
        parts, values = ["1"], []
        for scope in scopes:
            more, added = self._conditions(scope)
            parts += more
            values += added
        where = f" WHERE {' AND '.join(parts)}"
        # Without an order, so that of many only so many are read.
        rows = self._database.rows(f"SELECT id FROM papers{where} LIMIT {FEW + 1}", values)
        return AdmittedPapers(self._database, where, values) if len(rows) > FEW else tuple(sorted(r[0] for r in rows))

    def names(self, kind: Kind) -> tuple[str, ...]:
        """The values of a field of all papers, ordered; "" where there are papers without one. Kept until something
        changes: to read the authors of 100,000 papers takes half a second."""
        revision, kept = self._database.revision, self._names.get(kind)
        if kept is None or kept[0] != revision:
            self._names[kind] = kept = (revision, tuple(self._read_names(kind)))
        return kept[1]

    def has_years(self) -> bool:
        """Whether any paper has a year."""
        return bool(self._database.rows("SELECT 1 FROM papers WHERE year <> 0 LIMIT 1"))

    def _read_names(self, kind: Kind) -> list[str]:
        if kind in (TAGS, COLLECTIONS):
            return self._groups.names(kind)
        if kind == "authors":
            sql = "SELECT DISTINCT author.value FROM papers, json_each(papers.authors) AS author ORDER BY 1"
        else:
            column = {"venues": "venue", "sources": "source"}[kind]
            sql = f"SELECT DISTINCT {column} FROM papers ORDER BY 1"
        return [row[0] for row in self._database.rows(sql)]

    def _conditions(self, scope: Scope) -> tuple[list[str], list[Any]]:
        """What a scope says, to be joined by 'and', with the values in it."""
        parts: list[str] = []
        values: list[Any] = []
        for sql, year in (("year >= ?", scope.since), ("year <= ?", scope.until)):
            if year is not None:
                parts.append(sql)
                values.append(year)
        for column, names in (("venue", scope.venues), ("source", scope.sources), ("id", scope.paper_ids)):
            if names:
                parts.append(f"{column} {_AMONG}")
                values.append(json.dumps(names))
        for kind, names in ((TAGS, scope.tags), (COLLECTIONS, scope.collections)):
            if names:
                sql, more = self._groups.condition(kind, names)
                parts.append(sql)
                values += more
        if scope.authors:
            more_parts, more = self._of_authors(scope.authors)
            parts += more_parts
            values += more
        return parts, values

    def _of_authors(self, authors: Sequence[str]) -> tuple[list[str], list[Any]]:
        """The papers by one of these authors; those whose words are theirs are found first, so that few are read."""
        words = [_words_of(name) for name in authors]
        parts, values = [_OF_AUTHORS], [json.dumps(authors)]
        if all(words) and self._database.has_table(schema.FULL_TEXT):
            parts.insert(0, f"rowid IN (SELECT rowid FROM {schema.FULL_TEXT} WHERE {schema.FULL_TEXT} MATCH ?)")
            values.insert(0, " OR ".join(f"({' '.join(f'{chr(34)}{word}{chr(34)}' for word in one)})" for one in words))
        return parts, values


def _words_of(name: str) -> list[str]:
    """Words that the full-text index has of every paper by an author of this name; none where that is not certain."""
    as_stored = json.dumps(name, ensure_ascii=False)[1:-1]
    if as_stored != name or any(unicodedata.category(letter).startswith("M") for letter in name):
        return []
    return [word for word in re.findall(r"[^\W_]+", name) if _LATIN.fullmatch(word)]


def among(within: Collection[str] | None, ids: Iterable[str]) -> set[str]:
    """Those of ``ids`` that ``within`` admits; None admits all. No list of all that it admits is made."""
    if within is None:
        return set(ids)
    return within.among(ids) if isinstance(within, AdmittedPapers) else set(within).intersection(ids)


def first_of(within: Collection[str], limit: int) -> list[str]:
    """The first ``limit`` of the papers that :meth:`Scopes.admitted` found."""
    return within.first(limit) if isinstance(within, AdmittedPapers) else list(within)[:limit]
