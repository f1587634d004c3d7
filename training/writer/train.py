"""Teach the packaged model to write: low-rank changes of its upper layers, the loss on the answers alone.

    python -m training.writer.train --examples build/writer --out build/writer --preset cpu

Seeded. A checkpoint is written every few minutes; the same command goes on from it. The learning rate warms up and
falls in a line to zero at the last step, or at the end of the minutes that the preset allows. Every fifty steps the
loss, and the share of answer tokens right, on examples that are not trained on. Leaves ``adapter.pt`` (what
``training.writer.export`` reads), ``log.jsonl`` and ``curves.png``.
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
from typing import Any

import torch

from training.writer.network import ALPHA, RANK, Writer, tokenizer

BATCH = 8
RATE = 1e-3
WARM_UP = 0.05
LONGEST = 512  # tokens; longer examples are left out
CHECK_EVERY, KEEP_EVERY = 50, 25  # steps


@dataclass(frozen=True)
class Preset:
    """``epochs`` over the examples, cut short after ``minutes``."""

    epochs: float
    minutes: float


PRESETS = {"smoke": Preset(0.2, 8), "cpu": Preset(2, 60), "gpu": Preset(3, 20)}


@dataclass(frozen=True)
class Tokens:
    """One example; the answer begins at ``answer``."""

    ids: tuple[int, ...]
    answer: int


def read(path: Path, pieces: Any) -> list[Tokens]:
    """The examples of a file as tokens, in the model's own chat template, the answer closed by its end of turn."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        prompt = pieces.apply_chat_template(record["prompt"], tokenize=False, add_generation_prompt=True)
        head = pieces(prompt, add_special_tokens=False)["input_ids"]
        tail = pieces(record["answer"] + "<|im_end|>", add_special_tokens=False)["input_ids"]
        if len(head) + len(tail) <= LONGEST:
            found.append(Tokens((*head, *tail), len(head)))
    return found


def batches(examples: Sequence[Tokens], seed: int) -> Iterator[list[Tokens]]:
    """Without end: every example once before any comes again, those of about one length together."""
    for epoch in range(1_000_000):
        rng = random.Random(seed + epoch)
        order = rng.sample(range(len(examples)), len(examples))
        chunks = []
        for start in range(0, len(order), BATCH * 16):
            near = sorted(order[start : start + BATCH * 16], key=lambda i: (len(examples[i].ids), i))
            chunks += [near[i : i + BATCH] for i in range(0, len(near), BATCH)]
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

    def __init__(self, out: Path, preset: Preset, train: list[Tokens], held_out: list[Tokens], seed: int) -> None:
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.writer = Writer().to(self.device)
        self.optimizer = torch.optim.AdamW(self.writer.trained(), lr=RATE, weight_decay=0.0)
        self.train, self.held_out, self.seed, self.out = train, held_out, seed, out
        self.steps = max(1, round(preset.epochs * len(train) / BATCH))
        self.seconds = 60 * preset.minutes
        self.step, self.spent = 0, 0.0
        self.log: list[dict[str, float]] = []
        if (path := out / "checkpoint.pt").exists():
            state = torch.load(path, weights_only=True, map_location=self.device)
            self.writer.change(state["tensors"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.spent, self.log = state["step"], state["spent"], state["log"]

    def done(self) -> float:
        """How much of the run is over, 0..1: by steps or by time, whichever is further."""
        return max(self.step / self.steps, self.spent / self.seconds)

    def teach(self) -> None:
        """To the end."""
        following = batches(self.train, self.seed)
        for _ in range(self.step):
            next(following)
        losses: list[float] = []
        right = tokens = 0
        begun = time.monotonic()
        while self.done() < 1:
            at = time.monotonic()
            for group in self.optimizer.param_groups:
                group["lr"] = RATE * min(1.0, (self.step + 1) / (WARM_UP * self.steps), (1 - self.done()) / 0.8)
            ids, mask, wanted = (t.to(self.device) for t in collate(next(following)))
            with torch.autocast(self.device, torch.bfloat16, enabled=self.device == "cuda"):
                loss, hits = self.writer.loss(ids, mask, wanted)
            loss.mean().backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.writer.trained(), 1.0)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            self.step += 1
            losses.append(loss.mean().item())
            right += int(hits.sum())
            tokens += int(mask.sum())
            self.spent += time.monotonic() - at
            if self.step % 10 == 0:
                rate = tokens / (time.monotonic() - begun)
                sys.stderr.write(f"step {self.step}/{self.steps} loss {sum(losses[-20:]) / len(losses[-20:]):.3f} "
                                 f"{rate:.0f} tokens/s, {100 * self.done():.0f}%\n")  # fmt: skip
            if self.step % CHECK_EVERY == 0 or self.done() >= 1:
                self.check(sum(losses[-CHECK_EVERY:]) / len(losses[-CHECK_EVERY:]))
            if self.step % KEEP_EVERY == 0 or self.done() >= 1:
                self.keep()

    def check(self, loss: float) -> None:
        """Loss and tokens right on what is not trained on."""
        total = right = count = 0.0
        with torch.inference_mode():
            for start in range(0, len(self.held_out), BATCH):
                parts = (t.to(self.device) for t in collate(self.held_out[start : start + BATCH]))
                each, hits = self.writer.loss(*parts)
                total, right, count = total + float(each.sum()), right + float(hits.sum()), count + len(each)
        self.log.append({"step": self.step, "loss": loss, "held_out": total / count, "right": right / count})
        print(json.dumps(self.log[-1]), flush=True)

    def keep(self) -> None:
        """The checkpoint and the adapter."""
        tensors = {name: (a.cpu(), b.cpu()) for name, (a, b) in self.writer.changes().items()}
        state = {
            "tensors": tensors, "optimizer": self.optimizer.state_dict(), "step": self.step, "spent": self.spent,
            "log": self.log,
        }  # fmt: skip
        temporary = self.out / "checkpoint.tmp"
        torch.save(state, temporary)
        temporary.replace(self.out / "checkpoint.pt")
        torch.save({"alpha": ALPHA, "rank": RANK, "tensors": tensors}, self.out / "adapter.pt")


def draw(log: Sequence[dict[str, float]], path: Path) -> None:
    """Loss and tokens right over the steps."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    steps = [entry["step"] for entry in log]
    left.plot(steps, [entry["loss"] for entry in log], label="trained on")
    left.plot(steps, [entry["held_out"] for entry in log], label="held out")
    left.set(xlabel="step", ylabel="loss per token")
    left.legend()
    right.plot(steps, [entry["right"] for entry in log])
    right.set(xlabel="step", ylabel="answer tokens right, held out")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> int:
    """Train, or go on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--minutes", type=float, help="an end before that of the preset")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    pieces = tokenizer()
    train, held_out = (read(options.examples / f"{name}.jsonl", pieces) for name in ("train", "heldout"))
    sys.stderr.write(f"{len(train)} examples, {sum(len(e.ids) for e in train) / len(train):.0f} tokens each\n")
    options.out.mkdir(parents=True, exist_ok=True)
    preset = PRESETS[options.preset]
    preset = Preset(preset.epochs, options.minutes or preset.minutes)
    run = Run(options.out, preset, train, held_out, options.seed)
    run.teach()
    lines = "".join(json.dumps(entry) + "\n" for entry in run.log)
    (options.out / "log.jsonl").write_text(lines, encoding="utf-8")
    draw(run.log, options.out / "curves.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
