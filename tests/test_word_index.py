"""The word index takes changes one by one, and is what one made anew would be: after kills, and while it is read."""

from __future__ import annotations

import logging
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rag.datatypes import Paper
from rag.library.storage.papers import PaperStore
from rag.library.storage.words import merging, updating
from rag.library.storage.words.index import BM25Index
from rag.library.storage.words.segment import Segment, is_intact
from rag.library.storage.words.updating import find_word_problems, open_word_index, update_word_index
from rag.text.tokenization import stems
from tests.library_parts import shipped_papers

ROOT = Path(__file__).parent.parent
QUERIES = ("graph neural networks", "model", "learning to learn from a model of models", "unheardof", "52 σ crab")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[PaperStore]:
    with closing(PaperStore(tmp_path, 4, create=True)) as opened:
        yield opened


def put(store: PaperStore, papers: dict[str, str]) -> None:
    """Store papers with these texts, in one transaction."""
    with store.transaction():
        for one, text in papers.items():
            store.upsert_paper(Paper(one, "", text), "hash", ())


def assert_as_new(index: BM25Index, store: PaperStore) -> None:
    """The same ids, frequencies and scores, to the last bit, as of an index that is made from the texts."""
    new = BM25Index.build(store.texts())
    assert index.ids == new.ids == [one for one, _ in store.hashes()]
    assert index.vocabulary == new.vocabulary and index.vocabulary.most == new.vocabulary.most
    for query in QUERIES:
        terms = Counter(stems(query))
        assert index.document_frequencies(terms) == new.document_frequencies(terms)
        for k in (3, 1000):
            assert index.search(terms, k) == new.search(terms, k)
            assert index.search(terms, k, new.ids[::3]) == new.search(terms, k, new.ids[::3])


def bm25s_scores(texts: dict[str, str], query: str) -> dict[str, float]:
    """As the package ``bm25s`` scores."""
    import bm25s

    vocabulary = {"": 0}
    documents = [[vocabulary.setdefault(s, len(vocabulary)) for s in stems(text)] for text in texts.values()]
    index = bm25s.BM25(k1=1.5, b=0.75, method="lucene")
    index.index((documents, vocabulary), create_empty_token=False, show_progress=False)
    known = [vocabulary[s] for s in stems(query) if s in vocabulary]
    return {one: float(score) for one, score in zip(texts, index.get_scores_from_ids(known), strict=True) if score}


def test_scores_are_those_of_bm25s() -> None:
    texts = {paper.id: f"{paper.title}\n{paper.abstract}" for paper in shipped_papers()}
    index = BM25Index.build(texts.items())
    for query in QUERIES[:3]:
        assert dict(index.search(Counter(stems(query)), 10_000)) == pytest.approx(bm25s_scores(texts, query), rel=1e-6)
    for word in ("model", "graph"):  # of one term: the same bits
        assert dict(index.search({word: 1.0}, 10_000)) == bm25s_scores(texts, word)


@pytest.mark.parametrize("seed", range(2))
def test_any_row_of_changes_gives_what_is_made_anew(
    store: PaperStore, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "MOST_PAPERS", 100)
    monkeypatch.setattr(merging, "_FULL", 50)
    chance = random.Random(seed)
    texts = [paper.abstract for paper in shipped_papers()] + ["", "σ-algebra Łódź 13,8,8", "的的 crab crab"]
    for step in range(40):
        ids = [one for one, _ in store.hashes()]
        put(store, {f"p{chance.randrange(400)}": chance.choice(texts) for _ in range(chance.randrange(14))})
        with store.transaction():
            store.delete(chance.sample(ids, min(len(ids), chance.randrange(8))))
        if step % 7 == 3:
            assert_as_new(open_word_index(tmp_path, store), store)  # what changed is added in memory
        update_word_index(tmp_path, store)
        sizes = [one.segment.papers for one in open_word_index(tmp_path, store).parts]
        assert store.words.changes() == 0 and all(size <= 100 for size in sizes) and len(sizes) < 30
        assert {file.name for file in (tmp_path / "bm25").iterdir()} == {name for name, _ in store.words.segments()}
        if step % 7 == 0 or step == 39:
            assert_as_new(open_word_index(tmp_path, store), store)
            assert find_word_problems(tmp_path, store) == []


def test_ten_more_leave_the_others_alone(store: PaperStore, tmp_path: Path) -> None:
    papers = {paper.id: paper.abstract for paper in shipped_papers()}
    put(store, papers)
    update_word_index(tmp_path, store)
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "bm25").iterdir()}
    put(store, {f"new{number}": "a crab" for number in range(10)} | {next(iter(papers)): "another crab"})
    assert update_word_index(tmp_path, store) and not update_word_index(tmp_path, store)

    after = {file: file.stat().st_mtime_ns for file in (tmp_path / "bm25").iterdir()}
    assert before.items() <= after.items() and len(after) == len(before) + 1
    assert sum(len(dead) for _, dead in store.words.segments()) == 1
    assert open_word_index(tmp_path, store).document_frequencies(["crab"]) == {"crab": 11}


