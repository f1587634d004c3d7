"""The tables of Zotero's database, put together to items as its API writes them."""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from typing import Any

from rag.papers.zotero import collections
from rag.papers.zotero.items import NO_PAPERS, ZoteroLibrary

# What is read of each table; one that has changed is an older Zotero, or a newer one that is not known here.
_NEEDED = {
    "libraries": ("libraryID", "type"),
    "groups": ("groupID", "libraryID", "name"),
    "items": ("itemID", "itemTypeID", "dateAdded", "dateModified", "libraryID", "key"),
    "itemTypes": ("itemTypeID", "typeName"),
    "itemData": ("itemID", "fieldID", "valueID"),
    "itemDataValues": ("valueID", "value"),
    "fields": ("fieldID", "fieldName"),
    "creators": ("creatorID", "firstName", "lastName", "fieldMode"),
    "itemCreators": ("itemID", "creatorID", "creatorTypeID", "orderIndex"),
    "creatorTypes": ("creatorTypeID", "creatorType"),
    "tags": ("tagID", "name"),
    "itemTags": ("itemID", "tagID"),
    "collections": ("collectionID", "collectionName", "parentCollectionID", "libraryID"),
    "collectionItems": ("collectionID", "itemID"),
    "itemNotes": ("itemID", "parentItemID", "note"),
    "deletedItems": ("itemID",),
}
_WRAPPED = re.compile(r'\A<div class="zotero-note znv\d{1,3}">(.*)</div>', re.S)  # around a note, in the database alone

Values = dict[int, Any]


def missing_columns(connection: sqlite3.Connection) -> list[str]:
    """Names of the columns that are needed and not there."""
    missing = []
    for table, columns in _NEEDED.items():
        there = _columns(connection, table)
        missing += [f"{table}.{column}" for column in columns if column not in there]
    return missing


def read_libraries(connection: sqlite3.Connection) -> list[ZoteroLibrary]:
    """The user's library first, then those of groups by their numbers; feeds are left out."""
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    groups = {library: (group, name) for group, library, name in connection.execute(
        "SELECT groupID, libraryID, name FROM groups ORDER BY groupID"
    )}  # fmt: skip
    users = connection.execute("SELECT libraryID FROM libraries WHERE type = 'user' ORDER BY libraryID")
    places = {library: ("library", "My Library") for (library,) in users}
    places |= {library: (f"groups/{group}", str(name)) for library, (group, name) in groups.items()}
    items = _items(connection)
    return [ZoteroLibrary(place, name, tuple(items[library])) for library, (place, name) in places.items()]


def _items(connection: sqlite3.Connection) -> dict[int, list[dict[str, Any]]]:
    """The items by library, those in the trash left out."""
    fields, creators, tags = _fields(connection), _creators(connection), _tags(connection)
    paths, notes, retracted = _collections(connection), _notes(connection), _retracted(connection)
    types = _either(connection, "itemTypesCombined", "itemTypes")
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    rows = connection.execute(
        f"SELECT itemID, typeName, libraryID, key, dateAdded, dateModified FROM items JOIN {types} USING (itemTypeID) "
        "WHERE itemID NOT IN (SELECT itemID FROM deletedItems) ORDER BY itemID"
    )
    for number, kind, library, key, added, modified in rows:
        if kind not in NO_PAPERS:
            found[library].append(
                fields.get(number, {}) | {
                    "key": key, "itemType": kind, "dateAdded": added, "dateModified": modified,
                    "creators": creators.get(number, []), "tags": tags.get(number, []),
                    "collections": paths.get(number, []), "notes": notes.get(number, []),
                    "retracted": number in retracted,
                }
            )  # fmt: skip
    return found


def _fields(connection: sqlite3.Connection) -> Values:
    names = _either(connection, "fieldsCombined", "fields")
    found: Values = defaultdict(dict)
    for item, field, value in connection.execute(
        f"SELECT itemID, fieldName, value FROM itemData JOIN {names} USING (fieldID) "
        "JOIN itemDataValues USING (valueID) ORDER BY itemID, fieldID"
    ):
        found[item][field] = value if isinstance(value, str) else str(value)
    return found


def _creators(connection: sqlite3.Connection) -> Values:
    found: Values = defaultdict(list)
    for item, first, last, one_field, role in connection.execute(
        "SELECT itemID, firstName, lastName, fieldMode, creatorType FROM itemCreators JOIN creators USING (creatorID) "
        "JOIN creatorTypes USING (creatorTypeID) ORDER BY itemID, orderIndex"
    ):
        name = {"name": last} if one_field == 1 else {"firstName": first, "lastName": last}
        found[item].append({"creatorType": role, **name})
    return found


def _tags(connection: sqlite3.Connection) -> Values:
    return _grouped(
        connection.execute("SELECT itemID, name FROM itemTags JOIN tags USING (tagID) ORDER BY itemID, name")
    )


def _collections(connection: sqlite3.Connection) -> Values:
    known = {
        number: (name, parent)
        for number, name, parent in connection.execute(
            "SELECT collectionID, collectionName, parentCollectionID FROM collections"
        )
    }
    if _columns(connection, "deletedCollections"):  # the trash holds collections since Zotero 7
        for (number,) in connection.execute("SELECT collectionID FROM deletedCollections"):
            known.pop(number, None)
    paths = collections.paths(known)
    rows = connection.execute("SELECT itemID, collectionID FROM collectionItems")
    found = _grouped((item, paths[number]) for item, number in rows if number in paths)
    return {item: sorted(ones) for item, ones in found.items()}


def _notes(connection: sqlite3.Connection) -> Values:
    rows = connection.execute(
        "SELECT parentItemID, note, key FROM itemNotes JOIN items USING (itemID) WHERE parentItemID IS NOT NULL "
        "AND note IS NOT NULL AND itemID NOT IN (SELECT itemID FROM deletedItems) ORDER BY parentItemID, key"
    )
    return _grouped((item, found[1] if (found := _WRAPPED.fullmatch(note)) else note) for item, note, _ in rows)


def _retracted(connection: sqlite3.Connection) -> set[int]:
    """Items that Zotero marks as retracted (since 5.0.67, from the database of Retraction Watch)."""
    if not _columns(connection, "retractedItems"):
        return set()
    return {number for (number,) in connection.execute("SELECT itemID FROM retractedItems")}


def _grouped(rows: Any) -> Values:
    found: Values = defaultdict(list)
    for number, value in rows:
        found[number].append(value)
    return found


def _either(connection: sqlite3.Connection, combined: str, plain: str) -> str:
    """The table that holds the user's own types or fields as well, where there is one and it is filled."""
    if _columns(connection, combined) and connection.execute(f"SELECT 1 FROM {combined} LIMIT 1").fetchone():
        return combined
    return plain


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
