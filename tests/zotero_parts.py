"""Databases as Zotero 6 to 8 make them: the tables and columns of its userdata.sql that concern items."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE itemTypes (itemTypeID INTEGER PRIMARY KEY, typeName TEXT, templateItemTypeID INT, display INT DEFAULT 1);
CREATE TABLE itemTypesCombined (
    itemTypeID INT NOT NULL, typeName TEXT NOT NULL, display INT DEFAULT 1 NOT NULL, custom INT NOT NULL,
    PRIMARY KEY (itemTypeID));
CREATE TABLE fields (fieldID INTEGER PRIMARY KEY, fieldName TEXT, fieldFormatID INT);
CREATE TABLE fieldsCombined (
    fieldID INT NOT NULL, fieldName TEXT NOT NULL, label TEXT, fieldFormatID INT, custom INT NOT NULL,
    PRIMARY KEY (fieldID));
CREATE TABLE creatorTypes (creatorTypeID INTEGER PRIMARY KEY, creatorType TEXT);
CREATE TABLE version (schema TEXT PRIMARY KEY, version INT NOT NULL);
CREATE TABLE items (
    itemID INTEGER PRIMARY KEY, itemTypeID INT NOT NULL, dateAdded TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    dateModified TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    clientDateModified TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, libraryID INT NOT NULL, key TEXT NOT NULL,
    version INT NOT NULL DEFAULT 0, synced INT NOT NULL DEFAULT 0, UNIQUE (libraryID, key));
CREATE TABLE itemDataValues (valueID INTEGER PRIMARY KEY, value UNIQUE);
CREATE TABLE itemData (itemID INT, fieldID INT, valueID, PRIMARY KEY (itemID, fieldID));
CREATE TABLE itemNotes (itemID INTEGER PRIMARY KEY, parentItemID INT, note TEXT, title TEXT);
CREATE TABLE tags (tagID INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE itemTags (itemID INT NOT NULL, tagID INT NOT NULL, type INT NOT NULL, PRIMARY KEY (itemID, tagID));
CREATE TABLE creators (
    creatorID INTEGER PRIMARY KEY, firstName TEXT, lastName TEXT, fieldMode INT,
    UNIQUE (lastName, firstName, fieldMode));
CREATE TABLE itemCreators (
    itemID INT NOT NULL, creatorID INT NOT NULL, creatorTypeID INT NOT NULL DEFAULT 1,
    orderIndex INT NOT NULL DEFAULT 0, PRIMARY KEY (itemID, creatorID, creatorTypeID, orderIndex));
CREATE TABLE collections (
    collectionID INTEGER PRIMARY KEY, collectionName TEXT NOT NULL, parentCollectionID INT DEFAULT NULL,
    clientDateModified TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, libraryID INT NOT NULL, key TEXT NOT NULL,
    version INT NOT NULL DEFAULT 0, synced INT NOT NULL DEFAULT 0, UNIQUE (libraryID, key));
CREATE TABLE collectionItems (
    collectionID INT NOT NULL, itemID INT NOT NULL, orderIndex INT NOT NULL DEFAULT 0,
    PRIMARY KEY (collectionID, itemID));
CREATE TABLE deletedItems (itemID INTEGER PRIMARY KEY, dateDeleted DEFAULT CURRENT_TIMESTAMP NOT NULL);
CREATE TABLE libraries (
    libraryID INTEGER PRIMARY KEY, type TEXT NOT NULL, editable INT NOT NULL, filesEditable INT NOT NULL,
    version INT NOT NULL DEFAULT 0, storageVersion INT NOT NULL DEFAULT 0, lastSync INT NOT NULL DEFAULT 0,
    archived INT NOT NULL DEFAULT 0);
CREATE TABLE groups (
    groupID INTEGER PRIMARY KEY, libraryID INT NOT NULL UNIQUE, name TEXT NOT NULL, description TEXT NOT NULL,
    version INT NOT NULL);
CREATE TABLE retractedItems (itemID INTEGER PRIMARY KEY, data TEXT, flag INT DEFAULT 0);
INSERT INTO libraries (libraryID, type, editable, filesEditable) VALUES (1, 'user', 1, 1), (2, 'group', 1, 1),
    (3, 'feed', 0, 0);
INSERT INTO groups VALUES (4711, 2, 'Night ecology', '', 1);
"""
_SINCE_7 = """
CREATE TABLE deletedCollections (collectionID INTEGER PRIMARY KEY, dateDeleted DEFAULT CURRENT_TIMESTAMP NOT NULL);
"""
_SINCE_8 = """
ALTER TABLE items ADD COLUMN clientVersion INT NOT NULL DEFAULT 0;
ALTER TABLE itemDataValues ADD COLUMN valueNormalized TEXT;
ALTER TABLE tags ADD COLUMN nameNormalized TEXT;
ALTER TABLE creators ADD COLUMN firstNameNormalized TEXT;
ALTER TABLE creators ADD COLUMN lastNameNormalized TEXT;
"""
VERSIONS = {6: (121, ""), 7: (123, _SINCE_7), 8: (129, _SINCE_7 + _SINCE_8)}  # Zotero's, of its schema, and what is new
USER, GROUP, FEED = 1, 2, 3  # libraries

