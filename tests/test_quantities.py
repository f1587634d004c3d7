"""What is counted or measured, and which figure of an abstract is the one that was asked for."""

from __future__ import annotations

import pytest

from rag.text.quantities import WRONG_UNIT, FigureRequest, counted_stems, figures_in
from rag.text.tokenization import stems


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How many trainable parameters does ByteNet have?", ["trainabl", "paramet"]),
        ("What dropout rate between the layers is used?", ["dropout", "rate"]),
        ("What accuracy does it reach?", []),
        ("How many people took part in the survey?", []),
        ("For how many days did it last?", []),
        ("Why does it fail?", []),
        ("How many?", []),
    ],
)
def test_what_is_counted_is_read_off_the_question(question: str, words: list[str]) -> None:
    assert counted_stems(question) == words


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("It has 1.3M parameters and 52.7% top-1.", {"1.3", "52.7"}),
        ("ResNet-50, H3K56 and CIFAR10 are names.", set()),
        ("Path efficiency rose from 0·30 to 0·38.", {"0.30", "0.38"}),
        ("Twelve layers, half the memory, 16-18 hours.", {"twelve", "half", "16", "18"}),
        ("Losses fell by -3.2 points, or 2x.", {"3.2", "2"}),
        ("One of them is it.", set()),
    ],
)
def test_digits_of_a_name_are_no_figure(text: str, figures: set[str]) -> None:
    assert figures_in(text) == figures


@pytest.mark.parametrize(
    ("question", "sentence", "given"),
    [
        ("How many layers does it have?", "It has 12 layers.", 1.0),
        ("How many layers does it have?", "It has 12 heads.", 0.0),
        ("How many hidden layers does it have?", "It has 12 layers.", 0.5),
        ("How many layers does it have?", "It has many layers.", 0.0),
        ("Which accuracy does it reach with 12 layers?", "It reaches that with 12 layers.", 0.0),  # known already
        ("Which accuracy does it reach with 12 layers?", "It reaches 80.1 with 12 layers.", 1.0),
        ("By what percentage does it fall?", "It falls by 12%.", 1.0),
        ("By what percentage does it fall?", "It falls for 12 networks.", WRONG_UNIT),
        ("How many hours does it run?", "It runs 3 h.", 1.0),
        ("How many hours does it run?", "It runs on 3 machines.", WRONG_UNIT),
    ],
)
def test_the_figure_that_is_asked_for_stands_with_what_is_counted(question: str, sentence: str, given: float) -> None:
    wanted = FigureRequest(question, figures_in(question), dict.fromkeys(stems(question), 1.0))

    assert wanted.satisfied_by(sentence, set(stems(sentence))) == pytest.approx(given)
