"""'What is X?' begins with what X is, where an abstract says it."""

from __future__ import annotations

import pytest

from rag.evidence.defining import defines
from rag.questions.definitions import defined_term


@pytest.mark.parametrize(
    ("question", "term"),
    [
        ("What is autophagy?", "autophagy"),
        ("so what are circular RNAs", "circular rnas"),
        ("Define the reverse Warburg effect.", "reverse warburg effect"),
        ("What does NETosis mean?", "netosis"),
        ("What is meant by price elasticity?", "price elasticity"),
        ("What is the role of autophagy in ageing?", ""),
        ("What is known about malaria?", ""),
        ("What is the best treatment for hypertension?", ""),
        ("What is dark matter made of?", ""),
        ("What predicts survival?", ""),
    ],
)
def test_the_term_whose_meaning_is_asked_after(question: str, term: str) -> None:
    assert defined_term(question) == tuple(term.split())


@pytest.mark.parametrize(
    ("sentence", "term"),
    [
        ("Autophagy is a process in which cells digest themselves.", "autophagy"),
        ("Circular RNAs (circRNAs) are endogenous noncoding molecules.", "circular rnas"),
        ("Inflation, a general rise in prices, hurts savers.", "inflation"),
        ("This shift is called the reverse Warburg effect.", "reverse warburg effect"),
        ("Gentrification refers to the renewal of poor quarters.", "gentrification"),
    ],
)
def test_a_definition_is_known_by_its_form(sentence: str, term: str) -> None:
    assert defines(sentence, term.split()) >= 0.6


@pytest.mark.parametrize(
    ("sentence", "term"),
    [
        ("Autophagy is required for survival.", "autophagy"),
        ("Autophagy is essential for life.", "autophagy"),
        ("The authors show that in hungry cells autophagy is a source of energy.", "autophagy"),
        ("Inflation rose in all countries.", "inflation"),
    ],
)
def test_what_is_said_of_a_known_thing_is_no_definition(sentence: str, term: str) -> None:
    assert defines(sentence, term.split()) < 0.6
