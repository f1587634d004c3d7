"""Teaching the entailment network: where pairs come from, what it reads, that it learns, and how it is judged."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rag.verification.entailment import (
    BEGIN,
    END,
    MAX_TOKENS,
    UNKNOWN,
    ClaimReader,
    Thresholds,
    relevant_sentences,
    softmax,
)
from training.checker import made, measure, public
from training.checker.export import (
    APART,
    Parted,
    Rows,
    chosen,
    largest,
    mean,
    prepared,
    set_props,
    temperature,
    write,
)
from training.checker.measure import Case, auc, figures, kinds, opened, sides
from training.checker.network import LABELS, SPECIAL, Network, bucket
from training.checker.pairs import TEST, Written, convert, joined, parse, share, standing
from training.checker.public import Pair, balanced
from training.checker.restore import restored
from training.checker.train import Example, Mix, Run, collate, group_of, loss_of
from training.checker.vocabulary import chosen as chosen_pieces

BLOCKS = """@ new | Zoology | Owls hunt rats at night. They may hunt bats.
+ cut | Owls hunt rats.
- time | Owls hunt rats at noon.
0 hedge lost | Owls hunt bats.
a line that is neither
@ real | arxiv:1
+ cut | Crabs find shells.
"""
OWLS = "Owls hunt rats at night."
CRABS = "Crabs find shells in the sand."
LETTERS = [chr(c) for c in range(97, 123)]
PIECES = [*SPECIAL, *LETTERS, *(f"##{c}" for c in LETTERS), ".", "owls", "hunt", "rats"]


@pytest.fixture
def reader() -> ClaimReader:
    return ClaimReader(PIECES)


def pair(name: str, label: str, claim: str = "c", source: str = "s") -> Pair:
    return Pair(name, label, claim, source, source)


# --- what is read ---


def test_a_source_that_fits_is_read_whole() -> None:
    assert relevant_sentences("anything", [OWLS, CRABS], [6, 7], room=13) == [0, 1]


def test_of_a_longer_source_the_sentences_near_the_claim_are_read_in_order() -> None:
    source = [CRABS, "It is late.", OWLS, "They may hunt bats.", "Nothing else is said."]
    assert relevant_sentences("At night owls hunt.", source, [5] * 5, room=10) == [2, 3]
    assert relevant_sentences("Nothing shared.", [CRABS] * 5, [5] * 5, room=10) == [3, 4], (
        "conclusions stand at the end"
    )
    assert relevant_sentences("At night owls hunt.", source, [50] * 5, room=15) == [2], "one at least, however long"


def test_a_pair_is_claim_and_source_between_marks_and_never_too_long(reader: ClaimReader) -> None:
    marks = {name: at for at, name in enumerate(PIECES)}
    ids = reader.read("Owls hunt.", "Rats.")
    end, stop = marks[END], marks["."]
    assert ids == [marks[BEGIN], marks["owls"], marks["hunt"], stop, end, end, marks["rats"], stop, end]
    assert UNKNOWN not in [PIECES[at] for at in reader.read("Spelt", "anyhow")]
    assert MAX_TOKENS - 24 < len(reader.read("owls " * 300, f"{OWLS} " * 100)) <= MAX_TOKENS
    assert len(reader.read("Owls hunt.", "rats " * 600)) == MAX_TOKENS, "a sentence that is too long by itself"


def test_the_vocabulary_keeps_marks_and_single_characters_and_what_is_frequent() -> None:
    from collections import Counter

    pieces = ["[unused0]", *SPECIAL, "a", "##a", "rare", "often"]
    assert chosen_pieces(pieces, Counter({"often": 9, "rare": 1}), 7) == [*SPECIAL, "a", "##a", "often"]


# --- our own pairs ---


def test_a_writers_file_becomes_claims(capsys: pytest.CaptureFixture[str]) -> None:
    found = list(parse(BLOCKS, {"arxiv:1": CRABS}, "3"))
    assert [(w.id, w.field, w.label, w.kind) for w in found] == [
        ("3-1-1", "zoology", "supported", "cut"),
        ("3-1-2", "zoology", "contradicted", "time"),
        ("3-1-3", "zoology", "not_stated", "hedge lost"),
        ("3-2-1", "arxiv", "supported", "cut"),
    ]
    assert found[3].source == CRABS
    assert "a line that is neither" in capsys.readouterr().err


def test_a_source_is_on_one_side_whoever_wrote_about_it(tmp_path: Path) -> None:
    (tmp_path / "sources_1.jsonl").write_text(json.dumps({"source": "arxiv:1", "abstract": CRABS}), encoding="utf-8")
    for writer in (1, 2):
        (tmp_path / f"pairs_{writer}.txt").write_text(BLOCKS, encoding="utf-8")
    found = convert(tmp_path)
    assert len(found) == 4, "the same claim beside the same source counts once"
    splits: dict[str, set[str]] = {}
    for one in found:
        splits.setdefault(one.source, set()).add(one.split)
    assert all(len(split) == 1 for split in splits.values())
    assert 0.15 < sum(share(f"source {i}") < TEST for i in range(1000)) / 1000 < 0.25
    old = [replace(found[0], id="older"), replace(found[0], claim="Another.")]
    assert joined(old, found) == [*old, *found[1:]], "what stands already stays as it is"
    assert standing(tmp_path / "pairs.jsonl") == []


def test_the_pairs_that_ship_are_whole() -> None:
    every = [Written(**r) for r in public.lines(measure.OWN)]
    assert len(every) > 4000 and {w.label for w in every} == set(LABELS)
    assert not {w.source for w in every if w.split == "test"} & {w.source for w in every if w.split == "train"}
    assert all(w.split == ("test" if share(w.source) < TEST else "train") for w in every)


# --- public sets and rules ---


def test_labels_are_balanced_and_capped() -> None:
    pairs = [pair("x", "supported")] * 80 + [pair("x", "not_stated")] * 20
    found = balanced(pairs, 50, random.Random(0), supported=0.5)
    assert [sum(p.label == label for p in found) for label in ("supported", "not_stated")] == [20, 20]


def test_claims_that_cite_barred_documents_are_left_out(tmp_path: Path) -> None:
    corpus = [{"doc_id": name, "abstract": [OWLS, CRABS, "They are grey."]} for name in ("1", "2")]
    evidence = {"1": [{"sentences": [0], "label": "SUPPORT"}]}
    claims = [{"id": 1, "claim": "Owls hunt [<|multi_cit|>].", "evidence": evidence, "cited_doc_ids": [1, 2]}]
    for name, records in (("corpus_sentences", corpus), ("claims_train", claims)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    found = public.cited(tmp_path, "scifact", "claims_train.jsonl", {"2"})
    assert [(p.claim, p.label) for p in found] == [("Owls hunt.", "supported")]
    assert len(public.cited(tmp_path, "scifact", "claims_train.jsonl", set())) == 2
    assert [p.source for p in public.only_rationale(tmp_path, set())] == [OWLS]
    assert public.without_rationale(tmp_path, set()) == [], "too little is left"


def test_every_wording_about_a_trial_is_true_as_often_as_false(tmp_path: Path) -> None:
    labels = ["significantly increased", "significantly decreased", "no significant difference"] * 60
    records = [
        {"pmcid": i, "intervention": "Tea", "comparator": "Water", "outcome": "Sleep", "label": label, "evidence": OWLS}
        for i, label in enumerate(labels)
    ]
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    found = public.trials(path, random.Random(0))
    assert len(found) > 100
    for claim in {p.claim for p in found}:
        sides_of = [p.label == "supported" for p in found if p.claim == claim]
        assert sum(sides_of) * 2 == len(sides_of)


@pytest.mark.parametrize(
    ("sentence", "label", "claim"),
    [
        ("We show that northern owls hunt rats by night.", "supported", "Northern owls hunt rats by night."),
        ("We asked whether northern owls hunt rats by night.", "not_stated", "Northern owls hunt rats by night."),
        ("If the moon is dark enough, owls hunt rats.", "not_stated", "Owls hunt rats."),
        ("Because the moon is dark enough, owls hunt rats.", "supported", "Owls hunt rats."),
    ],
)  # fmt: skip
def test_a_cut_is_true_where_the_clause_that_is_lost_says_so(sentence: str, label: str, claim: str) -> None:
    assert (label, claim) in [(said, text) for _, said, text in made.cuts(sentence, random.Random(0))]


def test_a_turned_sentence_is_borne_out_by_a_source_turned_alike() -> None:
    abstracts = [
        (str(i), [CRABS, "The method significantly improves the results of all owls.", OWLS]) for i in range(40)
    ]
    found = list(made.turned(abstracts, random.Random(0)))
    turned_in_true = [p for p in found if p.label == "supported" and ("worsens" in p.claim or "not" in p.claim)]
    plain_in_false = [p for p in found if p.label == "not_supported" and "improves" in p.claim]
    assert turned_in_true and plain_in_false, "the rule's traces are in true and in false claims"


# --- the network ---


def test_buckets_tell_sides_and_are_exact_when_near() -> None:
    found = bucket(torch.tensor([-1, 0, 1, 7, 8, 200]))
    assert found.tolist()[:4] == [1, 0, 17, 23]
    assert found[4] == 24 and found[5] == 31


def test_padding_changes_nothing() -> None:
    torch.manual_seed(0)
    network = Network(len(PIECES), layers=1).eval()
    short, long = Example("own", (0, 5, 6, 2), 0), Example("own", (0, *range(4, 30), 2), 1)
    with torch.inference_mode():
        alone = network(*collate([short]))[0]
        beside = network(*collate([short, long]))[0]
    assert torch.allclose(alone, beside, atol=1e-4)


def test_not_supported_means_either_of_the_other_labels() -> None:
    logits = torch.tensor([[0.0, 5.0, -5.0], [0.0, -5.0, 5.0]])
    known = torch.tensor([1, 2])
    assert loss_of(logits, known) < 0.01 and loss_of(logits, known.flip(0)) > 5
    assert loss_of(logits, torch.tensor([-1, -1])) < 0.01


def test_the_mix_moves_from_general_to_own_pairs_and_repeats_nothing_early() -> None:
    every = [Example(name, (i,), 0) for name in ("wanli", "own", "scifact", "cut") for i in range(400)]
    mix = Mix(every, seed=0)
    first, last = mix.draw(300, 0.0), mix.draw(300, 1.0)
    assert sum(e.set == "own" for e in first) < 100 < sum(e.set == "own" for e in last)
    of_own = [e.ids for e in first if e.set == "own"]
    assert len(of_own) == len(set(of_own))
    assert group_of("wanli") == "general"
    batches = list(mix.batches([Example("own", (1,) * n, 0) for n in range(1, 190)]))
    assert sum(map(len, batches)) == 189
    assert all(len(b) == 1 or len(b) * max(len(e.ids) for e in b) <= 1400 for b in batches)


def test_a_run_learns_keeps_and_is_taken_up_again(tmp_path: Path) -> None:
    torch.manual_seed(0)
    run = Run(tmp_path, Network(len(PIECES), layers=5), minutes=1)
    frozen, taught = run.network.layers[0].up.weight.clone(), run.network.layers[4].up.weight.clone()
    run.spent = 20.0  # the rate is at its full height
    batch = [Example("own", (0, 5, 6, 2), 0), Example("own", (0, 7, 8, 9, 2), 2)]
    losses = [run.learn(batch) for _ in range(12)]
    assert losses[-1] < losses[0]
    assert torch.equal(run.network.layers[0].up.weight, frozen)
    assert not torch.equal(run.network.layers[4].up.weight, taught)
    run.keep()
    again = Run(tmp_path, Network(len(PIECES), layers=5), minutes=1)
    assert (again.step, again.spent) == (12, 20.0)
    assert torch.equal(again.network.layers[4].up.weight, run.network.layers[4].up.weight)
    again.spent = 60.0
    assert again.rate() == 0.0


# --- export ---


def test_a_parted_product_and_a_table_of_eight_bits_say_the_same() -> None:
    torch.manual_seed(0)
    linear, x = torch.nn.Linear(30, 5), torch.randn(2, 3, 30)
    assert torch.allclose(Parted(linear, torch.tensor([3, 7]))(x), linear(x), atol=1e-5)
    table = torch.randn(9, 30)
    assert (Rows(table)(torch.tensor([[0, 8]])) - table[[0, 8]]).abs().max() < 0.02


def test_the_mean_of_two_networks_keeps_the_positions_of_the_newer() -> None:
    newer = {"a": torch.tensor([1.0, 3.0]), "positions.weight": torch.ones(3, 2)}
    found = mean(newer, {"a": torch.tensor([3.0, 5.0]), "positions.weight": torch.zeros(2, 2)})
    assert found["a"].tolist() == [2.0, 4.0] and torch.equal(found["positions.weight"], newer["positions.weight"])


def test_the_channels_with_the_largest_values_are_parted() -> None:
    torch.manual_seed(0)
    network = Network(len(PIECES), layers=1).eval()
    network.layers[0].norm_1.bias.data[:] = 0.0
    network.layers[0].norm_1.bias.data[[5, 600]] = 50.0
    found = largest(network, [Example("own", (0, 5, 6, 2), 0)])
    assert all(len(channels) == APART for channels in found.values())
    assert {5, 600} <= set(found[(0, "up")].tolist())


@pytest.mark.filterwarnings("ignore")
def test_the_file_is_all_that_is_needed(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    torch.manual_seed(0)
    network = Network(len(PIECES), layers=1).eval()
    ids = ClaimReader(PIECES).read("Owls hunt.", "Rats hunt owls.")
    with torch.inference_mode():
        wanted = network(torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.long))[0].tolist()
    write(prepared(network, [Example("own", tuple(ids), 0)]), PIECES, tmp_path / "checker.onnx")
    set_props(
        tmp_path / "checker.onnx",
        {
            "allowance": "2.0",
            "temperature": "1.5",
            "thresholds": '{"supported": 0.7, "weak": 0.5, "contradicted": 0.8}',
        },
    )
    model = opened(tmp_path / "checker.onnx", threads=1)
    assert model.temperature == 1.5 and model.thresholds == Thresholds(0.7, 0.5, 0.8)
    assert model.logits(ids) == pytest.approx(wanted, abs=0.05)
    judged = model.judge("Owls hunt.", "Rats hunt owls.")
    assert judged.supported + judged.contradicted + judged.not_stated == pytest.approx(1.0)
    again = Network(len(PIECES), layers=1).eval()  # and it can be taught further
    again.load_state_dict(restored(tmp_path / "checker.onnx"))
    with torch.inference_mode():
        back = again(torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.long))[0].tolist()
    assert back == pytest.approx(wanted, abs=0.05)


# --- figures ---


def test_figures_of_a_set() -> None:
    odds = [[0.9, 0.05, 0.05], [0.2, 0.7, 0.1], [0.6, 0.1, 0.3], [0.1, 0.1, 0.8]]
    cases = [Case("c", "s", label) for label in ("supported", "contradicted", "not_stated", "not_stated")]
    found = figures(odds, cases, {"supported": 0.8, "weak": 0.5, "contradicted": 0.6})
    assert found["auc"] == 1.0 and found["three_way"] == 0.75
    assert found["at_supported"]["balanced_accuracy"] == 1.0
    assert found["at_weak"]["false_refused"] == pytest.approx(2 / 3)
    assert found["contradicted"] == {"told": 1, "right": 1, "of": 1}


def test_auc_counts_ties_as_half() -> None:
    assert auc([1.0, 0.5], [0.5, 0.0]) == 0.875
    assert sides([0.9, 0.1], ["supported", "not_stated"], 0.5) == (1.0, 1.0)


def test_thresholds_refuse_what_is_not_borne_out() -> None:
    rng = random.Random(0)
    labels = [i % 3 for i in range(300)]
    logits = [[rng.gauss(2.0 * (label == at), 1.0) for at in range(3)] for label in labels]
    divisor = temperature(logits, labels)
    thresholds = chosen([softmax(row, divisor) for row in logits], labels)
    assert thresholds["weak"] <= thresholds["supported"]
    scores = [softmax(row, divisor)[0] for row in logits]
    assert sides(scores, [LABELS[at] for at in labels], thresholds["supported"])[1] >= 0.8


def test_a_writers_kind_falls_under_broad_ones() -> None:
    assert kinds("hedge lost") == ["kind: hedge"]
    assert set(kinds("figures swapped")) == {"kind: figures", "kind: roles"}
