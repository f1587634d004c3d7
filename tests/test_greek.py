"""Greek letters, their names and what looks like them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.datatypes import Paper
from rag.evidence.entity_match import lacking_names
from rag.library.library import Library
from rag.text.facts import missing_names
from rag.text.greek import with_names
from rag.text.tokenization import tokens
from tests.library_parts import WordEncoder

SAME = [
    ("NF-κB", "NF-kB", "NF-kappaB", "NF-kappa B", "NFκB", "NFkB", "nf-κb", "nf-kb"),
    ("TGF-β", "TGF-beta", "TGF-b", "TGFβ", "TGFbeta", "tgf-b", "tgf-β"),
    ("TGF-β1", "TGF-beta1", "TGF-b1", "TGF-beta-1"),
    ("IFN-γ", "IFN-gamma", "IFN-g", "IFNγ", "IFNgamma", "ifn-g"),
    ("TNF-α", "TNF-alpha", "TNF-a", "TNFα", "TNFalpha"),
    ("PPAR-δ", "PPAR-delta", "PPARdelta", "PPAR-d"),
    ("α-synuclein", "alpha-synuclein"),
    ("β-catenin", "ß-catenin".replace("ß", "β"), "beta-catenin"),
    ("the λ calculus", "the lambda calculus"),
    ("γδ T cells", "gamma-delta T cells"),
    ("Ω-3", "omega-3", "ω-3"),
    ("\U0001d6fd-decay", "β-decay", "beta decay"),  # mathematical italic
    ("µ-opioid", "μ-opioid", "mu-opioid"),
]


@pytest.mark.parametrize("ways", SAME, ids=lambda ways: ways[0])
def test_one_thing_has_the_same_words_whichever_way_it_is_written(ways: tuple[str, ...]) -> None:
    assert {one: tokens(one) for one in ways} == dict.fromkeys(ways, tokens(ways[1]))
    sentence = "We study {} in mice."
    assert {tuple(tokens(sentence.format(one))) for one in ways} == {tuple(tokens(sentence.format(ways[0])))}


@pytest.mark.parametrize(
    "text",
    [
        "alphabet", "betalactam", "Alphabets and the deltas of rivers", "k-means", "a-priori", "e-mail", "b-tree",
        "RoBERTa", "DNAs", "NaCl", "mRNA", "LaTeX", "kB", "3 µm", "5 μg", "X-ray", "GPT-4", "BERT-base", "AlphaFold",
        "plug-and-play", "CIFAR-10", "KappaFace", "type II-based", "ELPIDA", "lambda",
        "Το νεύρο και η μνήμη", "ένα κ και ένα λ στη γραμμή",
    ],
)  # fmt: skip
def test_other_words_stay_as_they_are(text: str) -> None:
    assert with_names(text) == text


@pytest.mark.parametrize("ways", SAME[:6], ids=lambda ways: ways[0])
def test_a_name_is_in_a_text_that_writes_it_otherwise(ways: tuple[str, ...]) -> None:
    for asked in ways[:7]:
        for written in ways[:7]:
            assert missing_names(f"It inhibits {asked}.", f"A drug acts on {written} alone.") == set()
    assert missing_names("It inhibits NF-κB.", "A drug acts on NF-κA and on TGF-β.") == {"NF-κB"}
    assert lacking_names(f"What inhibits {ways[0]}?", f"A drug acts on {ways[1]}.", {})[1] == []


def test_a_word_index_finds_them(tmp_path: Path) -> None:
    with Library.create(tmp_path / "library", embedder=WordEncoder().id) as library:
        library.add(
            [Paper("k", "On NF-κB in mice", "It is here."), Paper("b", "On TGF-beta in mice", "It is here."),
             Paper("n", "On nothing in mice", "It is here.")],
            WordEncoder(),
        )  # fmt: skip
        assert [one for one, _ in library.lexical("NF-kB", 3)] == ["k"]
        assert [one for one, _ in library.lexical("nf-kappaB", 3)] == ["k"]
        assert [one for one, _ in library.lexical("TGF-β", 3)] == ["b"]
