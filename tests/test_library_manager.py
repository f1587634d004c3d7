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
from rag.factory import change_library, close_all, embedder_id, library_manager, open_library
from rag.library.library import Library
from rag.library.manager import SHIPPED_NAME, checked_name
from tests.library_parts import WordEncoder, made_papers


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close_all()


@pytest.fixture
def settings(footnote_home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """With a fast encoder: what is tested does not depend on vectors."""
    monkeypatch.setattr("rag.factory.embedder_id", lambda: WordEncoder().id)
    return Settings(home=footnote_home, model="quote")


def fill(settings: Settings, path: Path, count: int = 3) -> Settings:
    chosen = with_overrides(settings, library=path)
    with change_library(chosen) as library:
        library.add(made_papers(count), WordEncoder())
    return chosen


def names(settings: Settings) -> list[tuple[str, int]]:
    return [(info.name, info.papers) for info in library_manager(settings).list_all()]


def test_libraries_are_made_listed_renamed_and_deleted(settings: Settings) -> None:
    assert names(settings) == [(SHIPPED_NAME, 0)]
    made = library_manager(settings).create("  Żółw (2024) – лягушки  ")
    fill(settings, made.path)
    library_manager(settings).create("another")
    assert names(settings) == [(SHIPPED_NAME, 0), ("another", 0), ("Żółw (2024) – лягушки", 3)]
    renamed = library_manager(settings).rename(made, "Turtles")
    assert (renamed.name, renamed.papers, renamed.is_own) == ("Turtles", 3, True)
    assert not made.path.exists()
    library_manager(settings).delete(renamed)
    assert names(settings) == [(SHIPPED_NAME, 0), ("another", 0)]
    assert sorted(path.name for path in (settings.home / "libraries").iterdir()) == ["another"]


def test_the_shipped_library_cannot_be_renamed_or_deleted(settings: Settings) -> None:
    service = library_manager(settings)
    shipped = service.list_all()[0]
    assert shipped.is_shipped and shipped.is_started and shipped.key == "" and not shipped.is_writable
    for act in (
        lambda: library_manager(settings).delete(shipped),
        lambda: library_manager(settings).rename(shipped, "mine"),
    ):
        with pytest.raises(LibraryError, match="comes with the program"):
            act()


def test_a_library_elsewhere_is_listed_and_never_deleted(settings: Settings, tmp_path: Path) -> None:
    Library.create(tmp_path / "mine", embedder=WordEncoder().id).close()
    started = fill(settings, tmp_path / "mine")
    info = library_manager(started).list_all()[0]
    assert (info.name, info.papers, info.key, info.is_own, info.is_writable) == ("mine", 3, "", False, True)
    with pytest.raises(LibraryError, match="started with"):
        library_manager(started).delete(info)
    assert (tmp_path / "mine" / "manifest.json").exists()


def test_a_link_to_elsewhere_is_never_deleted(settings: Settings, tmp_path: Path) -> None:
    Library.create(tmp_path / "mine", embedder=WordEncoder().id).close()
    (settings.home / "libraries").mkdir()
    (settings.home / "libraries" / "link").symlink_to(tmp_path / "mine")
    link = next(info for info in library_manager(settings).list_all() if info.name == "link")
    with pytest.raises(LibraryError, match="outside"):
        library_manager(settings).delete(link)
    assert (tmp_path / "mine" / "manifest.json").exists()


def test_a_folder_with_other_files_is_not_deleted(settings: Settings) -> None:
    info = library_manager(settings).create("mixed")
    (info.path / "thesis.pdf").write_text("my only copy")
    with pytest.raises(LibraryError, match=r"thesis\.pdf"):
        library_manager(settings).delete(info)
    assert (info.path / "thesis.pdf").read_text() == "my only copy"


@pytest.mark.parametrize(
    "name",
    ["", "   ", ".", "..", "../up", "a/b", "a\\b", "/etc", "~root", ".hidden", "end.", "nul", "COM1.txt", "a\0b", "a*",
     "a\nb", "x" * 81, "é" * 81, "日" * 80, "a\u202eb", "\ud800", "shipped", "Shipped Abstracts", "x.building", "c:"],
)  # fmt: skip
def test_names_that_cannot_be_used(settings: Settings, name: str) -> None:
    with pytest.raises(LibraryError):
        library_manager(settings).create(name)
    assert not (settings.home / "libraries").exists() or not list((settings.home / "libraries").iterdir())


def test_names_that_can_be_used() -> None:
    for name in ("a", "My papers, 2nd part", "深度学习", "v1.2", "x" * 80, "crab & shell's"):
        assert checked_name(name) == name
    assert checked_name(" e\u0301 ") == "é"


def test_a_name_is_taken_once(settings: Settings) -> None:
    service = library_manager(settings)
    one = service.create("Crabs")
    with pytest.raises(LibraryError, match="already"):
        service.create("crabs")
    other = service.create("Shells")
    with pytest.raises(LibraryError, match="already"):
        service.rename(other, "CRABS")
    assert service.rename(one, "crabs").name == "crabs"
    assert service.propose_name("Crabs") == "Crabs 2" and service.propose_name("New") == "New"


def test_a_copy_is_one_s_own(settings: Settings, tmp_path: Path) -> None:
    info = library_manager(settings).create("first")
    first = fill(settings, info.path, 20)
    copy = library_manager(settings).copy(info, "second")
    second = fill(settings, copy.path, 25)
    assert (open_library(first).count, open_library(second).count) == (20, 25)
    with change_library(second) as library:
        assert library.verify() == []
        vector = WordEncoder().encode(["On the matter number 24 of topic24"])[0]
        assert len({passage.paper_id for passage, _ in library.dense(vector, 60)}) == 25
    assert open_library(first).fingerprint != open_library(second).fingerprint


def test_readers_see_what_has_changed(settings: Settings) -> None:
    info = library_manager(settings).create("live")
    chosen = with_overrides(settings, library=info.path)
    before = open_library(chosen)
    assert before.count == 0 and open_library(chosen) is before
    fill(settings, info.path, 7)
    after = open_library(chosen)
    assert after.count == 7 and after is open_library(chosen)
    assert before.papers() is not None, "a question that began before the change is not cut off"
    for count in range(8, 18):
        fill(settings, info.path, count)
        assert open_library(chosen).count == count
    del before, after
    assert open_library(chosen).count == 17
    assert len(factory._LIBRARIES._alive[info.path]) == 1, "what nobody reads any more is closed"


def test_a_library_made_anew_under_an_old_name_is_the_new_one(settings: Settings) -> None:
    info = library_manager(settings).create("again")
    chosen = fill(settings, info.path, 9)
    vector = WordEncoder().encode(["On the matter number 3 of topic3"])[0]
    assert open_library(chosen).dense(vector, 1)
    library_manager(settings).delete(info)
    with pytest.raises(LibraryNotFound):
        open_library(chosen)
    fill(settings, library_manager(settings).create("again").path, 2)
    assert {passage.paper_id for passage, _ in open_library(chosen).dense(vector, 9)} == {"made00000", "made00001"}


def test_what_somebody_writes_to_is_left_alone(settings: Settings) -> None:
    info = library_manager(settings).create("busy")
    writer = subprocess.Popen(
        [sys.executable, "-c", "import sys, time; from pathlib import Path; "
         "from rag.library.storage.locking import WriterLock;"
         "lock = WriterLock(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)", str(info.path)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert writer.stdout is not None
    try:
        assert writer.stdout.readline() == "held\n"
        for act in (
            lambda: library_manager(settings).delete(info),
            lambda: library_manager(settings).rename(info, "other"),
            lambda: library_manager(settings).copy(info, "other"),
        ):
            with pytest.raises(LibraryLocked, match=str(writer.pid)):
                act()
        assert library_manager(settings).find(str(info.path)).name == "busy"
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()
    assert [info.name for info in library_manager(settings).list_all()] == [SHIPPED_NAME, "busy"]


def test_a_library_that_cannot_be_used_says_why(settings: Settings) -> None:
    info = library_manager(settings).create("broken")
    (info.path / "papers.sqlite").write_bytes(b"not a database " * 100)
    (info.path / "manifest.json").write_text("{")
    broken = library_manager(settings).find(str(info.path))
    assert "damaged" in broken.problem and not broken.is_writable
    library_manager(settings).delete(broken)
    with pytest.raises(LibraryError, match="has gone"):
        library_manager(settings).find(str(info.path))


def test_a_library_of_another_embedder_says_so(footnote_home: Path) -> None:
    settings = Settings(home=footnote_home, model="quote")
    Library.create(footnote_home / "libraries" / "other", embedder=WordEncoder().id).close()
    info = next(info for info in library_manager(settings).list_all() if info.name == "other")
    assert "words" in info.problem and embedder_id().name in info.problem
