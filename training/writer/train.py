"""Teach the packaged model to write: its upper layers, the loss on the answers alone.

    python -m training.writer.train --shards build/writer/shards --model build/writer/model.npz \\
        --out build/writer/lora --preset cpu --method lora

Needs Python, torch and transformers, and what ``training.writer.shards`` made. ``--method`` trains changes of low rank
(lora) or the whole matrices (all), which are cut down to a low rank at the end. Seeded. A checkpoint is written every
few minutes; the same command goes on from it. The learning rate warms up and falls in a line to zero at the last step,
or at the end of the minutes that the preset allows. Before the first step and every hundred after it, on examples that
are not trained on: the loss, the share of answer tokens right, and that of answers right, which are those whose every
token is the model's likeliest given the ones before, so that it would write just that answer. Leaves ``adapter.pt``
(what ``training.writer.export`` reads), ``log.jsonl``, and with ``all`` also ``change.pt``.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

import torch

from training.writer import cut, packaged, shards
from training.writer.network import ALPHA, METHODS, RANK, Writer
from training.writer.shards import Tokens

RATES = {"lora": 1e-3, "all": 3e-4}
WARM_UP = 0.05
CHECK_EVERY, TELL_EVERY = 100, 10  # steps
KEEP_EVERY = 180  # seconds


@dataclass(frozen=True)
class Preset:
    """``epochs`` over the examples in steps of ``batch``, cut short after ``minutes``."""

    epochs: float
    minutes: float
    batch: int = 8


PRESETS = {"smoke": Preset(1, 4), "cpu": Preset(2, 60), "gpu": Preset(3, 20, 32)}


class Read(Protocol):
    """An example as tokens."""

    @property
    def ids(self) -> Sequence[int]: ...


E = TypeVar("E", bound=Read)


def batches(examples: Sequence[E], seed: int, batch: int) -> Iterator[list[E]]:
    """Without end: every example once before any comes again, those of about one length together."""
    for epoch in range(1_000_000):
        rng = random.Random(seed + epoch)
        order = rng.sample(range(len(examples)), len(examples))
        chunks = []
        for start in range(0, len(order), batch * 16):
            near = sorted(order[start : start + batch * 16], key=lambda i: (len(examples[i].ids), i))
            chunks += [near[i : i + batch] for i in range(0, len(near), batch)]
        rng.shuffle(chunks)
        for chunk in chunks:
            yield [examples[i] for i in chunk]


def collate(chunk: Sequence[Tokens]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Ids, attention mask and answer mask, (batch, tokens), padded on the right."""
    longest = max(len(e.ids) for e in chunk)
    ids = torch.zeros(len(chunk), longest, dtype=torch.long)
    mask, wanted = torch.zeros_like(ids), torch.zeros_like(ids, dtype=torch.bool)
    for row, one in enumerate(chunk):
        ids[row, : len(one.ids)] = torch.tensor(one.ids)
        mask[row, : len(one.ids)] = 1
        wanted[row, one.answer : len(one.ids)] = True
    return ids, mask, wanted


