"""Looking through the papers of a library: filters, order and pages as SQL, so that 100,000 papers need no list.

The search is SQLite's FTS5 over id, title, abstract, authors and venue, without case and accents; triggers keep it in
step with the papers. A library of an older program that is open for reading gets the same index in a temporary file.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from rag.datatypes import Paper

SORTS = ("id", "title", "authors", "year", "venue", "source")
WORDS = "paper_words"
_FIELDS = "id, title, abstract, authors, venue"
_OPTIONS = "detail=none, prefix='2 3', tokenize='unicode61 remove_diacritics 2'"
_NEW, _OLD = ("new.id, new.title, new.abstract, new.authors, new.venue",
              "old.id, old.title, old.abstract, old.authors, old.venue")  # fmt: skip
_FORGET = f"INSERT INTO {WORDS} ({WORDS}, rowid, {_FIELDS}) VALUES ('delete', old.rowid, {_OLD});"
_TAKE_UP = f"INSERT INTO {WORDS} (rowid, {_FIELDS}) VALUES (new.rowid, {_NEW});"

# What filters and orders look at, apart from the long columns: a page is found without reading abstracts and vectors.
SCHEMA = f"""
CREATE INDEX IF NOT EXISTS papers_listing ON papers (year, venue, source, title, id);
CREATE VIRTUAL TABLE IF NOT EXISTS {WORDS} USING fts5({_FIELDS}, content='papers', {_OPTIONS});
CREATE TRIGGER IF NOT EXISTS {WORDS}_insert AFTER INSERT ON papers BEGIN {_TAKE_UP} END;
CREATE TRIGGER IF NOT EXISTS {WORDS}_delete AFTER DELETE ON papers BEGIN {_FORGET} END;
CREATE TRIGGER IF NOT EXISTS {WORDS}_update AFTER UPDATE OF {_FIELDS} ON papers BEGIN {_FORGET} {_TAKE_UP} END;
"""
REBUILD = f"INSERT INTO {WORDS} ({WORDS}) VALUES ('rebuild');"
DROP_TEMPORARY = f"DROP TABLE IF EXISTS temp.{WORDS};"  # it hides the lasting one
TEMPORARY = f"""
{DROP_TEMPORARY}
CREATE VIRTUAL TABLE temp.{WORDS} USING fts5({_FIELDS}, content='', {_OPTIONS});
INSERT INTO temp.{WORDS} (rowid, {_FIELDS}) SELECT rowid, {_FIELDS} FROM main.papers;
"""

# Scripts that are written without blanks: their words cannot be looked up, only found inside the text.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


@dataclass(frozen=True, slots=True)
class PaperFilter:
    """Which papers are meant, all by default. Conditions are joined by 'and', the values of one by 'or'.

    Every word of ``text`` must begin a word of id, title, abstract, authors or venue. ``abstract``: with or without
    one. A paper without a year lies in no range of years.
    """

    text: str = ""
    since: int | None = None
    until: int | None = None
    venues: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    abstract: bool | None = None


@dataclass(frozen=True, slots=True)
class PaperPage:
    """Some of the papers that a filter admits, in order, and how many it admits in all."""

    papers: tuple[Paper, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Facets:
    """What there is to filter by, each value with its number of papers; the largest first, years ascending.

    None among the years and "" among venues and sources stand for papers that have none.
    """

    years: tuple[tuple[int | None, int], ...]
    venues: tuple[tuple[str, int], ...]
    sources: tuple[tuple[str, int], ...]
    without_abstract: int


def condition(chosen: PaperFilter) -> tuple[str, list[Any]]:
    """The filter as ``WHERE …`` with its values; empty text where it admits everything."""
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
    if chosen.abstract is not None:
        parts.append("abstract <> ''" if chosen.abstract else "abstract = ''")
    if chosen.text.strip():
        sql, more = _text_condition(chosen.text)
        parts.append(sql)
        values += more
    return (f" WHERE {' AND '.join(parts)}" if parts else ""), values


def order(sort: str, descending: bool) -> str:
    """``ORDER BY …``, ties by id; what has no value comes last either way. Raises :class:`ValueError`."""
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
    inside = [word for word in words if _UNSPACED.search(word)] or ([] if words else [text.strip()])
    begun = [word for word in words if not _UNSPACED.search(word)]
    parts = ["instr(title || ' ' || abstract || ' ' || authors || ' ' || venue || ' ' || id, ?) > 0"] * len(inside)
    values = list(inside)
    if begun:
        parts.insert(0, f"rowid IN (SELECT rowid FROM {WORDS} WHERE {WORDS} MATCH ?)")
        values.insert(0, " ".join(f'"{word}"*' for word in begun))
    return " AND ".join(parts), values
