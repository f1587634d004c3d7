"""Libraries on disk: made, copied, renamed, deleted, and nothing else touched."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag import factory
from rag.config import Settings, with_overrides
from rag.errors import LibraryError, LibraryLocked, LibraryNotFound
from rag.factory import change_library, close_all, embedder_id, open_library
from rag.library.library import Library
from rag.library.shelves import (
    SHIPPED_NAME,
    checked_name,
    copy_library,
    delete_library,
    find_library,
    free_name,
    list_libraries,
    make_library,
    rename_library,
)
from tests.library_parts import WordEncoder, made_papers


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close_all()


@pytest.fixture
def settings(footnote_home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """With a fast encoder: what is tested does not depend on vectors."""
    for place in ("rag.factory.embedder_id", "rag.library.shelves.embedder_id"):
        monkeypatch.setattr(place, lambda: WordEncoder().id)
    return Settings(home=footnote_home, model="quote")


def fill(settings: Settings, path: Path, count: int = 3) -> Settings:
    chosen = with_overrides(settings, library=path)
    with change_library(chosen) as library:
        library.add(made_papers(count), WordEncoder())
    return chosen


def names(settings: Settings) -> list[tuple[str, int]]:
    return [(shelf.name, shelf.papers) for shelf in list_libraries(settings)]


def test_libraries_are_made_listed_renamed_and_deleted(settings: Settings) -> None:
    assert names(settings) == [(SHIPPED_NAME, 0)]
    made = make_library(settings, "  Żółw (2024) – лягушки  ")
    fill(settings, made.path)
    make_library(settings, "another")
    assert names(settings) == [(SHIPPED_NAME, 0), ("another", 0), ("Żółw (2024) – лягушки", 3)]
    renamed = rename_library(settings, made, "Turtles")
    assert (renamed.name, renamed.papers, renamed.is_own) == ("Turtles", 3, True)
    assert not made.path.exists()
    delete_library(settings, renamed)
    assert names(settings) == [(SHIPPED_NAME, 0), ("another", 0)]
    assert sorted(path.name for path in (settings.home / "libraries").iterdir()) == ["another"]


def test_the_shipped_library_cannot_be_renamed_or_deleted(settings: Settings) -> None:
    shipped = list_libraries(settings)[0]
    assert shipped.is_shipped and shipped.is_started and shipped.key == "" and not shipped.is_writable
    for act in (lambda: delete_library(settings, shipped), lambda: rename_library(settings, shipped, "mine")):
        with pytest.raises(LibraryError, match="comes with the program"):
            act()


def test_a_library_elsewhere_is_listed_and_never_deleted(settings: Settings, tmp_path: Path) -> None:
    Library.create(tmp_path / "mine", embedder=WordEncoder().id).close()
    started = fill(settings, tmp_path / "mine")
    shelf = list_libraries(started)[0]
    assert (shelf.name, shelf.papers, shelf.key, shelf.is_own, shelf.is_writable) == ("mine", 3, "", False, True)
    with pytest.raises(LibraryError, match="started with"):
        delete_library(started, shelf)
    assert (tmp_path / "mine" / "manifest.json").exists()


def test_a_link_to_elsewhere_is_never_deleted(settings: Settings, tmp_path: Path) -> None:
    Library.create(tmp_path / "mine", embedder=WordEncoder().id).close()
    (settings.home / "libraries").mkdir()
    (settings.home / "libraries" / "link").symlink_to(tmp_path / "mine")
    link = next(shelf for shelf in list_libraries(settings) if shelf.name == "link")
    with pytest.raises(LibraryError, match="outside"):
        delete_library(settings, link)
    assert (tmp_path / "mine" / "manifest.json").exists()


def test_a_folder_with_other_files_is_not_deleted(settings: Settings) -> None:
    shelf = make_library(settings, "mixed")
    (shelf.path / "thesis.pdf").write_text("my only copy")
    with pytest.raises(LibraryError, match=r"thesis\.pdf"):
        delete_library(settings, shelf)
    assert (shelf.path / "thesis.pdf").read_text() == "my only copy"


@pytest.mark.parametrize(
    "name",
    ["", "   ", ".", "..", "../up", "a/b", "a\\b", "/etc", "~root", ".hidden", "end.", "nul", "COM1.txt", "a\0b", "a*",
     "a\nb", "x" * 81, "é" * 81, "日" * 80, "a\u202eb", "\ud800", "shipped", "Shipped Abstracts", "x.building", "c:"],
)  # fmt: skip
def test_names_that_cannot_be_used(settings: Settings, name: str) -> None:
    with pytest.raises(LibraryError):
        make_library(settings, name)
    assert not (settings.home / "libraries").exists() or not list((settings.home / "libraries").iterdir())


def test_names_that_can_be_used() -> None:
    for name in ("a", "My papers, 2nd part", "深度学习", "v1.2", "x" * 80, "crab & shell's"):
        assert checked_name(name) == name
    assert checked_name(" e\u0301 ") == "é"


def test_a_name_is_taken_once(settings: Settings) -> None:
    one = make_library(settings, "Crabs")
    with pytest.raises(LibraryError, match="already"):
        make_library(settings, "crabs")
    other = make_library(settings, "Shells")
    with pytest.raises(LibraryError, match="already"):
        rename_library(settings, other, "CRABS")
    assert rename_library(settings, one, "crabs").name == "crabs"
    assert free_name(settings, "Crabs") == "Crabs 2" and free_name(settings, "New") == "New"


def test_a_copy_is_one_s_own(settings: Settings, tmp_path: Path) -> None:
    shelf = make_library(settings, "first")
    first = fill(settings, shelf.path, 20)
    copy = copy_library(settings, shelf, "second")
    second = fill(settings, copy.path, 25)
    assert (open_library(first).count, open_library(second).count) == (20, 25)
    with change_library(second) as library:
        assert library.verify() == []
        vector = WordEncoder().encode(["On the matter number 24 of topic24"])[0]
        assert len({passage.paper_id for passage, _ in library.dense(vector, 60)}) == 25
    assert open_library(first).fingerprint != open_library(second).fingerprint


def test_readers_see_what_has_changed(settings: Settings) -> None:
    shelf = make_library(settings, "live")
    chosen = with_overrides(settings, library=shelf.path)
    before = open_library(chosen)
    assert before.count == 0 and open_library(chosen) is before
    fill(settings, shelf.path, 7)
    after = open_library(chosen)
    assert after.count == 7 and after is open_library(chosen)
    assert before.papers() is not None, "a question that began before the change is not cut off"
    for count in range(8, 18):
        fill(settings, shelf.path, count)
        assert open_library(chosen).count == count
    assert len(factory._LIBRARIES[shelf.path]) <= factory._KEPT + 1


def test_a_library_made_anew_under_an_old_name_is_the_new_one(settings: Settings) -> None:
    shelf = make_library(settings, "again")
    chosen = fill(settings, shelf.path, 9)
    vector = WordEncoder().encode(["On the matter number 3 of topic3"])[0]
    assert open_library(chosen).dense(vector, 1)
    delete_library(settings, shelf)
    with pytest.raises(LibraryNotFound):
        open_library(chosen)
    fill(settings, make_library(settings, "again").path, 2)
    assert {passage.paper_id for passage, _ in open_library(chosen).dense(vector, 9)} == {"made00000", "made00001"}


def test_what_somebody_writes_to_is_left_alone(settings: Settings) -> None:
    shelf = make_library(settings, "busy")
    writer = subprocess.Popen(
        [sys.executable, "-c", "import sys, time; from pathlib import Path; "
         "from rag.library.storage.locking import WriterLock;"
         "lock = WriterLock(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)", str(shelf.path)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert writer.stdout is not None
    try:
        assert writer.stdout.readline() == "held\n"
        for act in (
            lambda: delete_library(settings, shelf),
            lambda: rename_library(settings, shelf, "other"),
            lambda: copy_library(settings, shelf, "other"),
        ):
            with pytest.raises(LibraryLocked, match=str(writer.pid)):
                act()
        assert find_library(settings, str(shelf.path)).name == "busy"
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()
    assert [shelf.name for shelf in list_libraries(settings)] == [SHIPPED_NAME, "busy"]


def test_a_library_that_cannot_be_used_says_why(settings: Settings) -> None:
    shelf = make_library(settings, "broken")
    (shelf.path / "manifest.json").write_text("{")
    broken = find_library(settings, str(shelf.path))
    assert "damaged" in broken.problem and not broken.is_writable
    delete_library(settings, broken)
    with pytest.raises(LibraryError, match="has gone"):
        find_library(settings, str(shelf.path))


def test_a_library_of_another_embedder_says_so(footnote_home: Path) -> None:
    settings = Settings(home=footnote_home, model="quote")
    Library.create(footnote_home / "libraries" / "other", embedder=WordEncoder().id).close()
    shelf = next(shelf for shelf in list_libraries(settings) if shelf.name == "other")
    assert "words" in shelf.problem and embedder_id().name in shelf.problem
