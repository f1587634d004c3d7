"""When records of one library become one paper, and when they stay apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.datatypes import Paper
from rag.library.library import Library
from tests.library_parts import WordEncoder


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Library]:
    with Library.create(tmp_path / "library", embedder=WordEncoder().id) as library:
        yield library


CHAPTERS = [
    Paper("10.1/book", "Salt marshes and their birds", "Redshanks breed there.", doi="10.1/book"),
    Paper("10.1/book", "Peat and the price of land", "Peat was cut until 1950.", doi="10.1/book"),
    Paper("10.1/book", "How dykes fail", "Foxes dig in dykes.", doi="10.1/book"),
]


def test_chapters_under_one_doi_stay_papers_of_their_own(empty: Library) -> None:
    assert empty.add(CHAPTERS, WordEncoder()).added == 3
    again = empty.add(CHAPTERS, WordEncoder())
    assert (again.added, again.unchanged, len(empty.papers())) == (0, 3, 3)


def test_one_paper_under_one_doi_is_merged_whatever_happened_to_its_title(empty: Library) -> None:
    forms = ("How dykes fail", "How dykes fail: foxes and voles in Frisia", "Warum Deiche brechen")
    papers = [Paper("10.1/d", title, "Foxes dig in dykes, and voles do too.", doi="10.1/d") for title in forms]
    assert empty.add(papers, WordEncoder()).added == 1
