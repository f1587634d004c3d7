"""The course of training as a picture; of several runs, such as lora and all, in one.

    python -m training.writer.curves --logs build/writer/lora/log.jsonl --out build/writer/lora/curves.png

A step of its own, because the machine that trains need not have matplotlib.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

LINES = ("-", "--", ":")


def draw(logs: Mapping[str, Sequence[Mapping[str, float]]], path: Path) -> None:
    """Loss, and tokens and answers right, over the steps; ``logs`` by the name of the run."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    for (name, log), line in zip(logs.items(), LINES, strict=False):
        steps = [entry["step"] for entry in log]
        trained = [entry for entry in log if "loss" in entry]
        left.plot([e["step"] for e in trained], [e["loss"] for e in trained], f"C0{line}", label=f"{name}, trained on")
        left.plot(steps, [e["held_out"] for e in log], f"C1{line}", label=f"{name}, held out")
        right.plot(steps, [e["tokens_right"] for e in log], f"C1{line}", label=f"{name}, tokens")
        right.plot(steps, [e["answers_right"] for e in log], f"C2{line}", label=f"{name}, whole answers")
    left.set(xlabel="step", ylabel="loss per answer token")
    right.set(xlabel="step", ylabel="share right, held out", ylim=(0, 1))
    for axes in (left, right):
        axes.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> int:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    logs = {p.parent.name: [json.loads(line) for line in p.read_text("utf-8").splitlines()] for p in options.logs}
    draw(logs, options.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
