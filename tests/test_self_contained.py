"""Sentences that cannot stand without the one before, and connectives that can go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.self_contained import leans_on_previous, needed_before, without_opener
from rag.text.wording import third_person
from rag.verification.quoting import is_quote


@pytest.mark.parametrize(
    "text",
    [
        "They melt in May.",
        "These glaciers lose mass.",
        "However, they lose mass.",
        "This network has three layers.",
        "This shows that snow melts.",
        "It has three layers.",
        "It is used to measure snow.",
        "It is able to measure snow.",
        "Such moths are pale.",
        "The former is cheaper.",
        "The two models agree.",
        "Both are cheap.",
        "In this way, they survive.",
        "Unlike these, moths are pale.",
        "Each of them was weighed.",
        "(2) the cost of snow.",
        "(iii) measured weights.",
        "Second, it is cheap.",
        "RESULTS: They lost weight.",
        "For this, we weighed moths.",
        "Until that time, moths are pale.",
        "Following these, moths are pale.",
        "CONCLUSIONS/SIGNIFICANCE They lost weight.",
    ],
)
def test_what_points_out_of_a_sentence_leans(text: str) -> None:
    assert leans_on_previous(text)


@pytest.mark.parametrize(
    "text",
    [
        "However, snow melts.",
        "This paper weighs moths.",
        "This randomized controlled trial weighed moths.",
        "It is known that moths are pale.",
        "It is not easy to weigh a moth.",
        "It has been shown that moths are pale.",
        "It remains unclear whether moths sleep.",
        "Those who sleep little eat more.",
        "Both moths and bees are pale.",
        "Such as it is, snow melts.",
        "Thesis writing is hard.",
        "Itching is a symptom.",
        "Despite its size, the moth is heard.",
        "Second, we weigh moths.",
        "(2) We weigh moths.",
        "The proposed scale weighs moths.",
        "Moths are pale.",
        "",
    ],
)
def test_what_stands_by_itself_does_not_lean(text: str) -> None:
    assert not leans_on_previous(text)


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("However, snow melts.", "Snow melts."),
        ("But snow melts.", "Snow melts."),
        ("To explain such odd findings with regard to moths, a lamp was built.", "A lamp was built."),
        ("In accordance with this idea, we weigh moths.", "We weigh moths."),
        ("In contrast to these earlier trials, snow melts.", "Snow melts."),
        ("In addition, we weigh moths.", "We weigh moths."),
        ("Moreover, in contrast, snow melts.", "Snow melts."),
        ("Third, we weigh moths.", "We weigh moths."),
        ("(2) We weigh moths.", "We weigh moths."),
        ("• The moth is pale.", "The moth is pale."),
        ("Finally our scale is cheap.", "Our scale is cheap."),
        ("To address these two problems, we weigh moths.", "We weigh moths."),
        ("Motivated by this, our scale is cheap.", "Our scale is cheap."),
        ("To weigh a moth, we use a scale.", "To weigh a moth, we use a scale."),
        ("So far, nobody knows.", "So far, nobody knows."),
        ("Yet another scale is cheap.", "Yet another scale is cheap."),
        ("First, snow falls; second, it melts.", "First, snow falls; second, it melts."),
        ("First authors are pale.", "First authors are pale."),
        ("(2) cost of snow.", "(2) cost of snow."),
        ("Still water is deep.", "Still water is deep."),
        ("However,", "However,"),
        ("Thus, iPhones melt.", "iPhones melt."),
    ],
)
def test_openers_go_where_a_whole_sentence_is_left(text: str, bare: str) -> None:
    assert without_opener(text) == bare


@pytest.mark.parametrize(
    "text",
    [
        "However, snow melts.",
        "For example, we weigh moths.",
        "To solve this task, we weigh moths.",
        "(2) We weigh moths.",
        "Conversely, our moth is pale.",
    ],
)
def test_what_is_left_is_still_a_quote(text: str) -> None:
    assert is_quote(without_opener(text), text)
    assert is_quote(third_person(without_opener(text)), text)
    assert not is_quote("Snow does not melt.", text)


def test_how_many_sentences_come_along() -> None:
    abstract = ["Moths are pale.", "They sleep.", "However, they eat.", "It is known that they fly.", "They hum."]
    assert [needed_before(abstract, at) for at in range(5)] == [0, 1, 2, 0, 1]
    assert needed_before(["They sleep."], 0) is None
    assert needed_before(["Moths are pale.", "They a.", "They b.", "They c."], 3) is None


@given(st.text(max_size=80))
def test_any_text_is_read(text: str) -> None:
    bare = without_opener(text)
    assert without_opener(bare) == bare or bare != text
    assert len(bare) <= len(text) + 2  # a capital may be two letters
    leans_on_previous(text)
