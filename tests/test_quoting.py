"""What counts as a quote, and which deletions a rule defends."""

from __future__ import annotations

import pytest

from rag.verification.quoting import is_quote

DOSE = "The drug lowered blood pressure in adults, and it was tolerated by nearly all of the patients."


@pytest.mark.parametrize(
    ("text", "source"),
    [
        (DOSE, DOSE),
        ("The authors propose CrabNet, a network of claws.", "We propose CrabNet, a network of claws."),
        ("The drug lowered blood pressure in adults.", DOSE),
        ("Snow reflects light.", "However, snow reflects light."),
        ("Larger trees stored more carbon.", "Our measurements show that larger trees stored more carbon."),
        ("The support vector machine won.", "The support vector machine (SVM) won."),
        ("Snow melts early.", "Snow melts early; rivers rise in the same month of the year."),
    ],
)
def test_a_sentence_or_what_a_rule_can_defend_of_it_is_a_quote(text: str, source: str) -> None:
    assert is_quote(text, source)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        # what governs the clause
        ("Larger trees store more carbon.", "We doubt that larger trees store more carbon."),
        ("Larger trees store more carbon.", "It remains unclear whether larger trees store more carbon."),
        ("Larger trees store more carbon.", "Foresters believed that larger trees store more carbon."),
        ("Larger trees store more carbon.", "Critics found that larger trees store more carbon."),
        ("Larger trees store more carbon.", "We did not find that larger trees store more carbon."),
        ("Larger trees store more carbon.", "Our results suggest that larger trees store more carbon."),
        # attribution, hedge, negation, restriction, condition
        ("Snow melts early.", "According to herders, snow melts early."),
        ("Snow melts early.", "Snow may melt early."),
        ("Snow melts early.", "Snow never melts early."),
        ("Snow melts early.", "Snow melts early only on southern slopes."),
        ("Snow melts early.", "Snow melts early if the winter was dry."),
        ("Snow melts early.", "Snow melts early, except in shaded valleys."),
        ("Snow melts early.", "Snow melts early, but not in shaded valleys."),
        ("Snow melts early.", "If the winter was dry, snow melts early."),
        ("Patients improved.", "Few patients improved."),
        ("Moss grew on stone.", "Neither lichen nor moss grew on stone."),
        # a figure of another item
        ("Moss covered 12% of the walls.", "Moss covered 40% of the stones and 12% of the walls."),
        (
            "Model A reaches 70% on the second.",
            "Model A reaches 81% on the first and 64% on the second; B reaches 70%.",
        ),
        # other words or another order
        ("Rivers melt snow.", "Snow melts rivers."),
        ("The drug raised blood pressure in adults.", DOSE),
    ],
)
def test_what_is_cut_from_a_sentence_that_says_otherwise_is_none(text: str, source: str) -> None:
    assert not is_quote(text, source)
