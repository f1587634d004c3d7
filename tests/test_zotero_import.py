"""Zotero as the page imports it: found, looked at, imported in a thread; what cannot be read says so."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rag.config import Settings, with_overrides
from rag.errors import FootnoteError, ImportFileError
from rag.factory import close_all, library_manager
from rag.library.remarks import SKIPPED, UNREAD
from rag.library.zotero_sync import Changes
from rag.papers.zotero import finding
from rag.papers.zotero.finding import ZoteroPlace, find_zotero, read_zotero
from rag.system.accounts import NOBODY
from rag.ui.library_actions import LibraryActions
from rag.ui.library_zotero import may_read_zotero
from rag.ui.page_context import PageContext
from rag.ui.render_zotero import when, zotero_html
from rag.ui.roles import require_editor
from rag.ui.uploads import Uploads
from tests.test_zotero_api import answer, server
from tests.zotero_parts import MOTHS, OWLS, ZoteroData

EDITOR = require_editor(NOBODY, "")


@pytest.fixture
def data(tmp_path: Path) -> ZoteroData:
    return ZoteroData(tmp_path / "Zotero")


@pytest.fixture
def actions(tmp_path: Path, data: ZoteroData) -> Iterator[LibraryActions]:
    """What the page does, over an empty library and the data."""
    settings = Settings(home=tmp_path / "home", zotero=str(data.folder), threads=1)
    settings = with_overrides(settings, library=library_manager(settings).create("papers").path)
    yield LibraryActions(settings, Uploads(tmp_path))
    close_all()


def imported(actions: LibraryActions, delete: bool = False) -> dict[str, int]:
    job = actions.start_zotero(EDITOR, "", delete)
    assert job.wait(120) and not job.state.error
    words = ("total", "read", "added", "updated", "unchanged", "merged", "skipped", "deleted")
    return {word: count for word in words if (count := getattr(job.state, word))}


def test_it_is_looked_at_then_imported_then_followed(actions: LibraryActions, data: ZoteroData) -> None:
    moths, owls = data.add("MOTHS234", MOTHS, tags=["light"]), data.add("OWLSOWLS", OWLS)
    data.add("PLAIN234", {"itemType": "book", "title": "Without an abstract"})
    data.add("NOTITLE2", {"itemType": "book", "abstractNote": "Without a title."})
    place, found, skipped = actions.look_at_zotero(EDITOR, "")
    assert place == str(data.folder) and (found.papers, found.with_abstract, skipped) == (3, 2, 1)
    assert found.last_read is None
    assert imported(actions) == {"total": 3, "read": 3, "added": 3, "skipped": 1}
    job = actions.job("")
    assert job is not None and [(one.outcome, one.file[-8:]) for one in job.remarks] == [(SKIPPED, "NOTITLE2")]

    data.run("DELETE FROM itemTags WHERE itemID = ?", moths)
    data.run("INSERT INTO deletedItems (itemID) VALUES (?)", owls)
    _, found, _ = actions.look_at_zotero(EDITOR, "")
    assert (len(found.changed), len(found.removed)) == (1, 1)
    assert found.last_read is not None and datetime.now(UTC) - found.last_read < timedelta(minutes=5)
    assert imported(actions) == {"total": 1, "read": 1, "updated": 1, "unchanged": 1, "skipped": 1}
    assert actions.paper("", "zotero:library/items/MOTHS234").tags == ()
    assert imported(actions, delete=True) == {"unchanged": 2, "deleted": 1, "skipped": 1}
    with pytest.raises(FootnoteError):
        actions.paper("", "zotero:library/items/OWLSOWLS")


def test_what_was_stopped_is_not_remembered_as_read(actions: LibraryActions, data: ZoteroData) -> None:
    data.add("MOTHS234", MOTHS)
    job = actions.start_zotero(EDITOR, "", False)
    job.stop()
    assert job.wait(120)
    assert actions.look_at_zotero(EDITOR, "")[1].last_read is None
    assert imported(actions)["total"] == 1


def test_a_database_that_goes_wrong_after_the_look_ends_with_a_remark(
    actions: LibraryActions, data: ZoteroData
) -> None:
    data.add("MOTHS234", MOTHS)
    data.file.write_bytes(b"no database")
    job = actions.start_zotero(EDITOR, "", False)
    assert job.wait(120) and [one.outcome for one in job.remarks] == [UNREAD]
    assert "cannot be read" in job.remarks[0].reason


@pytest.mark.parametrize(("spoil", "says"), [
    ("gone", "There is no zotero.sqlite"), ("damaged", "cannot be read"), ("old", "by a Zotero before 5"),
    ("other", "no database of Zotero's"), ("empty", "no paper that can be used"),
])  # fmt: skip
def test_what_cannot_be_read_says_so(actions: LibraryActions, data: ZoteroData, spoil: str, says: str) -> None:
    if spoil == "gone":
        data.file.unlink()
    elif spoil == "damaged":
        data.file.write_bytes(b"SQLite format 3\0" + b"x" * 4096)
    elif spoil == "old":
        data.run("ALTER TABLE itemNotes RENAME COLUMN note TO text")
    elif spoil == "other":
        data.file.unlink()
        sqlite3.connect(data.file).execute("CREATE TABLE bees (name)").connection.close()
    with pytest.raises(ImportFileError, match=says):
        actions.look_at_zotero(EDITOR, "")


def test_a_running_zotero_that_holds_its_database_is_read(actions: LibraryActions, data: ZoteroData) -> None:
    data.add("MOTHS234", MOTHS)
    with data.connect() as db:
        db.execute("BEGIN EXCLUSIVE")
        assert actions.look_at_zotero(EDITOR, "")[1].papers == 1


def test_the_shipped_library_stays_as_it_is(tmp_path: Path, data: ZoteroData) -> None:
    actions = LibraryActions(Settings(home=tmp_path, zotero=str(data.folder)), Uploads(tmp_path))
    with pytest.raises(FootnoteError, match="stay as they are"):
        actions.look_at_zotero(EDITOR, "")


# --- where it is found ---


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer whose user has no Zotero."""
    for name in ("HOME", "USERPROFILE", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "user"))
    monkeypatch.setattr(finding, "DEFAULT", "http://127.0.0.1:9")


