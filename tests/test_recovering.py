"""Nothing deletes papers: libraries without a manifest, half-made ones, and folders with something else in them."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rag import factory
from rag.config import Settings
from rag.errors import LibraryDamaged, LibraryError, LibraryMismatch, LibraryNotFound
from rag.factory import library_manager
from rag.library import shipped
from rag.library.library import EmbedderId, Library
from rag.library.manager import LibraryManager
from rag.library.storage.papers import PaperStore
from rag.library.storage.recovering import load_manifest
from tests.cli_parts import footnote
from tests.library_parts import REAL, WordEncoder, forget_what_made_it, made_papers

ID = WordEncoder().id
DAMAGED = [None, b"", b"{", b"[]", b'{"format": 1}', b"\xff\xfe", b'{"format": 1, "embedder": {"name": "words"}}']


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    factory.close_all()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A library of seven papers."""
    with Library.create(tmp_path / "library", embedder=ID) as library:
        library.add(made_papers(7), WordEncoder())
    return tmp_path / "library"


def damage(path: Path, content: bytes | None) -> None:
    if content is None:
        (path / "manifest.json").unlink()
    else:
        (path / "manifest.json").write_bytes(content)


def contents(path: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in path.rglob("*") if file.is_file() and file.name[0] != "."}


# --- without a manifest ---


@pytest.mark.parametrize("content", DAMAGED)
def test_a_manifest_that_is_gone_is_derived_from_the_database(path: Path, content: bytes | None) -> None:
    with Library.open(path, embedder=ID) as library:
        papers, fingerprint = library.papers(), library.fingerprint
    damage(path, content)
    assert Library.exists(path)
    with Library.open(path, embedder=ID) as reader:
        assert (reader.count, reader.papers(), reader.fingerprint) == (7, papers, fingerprint)
        assert reader.lexical("topic3", 1)[0][0] == "made00003"
        assert reader.dense(WordEncoder().encode([papers[3].abstract])[0], 1)[0][0].paper_id == "made00003"
    with Library.open(path, embedder=ID, read_only=False) as writer:
        assert writer.add(made_papers(10), WordEncoder()).added == 3
        assert writer.verify() == []
    assert load_manifest(path).papers == 10
    with Library.open(path, embedder=ID) as reader:
        assert reader.papers()[:7] == papers and reader.verify() == []


def test_import_adds_to_a_library_without_a_manifest(tmp_path: Path) -> None:
    """Seven papers and three more are ten, whatever happened to the manifest."""
    one, two, target = tmp_path / "one.csv", tmp_path / "two.csv", tmp_path / "library"
    rows = [f"Owls number {i},Owl {i} sleeps for {i + 3} hours in the {i}th wood.,20{i:02}" for i in range(10)]
    one.write_text("\n".join(["title,abstract,year", *rows[:7]]), encoding="utf-8")
    two.write_text("\n".join(["title,abstract,year", *rows[7:]]), encoding="utf-8")
    footnote("import", str(one), "--library", str(target), home=tmp_path)
    (target / "manifest.json").unlink()
    assert "the library holds 10 papers" in footnote("import", str(two), "--library", str(target), home=tmp_path).stdout


@pytest.mark.parametrize("content", DAMAGED)
def test_where_the_encoder_is_not_known_nothing_is_touched(path: Path, content: bytes | None) -> None:
    forget_what_made_it(path)
    damage(path, content)
    before = contents(path)
    for act in (
        lambda: Library.open(path, embedder=ID),
        lambda: Library.open(path, embedder=ID, read_only=False),
        lambda: Library.create(path, embedder=ID),
    ):
        with pytest.raises(LibraryError):
            act()
    with pytest.raises(LibraryError, match=r"7 papers .* Nothing was changed: put the manifest back from a backup"):
        Library.open(path, embedder=ID)
    assert contents(path) == before


def test_a_library_of_an_older_program_learns_what_made_it(path: Path) -> None:
    forget_what_made_it(path)
    with Library.open(path, embedder=ID) as reader:
        assert reader.count == 7
    Library.open(path, embedder=ID, read_only=False).close()
    (path / "manifest.json").unlink()
    with Library.open(path, embedder=ID) as reader:
        assert reader.count == 7 and reader.embedder == ID


def test_the_manifest_of_another_library_does_not_pass_for_this_one_s(path: Path, tmp_path: Path) -> None:
    other = EmbedderId("other", "1" * 64, ID.dimension)
    Library.create(tmp_path / "other", embedder=other).close()
    shutil.copy(tmp_path / "other" / "manifest.json", path / "manifest.json")
    for embedder in (ID, other):
        with pytest.raises(LibraryMismatch):
            Library.open(path, embedder=embedder)


