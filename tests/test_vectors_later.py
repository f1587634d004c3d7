"""Records and words first, vectors afterwards: what a library is and finds at 0 %, some and all of its vectors."""

from __future__ import annotations

import filecmp
import json
import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rag.errors import LibraryLocked
from rag.library.ahead import Ahead
from rag.library.background import BackgroundVectors
from rag.library.embedding import at_work, compute_vectors
from rag.library.library import Library
from rag.library.storage import locking
from rag.retrieval.related import related
from rag.retrieval.retrievers.fusion import FusedHit, fuse
from tests.library_parts import WordEncoder, made_papers

PAPERS = tuple(made_papers(300))
QUERIES = ("topic7 in the 7th field", "word150x3 word150x4", "the result of 100", "topic299 topic3")


def imported(path: Path, later: bool) -> WordEncoder:
    encoder = WordEncoder()
    with Library.create(path, embedder=encoder.id) as library:
        library.add(PAPERS, encoder, later=later)
    return encoder


def opened(path: Path, read_only: bool = True) -> Library:
    return Library.open(path, embedder=WordEncoder().id, read_only=read_only)


def embed(path: Path, papers: int) -> None:
    """The vectors of so many papers, in the batches of an import."""
    with opened(path, read_only=False) as library:
        while papers > 0:
            papers -= library.embed(WordEncoder(), min(papers, 128))


def compute(path: Path, encoder: WordEncoder, stop: threading.Event | None = None, **options: Any) -> bool:
    return compute_vectors(path, encoder.id, lambda: encoder, stop or threading.Event(), **options)


def found(library: Library, k: int = 10) -> list[list[FusedHit]]:
    return [fuse(library, query, WordEncoder().encode([query])[0], k) for query in QUERIES]


def ids(library: Library) -> list[list[str]]:
    return [[hit.passage.paper_id for hit in hits] for hits in found(library)]


def test_an_import_without_vectors_embeds_nothing_and_is_whole(tmp_path: Path) -> None:
    encoder = imported(tmp_path / "a", later=True)
    assert not encoder.embedded
    with opened(tmp_path / "a") as library:
        assert library.count == library.without_vectors == len(PAPERS)
        assert library.verify() == []
        assert library.mean_vectors()[0] == []
        assert library.dense(encoder.encode(["topic7"])[0], 5) == []
        assert related(library, PAPERS[3].id) == []
        assert [one[0] for one in library.lexical("topic7", 1)] == [PAPERS[7].id]
        assert [s.text for s in library.sentences(PAPERS[7].id)] and library.passages(PAPERS[7].id)


def test_words_alone_find_and_rank_without_vectors(tmp_path: Path) -> None:
    imported(tmp_path / "a", later=True)
    with opened(tmp_path / "a") as library:
        hits = found(library)
        assert [hits[0][0].passage.paper_id, hits[1][0].passage.paper_id] == [PAPERS[7].id, PAPERS[150].id]
        assert all(hit.dense is None for one in hits for hit in one)
        assert [[h.score for h in one] for one in hits] == [
            sorted((h.score for h in one), reverse=True) for one in hits
        ]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_a_question_pulls_the_vectors_of_its_papers_forward_and_stores_none(tmp_path: Path, share: float) -> None:
    imported(tmp_path / "a", later=True)
    embed(tmp_path / "a", round(share * len(PAPERS)))
    encoder = WordEncoder()
    with opened(tmp_path / "a") as library:
        library.ahead = Ahead(lambda: encoder)
        before = library.without_vectors
        hits = found(library)
        assert all(hit.dense is not None for one in hits for hit in one)
        assert library.without_vectors == before
        assert len(encoder.embedded) == len(set(encoder.embedded)) <= before
        once = len(encoder.embedded)
        assert found(library) == hits
        assert len(encoder.embedded) == once  # known by now
        assert library.verify() == []


def test_with_all_vectors_the_files_and_the_results_are_those_of_an_import_that_embeds(tmp_path: Path) -> None:
    imported(tmp_path / "a", later=True)
    with opened(tmp_path / "a") as library:  # a question before that
        library.ahead = Ahead(WordEncoder)
        found(library)
    embed(tmp_path / "a", len(PAPERS))
    imported(tmp_path / "b", later=False)
    with opened(tmp_path / "a") as one, opened(tmp_path / "b") as other:
        assert one.without_vectors == 0
        assert one.fingerprint == other.fingerprint
        assert found(one, 50) == found(other, 50)
        assert one.verify() == other.verify() == []
        assert [e.vectors.tobytes() for e in one.entries([p.id for p in PAPERS]).values()] == [
            e.vectors.tobytes() for e in other.entries([p.id for p in PAPERS]).values()
        ]
    with opened(tmp_path / "a", read_only=False) as one, opened(tmp_path / "b", read_only=False) as other:
        assert one.verify() == other.verify() == []
    first, second = (tmp_path / name / "manifest.json" for name in "ab")
    same = {line for line in first.read_text().splitlines() if "revision" not in line}
    assert same == {line for line in second.read_text().splitlines() if "revision" not in line}
    assert not filecmp.cmp(first, second, shallow=False)  # revisions count transactions