@pytest.mark.usefixtures("nowhere")
def test_no_zotero_at_all() -> None:
    with pytest.raises(ImportFileError, match=r"not found on this computer.*FOOTNOTE_ZOTERO"):
        find_zotero()


@pytest.mark.usefixtures("nowhere")
def test_a_running_zotero_is_asked_where_there_are_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(answer) as address:
        monkeypatch.setattr(finding, "DEFAULT", address)
        assert find_zotero() == ZoteroPlace(api=address)
        own, group = read_zotero(find_zotero(address.upper().replace("HTTP", "http")))
    assert len(own.items) == 1 and len(group.items) == 1100


@pytest.mark.usefixtures("nowhere")
def test_a_running_zotero_that_answers_no_one_says_how_to_allow_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(lambda path: (403, b"Local API is not enabled")) as address:
        monkeypatch.setattr(finding, "DEFAULT", address)
        with pytest.raises(ImportFileError, match="Allow other applications"):
            read_zotero(find_zotero())


@pytest.mark.usefixtures("nowhere")
def test_a_running_zotero_is_asked_where_its_database_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "user" / "Zotero"
    folder.mkdir(parents=True)
    (folder / "zotero.sqlite").write_bytes(b"locked by some other means")
    with pytest.raises(ImportFileError, match="cannot be read"):
        read_zotero(find_zotero())
    with server(answer) as address:
        monkeypatch.setattr(finding, "DEFAULT", address)
        assert [one.place for one in read_zotero(find_zotero())] == ["library", "groups/4711"]
    with pytest.raises(ImportFileError, match="cannot be read"):  # named by hand: no other is read in its place
        read_zotero(find_zotero(str(folder)))


# --- what is said, and to whom ---


def found(**given: object) -> Changes:
    values: dict[str, object] = {
        "changed": (), "removed": (), "unchanged": 0, "marks": {str(one): "" for one in range(1300)},
        "is_other": False, "with_abstract": 1243, "last_read": None,
    } | given  # fmt: skip
    return Changes(**values)  # type: ignore[arg-type]


def test_what_was_found_in_words() -> None:
    now = datetime.now(UTC)
    said = zotero_html("/home/<b>me", found(last_read=now - timedelta(days=1)), 2, now)
    assert "Zotero, 1,243 items with abstracts, 57 without, last read yesterday" in said
    assert "Nothing has changed since." in said and "2 items cannot be used" in said and "<b>" not in said
    assert "not read into this library before" in zotero_html("x", found(), 0)
    assert "1 item no longer in Zotero" in zotero_html("x", found(removed=("a",)), 0)
    assert "nothing counts as deleted" in zotero_html("x", found(is_other=True), 0)


@pytest.mark.parametrize(("days", "said"), [(0, "today at 12:30"), (1, "yesterday"), (6, "6 days ago"), (7, "on ")])
def test_when_it_was_read(days: int, said: str) -> None:
    noon = datetime.now().astimezone().replace(hour=12, minute=30)
    assert when(noon - timedelta(days=days), noon + timedelta(hours=2)).startswith(said)


def test_a_page_that_everybody_can_open_reads_no_zotero() -> None:
    def context(private: bool) -> PageContext:
        return PageContext(lambda *_: None, (), private=private)  # type: ignore[arg-type, return-value]

    assert may_read_zotero(context(private=True)) and not may_read_zotero(context(private=False))


def test_the_state_of_an_older_program_is_understood(actions: LibraryActions, data: ZoteroData) -> None:
    data.add("MOTHS234", MOTHS)
    imported(actions)
    file = actions.info("").path / "zotero.json"
    content = json.loads(file.read_text())
    for at in (None, "yesterday", "2020-01-01T00:00:00", 7):
        file.write_text(json.dumps(content | {"at": at}))
        seen = actions.look_at_zotero(EDITOR, "")[1]
        assert seen.last_read is None and seen.unchanged == 1
