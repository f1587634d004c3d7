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
        for axes, key, colour, what in (
            (left, "loss", "C0", "trained on"), (left, "held_out", "C1", "held out"),
            (right, "tokens_right", "C1", "tokens"), (right, "answers_right", "C2", "whole answers"),
        ):  # fmt: skip
            known = [entry for entry in log if key in entry]  # before the first step there is no loss
            axes.plot(
                [e["step"] for e in known], [e[key] for e in known], f"{colour}{line}", marker=".",
                label=f"{name}, {what}",
            )  # fmt: skip
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
