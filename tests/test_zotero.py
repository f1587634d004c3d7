"""Zotero's database: found, copied while Zotero holds it, and read to papers with all that an item has."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rag.datatypes import Paper, collection_path
from rag.errors import ImportFileError, RecordError
from rag.papers.bibliography import addresses
from rag.papers.kept_fields import pack, unpack
from rag.papers.zotero.data_folder import find_data_folder
from rag.papers.zotero.database import read_database
from rag.papers.zotero.items import ZoteroLibrary, papers_of
from tests.zotero_parts import FEED, GROUP, MOTHS, OWLS, VERSIONS, ZoteroData


def read(data: ZoteroData) -> tuple[list[Paper], list[RecordError]]:
    bad: list[RecordError] = []
    return [paper for library in read_database(data.folder) for paper in papers_of(library, bad.append)], bad


@pytest.fixture(params=VERSIONS)
def data(request: pytest.FixtureRequest, tmp_path: Path) -> ZoteroData:
    return ZoteroData(tmp_path / "Zotero", request.param)


# What is read


def test_an_item_becomes_a_paper_with_all_that_it_has(data: ZoteroData) -> None:
    number = data.add("MOTHS234", MOTHS, tags=["light", "insects"], notes=["<p>Check table 2</p>"])
    data.collect(["Thesis", "Chapter 2"], number)
    data.collect(["To read"], number)
    (paper,), bad = read(data)
    assert not bad
    assert paper.id == "zotero:library/items/MOTHS234" and paper.source == "zotero:My Library"
    assert (paper.title, paper.year, paper.venue) == ("Moths at street lamps", 2021, "Journal of Night Ecology")
    assert paper.abstract == MOTHS["abstractNote"] and paper.doi == "10.1234/moths.1"
    assert paper.authors == ("Bea Alder", "Lamp Group")
    assert (paper.key, paper.kind, paper.status) == ("alderMoths2021", "article-journal", "")
    assert paper.tags == ("insects", "light") and paper.collections == ("Thesis/Chapter 2", "To read")
    assert paper.notes == ("<p>Check table 2</p>",)
    kept = unpack(paper)
    assert kept["zotero:item"] == "library/items/MOTHS234"
    assert (kept["volume"], kept["page"], kept["date"], kept["editor"]) == ("12", "1-9", "March 2021", ["Cy Birch"])
    assert kept["PMID"] == "12345678" and kept["note"] == MOTHS["extra"]
    assert kept["dateAdded"] == "2024-05-06T07:08:09Z"


def test_a_slash_in_the_name_of_a_collection_is_none_of_its_path(data: ZoteroData) -> None:
    number = data.add("MOTHS234", MOTHS)
    data.collect(["AI/ML", "Chapter 2"], number)
    (paper,), _ = read(data)
    assert paper.collections == (collection_path(["AI/ML", "Chapter 2"]),) == ("AI\\/ML/Chapter 2",)


def test_papers_of_groups_are_told_apart_and_feeds_left_out(data: ZoteroData) -> None:
    data.add("OWLSOWLS", OWLS)
    data.add("OWLSOWLS", {**OWLS, "title": "Naps of owls in summer"}, GROUP)
    data.add("FEEDFEED", {**OWLS, "title": "News of the day"}, FEED)
    papers, _ = read(data)
    assert [(paper.id, paper.source) for paper in papers] == [
        ("zotero:library/items/OWLSOWLS", "zotero:My Library"),
        ("zotero:groups/4711/items/OWLSOWLS", "zotero:Night ecology"),
    ]
    assert papers[0].kind == "paper-conference" and papers[0].venue == "Proceedings of the Owl Days"


def test_what_is_in_the_trash_is_not_there(data: ZoteroData) -> None:
    gone = data.add("GONEGONE", MOTHS)
    kept = data.add("KEPTKEPT", OWLS)
    outer = data.collect(["Old"], kept)
    data.collect(["Old", "Older"], kept)
    data.run("INSERT INTO deletedItems (itemID) VALUES (?)", gone)
    with data.connect() as db:
        has_trash = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'deletedCollections'").fetchone()
    if has_trash:
        data.run("INSERT INTO deletedCollections (collectionID) VALUES (?)", outer)
    else:
        data.run("DELETE FROM collections")
    (paper,), _ = read(data)
    assert paper.id.endswith("KEPTKEPT") and not paper.collections


def test_the_key_of_zotero_8_and_a_retraction(data: ZoteroData) -> None:
    number = data.add("OWLSOWLS", {**OWLS, "citationKey": "elmNaps"})
    data.run("INSERT INTO retractedItems (itemID) VALUES (?)", number)
    (paper,), _ = read(data)
    assert (paper.key, paper.status) == ("elmNaps", "retracted")


def test_an_item_without_a_title_costs_no_other(data: ZoteroData) -> None:
    data.add("NONAMENO", {"itemType": "document", "abstractNote": "Nothing on top."})
    data.add("OWLSOWLS", OWLS)
    papers, bad = read(data)
    assert len(papers) == 1
    assert "NONAMENO" in str(bad[0]) and "no title" in str(bad[0])


def test_editors_and_other_makers(data: ZoteroData) -> None:
    data.add("BOOKBOOK", {"itemType": "book", "title": "A book of moths", "creators": [("editor", "Al", "Ash")]})
    data.add("SOFTSOFT", {
        "itemType": "computerProgram", "title": "Counter of moths", "extra": "DOI: 10.1234/soft",
        "creators": [("contributor", "Al", "Ash"), ("programmer", "Bo", "Beech")],
    })  # fmt: skip
    (book, program), _ = read(data)
    assert book.authors == ("Al Ash",) and book.kind == "book"
    assert program.authors == ("Bo Beech",) and program.doi == "10.1234/soft"
    assert unpack(program)["contributor"] == ["Al Ash"]


def test_a_key_that_is_none_is_refused() -> None:
    bad: list[RecordError] = []
    library = ZoteroLibrary("library", "My Library", ({"key": "../../etc", "itemType": "book", "title": "A book"},))
    assert not list(papers_of(library, bad.append)) and "none of Zotero's" in str(bad[0])


def test_a_paper_opens_in_zotero_beside_its_other_addresses(data: ZoteroData) -> None:
    data.add("MOTHS234", MOTHS)
    data.add("MOTHS234", {**MOTHS, "title": "Moths of groups"}, GROUP)
    own, shared = (dict(addresses(paper)) for paper in read(data)[0])
    assert own["Zotero"] == "zotero://select/library/items/MOTHS234" and len(own) == 3
    assert shared["Zotero"] == "zotero://select/groups/4711/items/MOTHS234"


@pytest.mark.parametrize("place", [
    "library/items/short", "javascript:alert(1)", "library/items/ABCD2345/../x", 'library/items/ABCD2345"onclick', 7,
    "groups/0/items/ABCD2345", ["library/items/ABCD2345"], "library/items/ABCD2345\n",
])  # fmt: skip
def test_a_field_of_that_name_from_elsewhere_becomes_no_address(place: object) -> None:
    assert addresses(Paper("a", "A title", fields=pack({"zotero:item": place}))) == []


# A database that is held, old, damaged or another's


def test_a_running_zotero_is_read_as_it_last_stored(tmp_path: Path) -> None:
    """Zotero holds an exclusive lock; what it has not committed is not seen, and its files stay as they are."""
    data = ZoteroData(tmp_path)
    data.add("OWLSOWLS", OWLS)
    with closing(sqlite3.connect(data.file, isolation_level=None)) as zotero:
        zotero.execute("PRAGMA locking_mode = EXCLUSIVE")
        zotero.execute("BEGIN EXCLUSIVE")
        zotero.execute("DELETE FROM items")
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        assert [paper.id for paper in read(data)[0]] == ["zotero:library/items/OWLSOWLS"]
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
        zotero.execute("ROLLBACK")


def test_what_stands_in_the_write_ahead_log_is_read(tmp_path: Path) -> None:
    data = ZoteroData(tmp_path)
    with closing(sqlite3.connect(data.file)) as zotero:
        zotero.execute("PRAGMA journal_mode = WAL")
        zotero.execute("PRAGMA wal_autocheckpoint = 0")
        zotero.execute("BEGIN")
        zotero.execute("SELECT * FROM items").fetchall()  # keeps the log from being brought in
        data.add("OWLSOWLS", OWLS)
        assert (tmp_path / "zotero.sqlite-wal").stat().st_size
        assert len(read(data)[0]) == 1


def test_a_lock_that_keeps_from_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(source: object, target: object) -> None:
        raise PermissionError(13, "The process cannot access the file because another process has locked it")

    data = ZoteroData(tmp_path)
    monkeypatch.setattr("shutil.copyfile", locked)  # as Windows answers; here no lock does that
    with pytest.raises(ImportFileError, match=r"is locked\. Close Zotero, or .* --api"):
        read(data)


def test_a_zotero_that_does_not_stop_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = ZoteroData(tmp_path)
    monkeypatch.setattr("time.sleep", lambda seconds: data.run("INSERT INTO itemDataValues (value) VALUES (random())"))
    monkeypatch.setattr("rag.papers.zotero.database._copy", lambda *paths: data.file.touch())
    with pytest.raises(ImportFileError, match="keeps writing"):
        read(data)


def test_an_old_database_says_so(tmp_path: Path) -> None:
    data = ZoteroData(tmp_path, 6)
    data.run("DROP TABLE creators")  # before Zotero 5 the names stood in creatorData
    data.run("CREATE TABLE creators (creatorID INTEGER PRIMARY KEY, creatorDataID INT)")
    with pytest.raises(ImportFileError, match=r"creators\.firstName.*Start a current Zotero once"):
        read(data)


def test_another_programs_database(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "zotero.sqlite")) as other:
        other.execute("CREATE TABLE items (a)")
        other.commit()
    with pytest.raises(ImportFileError, match="no database of Zotero's"):
        read_database(tmp_path)


@pytest.mark.parametrize("damage", ["text", "cut", "holes"])
def test_a_damaged_database(tmp_path: Path, damage: str) -> None:
    data = ZoteroData(tmp_path)
    for number in range(40):
        data.add(f"OWLSAA{number:02d}", {**OWLS, "title": f"Naps of owls {number}"})
    content = data.file.read_bytes()
    middle = len(content) // 2
    damaged = {"text": b"no database " * 500, "cut": content[:middle], "holes": content[:4096] + b"\xff" * middle}
    data.file.write_bytes(damaged[damage])
    with pytest.raises(ImportFileError, match=r"damaged|no database"):
        read(data)


# Where it is


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.delenv("APPDATA", raising=False)
    return tmp_path


def profile(root: Path, preferences: str) -> None:
    (root / "Profiles" / "ab12.default").mkdir(parents=True)
    (root / "profiles.ini").write_text(
        "[General]\nVersion=2\n[Profile0]\nName=default\nPath=Profiles/ab12.default\nDefault=1\n"
    )
    (root / "Profiles" / "ab12.default" / "prefs.js").write_text(preferences, encoding="utf-8")


def test_the_default_folder_is_found(home: Path) -> None:
    data = ZoteroData(home / "Zotero")
    assert find_data_folder() == data.folder


@pytest.mark.parametrize(
    "root", [".zotero/zotero", "Library/Application Support/Zotero", "AppData/Roaming/Zotero/Zotero"]
)
def test_the_folder_that_the_preferences_name_comes_first(home: Path, root: str) -> None:
    ZoteroData(home / "Zotero")
    data = ZoteroData(home / 'My "papers" é')
    named = str(data.folder).replace("\\", "\\\\").replace('"', '\\"')
    profile(home / root, f'user_pref("a.b", 1);\nuser_pref("extensions.zotero.dataDir", "{named}");\n')
    assert find_data_folder() == data.folder


@pytest.mark.parametrize("line", [
    'user_pref("extensions.zotero.dataDir", "/nowhere/at/all");', 'user_pref("extensions.zotero.dataDir", "\\x");', "{",
    'user_pref("extensions.zotero.useDataDir", false); user_pref("extensions.zotero.dataDir", "/tmp");',
])  # fmt: skip
def test_preferences_that_help_nothing_are_passed_over(home: Path, line: str) -> None:
    profile(home / ".zotero/zotero", line)
    data = ZoteroData(home / "Zotero")
    assert find_data_folder() == data.folder


def test_no_data_at_all_and_a_wrong_folder(home: Path) -> None:
    with pytest.raises(ImportFileError, match="--data-dir"):
        find_data_folder()
    with pytest.raises(ImportFileError, match=r"no zotero\.sqlite"):
        find_data_folder(home)
    data = ZoteroData(home / "elsewhere")
    assert find_data_folder(data.file) == data.folder
