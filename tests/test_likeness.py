"""Papers that are like those that surely fit are more likely to fit, and a list cites what fits with some certainty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rag.datatypes import Paper, Sentence
from rag.evidence.fitting import Fit
from rag.evidence.likeness import FEWEST, figures, together
from rag.evidence.several import LEAST, lines

if TYPE_CHECKING:
    from rag.datatypes import Matrix

FITTING, OTHER = 0, 1  # directions in which the two groups of papers lie


class Store:
    """Papers with one sentence each, as :class:`rag.evidence.ranking.SentenceStore` gives them."""

    def __init__(self, vectors: Mapping[str, Matrix]) -> None:
        self._vectors = vectors

    @property
    def count(self) -> int:
        return len(self._vectors)

    def sentences(self, paper_id: str) -> tuple[Sentence, ...]:
        return (Sentence(f"{paper_id} is counted.", 0, 9),) * len(self._vectors[paper_id])

    def sentence_vectors(self, paper_id: str) -> Matrix:
        return self._vectors[paper_id]

    def document_frequencies(self, words: Iterable[str]) -> dict[str, int]:
        return dict.fromkeys(words, 1)


def towards(direction: int, seed: int, sentences: int = 3) -> Matrix:
    """Unit vectors near one axis of a space of 16."""
    rows = 0.15 * np.random.default_rng(seed).standard_normal((sentences, 16))
    rows[:, direction] += 1.0
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def fit(name: str, probability: float) -> Fit:
    return Fit(Paper(name, f"On {name}", "."), probability, (Sentence(f"{name} is counted.", 0, 9),), (1.0,), 0.5)


SURE = [fit(f"sure{at}", 0.95) for at in range(3)]
UNLIKELY = [fit(f"far{at}", 0.05) for at in range(4)]
LIKE, UNLIKE = fit("like", 0.4), fit("unlike", 0.4)
PLACES = {
    **{one.paper.id: towards(FITTING, at) for at, one in enumerate([*SURE, LIKE])},
    **{one.paper.id: towards(OTHER, 10 + at) for at, one in enumerate([*UNLIKELY, UNLIKE])},
}


def test_of_two_papers_the_one_like_those_that_fit_is_more_likely() -> None:
    judged = together([*SURE, LIKE, UNLIKE, *UNLIKELY], Store(PLACES))
    by_id = {one.paper.id: one.probability for one in judged}
    assert by_id["like"] > by_id["unlike"]
    assert [one.probability for one in judged] == sorted(by_id.values(), reverse=True)
    assert all(0 < p < 1 for p in by_id.values()) and len(judged) == 9
    assert {one.network_log_odds for one in judged} == {0.5}, "what the network says of a paper alone stays as it is"


def test_the_order_of_equal_papers_is_that_of_their_ids() -> None:
    same = [fit(f"p{at}", 0.5) for at in range(6)]
    store = Store({one.paper.id: towards(FITTING, 1) for one in same})
    assert [one.paper.id for one in together(same[::-1], store)] == [one.paper.id for one in same]


def test_few_papers_and_papers_without_vectors_keep_their_probability() -> None:
    few = [*SURE, LIKE][: FEWEST - 1]
    assert together(few, Store(PLACES)) == tuple(few)
    empty = np.empty((0, 16), np.float32)
    judged = together([*SURE, LIKE, UNLIKE, fit("bare", 0.3)], Store({**PLACES, "bare": empty}))
    assert next(one.probability for one in judged if one.paper.id == "bare") == 0.3
    assert together([], Store({})) == ()


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_figures_are_finite_even_for_certainties_and_opposite_papers(probability: float) -> None:
    one = towards(FITTING, 0, 1)
    rows = figures([probability] * 6, [one, -one, one, -one, one, -one])
    assert np.isfinite(rows).all() and np.shape(rows) == (6, 4)


def test_a_list_cites_papers_from_the_least_probability_on() -> None:
    fits = [fit("a", 0.9), fit("b", LEAST), fit("c", LEAST - 0.01)]
    sentences = {one.paper.id: one.sentences for one in fits}
    assert [item.paper.id for item in lines(fits, sentences.__getitem__)] == ["a", "b"]
    assert fits[2].fits, "it is named below the list all the same"
