"""A library that is read and never written to: by a setting, and on a disk where nothing can be written."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag import factory
from rag.config import load_settings
from rag.errors import LibraryError, LibraryReadOnly
from rag.library.library import Library, PaperFilter
from rag.library.storage import exact_search
from rag.library.storage.papers import PaperStore
from rag.survey.library_map import library_map
from rag.system.offline import Attempt
from tests.cli_parts import MOTHS, SNOW, WILLING, footnote, write_lines
from tests.library_parts import WordEncoder, made_papers

ID = WordEncoder().id
QUESTIONS = ("topic17 matter", "topic5", "word3x1 word4x2 matter", "nothing of it")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Library.create(tmp_path / "library", embedder=ID) as library:
        library.add(made_papers(300), WordEncoder())
    return tmp_path / "library"


@pytest.fixture(scope="module", autouse=True)
def closed() -> Iterator[None]:
    yield
    factory.close_all()


def content(folder: Path) -> dict[str, tuple[str, int]]:
    """What every file holds and when it was last written, folders too."""
    return {
        str(file): (hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "", file.stat().st_mtime_ns)
        for file in (folder, *folder.rglob("*"))
    }


def scores(library: Library) -> list[float]:
    """Of the nearest passages: Chroma rounds otherwise than the exact search, and so orders what is equally near."""
    encoder = WordEncoder()
    return [score for one in QUESTIONS for _, score in library.dense(encoder.encode([one])[0], 20)]


def found(library: Library) -> list[object]:
    """What is found by words, and what is known of the library."""
    return [[library.lexical(one, 20) for one in QUESTIONS], library.count, library.fingerprint]


WITH_TEXT = PaperFilter(text="topic")


def test_the_same_is_found_and_nothing_is_written(path: Path) -> None:
    with Library.open(path, embedder=ID) as library:
        expected, near = found(library), scores(library)
    before = content(path)
    with Library.open(path, embedder=ID, untouched=True) as library:
        assert found(library) == expected and scores(library) == pytest.approx(near, abs=1e-3)
        assert library_map(library).ids and library.verify() == []
        assert library.facets() and library.page(WITH_TEXT, "title").total == 300
        with pytest.raises(LibraryError, match="Chroma needs to write"):
            library.vectorstore(WordEncoder())
    assert content(path) == before


def test_an_exact_search_sees_what_another_connection_commits(path: Path) -> None:
    encoder = WordEncoder()
    with Library.open(path, embedder=ID, untouched=True) as reader:
        nearest = reader.dense(encoder.encode(["topic17 matter"])[0], 1)[0][0].paper_id
        with Library.open(path, embedder=ID, read_only=False) as writer:
            writer.remove([nearest])
        assert nearest not in {p.paper_id for p, _ in reader.dense(encoder.encode(["topic17 matter"])[0], 300)}


def test_vectors_that_would_not_fit_into_memory_are_read_each_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Library.open(path, embedder=ID, untouched=True) as library:
        kept = scores(library)
    monkeypatch.setattr(exact_search, "_MOST", 10)
    with Library.open(path, embedder=ID, untouched=True) as library:
        assert scores(library) == pytest.approx(kept, abs=1e-3)


def test_equal_scores_are_ordered_by_id_at_the_cut(tmp_path: Path) -> None:
    with Library.create(tmp_path / "same", embedder=ID) as library:
        library.add(made_papers(40), WordEncoder())
    store = PaperStore(tmp_path / "same", ID.dimension)
    blob = store.database.rows("SELECT vectors FROM papers ORDER BY id LIMIT 1")[0][0]
    store.database.execute("UPDATE papers SET vectors = ?", (blob,))
    vector = WordEncoder().encode(["topic1"])[0]
    hits = exact_search.ExactSearch(store).search(vector, 7)
    assert len({one.score for one in hits}) == 1
    number = hits[0].passage_id.rpartition("#")[2]
    assert [one.passage_id for one in hits] == [f"made{at:05}#{number}" for at in range(7)]
    assert exact_search.ExactSearch(store).search(vector, 0) == []
    store.close()


def test_what_a_killed_writer_left_half_done_is_told(path: Path) -> None:
    """The journal of a transaction lies beside the database: it can be rolled back by writing only."""
    killed = """
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA cache_size = 1")
db.execute("BEGIN IMMEDIATE")
db.execute("UPDATE papers SET title = title || ' changed, and long enough to be written before the end' || hash")
os._exit(9)
"""
    subprocess.run([sys.executable, "-c", killed, str(path / "papers.sqlite")], check=False)
    if not (path / "papers.sqlite-journal").exists():
        pytest.skip("this SQLite kept all changes in memory")
    before = content(path)
    with pytest.raises(LibraryError, match=r"killed.*once without --read-only.*footnote doctor"):
        Library.open(path, embedder=ID, untouched=True).papers()
    assert content(path) == before
    with Library.open(path, embedder=ID) as library:
        assert not any("changed" in paper.title for paper in library.papers())
    with Library.open(path, embedder=ID, untouched=True) as library:
        assert library.count == 300


MOUNTED = """
import os, subprocess, sys
from pathlib import Path
from rag.library.library import Library
from tests.library_parts import WordEncoder
from tests.test_read_only import ID, found, scores
path = Path(sys.argv[1])
subprocess.run(["mount", "--bind", path, path], check=True)
subprocess.run(["mount", "-o", "remount,ro,bind", path], check=True)
try:
    (path / "written").write_text("")
