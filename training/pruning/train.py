"""Train MiniLM to judge which of the ranked sentences, and which of their words, an answer needs.

    python -m training.pruning.train --data ../shared/data --out build/pruning

The examples are the writer's (:mod:`training.writer.data`), held out the same way: a question, the sentences that the
program chose, what each is worth, and which of its words stay. A cross-encoder that starts from the packaged
all-MiniLM-L6-v2 reads them as the program will (:func:`rag.evidence.pruning.encode`) and gives each token two
logits; one is read at the words, the other where a sentence begins. The loss is the cross-entropy of both; a sentence
that an answer may have or not counts as half. Word vectors stay as they are.

The rate rises, then falls in a line to zero. Two runs that begin alike see the examples in another order, and the mean
of their weights is taken (Wortsman et al. 2022, 'Model soups', https://arxiv.org/abs/2203.05482): better than either,
and no slower. Seeded. A checkpoint is written every few minutes; the same command goes on from it. Every two hundred
steps, on what is not trained on: how often a sentence that holds the answer comes before one that does not (AUC), among
all and among those behind the first, and the same of words. Leaves ``model.pt`` and ``log.jsonl``. A run of three
passes takes a quarter of an hour on 2 cores.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from rag.encoding.packaged_weights import verified_weights
from rag.evidence.pruning import Encoded, encode
from training.writer.data import everything, split
from training.writer.shortened import Example
from training.writer.train import batches

EPOCHS = 3.0  # of each run
RUNS = 2
BATCH = 16
RATE, HEAD_RATE = 2e-4, 1e-3
WARM_UP = 0.05
LONGEST = 400  # tokens; longer examples are left out
WORTH = {"+": 1.0, "~": 0.5, "-": 0.0}
SENTENCES = 1.5  # what the loss of the sentences counts beside that of the words
CHECK_EVERY, TELL_EVERY = 200, 25  # steps
KEEP_EVERY = 180  # seconds
_NONE = -1.0  # no label


@dataclass(frozen=True)
class Labelled:
    """One example: what each sentence is worth, and of each of its units whether it stays (None where none does)."""

    read: Encoded
    worth: tuple[float, ...]
    stay: tuple[tuple[bool, ...] | None, ...]

    @property
    def ids(self) -> tuple[int, ...]:
        return self.read.ids


class Network(nn.Module):
    """Tokens (batch, tokens) to logits (batch, tokens, 2): the word stays; the sentence that begins here answers."""

    def __init__(self, attention: str = "sdpa") -> None:
        super().__init__()
        from transformers import BertModel

        weights = verified_weights()
        self.trunk = BertModel.from_pretrained(weights, add_pooling_layer=False, attn_implementation=attention)
        self.head = nn.Linear(self.trunk.config.hidden_size, 2)
        for layer in self.trunk.encoder.layer:
            layer.attention.self.dropout.p = 0.0  # with it torch has no fast attention on a processor
        self.trunk.embeddings.word_embeddings.requires_grad_(False)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        states = self.trunk(input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).last_hidden_state
        logits: torch.Tensor = self.head(states.float())
        return logits


def labelled(example: Example) -> Labelled:
    """The example as the network reads it, with what it should say."""
    read = encode(example.question, [(s.number, s.told) for s in example.sentences], longest=10_000)
    stay = [
        tuple(at in s.places for at in range(len(spans))) if s.places else None
        for s, spans in zip(example.sentences, read.spans, strict=True)
    ]
    return Labelled(read, tuple(WORTH[s.worth] for s in example.sentences), tuple(stay))


def collate(chunk: Sequence[Labelled]) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Inputs (batch, tokens), padded to the longest, and labels (batch, tokens, 2), ``_NONE`` where there is none."""
    longest = max(len(one.ids) for one in chunk)
    ids = torch.zeros(len(chunk), longest, dtype=torch.long)
    mask, kinds = torch.zeros_like(ids), torch.zeros_like(ids)
    labels = torch.full((len(chunk), longest, 2), _NONE)
    for row, one in enumerate(chunk):
        length = len(one.ids)
        ids[row, :length], kinds[row, :length] = torch.tensor(one.read.ids), torch.tensor(one.read.kinds)
        mask[row, :length] = 1
        labels[row, list(one.read.heads), 1] = torch.tensor(one.worth)
        for spans, stay in zip(one.read.spans, one.stay, strict=True):
            for (begin, end), stays in zip(spans, stay or (), strict=stay is not None):
                labels[row, begin:end, 0] = float(stays)
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": kinds}, labels


