"""The examples that the writer is taught with, and the steps of its training that need no long run."""

from __future__ import annotations

import random

import pytest

from rag.datatypes import Evidence, Paper, Sentence
from rag.words import stems
from training.writer.data import Example, joined, keywords, misspelt, varied
from training.writer.shorten import shorten
from training.writer.train import Tokens, batches, collate


@pytest.mark.parametrize(
    ("sentence", "question", "short"),
    [
        (
            "Experimental results show that Quantune reduces the search time by 36.5x with a small loss of accuracy.",
            "By what factor is the search time shortened?",
            "Quantune reduces the search time by 36.5x with a small loss of accuracy.",
        ),
        (
            "The authors find that old crabs learn faster at night, which may explain how they hunt.",
            "When do crabs learn faster?",
            "Old crabs learn faster at night.",
        ),
        (
            "In contrast to earlier nets, the model needs no labels at all, making it cheap to train on new languages.",
            "Does the model need labels?",
            "The model needs no labels at all.",
        ),
        (  # what was asked for stands in the side clause
            "The authors train on 12 languages, which makes the model cheap.",
            "What makes the model cheap?",
            "The authors train on 12 languages, which makes the model cheap.",
        ),
        (  # too little would be left
            "Crabs learn, which is new.",
            "Do crabs learn?",
            "Crabs learn, which is new.",
        ),
        (  # no bracket is cut through
            "The method is trained on images (for example, which show crabs, and shells) of the sea at night.",
            "What is the method trained on?",
            "The method is trained on images of the sea at night.",
        ),
    ],
)
def test_a_sentence_is_cut_to_what_was_asked(sentence: str, question: str, short: str) -> None:
    assert shorten(sentence, set(stems(question)), False) == short


def test_no_figure_goes_where_a_figure_is_asked_for() -> None:
    sentence = "The model is small and quick to load, achieving 91.2 on the test."
    wanted = set(stems("model"))
    assert shorten(sentence, wanted, True) == sentence
    assert shorten(sentence, wanted, False) == "The model is small and quick to load."


def example(title: str, question: str, answer: str) -> Example:
    sentence = Sentence(answer.replace(" [1]", ""), 0, 10)
    return Example("arxiv", question, (Evidence(1, Paper(title, title, sentence.text), (sentence,), 1.0),), answer)


def test_two_questions_are_answered_from_two_papers() -> None:
    both = joined(
        example("Crabs", "Do crabs learn?", "Crabs learn [1]."),
        example("Shells", "Why shells?", "Shells are hard [1]."),
    )
    assert both is not None
    assert both.question == "Do crabs learn? Why shells?"
    assert both.answer == "Crabs learn [1]. Shells are hard [2]."
    assert [(e.number, e.paper.title) for e in both.evidence] == [(1, "Crabs"), (2, "Shells")]


def test_a_paper_is_not_joined_with_itself() -> None:
    one = example("Crabs", "Do crabs learn?", "Crabs learn [1].")
    assert joined(one, one) is None


def test_misspelt_words_keep_their_letters() -> None:
    question = "How does quantization change accuracy?"
    wrong = misspelt(question, random.Random(1))
    assert wrong != question
    assert sorted(wrong) == sorted(question)


def test_keywords_are_the_words_that_carry_the_question() -> None:
    assert keywords("How does quantization change the accuracy of networks?") == "quantization change accuracy networks"


def test_the_same_seed_makes_the_same_examples() -> None:
    made = [example(f"Paper {i}", f"How does method {i} change accuracy?", f"It falls by {i} [1].") for i in range(40)]
    assert varied(made, random.Random(3)) == varied(made, random.Random(3))
    assert len(varied(made, random.Random(3))) == 40
    assert varied(made, random.Random(3)) != made


def test_every_example_is_read_once_before_any_comes_again() -> None:
    examples = [Tokens((0,) * (i + 2), 1) for i in range(20)]
    following = batches(examples, seed=5)
    first: list[Tokens] = []
    while len(first) < 20:
        first += next(following)
    assert sorted(len(e.ids) for e in first) == list(range(2, 22))


def test_only_the_answer_is_learnt() -> None:
    ids, mask, wanted = collate([Tokens((5, 6, 7, 8), 2), Tokens((9, 3), 1)])
    assert ids.tolist() == [[5, 6, 7, 8], [9, 3, 0, 0]]
    assert mask.tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
    assert wanted.tolist() == [[False, False, True, True], [False, True, False, False]]