except OSError:
    print("mounted", flush=True)
for untouched in (False, True):
    with Library.open(path, embedder=ID, untouched=untouched) as library:
        print(found(library), len(scores(library)))
"""


def test_a_disk_that_is_mounted_for_reading(path: Path) -> None:
    prefix = ("unshare", "--map-root-user", "--mount")
    if not shutil.which("unshare") or subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode:
        pytest.skip("may not mount")
    with Library.open(path, embedder=ID) as library:
        expected = f"{found(library)} {len(scores(library))}"
    root = str(Path(__file__).parent.parent)
    done = subprocess.run(
        [*prefix, sys.executable, "-c", MOUNTED, str(path)],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": root},
    )  # fmt: skip
    if "mounted" not in done.stdout:
        pytest.skip("may not mount")
    assert done.stdout.splitlines() == ["mounted", expected, expected], done.stderr


def test_commands_read_and_refuse_to_write(tmp_path: Path, footnote_home: Path, outbound: list[Attempt]) -> None:
    papers, library = write_lines(tmp_path / "papers.jsonl", MOTHS, SNOW), tmp_path / "library"
    footnote("import", papers, "--library", library)
    before = content(library)
    question = "How many of the moths does the microphone array find?"
    asked = footnote("ask", question, "--model", "quote", "--library", library, "--read-only", **WILLING).stdout
    assert "93%" in asked
    searched = footnote("search", "moths", "--library", library, "--read-only").stdout
    assert searched == footnote("search", "moths", "--library", library, FOOTNOTE_READ_ONLY="yes").stdout
    for command in (("import", papers), ("doctor", "--repair"), ("merges", "--undo", "x"), ("retractions", papers)):
        said = footnote(*command, "--library", library, code=1, FOOTNOTE_READ_ONLY="1")
        assert "started read-only" in said.stderr + said.stdout, command
    assert content(library) == before
    outbound.clear()  # the doctor's self-test tries to leave


def test_the_shipped_library_is_not_built_where_nothing_may_be_written(footnote_home: Path) -> None:
    settings = load_settings(read_only=True)
    with pytest.raises(LibraryReadOnly, match="read-only"):
        factory.open_library(settings)
    assert not Library.exists(settings.library_path)


def test_what_changes_a_library_asks_first(path: Path, footnote_home: Path) -> None:
    settings = load_settings(library=path, read_only=True)
    with pytest.raises(LibraryReadOnly), factory.change_library(settings):
        pass
    assert sqlite3.connect(path / "papers.sqlite").execute("SELECT count(*) FROM papers").fetchone() == (300,)
