"""The network that says what an abstract says of a claim, and the rules that turn true sentences round for training."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from rag.datatypes import Verdict
from rag.encoding.onnx_encoder import Network, model_file
from rag.errors import ModelError
from rag.system.hashing import sha256_of
from rag.verification.entailment import (
    MODEL_SHA256,
    EntailmentNetwork,
    Judgement,
    Thresholds,
    entailment_network,
    relevant_sentences,
    softmax,
)
from training.checker.alter import change_figure, falsify, negate, paraphrase, swap_name, swap_sides, turn_direction
from training.checker.measure import table

ROOT = Path(__file__).parent.parent
SENTENCES = (
    "Fractures are common in old age.",
    "We followed 1,200 women for five years.",
    "Vitamin D supplements reduced the risk of hip fractures by 18%.",
    "No effect on falls was seen.",
)
ABSTRACT = " ".join(SENTENCES)


def judge(text: str) -> Judgement:
    return entailment_network().judge(text, ABSTRACT)


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("Supplements of vitamin D reduce hip fractures.", "Supplements of vitamin D increase hip fractures."),
        ("Vitamin D supplements reduced hip fractures.", "Vitamin D supplements did not reduce hip fractures."),
        ("Women were followed for five years.", "Neural networks were trained on graphs."),
        ("Falls were not affected.", "Falls became rarer."),
    ],
)
def test_what_the_abstract_says_is_likelier_than_what_it_does_not(true: str, false: str) -> None:
    assert judge(true).supported > judge(false).supported + 0.1


def test_probabilities_are_whole_and_the_same_every_time() -> None:
    for text in ("", "…", "vitamin", "Vitamin D " * 200, "日本", "\ud800"):
        found = judge(text)
        assert found.supported + found.contradicted + found.not_stated == pytest.approx(1.0)
        assert judge(text) == found
    assert softmax([1.0, 2.0, 0.5], 2.0) == pytest.approx(softmax([0.5, 1.0, 0.25]))


def test_thresholds_make_verdicts() -> None:
    bounds = Thresholds(supported=0.7, weak=0.4, contradicted=0.6)
    assert bounds.verdict(Judgement(0.7, 0.1, 0.2)) is Verdict.SUPPORTED
    assert bounds.verdict(Judgement(0.5, 0.3, 0.2)) is Verdict.WEAK
    assert bounds.verdict(Judgement(0.1, 0.3, 0.6)) is Verdict.UNSUPPORTED
    assert bounds.verdict(Judgement(0.2, 0.7, 0.1)) is Verdict.CONTRADICTED
    shipped = entailment_network().thresholds
    assert 0 < shipped.weak <= shipped.supported < 1 and 0 < shipped.contradicted <= 1


def test_the_network_is_the_one_that_the_code_names() -> None:
    path = model_file("checker.onnx")
    assert sha256_of(path) == MODEL_SHA256
    assert path.stat().st_size <= 90e6
    assert MODEL_SHA256[:12] in path.with_suffix(".md").read_text(encoding="utf-8")


def test_the_figures_of_the_documentation_are_those_of_this_network() -> None:
    newest = sorted((ROOT / "benchmarks" / "results" / "checker").glob("*.json"))[-1]
    found = json.loads(newest.read_text(encoding="utf-8"))
    assert found["model_sha256"] == MODEL_SHA256
    page = (ROOT / "docs" / "answers.md").read_text(encoding="utf-8")
    shown = page.partition("<!-- checker:begin -->\n")[2].partition("\n<!-- checker:end -->")[0]
    assert shown == table(found)


def test_another_file_is_an_error_that_says_so() -> None:
    with pytest.raises(ModelError, match="damaged"):
        EntailmentNetwork(Network(model_file("checker.onnx"), "0" * 64)).judge("It helps.", ABSTRACT)
    with pytest.raises(ModelError, match="input_ids"):
        EntailmentNetwork(Network(model_file("pruning.onnx"), sha256_of(model_file("pruning.onnx")))).logits([1, 2])


def test_a_sentence_is_judged_without_torch() -> None:
    script = (
        "import sys; from rag.verification.entailment import entailment_network; "
        "before = 'onnxruntime' in sys.modules; entailment_network().judge('It helps.', 'It is of help.'); "
        "print(before, sorted({'torch', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "False []"), done.stderr


def test_of_a_long_source_the_sentences_near_the_claim_are_read() -> None:
    lengths = [8] * len(SENTENCES)
    assert relevant_sentences("anything", SENTENCES, lengths, 100) == [0, 1, 2, 3]
    assert 2 in relevant_sentences("Vitamin D reduced fractures.", SENTENCES, lengths, 16)
    assert len(relevant_sentences("Vitamin D reduced fractures.", SENTENCES, lengths, 16)) == 2
    assert len(relevant_sentences("unrelated", SENTENCES, lengths, 3)) == 1


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
