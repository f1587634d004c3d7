"""Train MiniLM to judge whether a paper is about what is asked, and which of its sentences hold what is asked of it.

    python -m training.fit.train --data ../shared/data --out build/fit/network

Examples: :mod:`training.fit.data`. A cross-encoder that starts from the packaged all-MiniLM-L6-v2, or from ``--start``
(a ``model.pt`` of :mod:`training.pruning.train` or of this module), reads them as the program will
(:func:`rag.evidence.fitting.encode`) and gives each token two logits; one is read at the first token (the paper fits),
the other where a sentence begins. The loss is the cross-entropy of both; what was judged in groups counts twice what is
taken from other sources. Word vectors stay as they are. The rate rises, then falls in a line to zero. With ``--runs``
the mean of the weights of runs that begin alike is taken (Wortsman et al. 2022, 'Model soups',
https://arxiv.org/abs/2203.05482). Seeded. A checkpoint is written every few minutes; the same command goes on from it.

On held-out groups: how often a paper that fits comes before one that does not, over all and within each question; the
same of the sentences of papers that fit; and the calibration, a logistic fit of the paper's logit (Platt 1999).
Leaves ``model.pt``, ``log.jsonl`` and ``calibration.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from rag.evidence.fitting import Encoded
from training.fit.data import Judged, of_groups, of_one_paper, of_sentences, split
from training.pruning.train import Network, auc, average
from training.writer.train import batches

EPOCHS = 2.0
BATCH = 24
RATE, HEAD_RATE = 1.5e-4, 1e-3
WARM_UP = 0.05
SENTENCES = 0.7  # what the loss of the sentences counts beside that of the papers
OTHER_SOURCES = 0.5  # what an example counts that was not judged in a group
CHECK_EVERY, TELL_EVERY = 300, 25  # steps
KEEP_EVERY = 180  # seconds
_NONE = -1.0
GROUPS = Path(__file__).parent / "groups.jsonl"


@dataclass(frozen=True)
class Labelled:
    """One example as tokens, with what the network should say."""

    read: Encoded
    fit: float
    holds: tuple[float, ...]
    weight: float
    question: str

    @property
    def ids(self) -> tuple[int, ...]:
        return self.read.ids


def labelled(one: Judged) -> Labelled:
    """The example as the network reads it."""
    read = one.read
    weight = 1.0 if one.source == "groups" else OTHER_SOURCES
    return Labelled(read, one.fit, one.holds[: len(read.heads)], weight, one.question)


def collate(chunk: Sequence[Labelled]) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor, torch.Tensor]:
    """Inputs (batch, tokens), whether each fits (batch,), what its sentences hold (batch, tokens), weights (batch,)."""
    longest = max(len(one.ids) for one in chunk)
    ids = torch.zeros(len(chunk), longest, dtype=torch.long)
    mask, kinds = torch.zeros_like(ids), torch.zeros_like(ids)
    holds = torch.full((len(chunk), longest), _NONE)
    for row, one in enumerate(chunk):
        length = len(one.ids)
        ids[row, :length], kinds[row, :length] = torch.tensor(one.ids), torch.tensor(one.read.kinds)
        mask[row, :length] = 1
        holds[row, list(one.read.heads)] = torch.tensor(one.holds)
    inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": kinds}
    fits, weights = (torch.tensor([getattr(one, name) for one in chunk]) for name in ("fit", "weight"))
    return inputs, fits, holds, weights


def loss_of(logits: torch.Tensor, fits: torch.Tensor, holds: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted cross-entropy of papers, and of sentences times ``SENTENCES``."""
    papers = binary_cross_entropy_with_logits(logits[:, 0, 0], fits, weight=weights)
    known = holds != _NONE
    spread = weights[:, None].expand_as(holds)[known]
    return papers + SENTENCES * binary_cross_entropy_with_logits(logits[..., 1][known], holds[known], weight=spread)


def logits_of(network: Network, examples: Sequence[Labelled]) -> list[tuple[float, list[float]]]:
    """Of each example the logit of the paper and those of its sentences."""
    network.eval()
    found: list[tuple[float, list[float]]] = []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for start in range(0, len(examples), BATCH):
            chunk = examples[start : start + BATCH]
            for one, logits in zip(chunk, network(**collate(chunk)[0]).float(), strict=True):
                found.append((float(logits[0, 0]), [float(logits[head, 1]) for head in one.read.heads]))
    network.train()
    return found


def check(network: Network, held_out: Sequence[Labelled]) -> dict[str, float]:
    """AUC over all papers, within each question, and of the sentences of papers that fit."""
    said = logits_of(network, held_out)
    sure = [(x, one) for (x, _), one in zip(said, held_out, strict=True) if one.fit in (0.0, 1.0)]
    by_question: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for x, one in sure:
        by_question[one.question].append((x, one.fit))
    within = [
        auc([x for x, fit in mine if fit == 1.0], [x for x, fit in mine if fit == 0.0])
        for mine in by_question.values()
        if len({fit for _, fit in mine}) == 2
    ]
    sentences = [
        (x, hold)
        for (_, xs), one in zip(said, held_out, strict=True)
        if one.fit == 1.0
        for x, hold in zip(xs, one.holds, strict=True)
    ]
    return {
        "papers": auc([x for x, one in sure if one.fit], [x for x, one in sure if not one.fit]),
        "within": sum(within) / max(1, len(within)),
        "sentences": auc([x for x, hold in sentences if hold == 1.0], [x for x, hold in sentences if hold == 0.0]),
    }


