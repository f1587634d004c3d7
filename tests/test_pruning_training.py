"""Teaching the pruning network: what of the writer's examples becomes a label, and that it learns."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from rag.text.sentence_compression import split_units
from training.pruning import train
from training.pruning.train import Labelled, Network, Run, auc, collate, labelled, loss_of
from training.writer.shortened import Example, Shortened

CRABS = "Crabs find shells in the sand, as everybody knows."
OWLS = "Owls hunt rats at night."


def example(worths: str = "+-") -> Example:
    sentences = (Shortened(1, CRABS, (0, 1, 2), worths[0]), Shortened(2, OWLS, (), worths[1]))
    return Example("xquad", "What do crabs find?", sentences, "g")


def test_words_and_sentences_are_labelled_where_the_network_is_read() -> None:
    one = labelled(example("+~"))
    assert one.worth == (1.0, 0.5)
    assert one.stay == ((True,) * 3 + (False,) * (len(split_units(CRABS)) - 3), None)
    inputs, labels = collate([one, labelled(example("~-"))])
    assert inputs["input_ids"].shape == labels.shape[:2]
    for row, worths in enumerate(((1.0, 0.5), (0.5, 0.0))):
        heads = [at for at, label in enumerate(labels[row, :, 1].tolist()) if label != -1.0]
        assert tuple(heads) == one.read.heads and tuple(labels[row, heads, 1].tolist()) == worths
    stays = [at for at, label in enumerate(labels[0, :, 0].tolist()) if label == 1.0]
    first = one.read.spans[0]
    assert stays == list(range(first[0][0], first[2][1]))
    of_owls = [at for begin, end in one.read.spans[1] for at in range(begin, end)]
    assert (labels[0, of_owls, 0] == -1.0).all()  # nothing was said of its words


def test_only_what_is_labelled_counts() -> None:
    labels = torch.full((1, 4, 2), -1.0)
    labels[0, 1, 0], labels[0, 2, 1] = 1.0, 0.0
    logits = torch.zeros(1, 4, 2)
    before = loss_of(logits, labels)
    logits[0, 0], logits[0, 1, 1], logits[0, 3] = 9.0, -9.0, 9.0
    assert loss_of(logits, labels) == before
    logits[0, 1, 0], logits[0, 2, 1] = 9.0, -9.0
    assert loss_of(logits, labels) < before / 100


@pytest.mark.parametrize(
    ("right", "wrong", "share"),
    [([2.0, 3.0], [1.0], 1.0), ([1.0], [1.0, 0.0], 0.75), ([0.0], [1.0], 0.0), ([], [1.0], 0.5)],
)
def test_how_often_the_right_one_comes_first(right: list[float], wrong: list[float], share: float) -> None:
    assert auc(right, wrong) == share


def test_it_learns_and_a_run_that_broke_off_is_taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "BATCH", 4)
    examples: list[Labelled] = [labelled(example("+-" if n % 2 else "+~")) for n in range(8)]
    (tmp_path / "whole").mkdir()
    (tmp_path / "broken").mkdir()
    torch.manual_seed(0)
    whole = Run(tmp_path / "whole", Network(), examples, examples, seed=1)
    whole.teach(6)
    assert whole.log[-1]["step"] == 6 and whole.log[-1]["sentences"] > 0.9

    torch.manual_seed(0)
    broken = Run(tmp_path / "broken", Network(), examples, examples, seed=1)
    monkeypatch.setattr(train, "CHECK_EVERY", 100)
    for _ in range(2):
        broken.learn(examples[:4], 6)
    broken.keep()
    again = Run(tmp_path / "broken", Network(), examples, examples, seed=1)
    assert again.step == 2
    again.teach(6)
    assert again.step == 6 and again.log[-1]["sentences"] > 0.9