MOTHS: Mapping[str, Any] = {
    "itemType": "journalArticle",
    "title": "Moths at <i>street lamps</i>",
    "abstractNote": "Street lamps draw 40% of moths. Warm light draws fewer.",
    "date": "2021-03-00 March 2021",
    "publicationTitle": "Journal of Night Ecology",
    "volume": "12",
    "pages": "1-9",
    "DOI": "10.1234/moths.1",
    "url": "https://example.org/moths",
    "extra": "Citation Key: alderMoths2021\nPMID: 12345678\nread twice",
    "creators": [("author", "Bea", "Alder"), ("author", None, "Lamp Group"), ("editor", "Cy", "Birch")],
}
OWLS: Mapping[str, Any] = {
    "itemType": "conferencePaper",
    "title": "Naps of owls in winter barns",
    "abstractNote": "Owls nap for 20 minutes in barns.",
    "date": "2019-00-00 2019",
    "proceedingsTitle": "Proceedings of the Owl Days",
    "creators": [("author", "Dora", "Elm")],
}


class ZoteroData:
    """A folder of Zotero's data with the database of one version of Zotero."""

    def __init__(self, folder: Path, version: int = 7) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "zotero.sqlite"
        schema, more = VERSIONS[version]
        with self.connect() as db:
            db.executescript(_TABLES + more)
            db.execute("INSERT INTO version VALUES ('userdata', ?)", [schema])

    @contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.file)) as db, db:
            yield db

    def run(self, statement: str, *values: object) -> None:
        with self.connect() as db:
            db.execute(statement, values)

    def add(
        self,
        key: str,
        item: Mapping[str, Any],
        library: int = USER,
        tags: Sequence[str] = (),
        notes: Sequence[str] = (),
    ) -> int:
        """Add an item as Zotero stores it; returns its number."""
        with self.connect() as db:
            number = self._item(db, item["itemType"], key, library)
            for name, value in item.items():
                if name not in ("itemType", "creators"):
                    self.set_field(number, name, value, db)
            for index, (role, first, last) in enumerate(item.get("creators", ())):
                mode = int(first is None)
                creator = _id(db, "creators", "creatorID", firstName=first or "", lastName=last, fieldMode=mode)
                kind = _id(db, "creatorTypes", "creatorTypeID", creatorType=role)
                db.execute("INSERT INTO itemCreators VALUES (?, ?, ?, ?)", (number, creator, kind, index))
            for tag in tags:
                db.execute("INSERT INTO itemTags VALUES (?, ?, 0)", (number, _id(db, "tags", "tagID", name=tag)))
            for index, note in enumerate(notes):
                child = self._item(db, "note", f"{key[:7]}{index}", library)
                text = f'<div class="zotero-note znv1">{note}</div>'
                db.execute("INSERT INTO itemNotes VALUES (?, ?, ?, '')", (child, number, text))
        return number

    def set_field(self, number: int, name: str, value: object, db: sqlite3.Connection | None = None) -> None:
        with nullcontext(db) if db is not None else self.connect() as db:
            field = _id(db, "fields", "fieldID", fieldName=name)
            db.execute("INSERT OR IGNORE INTO fieldsCombined VALUES (?, ?, '', NULL, 0)", (field, name))
            valued = _id(db, "itemDataValues", "valueID", value=value)
            db.execute("INSERT OR REPLACE INTO itemData VALUES (?, ?, ?)", (number, field, valued))

    def collect(self, path: Sequence[str], *numbers: int, library: int = USER) -> int:
        """Put items into the last of a chain of collections; returns its number."""
        parent = None
        with self.connect() as db:
            for name in path:
                found = db.execute(
                    "SELECT collectionID FROM collections WHERE collectionName = ? AND parentCollectionID IS ?",
                    (name, parent),
                ).fetchone()
                parent = found[0] if found else db.execute(
                    "INSERT INTO collections (collectionName, parentCollectionID, libraryID, key) VALUES (?, ?, ?, ?)",
                    (name, parent, library, f"COLL{_count(db):04d}"),
                ).lastrowid  # fmt: skip
            for number in numbers:
                db.execute("INSERT INTO collectionItems VALUES (?, ?, 0)", (parent, number))
        assert parent is not None
        return int(parent)

    @staticmethod
    def _item(db: sqlite3.Connection, kind: str, key: str, library: int) -> int:
        number = _id(db, "itemTypes", "itemTypeID", typeName=kind)
        db.execute("INSERT OR IGNORE INTO itemTypesCombined VALUES (?, ?, 1, 0)", (number, kind))
        row = db.execute(
            "INSERT INTO items (itemTypeID, libraryID, key, dateAdded, dateModified) "
            "VALUES (?, ?, ?, '2024-05-06 07:08:09', '2024-05-06 07:08:09')",
            (number, library, key),
        )
        assert row.lastrowid is not None
        return row.lastrowid


def _count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM collections").fetchone()[0])


def _id(db: sqlite3.Connection, table: str, number: str, **values: object) -> int:
    """The number of the row with these values, which is made where there is none."""
    where = " AND ".join(f"{name} = ?" for name in values)
    found = db.execute(f"SELECT {number} FROM {table} WHERE {where}", tuple(values.values())).fetchone()
    if found is None:
        marks = ", ".join("?" * len(values))
        row = db.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))
        return int(row.lastrowid or 0)
    return int(found[0])