def calibration(network: Network, held_out: Sequence[Labelled]) -> dict[str, float]:
    """Slope and bias that make the papers' logits log-odds on ``held_out`` (Platt 1999)."""
    x = torch.tensor([paper for paper, _ in logits_of(network, held_out)], dtype=torch.float64)
    y = torch.tensor([one.fit for one in held_out], dtype=torch.float64)
    weights = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=200)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = binary_cross_entropy_with_logits(weights[0] * x + weights[1], y)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[arg-type]
    return {"slope": float(weights[0]), "bias": float(weights[1])}


class Run:
    """A training run that can be taken up again."""

    def __init__(self, out: Path, network: Network, train: list[Labelled], held_out: list[Labelled], seed: int) -> None:
        self.out, self.network, self.train, self.held_out, self.seed = out, network, train, held_out, seed
        trunk = [p for p in network.trunk.parameters() if p.requires_grad]
        groups = [{"params": trunk, "rate": RATE}, {"params": list(network.head.parameters()), "rate": HEAD_RATE}]
        self.optimizer = torch.optim.AdamW(groups, lr=RATE, weight_decay=0.01)
        self.step = 0
        self.log: list[dict[str, float]] = []
        if (path := out / "checkpoint.pt").exists():
            state = torch.load(path, weights_only=True)
            network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.log = state["step"], state["log"]

    def teach(self, steps: int) -> None:
        """To the end, which is ``steps`` from the beginning."""
        following = batches(self.train, self.seed, BATCH)
        for _ in range(self.step):
            next(following)
        self.network.train()
        losses: list[float] = []
        begun = kept = time.monotonic()
        tokens = 0
        while self.step < steps:
            chunk = next(following)
            losses.append(self.learn(chunk, steps))
            tokens += sum(len(one.ids) for one in chunk)
            if self.step % TELL_EVERY == 0:
                rate = tokens / (time.monotonic() - begun)
                sys.stderr.write(
                    f"step {self.step}/{steps}: loss {sum(losses[-50:]) / len(losses[-50:]):.3f}, {rate:.0f} tokens/s\n"
                )
            if self.step % CHECK_EVERY == 0 or self.step == steps:
                self.log.append({"step": self.step} | check(self.network, self.held_out))
                print(json.dumps(self.log[-1]), flush=True)
            if time.monotonic() - kept > KEEP_EVERY or self.step == steps:
                self.keep()
                kept = time.monotonic()

    def learn(self, chunk: Sequence[Labelled], steps: int) -> float:
        """One step; its loss."""
        share = min((self.step + 1) / (WARM_UP * steps), (steps - self.step) / ((1 - WARM_UP) * steps))
        for group in self.optimizer.param_groups:
            group["lr"] = group["rate"] * min(1.0, share)
        inputs, fits, holds, weights = collate(chunk)
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.network(**inputs)
        loss = loss_of(logits.float(), fits, holds, weights)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return loss.item()

    def keep(self) -> None:
        """The checkpoint; the old one stays until the new one is whole."""
        state = {
            "network": self.network.state_dict(), "optimizer": self.optimizer.state_dict(),
            "step": self.step, "log": self.log,
        }  # fmt: skip
        temporary = self.out / "checkpoint.tmp"
        torch.save(state, temporary)
        temporary.replace(self.out / "checkpoint.pt")


def examples(data: Path) -> tuple[list[Labelled], list[Labelled]]:
    """For training, and held out."""
    made = [*of_groups(data, GROUPS), *of_sentences(data), *of_one_paper(data)]
    train, held_out = split(made)
    return [labelled(one) for one in train if one.texts], [labelled(one) for one in held_out if one.texts]


def main() -> int:
    """Train, or go on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=float, default=EPOCHS)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--start", type=Path, default=None)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    train, held_out = examples(options.data)
    print(f"{len(train)} examples, {len(held_out)} held out", flush=True)
    states, log = [], []
    for seed in range(options.runs):
        (folder := options.out / f"run-{seed}").mkdir(parents=True, exist_ok=True)
        torch.manual_seed(0)  # the means of weights are good weights only of networks that began as one
        network = Network()
        if options.start is not None:
            network.load_state_dict(torch.load(options.start, weights_only=True))
        torch.manual_seed(seed)
        run = Run(folder, network, train, held_out, seed)
        run.teach(max(1, round(options.epochs * len(train) / BATCH)))
        states.append(run.network.state_dict())
        log += [{"run": seed} | entry for entry in run.log]
    network = Network()
    network.load_state_dict(average(states))
    log.append({"runs": options.runs} | check(network, held_out))
    print(json.dumps(log[-1]))
    torch.save(network.state_dict(), options.out / "model.pt")
    (options.out / "log.jsonl").write_text("".join(json.dumps(one) + "\n" for one in log), encoding="utf-8")
    (options.out / "calibration.json").write_text(json.dumps(calibration(network, held_out)) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