def loss_of(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of words, and of sentences times ``SENTENCES``, each a mean."""
    words, sentences = labels[..., 0] != _NONE, labels[..., 1] != _NONE
    return binary_cross_entropy_with_logits(
        logits[..., 0][words], labels[..., 0][words]
    ) + SENTENCES * binary_cross_entropy_with_logits(logits[..., 1][sentences], labels[..., 1][sentences])


def auc(right: Sequence[float], wrong: Sequence[float]) -> float:
    """How often one of ``right`` is greater than one of ``wrong`` (Hanley and McNeil 1982); .5 where one is empty."""
    if not right or not wrong:
        return 0.5
    a, b = torch.tensor(right)[:, None], torch.tensor(wrong)[None, :]
    return float(((a > b).float() + 0.5 * (a == b).float()).mean())


def check(network: Network, held_out: Sequence[Labelled]) -> dict[str, float]:
    """The three figures of the module's description."""
    network.eval()
    sentences: list[tuple[float, float, int]] = []  # logit, worth, place
    words: list[tuple[float, bool]] = []
    with torch.inference_mode():
        for start in range(0, len(held_out), BATCH):
            chunk = held_out[start : start + BATCH]
            for one, logits in zip(chunk, network(**collate(chunk)[0]), strict=True):
                for at, (head, spans, stay) in enumerate(zip(one.read.heads, one.read.spans, one.stay, strict=True)):
                    sentences.append((float(logits[head, 1]), one.worth[at], at))
                    marked = zip(spans, stay or (), strict=stay is not None)
                    words += [(float(logits[begin:end, 0].mean()), stays) for (begin, end), stays in marked]
    network.train()
    found = {"words": auc([x for x, stays in words if stays], [x for x, stays in words if not stays])}
    for name, first in (("sentences", 0), ("behind_the_first", 1)):
        mine = [(x, worth) for x, worth, at in sentences if at >= first]
        found[name] = auc([x for x, worth in mine if worth == 1.0], [x for x, worth in mine if worth == 0.0])
    return found


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
                recent = sum(losses[-50:]) / len(losses[-50:])
                sys.stderr.write(f"step {self.step}/{steps}: loss {recent:.3f}, {rate:.0f} tokens/s\n")
            if self.step % CHECK_EVERY == 0 or self.step == steps:
                recent = sum(losses[-CHECK_EVERY:]) / len(losses[-CHECK_EVERY:])
                self.log.append({"step": self.step, "loss": recent} | check(self.network, self.held_out))
                print(json.dumps(self.log[-1]), flush=True)
            if time.monotonic() - kept > KEEP_EVERY or self.step == steps:
                self.keep()
                kept = time.monotonic()

    def learn(self, chunk: Sequence[Labelled], steps: int) -> float:
        """One step; its loss."""
        share = min((self.step + 1) / (WARM_UP * steps), (steps - self.step) / ((1 - WARM_UP) * steps))
        for group in self.optimizer.param_groups:
            group["lr"] = group["rate"] * min(1.0, share)
        inputs, labels = collate(chunk)
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.network(**inputs)
        loss = loss_of(logits.float(), labels)
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


def average(states: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """The mean of the weights of networks that began alike."""
    return {
        name: sum((state[name] for state in states[1:]), start=first) / len(states)
        if first.is_floating_point()
        else first
        for name, first in states[0].items()
    }


def main() -> int:
    """Train, or go on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=float, default=EPOCHS)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rng = random.Random(0)
    made, _ = everything(options.data)
    train, held_out = (
        [one for one in map(labelled, part) if len(one.ids) <= LONGEST]
        for part in split(rng.sample(made, len(made)), rng)
    )
    states, log = [], []
    for seed in range(options.runs):
        (folder := options.out / f"run-{seed}").mkdir(parents=True, exist_ok=True)
        torch.manual_seed(0)  # the means of weights are good weights only of networks that began as one
        network = Network()
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
    (options.out / "log.jsonl").write_text("".join(json.dumps(e) + "\n" for e in log), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
