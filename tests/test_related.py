"""Nearest papers, and questions that may come next; on vectors made by hand and on the shipped library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.config import load_settings
from rag.datatypes import Paper, Passage, RefusalGrade
from rag.factory import close_all, follow_up_questions, open_answerer, open_library, related_papers
from rag.library.storage.stored_paper import StoredPaper
from rag.output.suggestions import follow_ups, name_of
from rag.retrieval.related import Related, related
from tests.browser.fakes import BY_ID, PAPERS, make_answer, make_refusal


class Shelf:
    """Papers with passages at given angles (degrees); two dimensions."""

    def __init__(self, **angles: Sequence[float]) -> None:
        self._angles = angles

    def entries(self, paper_ids: Sequence[str]) -> dict[str, StoredPaper]:
        return {id: self._stored(id) for id in paper_ids if id in self._angles}

    def pull_forward(self, paper_ids: Sequence[str]) -> None:
        """All have vectors."""

    def dense(self, vector: np.ndarray, k: int) -> list[tuple[Passage, float]]:
        found = [
            (passage, float(one.vectors[i] @ vector))
            for one in map(self._stored, self._angles)
            for i, passage in enumerate(one.passages)
        ]
        return sorted(found, key=lambda hit: (-hit[1], hit[0].id))[:k]

    def _stored(self, id: str) -> StoredPaper:
        angles = np.radians(self._angles[id])
        vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
        passages = tuple(Passage(f"{id}#{i}", id, "", 0, 0) for i in range(len(angles)))
        return StoredPaper(Paper(id, id.upper()), passages, (), vectors)


def test_a_paper_stands_for_the_mean_of_its_passages() -> None:
    # 'b' has a passage that is nearer than any of 'c', and its mean is farther.
    shelf = Shelf(a=[0, 20], b=[10, 80], c=[25, 25], d=[200])
    found = related(shelf, "a", 2)
    assert [one.paper.id for one in found] == ["c", "b"]
    assert [one.cosine for one in found] == pytest.approx([np.cos(np.radians(15)), np.cos(np.radians(35))], abs=1e-5)


def test_equally_near_papers_come_by_id_and_the_paper_itself_never() -> None:
    shelf = Shelf(z=[10], m=[10], a=[10], q=[10])
    assert [one.paper.id for one in related(shelf, "q", 3)] == ["a", "m", "z"]
    assert related(shelf, "nobody") == []
    assert related(shelf, "q", 0) == []


NAMED = (
    Paper("n1", "CrabNet: Learning to Choose Shells", "A network chooses shells."),
    Paper("n2", "TideFormer: Attention in Pools", "Attention works in pools."),
    Paper("n3", "x" * 200, "Its title is too long."),
    Paper("n4", "No Abstract Here"),
)


def answer_on(paper: Paper, question: str) -> object:
    answer = make_answer(question)
    return replace(answer, evidence=(replace(answer.evidence[0], paper=paper),))


def test_questions_go_into_the_cited_paper_across_to_a_near_one_and_over_to_it() -> None:
    answer = answer_on(NAMED[0], "What is CrabNet?")
    offered = follow_ups(answer, lambda id: NAMED[1:], lambda question: True)
    assert offered == (
        "What are the main results of CrabNet?",
        "How does CrabNet compare with TideFormer?",
        "What does “TideFormer: Attention in Pools” report?",
    )


def test_no_question_is_offered_that_would_be_refused_or_was_asked() -> None:
    answer = answer_on(NAMED[0], "Do crabs choose?")
    judged: list[str] = []

    def answers(question: str) -> bool:
        judged.append(question)
        return "compare" not in question

    asked = ["summarise “crabnet: learning to choose shells”"]
    assert follow_ups(answer, lambda id: NAMED[1:], answers, asked) == (
        "What does “TideFormer: Attention in Pools” report?",
    )
    assert judged == ["How does CrabNet compare with TideFormer?", "What does “TideFormer: Attention in Pools” report?"]
    assert follow_ups(answer, lambda id: NAMED, lambda question: False) == ()


def test_a_refusal_offers_what_is_near() -> None:
    nothing = make_refusal()
    assert nothing.refusal is not None
    related = replace(nothing, refusal=replace(nothing.refusal, grade=RefusalGrade.RELATED))
    offered = follow_ups(related, lambda id: [PAPERS[0]], lambda question: True, papers=BY_ID)
    assert offered == (f"Summarise “{PAPERS[1].title}”.", f"What does “{PAPERS[0].title}” report?")


def test_a_question_about_something_else_leads_nowhere() -> None:
    assert follow_ups(make_refusal(), lambda id: [PAPERS[0]], lambda question: True, papers=BY_ID) == ()


def test_only_what_reads_like_a_name_is_one() -> None:
    assert name_of(NAMED[0]) == "CrabNet"
    assert name_of(Paper("x", "Tidal Pools as Classrooms: Learning Rates")) == ""
    assert name_of(Paper("x", "Survey: A View")) == ""
    assert name_of(Paper("x", "BERT")) == ""


@pytest.mark.slow
def test_the_shipped_library_relates_papers_and_answers_what_it_offers(shipped_home: Path) -> None:
    settings = load_settings(home=shipped_home)
    try:
        answerer = open_answerer(settings)
        answer = answerer.answer("What is SpineNet?")
        paper = answer.evidence[0].paper
        near = related_papers(settings, paper.id, 5)
        assert [one.cosine for one in near] == sorted((one.cosine for one in near), reverse=True)
        assert near == brute_force(settings, paper.id, 5)
        assert sum("etect" in one.paper.title + one.paper.abstract for one in near) >= 4
        offered = follow_up_questions(settings, answer, ["What is SpineNet?"])
        assert offered
        for question in offered:
            assert answerer.answer(question).refusal is None, question
        refused = answerer.answer("What is the best pizza in Naples?")
        assert refused.refusal is not None and refused.refusal.grade is RefusalGrade.NOTHING
        assert follow_up_questions(settings, refused) == ()
    finally:
        close_all()


def brute_force(settings: object, paper_id: str, k: int) -> list[Related]:
    """Every paper of the library compared."""
    library = open_library(settings)  # type: ignore[arg-type]
    entries = library.entries([paper.id for paper in library.papers()])

    def mean(id: str) -> np.ndarray:
        one = entries[id]
        vector = one.vectors[: len(one.passages)].mean(axis=0)
        return vector / np.linalg.norm(vector)

    found = [Related(one.paper, float(mean(id) @ mean(paper_id))) for id, one in entries.items() if id != paper_id]
    nearest = sorted(found, key=lambda one: (-one.cosine, one.paper.id))[:k]
    return [Related(one.paper, pytest.approx(one.cosine, abs=1e-5)) for one in nearest]
