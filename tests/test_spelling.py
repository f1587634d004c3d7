"""Slips of the pen are put right from the library's own words; words and names that are only unknown are not."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.encoding.packaged_weights import weights_folder
from rag.text.spelling import apply_corrections, corrections, edit_distance, similar_names, written_names
from rag.text.tokenization import stem, stems
from rag.text.vocabulary import Vocabulary
from tests.library_parts import shipped_papers


@pytest.fixture(scope="module")
def vocabulary() -> Counter[str]:
    """Stems of the shipped papers with the number of papers that have them."""
    return Counter(s for p in shipped_papers() for s in set(stems(f"{p.title} {p.abstract}")))


@pytest.fixture(scope="module")
def english() -> frozenset[str]:
    return frozenset((weights_folder() / "vocab.txt").read_text(encoding="utf-8").split())


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("tranformer", "transformer"),
        ("pretrainig", "pretraining"),
        ("supervized", "supervised"),
        ("couting", "counting"),
        ("datset", "dataset"),
        ("sytem", "system"),
        ("encodr", "encoder"),
        ("filtrs", "filters"),
        ("memmory", "memory"),
        ("convolusion", "convolution"),
        ("lerning", "learning"),
        ("knowlege", "knowledge"),
        ("quantizaton", "quantization"),
        ("segmentaiton", "segmentation"),
        ("contrastve", "contrastive"),
        ("netwrok", "network"),
        ("attenton", "attention"),
        ("tumours", "tumors"),
        ("regularisation", "regularization"),
    ],
)
def test_the_obvious(typed: str, meant: str, vocabulary: Counter[str], english: frozenset[str]) -> None:
    slips = corrections(f"What is the {typed} for?", vocabulary, english.__contains__)

    assert {word: stem(right) for word, right in slips.items()} == {typed: stem(meant)}
    assert stems(apply_corrections(f"What is the {typed} for?", slips)) == stems(f"What is the {meant} for?")


@pytest.mark.parametrize(
    "text",
    [
        "How do qubits and graphene relate to spam?",
        "What is unlearning, grokking or backprop?",
        "theorems on polytopes, splines, homomorphisms of matroids, and MIMO or dram",
        "biometric decryption by decentralized automata with equilibria",
        "How does Zernike differ from Trasformer-like Mambo and Keras?",  # capitals within a sentence: names
        "What do SimCRL, RseNet50, BRET and w2v2x do?",
        "of the and with a tht",
        "Does bleaching hydrides change the conformal microbiome of youngsters?",
        "知识蒸馏 の モデル модель",
        "",
        "1234 56,7 §§",
    ],
)
def test_what_is_only_unknown_stays(text: str, vocabulary: Counter[str], english: frozenset[str]) -> None:
    assert corrections(text, vocabulary, english.__contains__) == {}


def test_no_word_of_the_library_itself_is_corrected(vocabulary: Counter[str]) -> None:
    for paper in shipped_papers():
        assert corrections(f"{paper.title} {paper.abstract}", vocabulary) == {}


def test_a_title_in_capitals_is_no_row_of_names(vocabulary: Counter[str]) -> None:
    assert corrections("What Is Knowlege Distillation Good For?", vocabulary) == {"knowlege": "knowledg"}


def test_a_word_spelt_right_is_left_alone_though_the_library_lacks_it() -> None:
    vocabulary = {"network": 9}

    assert corrections("netwrok", vocabulary) == {"netwrok": "network"}
    assert corrections("netwrok", vocabulary, lambda word: word == "netwrok") == {}


def test_the_commoner_word_wins_and_then_the_alphabet() -> None:
    assert corrections("trasin", {"train": 2, "trasin": 0}) == {}
    assert corrections("modxls", {"model": 5, "modal": 9}) == {}  # another ending and another letter at once
    assert corrections("conteast", {"contrast": 3, "contwast": 8}) == {"conteast": "contwast"}
    assert corrections("conteast", {"contrast": 3, "contwast": 3}) == {"conteast": "contrast"}


def test_an_empty_library_corrects_nothing() -> None:
    assert corrections("What is a tranformer?", {}) == {}


def test_a_word_that_finds_but_means_nothing_gets_its_letter(english: frozenset[str]) -> None:
    known = {"enhanc": 9, "model": 9}

    assert corrections("speech enhancment", known, english.__contains__) == {"enhancment": "enhancement"}
    assert corrections("speech enhancment", known) == {}  # without a list of words nothing is known to be wrong
    assert corrections("modelers", known, english.__contains__) == {}


def test_a_rare_name_is_asked_back_and_not_taken_for_granted() -> None:
    known = {"spinenet": 1, "network": 90}

    assert corrections("What is SpinNet?", known) == {}
    assert similar_names("What is SpinNet?", known) == {"spinnet": "spinenet"}
    assert similar_names("What is SpineNet, or SPINN?", known) == {}
    assert written_names("spinenet", ["Nothing.", "We propose SpineNet; SpineNets are …"]) == ["SpineNet"]
    assert written_names("spinenet", ["Nothing."]) == []
    assert written_names("confirm", ["Confirmed.", "We confirm it."]) == []


def test_only_whole_words_are_replaced() -> None:
    assert apply_corrections("Datset and datsets, DATSET.", {"datset": "dataset"}) == "dataset and datsets, dataset."


_STEMS = st.text("abcé", min_size=1, max_size=9)


@given(st.dictionaries(_STEMS, st.integers(1, 9), max_size=30), _STEMS, st.integers(1, 2), st.integers(1, 5))
def test_looking_up_finds_what_comparing_with_all_finds(
    frequencies: dict[str, int], word: str, edits: int, least: int
) -> None:
    known = Vocabulary(frequencies)
    near = dict(known.near(word, edits, least))

    assert known == frequencies and known.most == max(frequencies.values(), default=0)
    assert near.items() <= frequencies.items() and all(n >= least for n in near.values())
    expected = {
        other for other, n in frequencies.items()
        if other[0] == word[0] and n >= least and edit_distance(word, other, edits) <= edits
    }  # fmt: skip
    assert word[0] == "é" or expected <= near.keys()


def test_what_is_far_is_not_compared() -> None:
    known = Vocabulary({stem: 1 for paper in shipped_papers() for stem in stems(paper.abstract)})

    assert len(list(known.near("segmentaton", 2))) < len(known) / 200
    assert [word for word, _ in known.near("zygote", 1)] == []


@given(st.text("abc", max_size=7), st.text("abc", max_size=7))
def test_distance_is_that_of_the_textbook(a: str, b: str) -> None:
    table = {(i, 0): i for i in range(len(a) + 1)} | {(0, j): j for j in range(len(b) + 1)}
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            steps = [table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a[i - 1] != b[j - 1])]
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                steps.append(table[i - 2, j - 2] + 1)
            table[i, j] = min(steps)
    exact = table[len(a), len(b)]

    assert edit_distance(a, b, 20) == exact
    assert (edit_distance(a, b, 2) <= 2) == (exact <= 2)