def test_some_vectors_are_searched_and_the_rest_by_words(tmp_path: Path) -> None:
    imported(tmp_path / "a", later=True)
    embed(tmp_path / "a", 150)
    with opened(tmp_path / "a") as library:
        assert library.without_vectors == 150
        assert library.verify() == []
        vector = WordEncoder().encode([f"{PAPERS[5].title} {PAPERS[5].abstract}"])[0]
        assert library.dense(vector, 1)[0][0].paper_id == PAPERS[5].id
        assert len(library.mean_vectors()[0]) == 150
        assert ids(library)[1][0] == PAPERS[150].id  # has none


def test_a_reader_sees_vectors_that_come_while_it_has_the_library_open(tmp_path: Path) -> None:
    imported(tmp_path / "a", later=True)
    vector = WordEncoder().encode([f"{PAPERS[5].title} {PAPERS[5].abstract}"])[0]
    with opened(tmp_path / "a") as library:
        assert library.dense(vector, 1) == []
        embed(tmp_path / "a", 128)
        assert library.dense(vector, 1)[0][0].paper_id == PAPERS[5].id
        assert library.without_vectors == len(PAPERS) - 128


def test_papers_without_vectors_are_removed_and_updated(tmp_path: Path) -> None:
    imported(tmp_path / "a", later=True)
    embed(tmp_path / "a", 150)
    changed = [replace(PAPERS[i], abstract=f"Entirely novel{i} text.") for i in (3, 200)]
    with opened(tmp_path / "a", read_only=False) as library:
        assert library.remove([PAPERS[4].id, PAPERS[201].id]) == 2
        assert library.add(changed, WordEncoder(), later=True).updated == 2
        assert library.without_vectors == 150 - 1 + 1
        assert library.verify() == []
        assert [one[0] for one in library.lexical("novel3", 1)] == [PAPERS[3].id]
        vector = WordEncoder().encode([f"{PAPERS[3].title} {PAPERS[3].abstract}"])[0]
        assert PAPERS[3].id not in [p.paper_id for p, _ in library.dense(vector, 300)]  # the old text is not found
        revised = replace(changed[1], abstract="Revised200 words stand here.")
        assert library.revise(revised, WordEncoder)  # embeds at once
        assert library.without_vectors == 149
    embed(tmp_path / "a", 149)
    with opened(tmp_path / "a") as library:
        assert library.without_vectors == 0
        assert library.verify() == []


def test_a_change_of_other_fields_keeps_a_paper_waiting(tmp_path: Path) -> None:
    imported(tmp_path / "a", later=True)
    with opened(tmp_path / "a", read_only=False) as library:
        assert library.add([replace(PAPERS[0], venue="Nature")], WordEncoder()).updated == 1
        assert library.without_vectors == len(PAPERS)
        assert library.verify() == []


def test_the_index_is_made_again_from_the_vectors_that_there_are(tmp_path: Path) -> None:
    imported(tmp_path / "a", later=True)
    embed(tmp_path / "a", 100)
    with opened(tmp_path / "a", read_only=False) as library:
        library.rebuild()
        assert library.verify() == []
        vector = WordEncoder().encode([f"{PAPERS[5].title} {PAPERS[5].abstract}"])[0]
        assert library.dense(vector, 1)[0][0].paper_id == PAPERS[5].id


# --- computed in the background ---


def test_all_is_computed_and_the_next_call_finds_nothing_to_do(tmp_path: Path) -> None:
    imported(tmp_path / "a", later=True)
    encoder, seen = WordEncoder(), list[tuple[int, int]]()
    assert compute(tmp_path / "a", encoder, on_progress=lambda done, of: seen.append((done, of)))
    assert seen == [(128, 300), (256, 300), (300, 300)]
    assert compute(tmp_path / "a", encoder)
    assert len(encoder.embedded) == len(PAPERS)
    with opened(tmp_path / "a") as library:
        assert library.without_vectors == 0
        assert library.verify() == []
        assert Library.foreign_files(tmp_path / "a") == []


