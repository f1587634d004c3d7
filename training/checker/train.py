r"""Teach the entailment network, for as long as it is given.

    nice python -m training.checker.train --base build/all-mpnet-base-v2 --pairs build/checker \
        --out build/checker/run --minutes 75

The rate rises for two minutes, stays, and falls in a line to zero over the last third of the time, whatever the machine
gives: a run ends well on any. Sets are drawn by the shares of ``SHARES``, which move from general inference, short and
easy, to claims about research: begun with a mix of all, the network learned next to nothing in three thousand pairs.
With ``--start`` a taught network goes on learning: the shares stand at their end from the first step.
The four lowest layers and all vectors stay as they are. What is kept is a moving average of the weights. A checkpoint
is written every few minutes; the same command goes on from it. Seeded; how many steps fit is up to the machine.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn import functional

from rag.verification.entailment import MAX_TOKENS, ClaimReader
from training.checker.measure import auc
from training.checker.network import LABELS, Network, pretrained
from training.checker.public import lines
from training.checker.restore import restored

RATE, HEAD_RATE = 5e-5, 3e-4
WARM_UP, DECAY = 0.03, 0.35  # shares of the time
FROZEN = 4  # lowest layers
LONGEST = 192  # tokens; less than is read later, so that more pairs can be read in the time
TOKENS, MOST = 1400, 32  # in a step, padding included
CHUNK = 128  # pairs that are sorted by length together
AVERAGE, EVERY = 0.97, 4  # decay of the moving average, and how many steps lie between
KEEP, LOOK = 240, 900  # seconds
# Share of the pairs drawn, at the beginning and at the end.
GROUPS = {
    "own": ("own",), "science": ("scifact", "scifact_near", "scifact_taken", "citint", "covid", "trials", "pubmedqa"),
    "made": ("turned", "cut", "scitldr"),
}  # fmt: skip
SHARES = {"own": (0.1, 0.5), "science": (0.08, 0.28), "made": (0.02, 0.07), "general": (0.8, 0.15)}
TURN = (0.4, 0.7)  # of the time: from where to where the shares move
TIMES = {"scifact": 3.5, "scifact_near": 2.5, "scifact_taken": 1.5}  # as often as their size says


@dataclass(frozen=True)
class Example:
    """One pair as the network reads it; ``label`` is a place in ``LABELS``, or -1 for 'not supported'."""

    set: str
    ids: tuple[int, ...]
    label: int


def examples(path: Path, reader: ClaimReader, longest: int = MAX_TOKENS, every: int = 1) -> list[Example]:
    """One in ``every`` pairs of a file, ``longest`` tokens at most."""
    places = {name: at for at, name in enumerate(LABELS)} | {"not_supported": -1}
    return [
        Example(r["set"], tuple(reader.read(r["claim"], r["source"], longest)), places[r["label"]])
        for r in lines(path)[::every]
    ]


def group_of(name: str) -> str:
    """The group in ``SHARES`` that a set belongs to."""
    return next((group for group, sets in GROUPS.items() if name in sets), "general")


class Mix:
    """Draws examples by the shares of the groups; within a set none comes again before all have come."""

    def __init__(self, every: Sequence[Example], seed: int) -> None:
        self._rng = random.Random(seed)
        self._sets: dict[str, list[Example]] = {}
        for one in every:
            self._sets.setdefault(one.set, []).append(one)
        self._left: dict[str, list[Example]] = {name: [] for name in self._sets}

    def draw(self, size: int, progress: float) -> list[Example]:
        """``size`` examples; ``progress`` goes from 0 to 1."""
        names = sorted(self._sets)
        moved = min(1.0, max(0.0, (progress - TURN[0]) / (TURN[1] - TURN[0])))
        worth = {name: len(self._sets[name]) * TIMES.get(name, 1.0) for name in names}
        total: dict[str, float] = {}
        for name in names:
            total[group_of(name)] = total.get(group_of(name), 0.0) + worth[name]
        weights = []
        for name in names:
            first, last = SHARES[group_of(name)]
            weights.append((first + (last - first) * moved) * worth[name] / total[group_of(name)])
        return [self._next(name) for name in self._rng.choices(names, weights, k=size)]

    def _next(self, name: str) -> Example:
        if not self._left[name]:
            self._left[name] = self._rng.sample(self._sets[name], len(self._sets[name]))
        return self._left[name].pop()

    def batches(self, chunk: Sequence[Example]) -> Iterator[list[Example]]:
        """``chunk`` in batches of about one length, in random order."""
        made: list[list[Example]] = [[]]
        for one in sorted(chunk, key=lambda e: len(e.ids)):
            if made[-1] and (len(made[-1]) == MOST or (len(made[-1]) + 1) * len(one.ids) > TOKENS):
                made.append([])
            made[-1].append(one)
        yield from self._rng.sample(made, len(made))


def collate(chunk: Sequence[Example]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask (batch, tokens), padded to the longest."""
    longest = max(len(one.ids) for one in chunk)
    ids = torch.ones(len(chunk), longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, one in enumerate(chunk):
        ids[row, : len(one.ids)] = torch.tensor(one.ids)
        mask[row, : len(one.ids)] = 1
    return ids, mask


def loss_of(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy; for 'not supported' (-1) of the other two labels together."""
    odds = functional.log_softmax(logits.float(), dim=-1)
    either = torch.logsumexp(odds[:, 1:], dim=-1)
    known = odds.gather(1, labels.clamp(min=0).unsqueeze(1)).squeeze(1)
    return -torch.where(labels >= 0, known, either).mean()


def supported(network: Network, held_out: Sequence[Example]) -> list[list[float]]:
    """Logits of every example, in order."""
    network.eval()
    order = sorted(range(len(held_out)), key=lambda i: len(held_out[i].ids))
    found: list[list[float]] = [[] for _ in held_out]
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for start in range(0, len(order), 16):
            part = order[start : start + 16]
            for i, row in zip(part, network(*collate([held_out[i] for i in part])).float().tolist(), strict=True):
                found[i] = row
    network.train()
    return found


class Run:
    """A run by the clock that can be taken up again."""

    def __init__(self, out: Path, network: Network, minutes: float, rate: float = RATE, taught: bool = False) -> None:
        self.out, self.network, self.seconds, self.taught = out, network, minutes * 60, taught
        network.layers[:FROZEN].requires_grad_(False)
        network.norm.requires_grad_(False)
        trunk = [p for p in network.layers.parameters() if p.requires_grad]
        groups = [{"params": trunk, "rate": rate}, {"params": list(network.head.parameters()), "rate": HEAD_RATE}]
        self.optimizer = torch.optim.AdamW(groups, lr=rate, weight_decay=0.01, fused=True)
        self.mean = {name: p.detach().clone() for name, p in network.named_parameters() if p.requires_grad}
        self.step, self.spent = 0, 0.0
        if (path := out / "checkpoint.pt").exists():
            state = torch.load(path, weights_only=True)
            network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
            for group, given in zip(self.optimizer.param_groups, groups, strict=True):
                group["rate"] = given["rate"]  # as they are now, not as they were
            self.mean, self.step, self.spent = state["mean"], state["step"], state["spent"]

    def rate(self) -> float:
        """The share of the full rate that holds now."""
        done = self.spent / self.seconds
        return max(0.0, min(1.0, (done + 0.002) / WARM_UP, (1 - done) / DECAY))

    def teach(self, mix: Mix, held_out: Sequence[Example]) -> None:
        """Until the time is over."""
        self.network.train()
        begun, before = time.monotonic(), self.spent
        kept = looked = self.spent
        losses: list[float] = []
        tokens = 0
        while self.spent < self.seconds:
            for batch in mix.batches(mix.draw(CHUNK, 1.0 if self.taught else self.spent / self.seconds)):
                losses.append(self.learn(batch))
                tokens += sum(len(one.ids) for one in batch)
                self.spent = before + time.monotonic() - begun
                if self.spent >= self.seconds:
                    break
            recent = sum(losses[-60:]) / len(losses[-60:])
            speed = tokens / (self.spent - before)
            told = f"step {self.step}, {self.spent / 60:.1f} min, rate {self.rate():.2f}, loss {recent:.3f}"
            sys.stderr.write(f"{told}, {speed:.0f} tokens/s\n")
            if self.spent - looked > LOOK and self.spent < self.seconds:
                self.look(held_out)
                self.spent = before + time.monotonic() - begun
                looked = self.spent
            if self.spent - kept > KEEP:
                self.keep()
                kept = self.spent
        self.keep()

    def learn(self, batch: Sequence[Example]) -> float:
        """One step; its loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = group["rate"] * self.rate()
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.network(*collate(batch))
        loss = loss_of(logits, torch.tensor([one.label for one in batch]))
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        if self.step % EVERY == 0:
            share = min(AVERAGE, self.step / EVERY / (self.step / EVERY + 10))
            with torch.no_grad():
                for name, p in self.network.named_parameters():
                    if name in self.mean:
                        self.mean[name].lerp_(p, 1 - share)
        return loss.item()

    def look(self, held_out: Sequence[Example]) -> None:
        """How well a part of what is held out is told apart, with the weights as they are."""
        found = supported(self.network, held_out)
        for name in sorted({one.set for one in held_out}):
            mine = [
                (row[0] - max(row[1:]), one.label == 0)
                for row, one in zip(found, held_out, strict=True)
                if one.set == name
            ]
            score = auc([x for x, yes in mine if yes], [x for x, yes in mine if not yes])
            print(
                json.dumps({"step": self.step, "minutes": self.spent / 60, "set": name, "auc": round(score, 3)}),
                flush=True,
            )

    def averaged(self) -> dict[str, torch.Tensor]:
        """The weights with their moving average in place."""
        return self.network.state_dict() | self.mean

    def keep(self) -> None:
        """The checkpoint and the averaged weights; the old ones stay until the new ones are whole."""
        state = {
            "network": self.network.state_dict(), "optimizer": self.optimizer.state_dict(), "mean": self.mean,
            "step": self.step, "spent": self.spent,
        }  # fmt: skip
        for name, what in (("checkpoint", state), ("model", self.averaged())):
            torch.save(what, self.out / f"{name}.tmp")
            (self.out / f"{name}.tmp").replace(self.out / f"{name}.pt")


def main() -> int:
    """Train, or go on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("base", "pairs", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="weights to begin with: model.pt, or an exported .onnx")
    parser.add_argument("--minutes", type=float, default=75)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    pieces = (options.pairs / "pieces.txt").read_text(encoding="utf-8").split("\n")[:-1]
    reader = ClaimReader(pieces)
    train = examples(options.pairs / "train.jsonl", reader, LONGEST)
    held_out = examples(options.pairs / "heldout.jsonl", reader)
    looked_at = random.Random(0).sample([e for e in held_out if e.set in ("own", "scifact")], min(220, len(held_out)))
    sys.stderr.write(f"{len(train)} pairs, {sum(len(e.ids) for e in train) / len(train):.0f} tokens each\n")
    network = pretrained(options.base, pieces)
    if options.start:
        exported = options.start.suffix == ".onnx"
        state = restored(options.start) if exported else torch.load(options.start, weights_only=True)
        network.load_state_dict(state | {"positions.weight": network.positions.weight.detach()})  # as published
    run = Run(options.out, network, options.minutes, options.rate, taught=options.start is not None)
    run.teach(Mix(train, options.seed + run.step), looked_at)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
