"""Which sentences an answer may use: order, numbers and budget, over records in memory and the shipped weights."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rag.datatypes import Evidence, Intent, Paper, PaperHit, RefusalGrade, Sentence
from rag.evidence.features import QUESTION_FEATURES, SENTENCE_FEATURES, proper_words
from rag.evidence.ranking import Candidate, Ranked, rank_sentences
from rag.evidence.refusal import judge
from rag.evidence.selection import TOPIC_PAPERS, select
from rag.library.chunking import split_sentences
from rag.questions.reading import understand
from rag.text.sentence_roles import Role, role_of, role_scores
from rag.text.tokenization import stems
from tests.library_parts import WordEncoder, shipped_papers

if TYPE_CHECKING:
    from rag.datatypes import Matrix


class Shelf:
    """Records in memory, with vectors made of their words."""

    def __init__(self, papers: Iterable[Paper]) -> None:
        self.papers = {p.id: p for p in papers}
        self.encoder = WordEncoder()

    @property
    def count(self) -> int:
        return len(self.papers)

    def sentences(self, paper_id: str) -> tuple[Sentence, ...]:
        return tuple(split_sentences(self.papers[paper_id].abstract))

    def sentence_vectors(self, paper_id: str) -> Matrix:
        return self.encoder.encode([s.text for s in self.sentences(paper_id)])

    def document_frequencies(self, words: Iterable[str]) -> dict[str, int]:
        bags = [set(stems(f"{p.title} {p.abstract}")) for p in self.papers.values()]
        return {w: sum(w in bag for bag in bags) for w in words}

    def rank(self, question: str, ids: Sequence[str]) -> Ranked:
        hits = [PaperHit(self.papers[i], 1 - n / 50, 0.8 - n / 50, 9.0 - n) for n, i in enumerate(ids)]
        query = understand(question)
        return rank_sentences(query, self.encoder.encode([query.search])[0], hits, self)


PAPERS = [
    Paper(
        "cut",
        "OneCut: Pruning Networks in One Step",
        "However, existing pruning is expensive and remains difficult. We propose OneCut, which prunes a network in "
        "one step. It ranks filters. Experiments show that OneCut achieves 75.3% accuracy and outperforms others. "
        "Code is available at https://example.org/cut.",
    ),
    Paper(
        "grow",
        "Growing Networks by Gradients",
        "Pruning of networks is common. We introduce a growing network. Results show an accuracy of 71.0% on ImageNet.",
    ),
    Paper("copy", "A Copy", "It ranks filters. We introduce a growing network! Nothing else is said of pruning."),
    Paper("bare", "Pruning without an Abstract"),
    Paper("gan-a", "GANs for Faces", "We train GANs on faces. Results improve. Faces are many."),
    Paper("gan-b", "GANs for Birds", "We train GANs on birds. Results improve by 3%. Birds fly."),
]
SHELF = Shelf(PAPERS)
EVERYTHING = ["cut", "grow", "copy", "bare", "gan-a", "gan-b"]


def evidence(question: str, ids: Sequence[str] = EVERYTHING, limit: int = 3) -> tuple[Evidence, ...]:
    return select(understand(question), SHELF.rank(question, ids), limit)


QUESTIONS = [
    "What accuracy does OneCut reach?",
    "Which papers prune networks?",
    "Summarise pruning",
    "Summarise OneCut",
    "Why?",
]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_numbers_run_from_one_and_quotes_stand_where_they_say(question: str, limit: int) -> None:
    chosen = evidence(question, limit=limit)

    assert [e.number for e in chosen] == list(range(1, len(chosen) + 1))
    assert len({e.paper.id for e in chosen}) == len(chosen) > 0
    for e in chosen:
        assert e.sentences
        assert all(e.paper.abstract[s.start : s.end] == s.text for s in e.sentences)
        assert len(e.scores) == len(e.sentences)
        assert e.score == max(e.scores)


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_the_budget_holds(limit: int) -> None:
    def total(question: str) -> int:
        return sum(len(e.sentences) for e in evidence(question, limit=limit))

    assert total("What accuracy does OneCut reach?") <= limit
    assert total("Summarise OneCut") <= min(limit, 3)
    assert total("Which papers prune networks?") <= limit + 1
    assert total("Summarise pruning") <= 2 * TOPIC_PAPERS


def test_one_thing_is_answered_from_the_paper_that_has_it() -> None:
    first = evidence("What accuracy does OneCut reach?")[0]

    assert first.paper.id == "cut"
    assert "75.3%" in first.sentences[0].text


def test_names_of_what_is_compared_need_not_stand_in_one_paper() -> None:
    papers = [
        Paper("a", "AlphaNet", "We propose AlphaNet. It prunes networks. It prunes filters. Pruning pays."),
        Paper("b", "Pruning, Pruning, Pruning", "We prune networks. Pruning is done by pruning filters. Pruning pays."),
        Paper("c", "Growing Networks", "We propose BetaNet, which grows networks. It prunes nothing. Growing pays."),
    ]
    query = understand("How do AlphaNet and BetaNet differ in pruning networks?")
    assert query.intent is Intent.MULTI
    ranked = Shelf(papers).rank(query.text, ["a", "b", "c"])
    # Each name stands in one of the papers: nothing is missing, where a question after one of them lacks the other.
    assert ranked.features["name_missing"] == ranked.features["proper_missing"] == 0
    alone = Shelf(papers).rank("Does AlphaNet prune more than BetaNet?", ["a", "b", "c"])
    assert alone.features["name_missing"] == 0.5


def test_what_two_papers_say_in_the_same_words_is_said_once() -> None:
    texts = [s.text for e in evidence("Which papers introduce a growing network?", limit=5) for s in e.sentences]

    assert sum("introduce a growing network" in text for text in texts) == 1


def test_a_named_paper_is_summarised_as_problem_approach_result() -> None:
    (only,) = evidence("Summarise OneCut")

    assert only.paper.id == "cut"
    assert [s.start for s in only.sentences] == sorted(s.start for s in only.sentences)
    assert [s.text.split()[0] for s in only.sentences] == ["However,", "We", "Experiments"]


def test_a_paper_is_meant_by_most_of_its_title() -> None:
    assert [e.paper.id for e in evidence("Give me a summary of growing networks by gradient")] == ["grow"]


def test_a_name_in_several_titles_is_a_topic() -> None:
    ids = [e.paper.id for e in evidence("Summarise GANs", ["gan-a", "gan-b"])]

    assert sorted(ids) == ["gan-a", "gan-b"]


def test_a_name_within_another_word_names_no_paper() -> None:
    shelf = Shelf([Paper("o", "Organs in Scans", "We scan organs."), Paper("g", "On Nets", "We train a GAN.")])
    query = understand("Summarise GAN training")

    chosen = select(query, shelf.rank("Summarise GAN training", ["o", "g"]), 3)

    assert "g" in {e.paper.id for e in chosen}


def test_shipped_papers_are_summarised_in_their_own_order() -> None:
    papers = [p for p in shipped_papers() if len(split_sentences(p.abstract)) >= 5][:40]
    shelf = Shelf(papers)
    for paper in papers:
        question = f"Summarise the paper “{paper.title}”"
        (only,) = select(understand(question), shelf.rank(question, [paper.id]), 3)
        assert only.paper == paper
        assert len(only.sentences) == 3
        assert [s.start for s in only.sentences] == sorted({s.start for s in only.sentences})


def test_papers_without_abstracts_give_no_evidence_and_do_no_harm() -> None:
    assert evidence("What is pruning?", ["bare"]) == ()
    assert "bare" not in {e.paper.id for e in evidence("Which papers prune networks?")}
    assert evidence("Summarise “Pruning without an Abstract”", ["bare", "cut"]) == ()  # not another paper in its place


@pytest.mark.parametrize("intent", list(Intent))
def test_nothing_found_is_nothing_chosen(intent: Intent) -> None:
    query = replace(understand("What is pruning?"), intent=intent)
    ranked = SHELF.rank("What is pruning?", [])

    assert select(query, ranked, 3) == ()
    refusal = judge(query, ranked, ())
    assert refusal is not None
    assert (refusal.grade, refusal.nearest) == (RefusalGrade.NOTHING, ())
    assert set(ranked.features) == set(QUESTION_FEATURES)


def test_without_sentences_the_nearest_papers_are_still_named() -> None:
    refusal = judge(understand("What is pruning?"), SHELF.rank("What is pruning?", ["bare"]), ())

    assert refusal is not None
    assert refusal.nearest == ("bare",)


def test_candidates_come_best_first_with_ties_by_paper_and_place() -> None:
    ranked = SHELF.rank("Which papers prune networks?", EVERYTHING)

    keys = [(-c.score, c.paper_id, c.index) for c in ranked.candidates]
    assert keys == sorted(keys)
    assert all(len(c.features) == len(SENTENCE_FEATURES) and np.isfinite(c.features).all() for c in ranked.candidates)


def test_equal_scores_in_any_order_give_the_same_evidence() -> None:
    hits = tuple(PaperHit(p, 0.5, 0.5, 1.0) for p in PAPERS[:3])
    made = [
        Candidate(p.id, 0, i, s, 1.0, (0.0,) * len(SENTENCE_FEATURES))
        for p in PAPERS[:3]
        for i, s in enumerate(SHELF.sentences(p.id)[:2])
    ]
    query = understand("What is pruning?")
    results = set()
    for order in itertools.islice(itertools.permutations(made), 0, 720, 37):
        ordered = tuple(sorted(order, key=lambda c: (-c.score, c.paper_id, c.index)))
        results.add(select(query, Ranked(hits, ordered, {}), 3))

    assert len(results) == 1


def test_the_same_question_is_ranked_the_same() -> None:
    assert SHELF.rank(QUESTIONS[0], EVERYTHING) == SHELF.rank(QUESTIONS[0], EVERYTHING)


@pytest.mark.parametrize(
    ("sentence", "position", "role"),
    [
        ("However, existing methods remain expensive and suffer from noise.", 0.0, Role.PROBLEM),
        ("We propose a novel framework called OneCut.", 0.4, Role.APPROACH),
        ("Experiments show that it outperforms the state-of-the-art by 3.1%.", 1.0, Role.RESULT),
        ("CONCLUSIONS Novel wards should be closed.", 0.9, Role.RESULT),
        ("OBJECTIVE To compare the accuracy of wards.", 0.1, Role.APPROACH),
        ("Background: Wards are closed.", 0.9, Role.PROBLEM),
        ("SETTING Wards in the north.", 0.1, Role.PROBLEM),
    ],
)
def test_roles_of_plain_sentences(sentence: str, position: float, role: Role) -> None:
    assert role_of(sentence, position) is role


def test_the_heading_of_results_counts_once() -> None:
    results = role_scores("RESULTS Two wards were closed.", 0.6)[Role.RESULT]
    assert results < role_scores("CONCLUSIONS Two wards were closed.", 0.9)[Role.RESULT]


def test_capitals_within_a_sentence_are_names() -> None:
    assert proper_words("What does Vision Mamba (Vim) reach on Reddit?") == ["Vision", "Mamba", "Vim", "Reddit"]
    assert proper_words("What is it? Why?") == []


def test_a_figure_of_something_that_the_paper_never_names_stands_apart() -> None:
    assert SHELF.rank("What dropout rate does OneCut use?", EVERYTHING).features["figure_apart"] == 1.0
    assert SHELF.rank("What accuracy does OneCut reach?", EVERYTHING).features["figure_apart"] == 0.0
    assert SHELF.rank("How does OneCut do on Reddit?", EVERYTHING).features["proper_missing"] == 0.5


def test_a_superlative_that_the_library_lacks_is_no_missing_word() -> None:
    plain = SHELF.rank("How large is OneCut?", EVERYTHING).features
    assert SHELF.rank("How large is the smallest OneCut?", EVERYTHING).features["unknown"] == plain["unknown"]
    assert SHELF.rank("How large is the zebrafish OneCut?", EVERYTHING).features["unknown"] > plain["unknown"]


def test_words_of_talk_do_not_count_against_a_broad_question() -> None:
    broad = SHELF.rank("What can anybody read about pruning networks?", EVERYTHING).features
    plain = SHELF.rank("pruning networks?", EVERYTHING).features
    assert broad["best_coverage"] < plain["best_coverage"] == 1.0
    assert broad["topic_coverage"] == plain["topic_coverage"] == 1.0
    assert SHELF.rank("What can anybody read about pizza ovens?", EVERYTHING).features["topic_coverage"] == 0.0
    assert SHELF.rank("What is known here?", EVERYTHING).features["topic_coverage"] == 0.0  # nothing but talk