def test_another_process_imports_in_the_middle(tmp_path: Path) -> None:
    imported(tmp_path / "a", later=True)
    more = list(made_papers(5, start=900))

    def add() -> None:
        with opened(tmp_path / "a", read_only=False) as library:
            library.add(more, WordEncoder())

    others = [threading.Thread(target=add)]

    def progress(done: int, of: int) -> None:
        if others:
            one = others.pop()
            one.start()
            started.append(one)
            until = time.monotonic() + 30
            while not locking.is_wanted(tmp_path / "a") and time.monotonic() < until:
                time.sleep(0.01)

    started: list[threading.Thread] = []
    assert compute(tmp_path / "a", WordEncoder(), on_progress=progress)
    started[0].join(30)
    with opened(tmp_path / "a") as library:
        assert (library.count, library.without_vectors) == (305, 0)
        assert library.verify() == []


def test_only_one_computes_and_a_writer_who_does_not_yield_is_waited_for(tmp_path: Path) -> None:
    imported(tmp_path / "a", later=True)
    stop = threading.Event()
    with opened(tmp_path / "a", read_only=False):
        results = list[bool]()
        thread = threading.Thread(target=lambda: results.append(compute(tmp_path / "a", WordEncoder(), stop)))
        thread.start()
        until = time.monotonic() + 30
        while at_work(tmp_path / "a") != os.getpid() and time.monotonic() < until:
            time.sleep(0.01)
        assert at_work(tmp_path / "a") == os.getpid()
        assert compute(tmp_path / "a", WordEncoder()) is False
        with pytest.raises(LibraryLocked, match="written to by process"):
            opened(tmp_path / "a", read_only=False)
    thread.join(30)
    assert results == [True]
    assert at_work(tmp_path / "a") is None


def test_it_pauses_while_something_else_is_more_urgent(tmp_path: Path) -> None:
    imported(tmp_path / "a", later=True)
    looked = list[bool]()

    def busy() -> bool:
        looked.append(len(looked) < 3)
        return looked[-1]

    assert compute(tmp_path / "a", WordEncoder(), busy=busy)
    assert looked[:4] == [True, True, True, False]


def test_a_wish_that_a_killed_process_left_expires(tmp_path: Path) -> None:
    imported(tmp_path / "a", later=True)
    wish = tmp_path / "a" / locking.WANTED
    wish.touch()
    assert locking.is_wanted(tmp_path / "a")
    os.utime(wish, (1, 1))
    assert not locking.is_wanted(tmp_path / "a")
    assert compute(tmp_path / "a", WordEncoder())


KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.library_parts import WordEncoder
from tests.test_vectors_later import compute

class Dying(WordEncoder):
    def encode_passages(self, papers):
        if len(self.embedded) >= int(sys.argv[3]):
            os.kill(os.getpid(), 9)
        return super().encode_passages(papers)

compute(Path(sys.argv[1]), Dying())
"""


@pytest.mark.parametrize("after", [0, 128])
def test_what_a_killed_process_has_done_stays_and_the_next_goes_on(tmp_path: Path, after: int) -> None:
    imported(tmp_path / "a", later=True)
    root = str(Path(__file__).parent.parent)
    died = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "a"), root, str(after)], check=False)
    assert died.returncode == -9
    with opened(tmp_path / "a") as library:
        assert library.without_vectors == len(PAPERS) - after
        assert len(ids(library)[0]) == 10
    assert compute(tmp_path / "a", WordEncoder())
    imported(tmp_path / "b", later=False)
    with opened(tmp_path / "a") as one, opened(tmp_path / "b") as other:
        assert one.verify() == []
        assert found(one, 50) == found(other, 50)


def test_a_thread_computes_what_it_is_told_of_and_passes_over_the_rest(tmp_path: Path) -> None:
    imported(tmp_path / "a", later=True)
    background = BackgroundVectors(WordEncoder().id, WordEncoder)
    background.wake(tmp_path / "no library")
    background.wake(tmp_path / "a")
    until = time.monotonic() + 60
    try:
        with opened(tmp_path / "a") as library:
            while library.without_vectors and time.monotonic() < until:
                time.sleep(0.05)
            assert library.without_vectors == 0
    finally:
        background.close()


def test_the_page_about_retrieval_has_the_figures_that_were_measured() -> None:
    root = Path(__file__).parent.parent
    results = sorted((root / "benchmarks" / "results" / "vectors_later").glob("*.json"))
    measured = json.loads(results[-1].read_text(encoding="utf-8"))
    page = (root / "docs" / "retrieval.md").read_text(encoding="utf-8")
    for name, shares in measured.items():
        for way, words in (("there", "words and the vectors that are there"), ("pulled forward", "as questions are")):
            (row,) = re.findall(rf"^\| \**{name}, {words}[^|]*\|(.*)\|$", page, re.MULTILINE | re.IGNORECASE)
            assert [cell.strip() for cell in row.split("|")] == [f"{v[way]:.3f}"[1:] for v in shares.values()]
