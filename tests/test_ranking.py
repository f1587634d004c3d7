"""From a question to its papers: what is embedded, what the search is called with, what comes back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rag.datatypes import Paper, PaperHit
from rag.evidence.ranking import rank_sentences
from rag.library.library import Library
from rag.questions.reading import understand
from rag.retrieval.ranking import Ranking, hybrid_search, rank
from rag.retrieval.retrievers.fusion import fuse
from tests.library_parts import WordEncoder, made_papers

QUESTION = understand("Which topic7 has word7x3?")


class RecordingSearch:
    """Finds one paper and remembers how it was called."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __call__(self, *arguments: Any) -> Sequence[PaperHit]:
        self.calls.append(arguments)
        return [PaperHit(Paper("p", "P"), 1.0, 0.5, None)]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with Library.create(tmp_path_factory.mktemp("ranking") / "library", embedder=WordEncoder().id) as library:
        library.add(made_papers(30), WordEncoder())
        yield library


def test_a_question_is_searched_with_its_completed_text_and_vector() -> None:
    search, encoder = RecordingSearch(), WordEncoder()
    reading = replace(QUESTION, text="typed", search="completed")
    ranking = rank(reading, 4, encoder, search)
    ((text, vector, k),) = search.calls
    assert (text, k) == ("completed", 4)
    assert vector is ranking.vector and np.array_equal(vector, encoder.encode(["completed"])[0])
    assert ranking.vector.shape == (encoder.dimension,)
    assert ranking == Ranking((PaperHit(Paper("p", "P"), 1.0, 0.5, None),), ranking.vector)


def test_a_follow_up_is_searched_with_both_texts() -> None:
    search, encoder = RecordingSearch(), WordEncoder()
    reading = replace(QUESTION, text="and how fast", search="how fast is topic7", is_follow_up=True)
    ranking = rank(reading, 4, encoder, search)
    both = encoder.encode([reading.search])[0] + encoder.encode([reading.text])[0]
    assert float(np.linalg.norm(ranking.vector)) == pytest.approx(1)
    assert np.allclose(ranking.vector, both / np.linalg.norm(both))
    assert ranking.vector.dtype == both.dtype and search.calls[0][0] == reading.search


def test_the_search_is_told_of_a_restriction_only_where_there_is_one() -> None:
    search = RecordingSearch()
    rank(QUESTION, 4, WordEncoder(), search, ["a", "b"])
    rank(QUESTION, 4, WordEncoder(), search, [])
    rank(QUESTION, 4, WordEncoder(), search, None)
    assert [call[3:] for call in search.calls] == [(["a", "b"],), ([],), ()]


def test_hybrid_search_gives_the_papers_of_the_fused_hits(library: Library) -> None:
    ranking = rank(QUESTION, 5, WordEncoder(), hybrid_search(library, 50))
    fused = fuse(library, QUESTION.search, ranking.vector, 5, 50)
    assert len(ranking.hits) == 5 and "made00007" in {hit.paper.id for hit in ranking.hits}
    assert [(hit.paper.id, hit.score, hit.dense, hit.lexical) for hit in ranking.hits] == [
        (hit.passage.paper_id, hit.score, hit.dense, hit.lexical) for hit in fused
    ]


def test_a_restricted_search_finds_these_papers_alone(library: Library) -> None:
    within = ["made00003", "made00012"]
    ranking = rank(QUESTION, 5, WordEncoder(), hybrid_search(library, 50), within)
    assert sorted(hit.paper.id for hit in ranking.hits) == within
    assert rank(QUESTION, 5, WordEncoder(), hybrid_search(library, 50), []).hits == ()


def test_a_paper_that_is_deleted_after_it_was_found_is_passed_over(tmp_path: Any) -> None:
    encoder = WordEncoder()
    with Library.create(tmp_path / "library", embedder=encoder.id) as library:
        library.add(made_papers(30), encoder)
        ranking = rank(QUESTION, 4, encoder, hybrid_search(library, 20))
        gone, *left = [hit.paper.id for hit in ranking.hits]
        library.remove([gone])  # as another process may
        found = rank_sentences(QUESTION, ranking.vector, ranking.hits, library)
    assert {one.paper_id for one in found.candidates} == set(left)
