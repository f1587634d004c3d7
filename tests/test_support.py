"""How likely an abstract bears a sentence out, and the rules that make false sentences of true ones for training."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys

import pytest

from rag.encoding.onnx_encoder import model_file
from rag.verification import support
from training.support.alter import change_figure, falsify, negate, paraphrase, swap_name, swap_sides, turn_direction
from training.support.data import statement

TITLE = "Vitamin D and Fractures"
ABSTRACT = (
    "Fractures are common in old age.",
    "We followed 1,200 women for five years.",
    "Vitamin D supplements reduced the risk of hip fractures by 18%.",
    "No effect on falls was seen.",
)


def probability(text: str) -> float:
    return support.probability(text, TITLE, ABSTRACT)


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("Supplements of vitamin D reduce hip fractures.", "Supplements of vitamin D increase hip fractures."),
        ("Vitamin D supplements reduced hip fractures.", "Vitamin D supplements did not reduce hip fractures."),
        ("Vitamin D reduced hip fractures by 18%.", "Vitamin D reduced hip fractures by 28%."),
        ("Vitamin D reduced hip fractures.", "Vitamin K2 reduced hip fractures."),
        ("Women were followed for five years.", "Neural networks were trained on graphs."),
        ("Falls were not affected.", "Convolutional networks recognise faces in photographs."),
    ],
)
def test_what_the_abstract_says_is_likelier_than_what_it_does_not(true: str, false: str) -> None:
    assert probability(true) > probability(false) + 0.1


def test_what_has_nothing_to_do_with_it_is_not_even_weakly_supported() -> None:
    assert (
        probability("Large language models write computer programs from short descriptions.") < support.weights().weak
    )


def test_probabilities_and_thresholds() -> None:
    fit = support.weights()

    assert 0 < fit.weak < fit.supported < 1
    assert all(0 <= probability(text) <= 1 for text in ("", "…", "vitamin", "Vitamin D " * 200, "日本"))
    assert probability("Falls were not affected.") == probability("Falls were not affected.")


def test_every_figure_that_is_weighed_is_made() -> None:
    made = set(support.features("Vitamin D helps.", TITLE, ABSTRACT))

    assert set(support.weights().weights) == made | {support.NETWORK}


def test_the_network_is_the_one_that_the_code_names() -> None:
    path = model_file("support.onnx")

    assert hashlib.sha256(path.read_bytes()).hexdigest() == support.MODEL_SHA256
    assert path.stat().st_size < 24e6
    assert support.MODEL_SHA256[:12] in path.with_suffix(".md").read_text(encoding="utf-8")


def test_the_network_tells_a_paraphrase_from_another_subject() -> None:
    held = " ".join(ABSTRACT[1:])

    like, unlike = support.network().score(
        [("Hip fractures became rarer with vitamin D.", held), ("Cars are sold in spring.", held)]
    )

    assert like > unlike + 0.5


def test_a_sentence_is_judged_without_torch() -> None:
    script = (
        "import sys; from rag.verification import support; before = 'onnxruntime' in sys.modules; "
        "support.probability('It helps.', 'T', ['It is of help.']); "
        "print(before, sorted({'torch', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout.strip()) == (0, "False []"), done.stderr


def test_the_sentences_that_share_most_words_are_held_against_it() -> None:
    assert support.choose("Vitamin D reduced fractures in women.", ABSTRACT, k=2) == [1, 2]
    assert support.choose("unrelated", ABSTRACT, k=2) == [2, 3]  # later ones are likelier findings
    assert support.choose("anything", ABSTRACT[:1]) == [0]
    assert support.held_against("Vitamin D reduced fractures.", ABSTRACT[2:]) == " ".join(ABSTRACT[2:])


# --- false sentences for training ---


@pytest.fixture
def rng() -> random.Random:
    return random.Random(0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It improves accuracy.", "It does not improve accuracy."),
        ("It does not improve accuracy.", "It improve accuracy."),
        ("Labels are used.", "Labels are not used."),
        ("It cannot learn.", "It can learn."),
        ("Graphs.", None),
    ],
)
def test_negating(text: str, expected: str | None) -> None:
    found = {negate(text, random.Random(seed)) for seed in range(20)}

    assert expected in found


def test_turning_a_direction(rng: random.Random) -> None:
    assert turn_direction("It increases cost.", rng) == "It decreases cost."
    assert turn_direction("Higher is better here.", random.Random(1)) in (
        "Lower is better here.",
        "Higher is worse here.",
    )
    assert turn_direction("Nothing turns.", rng) is None


def test_changing_a_figure_keeps_its_look(rng: random.Random) -> None:
    changed = change_figure("It reaches 75.3% of it.", rng)

    assert changed is not None
    assert changed != "It reaches 75.3% of it."
    assert changed.removeprefix("It reaches ").removesuffix("% of it.").partition(".")[2].isdigit()
    assert change_figure("ResNet50 is used.", rng) is None


def test_swapping_names_and_sides(rng: random.Random) -> None:
    assert swap_name("BERT is used.", "RoBERTa and BERT are compared.", rng) == "RoBERTa is used."
    assert swap_name("BERT is used.", "BERT is used.", rng) is None
    assert swap_sides("Pruning outperforms distillation, mostly.", rng) == "Distillation outperforms pruning, mostly."
    assert swap_sides("Pruning works.", rng) is None


def test_a_false_sentence_differs_and_the_same_seed_makes_the_same() -> None:
    text = "Pruning with OneCut outperforms distillation by 3.5 points, and improves accuracy."

    made = [falsify(text, "TwoCut is compared.", random.Random(seed)) for seed in range(30)]

    assert text not in made
    assert None not in made
    assert len(set(made)) > 4
    assert made == [falsify(text, "TwoCut is compared.", random.Random(seed)) for seed in range(30)]
    assert falsify("Nothing here.", "", random.Random(0)) is None


def test_paraphrase_keeps_figures_and_names() -> None:
    text = "However, we show that OneCut (our method) reaches 75.3% in order to win."

    for seed in range(20):
        said = paraphrase(text, random.Random(seed))
        assert "OneCut" in said
        assert "75.3%" in said
        assert said[0].isupper()


def test_question_and_answer_as_a_statement() -> None:
    assert statement("What is the capital of France?", "Paris") == "The capital of France is Paris."
    assert statement("Who invented the telephone?", "Bell") == "Bell invented the telephone."
    assert statement("How many are there?", "3") is None
