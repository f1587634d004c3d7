"""Figures, units, names and negations, compared by rule: the same fact in another spelling, and another fact."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.facts import (
    figures_with_units,
    has_exchanged_fact,
    missing_figures,
    missing_names,
    missing_proper_nouns,
)

SAME = [
    ("50%", "50 %"),
    ("50%", r"50\%"),
    ("50%", "50 percent"),
    ("50 per cent", "50%"),
    ("2.0x faster", "2× faster"),
    ("2x faster", "two times faster"),
    ("2x faster", "twice as fast"),
    ("10x", "a tenfold gain"),
    ("10-fold", "10x"),
    ("1,000 images", "1000 images"),
    ("10k images", "10,000 images"),
    ("1.5B parameters", "1.5 billion parameters"),
    ("1.5B parameters", "1,500,000,000 parameters"),
    ("1.2 million", "1.2M"),
    ("84.6", "84.60"),
    ("16GB", "16 GB"),
    ("10 ms", "10 milliseconds"),
    ("40%", "40-50%"),
    ("50%", "40-50%"),
    ("40% to 50%", "40–50 %"),
    ("17%", "3%, 17%, and 14%"),
    ("3 ms", "3, 17 and 14 ms"),
    ("45.2 AP", "an AP of 45.2"),
    ("12-layer", "12 layers"),
    ("5 datasets", "5 data sets"),
    ("in 2021", "(2021)"),
    ("June 5, 2021", "5 June 2021"),
    ("ResNet-50", "ResNet50"),
    ("top-1", "Top 1"),
    ("CIFAR-100", "CIFAR-10/100"),
    ("½", "1/2"),
    ("one of the two", "some of them"),  # number words are not asked for
    ("three tasks", "3 tasks"),
    ("3 tasks", "three tasks"),
    ("three tasks", "three hard tasks"),
    ("three tasks", "three tasks and four other tasks"),
    ("two authors", "three tasks"),  # the source counts something else
    ("twelve heads", "twelve attention heads"),
    ("no figure", ""),
    ("３ papers", "3 papers"),
]
OTHER = [
    ("51%", "50%"),
    ("50%", "5.0%"),
    ("50 %", "50 ms"),
    ("10 s", "10 ms"),
    ("10 seconds", "10 datasets"),
    ("16 MB", "16 GB"),
    ("84.6", "84.65"),
    ("1.5B", "1.5M"),
    ("1000", "100"),
    ("2x", "3x"),
    ("3 ms", "3 papers in 17 ms"),
    ("45%", "40-50%"),
    ("2022", "2021"),
    ("top-5", "top-1"),
    ("Swin-50", "Swin-101"),
    ("4.6", "84.6"),
    ("84", "84.6"),
    ("7", ""),
    ("12.5%", "12%"),
    ("12%", "12.5%"),
    ("3 ms", "3 s"),
    ("3 s", "3 ms"),
    ("three tasks", "four tasks"),
    ("three tasks", "4 tasks"),
    ("five large tasks", "three tasks"),
]


@pytest.mark.parametrize(("sentence", "source"), SAME)
def test_the_same_figure_in_another_spelling(sentence: str, source: str) -> None:
    assert missing_figures(f"It is {sentence} here.", f"We have {source} there.") == set()


@pytest.mark.parametrize(("sentence", "source"), OTHER)
def test_another_figure_or_unit(sentence: str, source: str) -> None:
    assert missing_figures(f"It is {sentence} here.", f"We have {source} there.") != set()


def test_figures_by_number_and_unit() -> None:
    assert figures_with_units("From 1,000 to 2.50 GB, i.e. 3 % in two days") == {
        ("1000", "gb"), ("1000", ""), ("2.5", "gb"), ("3", "%"), ("2", ""),
    }  # fmt: skip


@given(st.text(max_size=120))
def test_a_text_bears_itself_out(text: str) -> None:
    assert missing_figures(text, text) == set()
    assert missing_names(text, text) == set()
    assert missing_proper_nouns(text, text) == set()


def test_every_missing_figure_is_named() -> None:
    assert missing_figures("It gains 3% in 10 ms on top-5.", "It gains 4%.") == {"3 %", "10 ms", "top-5"}


@pytest.mark.parametrize(
    ("sentence", "source"),
    [
        ("SimCLR is used.", "We use SimCLR."),
        ("ResNet-50 is used.", "We use ResNet50."),
        ("ImageNet-1K is used.", "We use ImageNet1k."),
        ("CNNs are used.", "We use a CNN."),
        ("A CNN is used.", "We use CNNs."),
        ("CNNs are used.", "We use convolutional neural networks."),
        ("GANs are used.", "We use StyleGAN."),
        ("FewShot learning is used.", "We use few-shot learning."),
        ("WAV2VEC is used.", "We use wav2vec."),
        ("No name is used.", ""),
        ("BERT is used.", "We use mBERT."),
        ("ResNets are used.", "We use a ResNet."),
    ],
)
def test_names_that_are_there(sentence: str, source: str) -> None:
    assert missing_names(sentence, source) == set()


@pytest.mark.parametrize(
    ("sentence", "source", "name"),
    [
        ("SimCLR is used.", "We use BYOL.", "SimCLR"),
        ("ResNet-101 is used.", "We use ResNet-50.", "ResNet-101"),
        ("ImageNet-1K is used.", "We use ImageNet.", "ImageNet-1K"),
        ("A GAN is used.", "The organ is large.", "GAN"),
        ("ART is used.", "A party of artists meets.", "ART"),
        ("A ViT is used.", "We invite vitamins.", "ViT"),
        ("GPT-4 is used.", "We use GPT-2.", "GPT-4"),
        ("BERT is used.", "We use RoBERTa.", "BERT"),
        ("RoBERTa is used.", "We use BERT.", "RoBERTa"),
        ("A GAN is used.", "The ORGAN is large.", "GAN"),
    ],
)
def test_names_that_are_not(sentence: str, source: str, name: str) -> None:
    assert missing_names(sentence, source) == {name}


@pytest.mark.parametrize(
    ("sentence", "source", "missing"),
    [
        ("It is trained on Cityscapes.", "We train on Kitti.", {"Cityscapes"}),
        ("It is trained on Cityscapes.", "We train on Cityscapes.", set()),
        ("Training is fast.", "We are slow.", set()),  # a first word says nothing
        ("It is a Convolutional Neural Network.", "We use CNNs.", set()),
        ("It uses Transformers.", "We use a transformer.", set()),
        ("It extends Mamba by Swin blocks.", "We extend Mamba.", {"Swin"}),
    ],
)
def test_proper_nouns(sentence: str, source: str, missing: set[str]) -> None:
    assert missing_proper_nouns(sentence, source) == missing


@pytest.mark.parametrize(
    ("sentence", "source", "is_exchanged"),
    [
        (
            "It reaches 85.68% on ImageNet-1K with 22.8M weights.",
            "It reaches 85.68% on CIFAR-100 with 22.8M weights.",
            True,
        ),
        ("It reaches 82.3% on CIFAR-100.", "It reaches 85.68% on CIFAR-100 and 82.3% on ImageNet.", True),
        ("BERT is distilled into a small net.", "GPT-2 is distilled into a small net.", True),
        ("The loss falls by 5 points.", "The loss falls by 85.5 points.", True),
        ("It reaches 85.68% on CIFAR-100.", "It reaches 85.68% on CIFAR-100 and 82.3% on ImageNet.", False),
        ("The authors train a 7B model.", "We train a 7 billion parameter model.", False),
        ("GPT2 is distilled.", "GPT-2 is distilled.", False),
        ("It takes 1000 steps (see 12).", "It takes 1,000 steps [12].", False),
        ("It extends bandwidth (BWE).", "It extends Bandwidth Extension.", False),
        ("The authors prune nets.", "We prune CNNs.", False),
    ],
)
def test_another_name_or_figure_in_the_place_of_one(sentence: str, source: str, is_exchanged: bool) -> None:
    assert has_exchanged_fact(sentence, source) is is_exchanged