class Run:
    """A training run that can be taken up again."""

    def __init__(
        self, out: Path, writer: Writer, preset: Preset, train: list[Tokens], held_out: list[Tokens], seed: int = 0
    ) -> None:
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.writer, self.preset, self.out = writer.to(self.device), preset, out
        self.rate = RATES[writer.method]
        self.optimizer = torch.optim.AdamW(self.writer.trained().values(), lr=self.rate, weight_decay=0.0)
        self.train, self.held_out, self.seed = train, held_out, seed
        self.steps = max(1, round(preset.epochs * len(train) / preset.batch))
        self.step, self.spent, self.saved = 0, 0.0, 0.0
        self.log: list[dict[str, float]] = []
        if (path := out / "checkpoint.pt").exists():
            state = torch.load(path, weights_only=True, map_location=self.device)
            self.writer.restore(state["tensors"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.spent, self.log = state["step"], state["spent"], state["log"]
            self.saved = self.spent

    def done(self) -> float:
        """How much of the run is over, 0..1: by steps or by time, whichever is further."""
        return max(self.step / self.steps, self.spent / (60 * self.preset.minutes))

    def teach(self) -> None:
        """To the end."""
        following = batches(self.train, self.seed, self.preset.batch)
        for _ in range(self.step):
            next(following)
        if not self.log:
            self.check([])
        losses: list[float] = []
        tokens, seconds = 0, 0.0
        while self.done() < 1:
            begun = time.monotonic()
            chunk = next(following)
            losses.append(self.learn(chunk))
            tokens, seconds = tokens + sum(len(e.ids) for e in chunk), seconds + time.monotonic() - begun
            self.spent += time.monotonic() - begun
            if self.step % TELL_EVERY == 0:
                self.tell(losses[-TELL_EVERY:], tokens / seconds)
            if self.step % CHECK_EVERY == 0 or self.done() >= 1:
                self.check(losses[-CHECK_EVERY:])
            if self.spent - self.saved > KEEP_EVERY or self.done() >= 1:
                self.keep()

    def learn(self, chunk: Sequence[Tokens]) -> float:
        """One step; its loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * min(1.0, (self.step + 1) / (WARM_UP * self.steps), (1 - self.done()) / 0.8)
        ids, mask, wanted = (t.to(self.device) for t in collate(chunk))
        with torch.autocast(self.device, torch.bfloat16):
            loss, _ = self.writer.loss(ids, mask, wanted)
        loss.mean().backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.writer.trained().values(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return loss.mean().item()

    def tell(self, losses: Sequence[float], rate: float) -> None:
        """The progress line."""
        last = self.log[-1]
        sys.stderr.write(
            f"step {self.step}/{self.steps}, {100 * self.done():.0f}%: loss {sum(losses) / len(losses):.3f}, "
            f"held out {last['held_out']:.3f}, answers right {last['answers_right']:.3f}, {rate:.0f} tokens/s\n"
        )

    def check(self, losses: Sequence[float]) -> None:
        """Loss, tokens and answers right on what is not trained on."""
        total = right = count = answers = 0.0
        with torch.inference_mode(), torch.autocast(self.device, torch.bfloat16):
            for start in range(0, len(self.held_out), self.preset.batch):
                ids, mask, wanted = (
                    t.to(self.device) for t in collate(self.held_out[start : start + self.preset.batch])
                )
                each, hits = self.writer.loss(ids, mask, wanted)
                total, right, count = total + float(each.sum()), right + float(hits.sum()), count + len(each)
                answers += sum(bool(one.all()) for one in hits.split(wanted.sum(1).tolist()))
        entry = {
            "step": self.step, "held_out": total / count, "tokens_right": right / count,
            "answers_right": answers / len(self.held_out),
        }  # fmt: skip
        self.log.append(entry | ({"loss": sum(losses) / len(losses)} if losses else {}))
        print(json.dumps(self.log[-1]), flush=True)

    def keep(self) -> None:
        """The checkpoint; the old one stays until the new one is whole."""
        state = {
            "tensors": {name: p.detach() for name, p in self.writer.trained().items()},
            "optimizer": self.optimizer.state_dict(), "step": self.step, "spent": self.spent, "log": self.log,
        }  # fmt: skip
        temporary = self.out / "checkpoint.tmp"
        torch.save(state, temporary)
        temporary.replace(self.out / "checkpoint.pt")
        self.saved = self.spent


def finish(run: Run, rank: int) -> None:
    """The adapter and the log; of whole matrices the change, and how much of it the adapter keeps."""
    if run.writer.method == "all":
        change = run.writer.change()
        torch.save({name: matrix.bfloat16() for name, matrix in change.items()}, run.out / "change.pt")
        tensors, share = cut.cut(change, rank)
        cut.save(tensors, 1.0, run.out / "adapter.pt")
        print(f"rank {rank} keeps {share:.3f} of the change")
    else:
        cut.save(run.writer.low_rank(), ALPHA, run.out / "adapter.pt")
    lines = "".join(json.dumps(entry) + "\n" for entry in run.log)
    (run.out / "log.jsonl").write_text(lines, encoding="utf-8")


def earlier(adapter: Path) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """The tensors of an ``adapter.pt``, or of the GGUF that was made of one, which needs the package gguf."""
    if adapter.suffix == ".gguf":
        from training.writer.export import exported

        return exported(adapter)
    tensors: dict[str, tuple[torch.Tensor, torch.Tensor]] = torch.load(adapter, weights_only=True)["tensors"]
    return tensors


def main() -> int:
    """Train, or go on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="model.npz, or the packaged GGUF itself")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="cpu")
    parser.add_argument("--method", choices=METHODS, default="lora")
    parser.add_argument(
        "--rank", type=int, help=f"of the adapter; {RANK} with lora and {cut.RANK} with all if not given"
    )
    parser.add_argument(
        "--start",
        type=Path,
        help="adapter.pt or GGUF of an earlier run of that rank, to go on teaching (lora)",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--minutes", type=float, help="an end before that of the preset")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    train, held_out = (shards.read(options.shards, split) for split in shards.SPLITS)
    sys.stderr.write(f"{len(train)} examples, {sum(len(e.ids) for e in train) / len(train):.0f} tokens each\n")
    options.out.mkdir(parents=True, exist_ok=True)
    preset = PRESETS[options.preset]
    preset = replace(preset, minutes=options.minutes or preset.minutes)
    rank = options.rank or (cut.RANK if options.method == "all" else RANK)
    writer = Writer(packaged.read_model(options.model), options.method, rank)
    if options.start:
        writer.begin_with(earlier(options.start))
    run = Run(options.out, writer, preset, train, held_out, options.seed)
    run.teach()
    finish(run, rank)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
