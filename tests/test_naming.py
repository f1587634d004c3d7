"""Names of a question that a text does not have: half-remembered ones, general ones, slips."""

from __future__ import annotations

import pytest

from rag.evidence.entity_match import lacking_names, lacking_proper_words, only_compared_with

TEXT = (
    "Dual PatchNorm, a dual patch norm, adds layer normalisation around the patch embedding of vision transformers. "
    "It beats CLIP on COCO."
)
MANY = {"cnn": 60, "gpu": 12, "llm": 40, "coco": 30, "voc": 1}


@pytest.mark.parametrize(
    ("question", "names", "missing"),
    [
        ("Where does Dual PatchNorm put them?", ["PatchNorm"], []),
        ("Where does Dual PacthNorm put them?", ["PacthNorm"], []),  # letters swapped
        ("Where does Dual PatchNrom put them?", ["PatchNrom"], []),
        ("What does XNOR-Net reach?", ["XNOR-Net"], ["XNOR-Net"]),
        ("Does a CNN on one GPU do it?", [], []),  # names of the field
        ("Does it beat CLIP-like models?", ["CLIP"], []),
        ("What does it reach on VOC?", ["VOC"], ["VOC"]),  # as short, but rare here
        ("What does it reach on ImageNet?", ["ImageNet"], ["ImageNet"]),
        ("Is it ResNet50 or ResNet51?", ["ResNet50", "ResNet51"], ["ResNet50", "ResNet51"]),
    ],
)
def test_names_that_a_text_lacks(question: str, names: list[str], missing: list[str]) -> None:
    assert lacking_names(question, TEXT, MANY) == (names, missing)


def test_a_digit_is_no_slip() -> None:
    assert lacking_names("Is it EfficientNetV3?", "We propose EfficientNetV2.", {}) == (
        ["EfficientNetV3"],
        ["EfficientNetV3"],
    )


def test_a_short_name_has_no_slip() -> None:
    assert lacking_names("Is it DeiT?", "We propose DeTR.", {})[1] == ["DeiT"]


@pytest.mark.parametrize(
    ("question", "share"),
    [
        ("What would I do with Dual PatchNorm?", 0.0),
        ("Is it used with a CNN in Indian hospitals?", 1.0),
        ("Has it been tried on COCO or by the Bayesian route?", 0.5),
        ("is there any?", 0.0),
        ("What does a single DPN do?", 0.0),  # its letters begin words of the text
        ("What does a single DPX do?", 1.0),
    ],
)
def test_capitalised_words_that_a_text_lacks(question: str, share: float) -> None:
    assert lacking_proper_words(question, TEXT, MANY) == share


OURS = "EdgeNeXt has 1.3M parameters and reaches 71.2%, outperforming MobileViT by 2.2%, and beats Swin-B (83.3%)."


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("How many parameters does MobileViT have?", "MobileViT"),
        ("How many parameters does EdgeNeXt have?", ""),
        ("What accuracy does Swin-B reach?", ""),  # a figure of its own
        ("By how much does it outperform MobileViT?", ""),  # that is what was asked
        ("How many parameters does DaViT have?", ""),  # not there at all
        ("How many parameters does it have?", ""),
    ],
)
def test_the_figure_of_another_is_no_answer(question: str, name: str) -> None:
    assert only_compared_with(question, ["A title.", OURS], {}) == name


def test_one_paper_that_speaks_of_it_is_enough() -> None:
    question = "How many parameters does MobileViT have?"
    assert only_compared_with(question, [OURS, "MobileViT is a light network of 5.6M parameters."], {}) == ""