def test_what_changes_no_text_changes_no_word(store: PaperStore) -> None:
    put(store, {"a": "one", "b": "two"})
    with store.transaction():
        store.words.replace([], ["a", "b"])
        store.upsert_paper(Paper("a", "", "one", venue="elsewhere"), "another hash", ())
    assert store.words.changes() == 0
    with closing(sqlite3.connect(store.database.rows("PRAGMA database_list")[0][2])) as other, other:
        other.execute("UPDATE papers SET id = 'c' WHERE id = 'a'")  # whoever writes
        other.execute("UPDATE papers SET title = 'B' WHERE id = 'b'")
    assert store.words.changed(9) == ["a", "b", "c"]


def test_counts_are_kept_and_hashes_are_read_without_the_papers(store: PaperStore) -> None:
    with store.transaction():
        for number in range(5):
            store.upsert_paper(Paper(f"p{number}", "", "A text. And another."), "hash", ())
    store.database.execute("UPDATE papers SET passages = '[1, 2]', sentences = '[1, 2, 3]'")
    store.database.execute("UPDATE papers SET passages = '[1]' WHERE id = 'p3'")
    with store.transaction():
        store.delete(["p0"])
    assert store.counts() == store.recount() == (4, 7, 12)
    plan = store.database.rows("EXPLAIN QUERY PLAN SELECT id, hash FROM papers ORDER BY id")
    assert [row[3] for row in plan] == ["SCAN papers USING COVERING INDEX papers_hashes"]
    store.database.run_script(
        "DROP TABLE totals; DROP TRIGGER totals_insert; DROP TRIGGER totals_update; DROP TRIGGER totals_delete;"
        "DROP INDEX papers_hashes;"
    )
    assert store.counts() == (4, 7, 12)
    store.create_totals()
    assert store.counts() == store.recount() == (4, 7, 12)


def test_a_library_of_an_older_program(store: PaperStore, tmp_path: Path) -> None:
    put(store, {paper.id: paper.abstract for paper in shipped_papers()[:50]})
    store.database.run_script(
        "DROP TABLE word_segments; DROP TABLE word_changes; DROP TRIGGER word_changes_insert;"
        "DROP TRIGGER word_changes_update; DROP TRIGGER word_changes_delete;"
    )
    (tmp_path / "bm25" / "7-abc").mkdir(parents=True)
    assert find_word_problems(tmp_path, store) == []
    assert_as_new(open_word_index(tmp_path, store), store)
    store.words.create()
    assert_as_new(open_word_index(tmp_path, store), store)
    update_word_index(tmp_path, store)
    assert_as_new(open_word_index(tmp_path, store), store)
    assert not (tmp_path / "bm25" / "7-abc").exists() and store.words.changes() == 0


