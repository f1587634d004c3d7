"""Libraries that are read stay open; what nobody reads is closed; errors of SQLite are called what they are."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from rag.datatypes import PaperHit
from rag.errors import HistoryError, LibraryDamaged, LibraryError, LibraryLocked
from rag.evidence.ranking import rank_sentences
from rag.history.database import Database as HistoryDatabase
from rag.library import open_libraries
from rag.library.library import Library
from rag.library.open_libraries import OpenLibraries
from rag.library.read_once import ReadOnce
from rag.library.storage.locking import IndexFailure, storage_errors
from rag.questions.reading import understand
from rag.system.sqlite_trouble import Trouble, trouble_in, trouble_of
from tests.library_parts import WordEncoder, made_papers

ID = WordEncoder().id


def make(path: Path, count: int = 3) -> Path:
    with Library.create(path, embedder=ID) as library:
        library.add(made_papers(count), WordEncoder())
    return path


def add(path: Path, count: int) -> None:
    with Library.open(path, embedder=ID, read_only=False) as library:
        library.add(made_papers(count), WordEncoder())


def handles(path: Path) -> int:
    """How many files in ``path`` this process has open."""
    found = 0
    for one in Path("/proc/self/fd").iterdir():
        try:
            found += str(path) in str(one.readlink())
        except OSError:
            continue
    return found


def all_closed(path: Path) -> bool:
    """Whether this process has soon none open any more: Chroma closes its own a moment later."""
    until = time.monotonic() + 20
    while handles(path) and time.monotonic() < until:
        time.sleep(0.05)
    return handles(path) == 0


def ask(library: Library) -> None:
    assert library.lexical("topic1", 1)[0][0] == "made00001"
    assert library.dense(WordEncoder().encode(["topic1 matter"])[0], 3)
    assert library.papers()[1].id == "made00001"


def test_a_library_that_is_read_survives_what_is_opened_beside_it(tmp_path: Path) -> None:
    """Five others and five changes of its own; then a thousand more questions would still find it open."""
    opened, path = OpenLibraries(), make(tmp_path / "read")
    held = opened.get(path, ID)
    others = [make(tmp_path / f"other{i}") for i in range(open_libraries._KEPT + 2)]
    for i, other in enumerate(others):
        add(path, 4 + i)
        ask(opened.get(path, ID))
        ask(opened.get(other, ID))
        ask(held)
    assert held is not opened.get(path, ID)
    assert opened.get(path, ID).count == 3 + len(others)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files through /proc")
def test_threads_ask_while_others_are_opened_and_files_stay_few(tmp_path: Path) -> None:
    opened = OpenLibraries()
    paths = [make(tmp_path / f"library{i}") for i in range(6)]
    errors: list[BaseException] = []
    enough = threading.Event()
    counted: list[int] = []

    def read(start: int) -> None:
        at = start
        while not enough.is_set():
            try:
                library = opened.get(paths[at % len(paths)], ID)
                for _ in range(3):
                    ask(library)
                    time.sleep(0.002)
                del library
            except BaseException as error:  # whatever it is, the test fails with it
                errors.append(error)
                return
            at += 1

    threads = [threading.Thread(target=read, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for count in range(4, 14):
        for path in paths:
            add(path, count)
        counted.append(handles(tmp_path))
    enough.set()
    for thread in threads:
        thread.join(60)
    assert not errors
    opened.close_all()
    assert all_closed(tmp_path)
    # Four readers hold at most one each, beside the newest of six; a few files each.
    assert max(counted[5:]) <= max(counted[:5]) + 12, counted


def test_what_is_read_is_not_moved_away_under_its_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_libraries, "_PATIENCE_S", 0.3)
    opened, path = OpenLibraries(), make(tmp_path / "read")
    held = opened.get(path, ID)
    with pytest.raises(LibraryLocked, match=r"is being read.*try again"):
        opened.close(path)
    ask(held)
    threading.Timer(0.1, lambda: holders.clear()).start()
    holders = [held]
    del held
    opened.close(path)
    assert not Path("/proc/self/fd").is_dir() or all_closed(path)


def test_a_circle_of_references_is_no_reader(tmp_path: Path) -> None:
    opened, path = OpenLibraries(), make(tmp_path / "read")
    circle: list[object] = [opened.get(path, ID)]
    circle.append(circle)
    del circle
    opened.close(path)
    assert not Path("/proc/self/fd").is_dir() or all_closed(path)


def test_a_paper_that_is_deleted_meanwhile_costs_no_answer(tmp_path: Path) -> None:
    """Ranked, then deleted by somebody else, then asked for its sentences, then checked."""
    path = make(tmp_path / "library", 4)
    with Library.open(path, embedder=ID) as reader:
        hits = [PaperHit(paper, 1.0, 0.5, 1.0) for paper in reader.papers()]
        once = ReadOnce(reader)
        sentences, vectors = once.sentences("made00001"), once.sentence_vectors("made00001")
        with Library.open(path, embedder=ID, read_only=False) as writer:
            assert writer.remove(["made00001", "made00002"]) == 2
        assert once.sentences("made00001") == sentences and len(sentences) == len(vectors) > 0
        assert once.sentences("made00002") == () and once.sentence_vectors("made00002").shape == (0, ID.dimension)
        query = understand("What is the result of topic1?")
        ranked = rank_sentences(query, WordEncoder().encode([query.search])[0], hits, once)
        assert {one.paper_id for one in ranked.candidates} == {"made00000", "made00001", "made00003"}


# --- errors of SQLite ---


def error_of(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("some words, locked and readonly among them")
    error.sqlite_errorcode, error.sqlite_errorname = code, "SQLITE_SOME"
    return error


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (sqlite3.SQLITE_CORRUPT, LibraryDamaged, "is damaged"),
        (sqlite3.SQLITE_CORRUPT_INDEX, LibraryDamaged, "is damaged"),
        (sqlite3.SQLITE_NOTADB, LibraryDamaged, "is damaged"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, LibraryLocked, "is in use"),
        (sqlite3.SQLITE_LOCKED, LibraryLocked, "is in use"),
        (sqlite3.SQLITE_FULL, LibraryError, "no space left"),
        (sqlite3.SQLITE_READONLY_DBMOVED, LibraryError, "cannot be written to"),
        (sqlite3.SQLITE_PERM, LibraryError, "cannot be written to"),
        (sqlite3.SQLITE_CANTOPEN, LibraryError, "cannot be opened"),
        (sqlite3.SQLITE_IOERR_READ, LibraryError, "check the disk"),
        (sqlite3.SQLITE_ERROR, LibraryError, "could not be used"),
        (sqlite3.SQLITE_NOMEM, LibraryError, "could not be used"),
        (sqlite3.SQLITE_INTERRUPT, LibraryError, "could not be used"),
    ],
)
def test_an_error_is_called_what_its_code_says(code: int, kind: type[LibraryError], said: str, tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match=said) as found, storage_errors(tmp_path):
        raise error_of(code)
    assert type(found.value) is kind
    assert ("damaged" in str(found.value)) == (kind is LibraryDamaged)
    with pytest.raises(HistoryError) as said_of_history, HistoryDatabase(tmp_path / "x").errors():
        raise error_of(code)
    assert ("damaged" in str(said_of_history.value)) == (kind is LibraryDamaged)


def test_a_closed_connection_is_no_damage(tmp_path: Path) -> None:
    library = Library.open(make(tmp_path / "library"), embedder=ID)
    library.close()
    library.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        library.papers()


def test_real_errors_have_their_codes(tmp_path: Path) -> None:
    file = tmp_path / "x.sqlite"
    with closing(sqlite3.connect(file, timeout=0)) as one, closing(sqlite3.connect(file, timeout=0)) as two:
        one.execute("CREATE TABLE t (x)")
        one.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.Error) as busy:
            two.execute("BEGIN IMMEDIATE")
        assert trouble_of(busy.value) is Trouble.IN_USE
    file.write_bytes(b"no database" * 1000)
    with closing(sqlite3.connect(file)) as three, pytest.raises(sqlite3.Error) as damaged:
        three.execute("SELECT * FROM t")
    assert trouble_of(damaged.value) is Trouble.DAMAGED
    with pytest.raises(sqlite3.Error) as missing:
        sqlite3.connect(f"file:{tmp_path}/none?mode=rw", uri=True)
    assert trouble_of(missing.value) is Trouble.NOT_OPENED
    assert trouble_of(sqlite3.ProgrammingError("Cannot operate on a closed database.")) is None


def test_codes_that_chroma_quotes_are_read(tmp_path: Path) -> None:
    assert trouble_in("error returned from database: (code: 13) database or disk is full") is Trouble.FULL
    assert trouble_in("error returned from database: (code: 5) database is locked") is Trouble.IN_USE
    assert trouble_in("Nothing found on disk") is None
    with pytest.raises(LibraryError) as found, storage_errors(tmp_path):
        raise IndexFailure("Nothing found on disk")
    assert "damaged" not in str(found.value) and "papers are kept" in str(found.value)
