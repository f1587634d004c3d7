"""Papers that are kept between two searches: never older than the database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rag.library.library import Library
from rag.library.storage import kept_papers
from rag.library.storage.papers import PaperStore
from tests.library_parts import WordEncoder, made_papers

PAPERS = list(made_papers(8))
IDS = [paper.id for paper in PAPERS]
WORDS = WordEncoder()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Library.create(tmp_path / "library", embedder=WORDS.id) as library:
        library.add(PAPERS, WORDS)
    return tmp_path / "library"


@pytest.fixture
def store(path: Path) -> Iterator[PaperStore]:
    store = PaperStore(path, WORDS.dimension)
    yield store
    store.close()


def test_they_are_read_once_and_come_in_the_order_asked_for(store: PaperStore) -> None:
    first = store.get([IDS[3], "nobody", IDS[1]])
    assert [*first] == [IDS[3], IDS[1]] and first[IDS[1]].paper == PAPERS[1]
    again = store.get([IDS[1], IDS[2], IDS[3]])
    assert again[IDS[1]] is first[IDS[1]] and again[IDS[3]] is first[IDS[3]]
    assert not again[IDS[1]].vectors.flags.writeable


def test_what_another_connection_changes_is_seen(store: PaperStore, path: Path) -> None:
    before = store.get(IDS)
    changed = replace(PAPERS[2], title="Another title", abstract="It says something else now.")
    with Library.open(path, embedder=WORDS.id, read_only=False) as library:
        library.add([changed], WORDS)
        library.remove([IDS[5]])
    after = store.get(IDS)
    assert after[IDS[2]].paper.title == "Another title" and after[IDS[2]].vectors.shape != before[IDS[2]].vectors.shape
    assert IDS[5] not in after and len(after) == 7


def test_what_the_connection_itself_changes_and_takes_back_is_seen(store: PaperStore) -> None:
    store.get(IDS)
    with pytest.raises(RuntimeError, match="taken back"), store.transaction():
        store.delete([IDS[0]])
        assert IDS[0] not in store.get(IDS)
        raise RuntimeError("taken back")
    assert IDS[0] in store.get(IDS)
    with store.transaction():
        store.delete([IDS[0]])
    assert IDS[0] not in store.get(IDS)


def test_two_libraries_with_the_same_ids_are_two(store: PaperStore, tmp_path: Path) -> None:
    with Library.create(tmp_path / "other", embedder=WORDS.id) as library:
        library.add([replace(PAPERS[0], title="Of another library")], WORDS)
        store.get(IDS)
        assert library.entries(IDS)[IDS[0]].paper.title == "Of another library"
        assert store.get(IDS)[IDS[0]].paper == PAPERS[0]


def test_only_so_many_are_kept(store: PaperStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_papers, "_MOST", 3)
    assert [*store.get(IDS)] == IDS
    assert len(kept_papers._kept) <= 3
    assert [*store.get(IDS)] == IDS


def test_several_threads_read_at_once(store: PaperStore, path: Path) -> None:
    wrong: list[object] = []

    def read() -> None:
        for _ in range(200):
            for one, paper in store.get(IDS).items():
                if paper.paper.id != one:
                    wrong.append(one)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    with Library.open(path, embedder=WORDS.id, read_only=False) as library:
        for year in range(5):
            library.add([replace(PAPERS[0], year=1990 + year)], WORDS)
    for thread in threads:
        thread.join()
    assert not wrong and store.get(IDS)[IDS[0]].paper.year == 1994
