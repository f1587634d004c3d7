"""What the writer may say: words of a sentence in their order, and no deletion that makes a true sentence false."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.evidence.pruning import Judged
from rag.generation.generators.shortening import Costs, Shortening
from rag.text.sentence_compression import may_delete, split_units
from training.writer.shortened import aligned

NOTHING = Costs(0.0)
RESULT = "It has 85% on A and 82% on B, but not on C (a hard set), which is new."


def characters(text: str) -> list[int]:
    """A tokenizer whose tokens are characters, so that words share beginnings."""
    return [ord(c) for c in text]


def written(
    sentences: list[tuple[int, str]], wish: str, costs: Costs = NOTHING, judged: list[Judged] | None = None
) -> str:
    """What comes out when the model likes, at each place, the characters of ``wish`` in their order best."""
    shortening = Shortening(sentences, characters, costs, judged or ())
    out: list[int] = []
    while not shortening.done:
        if forced := shortening.take_forced():
            out += forced
            continue
        logits = np.zeros(0x3000, np.float32)
        if len(out) < len(wish):
            logits[ord(wish[len(out)])] = 20.0
        out.append(shortening.choose(logits))
    return "".join(map(chr, out))


def allowed_to_become(sentence: str, shorter: str) -> bool:
    """Whether ``shorter`` is ``sentence`` without parts that may go."""
    whole = split_units(sentence)
    kept = aligned(split_units(shorter), whole)
    assert kept is not None
    return all(may_delete(whole, *pair) for pair in pairwise([-1, *kept, len(whole)]))


def test_units_are_words_brackets_and_the_punctuation_behind() -> None:
    assert [u.text for u in split_units(RESULT)] == [
        "It", "has", "85%", "on", "A", "and", "82%", "on", "B", ",", "but", "not", "on", "C", "(a hard set)", ",",
        "which", "is", "new",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("shorter", "allowed"),
    [
        ("It has 85% on A", False),  # all that is behind it goes
        ("It has 85% on A and 82% on B", False),
        ("It has 85% on A and 82% on B, but not on C", True),
        ("It has 85% on A and 82% on B, which is new", False),  # a clause between commas
        ("It has 85% on B", False),  # a figure never comes to stand by another name
        ("It has 82% on B", False),
        ("It has 85% on 82% on B", False),
        ("It has 85% on A and 82% on B, but on C", False),  # no denial is lost
        ("Not on C", False),  # nor does its clause lose what it stands in
    ],
)
def test_what_makes_a_sentence_false_does_not_go(shorter: str, allowed: bool) -> None:
    assert allowed_to_become(RESULT, shorter) is allowed


@pytest.mark.parametrize(
    ("sentence", "shorter", "allowed"),
    [
        ("A, B, and C reach 82.8%, 84.2%, and 84.6%.", "A, B, and C reach 82.8%, and 84.6%", False),
        ("We find that A and B reach 1 and 2, respectively, here.", "A and B reach 1 and 2, respectively", True),
        ("A, B and C reach 1, 2 and 3, respectively.", "A and C reach 1, 2 and 3, respectively", False),
        ("A and B reach 1 and 2, respectively.", "A and B reach 1 and 2", False),
        ("A and B reach 1 and 2, respectively.", "A and B reach 1", False),
        ("With CrabNet, a small model beats a large one.", "A small model beats a large one", False),
        ("Moreover, it helps: With CrabNet, small ones win.", "Small ones win", False),
        ("Moreover, it helps: With CrabNet, small ones win.", "With CrabNet, small ones win", True),
        ("In this paper, small ones win.", "Small ones win", True),
        ("They win with the steps, it is said.", "They win with the it is said", False),
        ("They win with the large, new steps.", "They win with the steps", True),
        ("They win and, it is said, lose.", "They win and lose", False),
        ("Small ones win when data are scarce.", "Small ones win", False),
        ("A is fast, with 31 times fewer weights than before, and small.", "A is fast, and small", True),
    ],
)
def test_lists_that_go_together_and_conditions_stay_whole(sentence: str, shorter: str, allowed: bool) -> None:
    assert allowed_to_become(sentence, shorter) is allowed


def test_every_sentence_has_its_turn_and_its_number() -> None:
    sentences = [(1, "Old crabs learn faster at night."), (3, "Owls hunt rats in the dark?")]
    text = written(sentences, "Crabs learn faster [1]. Owls hunt rats [3].")
    assert text == "Crabs learn faster [1]. Owls hunt rats [3]."


def test_no_sentence_ends_in_a_word_that_needs_another() -> None:
    assert (
        written([(2, "The crabs learn the trick of the night.")], "The crabs learn the [2].")
        != "The crabs learn the [2]."
    )


def test_more_stays_the_more_it_is_told_to_keep() -> None:
    sentence = [(1, "Very old crabs learn quickly.")]
    assert written(sentence, "Crabs learn quickly [1].") == "Crabs learn quickly [1]."
    assert written(sentence, "Crabs learn quickly [1].", Costs(50.0)) == "Very old crabs learn quickly [1]."
    assert written(sentence, "Crabs learn quickly [1].", Costs(0.0, word=15.0)) == "Very old crabs learn quickly [1]."


def test_what_is_judged_of_each_word_counts_beside_what_the_model_likes() -> None:
    sentence = [(1, "Very old crabs learn quickly.")]
    wish = "Crabs learn quickly [1]."
    kept = Judged(0.0, (15.0, 15.0, 0.0, 0.0, 0.0))
    assert written(sentence, wish, Costs(0.0, stay=1.0), [kept]).startswith("Very old")
    assert written(sentence, wish, Costs(0.0, stay=0.5), [kept]) == wish
    gone = Judged(0.0, (0.0, 0.0, 0.0, 0.0, -30.0))
    assert written(sentence, "Old crabs learn quickly [1].", Costs(0.0, stay=1.0), [gone]) == "Old crabs learn [1]."


def test_words_that_begin_alike_are_judged_where_they_part() -> None:
    sentence = [(1, "Cats and cows eat corn.")]
    gone = Judged(0.0, (-9.0, -9.0, 0.0, 0.0, 0.0))
    assert written(sentence, "", Costs(0.0, stay=1.0), [gone]).startswith("Cows eat")
    kept = Judged(0.0, (9.0, 9.0, 0.0, 0.0, 0.0))
    assert written(sentence, "", Costs(0.0, stay=1.0), [kept]).startswith("Cats and cows")


def test_an_acronym_stands_alone_once_its_words_are_gone() -> None:
    assert written([(1, "The Crab Net (CN) finds shells.")], "The CN finds shells [1].") == "The CN finds shells [1]."


def test_what_is_not_allowed_is_an_error() -> None:
    shortening = Shortening([(1, "Crabs learn fast.")], characters, NOTHING)
    with pytest.raises(ValueError, match="not allowed"):
        shortening.accept(ord("z"))


def test_without_sentences_it_is_done_at_once() -> None:
    assert Shortening([], characters, NOTHING).done and Shortening([(1, "...")], characters, NOTHING).done


WORDS = st.lists(
    st.sampled_from("a the crab 5% not B, (CN) and only which x-y, it. [0,1] «q» 3.5".split()), min_size=1, max_size=14
)


@given(st.lists(WORDS, min_size=1, max_size=3), st.integers(0, 2**32 - 1))
def test_whatever_the_model_likes_only_words_of_the_sentence_come_out_in_their_order(
    texts: list[list[str]], seed: int
) -> None:
    sentences = [(n, " ".join(words)) for n, words in enumerate(texts, start=1)]
    draw = np.random.default_rng(seed)
    shortening, out = Shortening(sentences, characters, NOTHING), []
    for _ in range(2000):
        if shortening.done:
            break
        out.append(shortening.choose(draw.normal(size=0x3000).astype(np.float32)))
    assert shortening.done
    text = "".join(map(chr, out))
    for number, source in sentences:
        said, mark, text = text.partition(f" [{number}].")
        if not split_units(source):
            continue
        assert mark
        whole = iter(c for c in source.lower() if not c.isspace())
        assert all(any(c == other for other in whole) for c in said.lower() if not c.isspace())
