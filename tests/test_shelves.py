"""The papers of the page: what a library gives one by one is what all of its records would give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rag.datatypes import Paper, Scope
from rag.errors import LibraryNotFound
from rag.library.library import Library
from rag.ui import shelves
from rag.ui.examples import from_papers
from rag.ui.shelves import LibraryShelf, RecordShelf
from tests.library_parts import WordEncoder, made_papers

VENUES = ("", "Nature", "Cell")
PAPERS = [replace(paper, venue=VENUES[n % 3], tags=("owls",) * (n % 2)) for n, paper in enumerate(made_papers(60))]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    path: Path = tmp_path_factory.mktemp("shelf") / "library"
    with Library.create(path, embedder=WordEncoder().id) as made:
        made.add(PAPERS, WordEncoder())
        yield made


def test_a_library_gives_what_its_records_would(library: Library) -> None:
    shelf, records = LibraryShelf(lambda: library), RecordShelf(PAPERS)

    assert len(shelf) == len(records) == 60
    assert list(shelf) == list(records)
    assert all(shelf[paper.id] == paper and paper.id in shelf for paper in PAPERS)
    assert shelf.get("unknown") is None and "unknown" not in shelf
    for scope in (None, Scope(since=2015), Scope(venues=("Nature",)), Scope(since=2050)):
        assert shelf.count(scope) == records.count(scope)
    for kind in ("venues", "sources", "tags", "collections"):
        assert shelf.choices(kind) == records.choices(kind)
    assert list(shelf.sample()) == list(records.sample()) == PAPERS


def test_of_a_large_library_papers_from_all_over_are_looked_at(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "_ALL_LOOKED_AT", 10)
    monkeypatch.setattr(shelves, "_AT_PLACE", 2)
    sample = LibraryShelf(lambda: library).sample()

    assert [paper.id for paper in sample] == sorted({paper.id for paper in sample}) and len(sample) == 20
    assert sample[0] == PAPERS[0] and sample[-1].id > PAPERS[50].id
    assert len(from_papers(sample)) == 4


def test_few_papers_stay_in_memory(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "_MOST_HELD", 5)
    asked: list[str] = []

    def open() -> Library:
        asked.append("")
        return library

    shelf = LibraryShelf(open)
    assert [shelf[paper.id] for paper in PAPERS] == PAPERS
    asked.clear()
    assert [shelf[paper.id] for paper in PAPERS[-5:]] == PAPERS[-5:]
    assert not asked and shelf.held == 5
    assert shelf[PAPERS[0].id] == PAPERS[0] and asked


def test_a_library_that_is_gone_has_no_papers(library: Library) -> None:
    found: list[Library] = [library]

    def open() -> Library:
        if not found:
            raise LibraryNotFound("It is gone.")
        return found[0]

    shelf = LibraryShelf(open)
    known: Paper = shelf[PAPERS[0].id]
    found.clear()
    assert shelf.get(PAPERS[1].id) is None
    assert shelf[known.id] == known