@pytest.mark.parametrize("damage", ["gone", "empty", "short", "other", "rows"])
def test_a_damaged_file_is_told_and_made_again(
    store: PaperStore, tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    put(store, {paper.id: paper.abstract for paper in shipped_papers()[:50]})
    update_word_index(tmp_path, store)
    [file] = (tmp_path / "bm25").iterdir()
    content = file.read_bytes()
    if damage == "gone":
        file.unlink()
    elif damage == "rows":
        store.database.execute("UPDATE word_segments SET deleted = ?", (b"\xff\xff",))
    else:
        file.write_bytes({"empty": b"", "short": content[:-9], "other": b"\x08" + 999 * b"{"}[damage])
    with caplog.at_level(logging.WARNING):
        assert_as_new(open_word_index(tmp_path, store), store)
    assert "word index" in caplog.text and "word index" in find_word_problems(tmp_path, store)[0]
    assert update_word_index(tmp_path, store, least=0)
    assert find_word_problems(tmp_path, store) == []
    assert_as_new(open_word_index(tmp_path, store), store)


def test_a_changed_byte_and_a_forgotten_paper_are_found(store: PaperStore, tmp_path: Path) -> None:
    put(store, {paper.id: paper.abstract for paper in shipped_papers()[:50]})
    update_word_index(tmp_path, store)
    [file] = (tmp_path / "bm25").iterdir()
    content = file.read_bytes()
    file.write_bytes(content[:-5] + bytes([content[-5] ^ 1]) + content[-4:])
    assert not is_intact(file.parent, file.name)
    assert "damaged" in find_word_problems(tmp_path, store)[0]
    file.write_bytes(content)
    store.database.execute("UPDATE word_segments SET deleted = ?", (b"\x03\x00",))
    assert "other papers" in find_word_problems(tmp_path, store)[0]


def test_a_file_that_a_writer_replaces_meanwhile_is_looked_for_again(
    store: PaperStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, {"a": "a crab", "b": "two"})
    update_word_index(tmp_path, store)
    load, calls = Segment.load, []

    def late(folder: Path, name: str) -> Segment:
        calls.append(name)
        if len(calls) == 1:
            put(store, {"a": "a lobster", "b": "two crabs"})
            monkeypatch.setattr(updating.Segment, "load", load)
            update_word_index(tmp_path, store)
            monkeypatch.setattr(updating.Segment, "load", late)
        return load(folder, name)

    monkeypatch.setattr(updating.Segment, "load", late)
    index = open_word_index(tmp_path, store)
    assert len(calls) == 2 and calls[0] != calls[1]
    assert [one for one, _ in index.search({"crab": 1.0}, 5)] == ["b"]


def test_many_equal_scores_are_ordered_by_id() -> None:
    thirds = [BM25Index.build((f"p{number:02d}", "a crab") for number in range(rest, 30, 3)) for rest in range(3)]
    index = BM25Index([part for third in thirds for part in third.parts])
    assert [one for one, _ in index.search({"crab": 1.0}, 7)] == [f"p{number:02d}" for number in range(7)]


# --- kills, and readers in other processes ---

WRITER = """
import os, signal, sys
from pathlib import Path
from rag.datatypes import Paper
from rag.library.storage.papers import PaperStore
from rag.library.storage.words import listing, segment, updating
from tests.test_word_index import word_of

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def dying_after(function):
    def wrapped(*arguments):
        function(*arguments)
        die()
    return wrapped

path, point = Path(sys.argv[1]), sys.argv[2]
store = PaperStore(path, 4)
if point == "before the file":
    segment.os.fsync = die
elif point == "before the list":
    listing.WordListing.replace = die
elif point == "in the transaction":
    listing.WordListing.replace = dying_after(listing.WordListing.replace)
elif point == "before deleting":
    updating._delete_others = die
for version in range(1, 40):
    with store.transaction():
        for one in ("first", "second", f"paper{version}"):
            store.upsert_paper(Paper(one, "", "a crab " + word_of(version)), "hash", ())
        store.delete([f"paper{version - 3}"])
    if point == "writing" or version % 9 == 0:
        updating.update_word_index(path, store)
"""
READER = """
import sys, time
from pathlib import Path
from rag.library.storage.papers import PaperStore
from rag.library.storage.words.updating import open_word_index
from tests.test_word_index import assert_whole

path, opened, seen = Path(sys.argv[1]), 0, set()
store = PaperStore(path, 4)
end = time.monotonic() + 100
while max(seen, default=0) < 39 and time.monotonic() < end:
    seen.add(assert_whole(open_word_index(path, store)))
    opened += 1
print(opened, len(seen), max(seen))
"""


def word_of(version: int) -> str:
    """A word that only the papers of one version have."""
    return f"q{chr(97 + version // 26)}{chr(97 + version % 26)}q"


def assert_whole(index: BM25Index) -> int:
    """Whichever version it is, which is returned: all its papers have its words, and no paper has another's."""
    frequencies = index.document_frequencies(word_of(version) for version in range(1, 40))
    found = list(frequencies.values())
    version = found.index(3) + 1 if 3 in found else 0
    assert found == [3 if n == version else 1 if version - 3 < n < version else 0 for n in range(1, 40)], found
    assert len(index.search({"crab": 1.0}, 99)) == len(index.ids) == sum(found)
    return version


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


@pytest.mark.parametrize("point", ["before the file", "before the list", "in the transaction", "before deleting"])
def test_a_killed_writer_leaves_an_index_that_is_right(store: PaperStore, tmp_path: Path, point: str) -> None:
    for _ in range(2):  # what it left is where the next one begins
        writer = start(WRITER, tmp_path, point)
        said = writer.communicate(timeout=120)[1]
        assert writer.returncode == -9, said
        assert assert_whole(open_word_index(tmp_path, store)) == 9
        assert_as_new(open_word_index(tmp_path, store), store)
        assert find_word_problems(tmp_path, store) == []
        with store.transaction():
            store.delete([one for one, _ in store.hashes()])
    update_word_index(tmp_path, store, least=0)
    assert store.words.changes() == 0 and open_word_index(tmp_path, store).ids == []
    assert list((tmp_path / "bm25").iterdir()) == []


def test_readers_see_whole_versions_while_another_process_writes(store: PaperStore, tmp_path: Path) -> None:
    readers = [start(READER, tmp_path) for _ in range(2)]
    writer = start(WRITER, tmp_path, "writing")
    assert writer.wait(timeout=120) == 0, writer.communicate()
    for reader in readers:
        told, said = reader.communicate(timeout=120)
        assert reader.returncode == 0, said
        assert int(told.split()[2]) == 39
    assert find_word_problems(tmp_path, store) == []
    assert_as_new(open_word_index(tmp_path, store), store)
