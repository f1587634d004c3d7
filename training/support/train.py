"""Teach the network SciFact's training claims; with ``--made N`` first N pairs made by rule.

    python -m training.support.train --pairs build/support --out build/support/model.pt

Writes the weights, and beside them the logits of the held-out pairs. Seeded. One thread unless
told otherwise: on a machine with other work two threads are slower than one.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.support.network import SupportNetwork, collate, tokenizer

BATCH = 16
# Made pairs of each kind, seen once. More of those that resemble a claim; each kind with its turned and near ones.
GENERAL = {"title": 600, "conclusion": 300, "question-yes-no": 100, "abstract": 250, "summary": 100, "answer": 50}
EPOCHS = 2  # over SciFact's pairs
RATE, HEAD_RATE = 1.5e-4, 1e-3
FINE_RATE, FINE_HEAD_RATE = 2e-4, 1e-3
WARM_UP = 0.1


def read(path: Path) -> list[dict[str, Any]]:
    """Pairs of a file that ``training.support.data`` wrote."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def batches(pairs: Sequence[Any], lengths: Sequence[int], rng: random.Random) -> Iterator[list[int]]:
    """Positions in random order, those of about one length together."""
    order = list(range(len(pairs)))
    rng.shuffle(order)
    chunks = []
    for start in range(0, len(order), BATCH * 16):
        near = sorted(order[start : start + BATCH * 16], key=lambda i: (lengths[i], i))
        chunks += [near[i : i + BATCH] for i in range(0, len(near), BATCH)]
    rng.shuffle(chunks)
    yield from chunks


class Cache:
    """What the frozen half of the network gives for every pair (float16), computed when first asked for."""

    def __init__(self, network: SupportNetwork, pairs: Sequence[dict[str, Any]]) -> None:
        self._network = network
        self._entries = tokenizer().encode_batch([(p["claim"], p["evidence"]) for p in pairs])
        self._states: dict[int, torch.Tensor] = {}
        self.lengths = [len(e.ids) for e in self._entries]

    def rows(self, chunk: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """States, attention mask and token types of the pairs at ``chunk``, padded to the longest of them."""
        inputs = collate([self._entries[i] for i in chunk])
        if any(i not in self._states for i in chunk):
            with torch.no_grad():
                states = self._network.lower(**inputs)
            for i, row in zip(chunk, states, strict=True):
                self._states[i] = row[: self.lengths[i]].half()
        rows = torch.nn.utils.rnn.pad_sequence([self._states[i].float() for i in chunk], batch_first=True)
        return rows, inputs["attention_mask"], inputs["token_type_ids"]


def teach(
    network: SupportNetwork,
    pairs: Sequence[dict[str, Any]],
    epochs: int,
    rates: tuple[float, float],
    rng: random.Random,
    name: str,
) -> None:
    """``epochs`` passes over ``pairs``; the learning rate warms up, then falls in a line to zero."""
    groups = [
        {"params": list(network.layers.parameters()), "lr": rates[0]},
        {"params": network.head(), "lr": rates[1]},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    total = epochs * -(-len(pairs) // BATCH)
    warm = WARM_UP * total
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, max(0.0, (total - step) / (total - warm)))
    )
    cache = Cache(network, pairs)
    network.train()
    network.frozen.eval()
    network.embeddings.eval()
    begin, losses = time.time(), []
    for chunk in (chunk for _ in range(epochs) for chunk in batches(pairs, cache.lengths, rng)):
        logits = network.upper(*cache.rows(chunk)).squeeze(-1)
        target = torch.tensor([0.94 * pairs[i]["label"] + 0.03 for i in chunk])
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if len(losses) % 5 == 0 or len(losses) == total:
            spent = time.time() - begin
            sys.stderr.write(f"{name} {len(losses)}/{total} loss {np.mean(losses[-20:]):.3f} {spent:.0f} s\n")


def selection(general: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first made pairs of each kind, as many as ``GENERAL`` says."""
    left = dict(GENERAL)
    chosen = []
    for pair in general:
        kind = next(kind for kind in left if pair["source"].startswith(kind))
        if left[kind]:
            left[kind] -= 1
            chosen.append(pair)
    return chosen


def logits_of(network: SupportNetwork, pairs: Sequence[dict[str, Any]]) -> list[float]:
    """One logit for every pair, in order."""
    network.eval()
    entries = tokenizer().encode_batch([(p["claim"], p["evidence"]) for p in pairs])
    order = sorted(range(len(pairs)), key=lambda i: len(entries[i].ids))
    found = [0.0] * len(pairs)
    with torch.inference_mode():
        for start in range(0, len(order), BATCH):
            chunk = order[start : start + BATCH]
            for i, value in zip(chunk, network(**collate([entries[i] for i in chunk])).squeeze(-1), strict=True):
                found[i] = float(value)
    return found


def balanced_accuracy(logits: Sequence[float], labels: Sequence[int], threshold: float = 0.0) -> float:
    """Mean of the shares of either label that are on their side of ``threshold``."""
    values, truth = np.asarray(logits), np.asarray(labels)
    return float(((values[truth == 1] >= threshold).mean() + (values[truth == 0] < threshold).mean()) / 2)


def best_threshold(logits: Sequence[float], labels: Sequence[int]) -> tuple[float, float]:
    """The logit that splits the labels best, and the balanced accuracy there."""
    cuts = sorted(logits)
    middles = [(a + b) / 2 for a, b in itertools.pairwise(cuts)]
    return max(((m, balanced_accuracy(logits, labels, m)) for m in middles), key=lambda found: found[1])


def main() -> int:
    """Both stages; says how well the held-out pairs are told apart after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--start", type=Path, help="weights to begin the second stage with")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--made", type=int, default=0, help="pairs made by rule, for a first stage")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    network = SupportNetwork()
    general, scifact = read(options.pairs / "general.jsonl"), read(options.pairs / "scifact.jsonl")
    held_out = read(options.pairs / "heldout.jsonl")
    labels = [p["label"] for p in held_out]
    rng = random.Random(options.seed)
    first = selection(general)[: options.made]
    if options.start:
        network.load_state_dict(torch.load(options.start, weights_only=True))
    else:
        if first:
            teach(network, first, 1, (RATE, HEAD_RATE), rng, "made pairs")
        torch.save(network.state_dict(), options.out.with_suffix(".general.pt"))
        print("held out, after the made pairs:", best_threshold(logits_of(network, held_out), labels), flush=True)
    teach(network, scifact, options.epochs, (FINE_RATE, FINE_HEAD_RATE), rng, "SciFact")
    torch.save(network.state_dict(), options.out)
    found = logits_of(network, held_out)
    print("held out, after SciFact:", best_threshold(found, labels), "at 0:", balanced_accuracy(found, labels))
    options.out.with_suffix(".heldout.json").write_text(json.dumps(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