def test_a_library_without_a_manifest_is_listed(path: Path, tmp_path: Path) -> None:
    (path / "manifest.json").unlink()
    manager = LibraryManager(tmp_path, tmp_path / "started", ID, lambda path: None)
    info = next(info for info in manager.list_all() if info.name == "library")
    assert (info.papers, info.problem) == (7, "")


# --- making room for a new library ---


def foreign_database(path: Path) -> None:
    with closing(sqlite3.connect(path / "papers.sqlite")) as db:
        db.execute("CREATE TABLE theirs (x)")


def old_papers(path: Path) -> None:
    with Library.create(path, embedder=ID) as library:
        library.add(made_papers(2), WordEncoder())
    (path / "manifest.json").unlink()
    forget_what_made_it(path)


@pytest.mark.parametrize(
    "put",
    [
        foreign_database,
        old_papers,
        lambda path: (path / "papers.sqlite").write_bytes(b"half"),
        lambda path: (path / "chroma").mkdir(),
        lambda path: (path / "bm25").mkdir(),
        lambda path: (path / "map.json").write_text("theirs"),
        lambda path: (path / "papers.sqlite").mkdir(),
    ],
    ids=["another database", "old papers", "unreadable", "chroma", "bm25", "map", "folder"],
)
def test_creating_deletes_nothing_that_may_be_somebody_s(tmp_path: Path, put) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "folder"
    folder.mkdir()
    put(folder)
    names, before = sorted(one.name for one in folder.iterdir()), contents(folder)
    with pytest.raises(LibraryError):
        Library.create(folder, embedder=ID)
    with pytest.raises(LibraryError):
        Library.open(folder, embedder=ID, read_only=False)
    assert sorted(one.name for one in folder.iterdir() if one.name != ".lock") == [n for n in names if n != ".lock"]
    assert contents(folder) == before


def test_a_creation_killed_between_two_steps_is_no_library(tmp_path: Path) -> None:
    store = PaperStore(tmp_path, ID.dimension, create=True)
    store.close()
    assert not Library.exists(tmp_path)
    with pytest.raises(LibraryNotFound):
        Library.open(tmp_path, embedder=ID)
    store = PaperStore(tmp_path, ID.dimension)
    store.remember_made_with(ID, "1")
    store.close()
    assert Library.exists(tmp_path)
    with Library.open(tmp_path, embedder=ID, read_only=False) as library:
        assert library.count == 0 and library.add(made_papers(1), WordEncoder()).added == 1


@pytest.mark.parametrize("content", [b"", b"no database" * 200, None])
def test_a_lost_database_is_not_made_anew_in_silence(path: Path, content: bytes | None) -> None:
    (path / "papers.sqlite").unlink()
    if content is not None:
        (path / "papers.sqlite").write_bytes(content)
    with pytest.raises(LibraryError):
        Library.open(path, embedder=ID, read_only=False)
    with pytest.raises(LibraryError):
        Library.create(path, embedder=ID)
    assert content is None or (path / "papers.sqlite").read_bytes() == content


# --- the shipped library, copies and deletions ---


def test_what_is_built_is_deleted_only_where_it_is_of_no_use(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full, a lock, a missing permission are no reason to begin anew."""
    building = path.with_name("building")
    Library.create(building, embedder=REAL).close()
    for kind in (LibraryError, LibraryDamaged):

        def fail(*_: object, kind: type[LibraryError] = kind, **__: object) -> Library:
            raise kind("no")

        with monkeypatch.context() as patch:
            patch.setattr(Library, "open", fail)
            (building / "thesis.tex").touch()
            with pytest.raises(LibraryError):
                shipped._build(building, REAL, WordEncoder, None)  # type: ignore[arg-type]
        assert (building / "papers.sqlite").exists() and (building / "thesis.tex").exists()


def test_what_a_killed_copy_or_deletion_left_goes_with_the_next(footnote_home: Path) -> None:
    settings = Settings(home=footnote_home, model="quote")
    manager = library_manager(settings)
    info = manager.create("kept")
    folder = footnote_home / "libraries"
    for name in (f".{'a' * 32}.building", f".{'b' * 32}.deleted"):
        shutil.copytree(info.path, folder / name)
    (folder / ".mine").mkdir()
    manager.copy(info, "copied")
    assert sorted(one.name for one in folder.iterdir()) == [".mine", "copied", "kept"]


def test_a_file_that_a_killed_drawing_left_hinders_no_deletion(footnote_home: Path) -> None:
    manager = library_manager(Settings(home=footnote_home, model="quote"))
    info = manager.create("drawn")
    (info.path / ".map.json.123.tmp").touch()
    assert Library.foreign_files(info.path) == []
    Library.open(info.path, embedder=REAL, read_only=False).close()
    assert not (info.path / ".map.json.123.tmp").exists()
    (info.path / ".map.json.124.tmp").touch()
    manager.delete(info)
    assert not info.path.exists()
