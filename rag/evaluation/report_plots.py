"""Bar charts of results, as PNG. Uses matplotlib's Figure alone: no window, no global state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.evaluation.answer_scoring import FIGURES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Record = Mapping[str, Any]
_SHOWN = ("key_facts", "citation_precision", "citation_recall", "evidence_quoted", "evidence_2", "right_paper_5",
          "supported", "false_refusal", "true_refusal")  # fmt: skip
# Okabe and Ito's colours, which people with any colour vision can tell apart.
_COLOURS = ("#0072B2", "#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#D55E00")


def draw(record: Record, path: Path) -> None:
    """The picture of one record as PNG, at 120 dots an inch."""
    figure = retrieval(record) if record["kind"] == "retrieval" else shares(record)
    figure.savefig(path, dpi=120, metadata={"Software": None})


def retrieval(record: Record) -> Figure:
    """nDCG@10 by collection, a bar for each system, with intervals."""
    collections = record["collections"]
    labels = {s["name"]: s["label"] for c in collections for s in c["systems"]}
    bars = {
        label: [next((s["estimates"]["nDCG@10"] for s in c["systems"] if s["name"] == name), None) for c in collections]
        for name, label in labels.items()
    }
    return _grouped([c["name"] for c in collections], bars, "nDCG@10, mean and 95% interval")


def shares(record: Record) -> Figure:
    """The shares over all questions, a bar for each system or mode, with intervals."""
    columns = record["systems"] if record["kind"] == "answers" else record["modes"]
    keys = [k for k in _SHOWN if any(k in c["rows"][0]["estimates"] for c in columns)]
    bars = {c["label"]: [c["rows"][0]["estimates"].get(k) for k in keys] for c in columns}
    names = ["evidence among\nthe first two" if k == "evidence_2" else _wrapped(FIGURES[k][0]) for k in keys]
    return _grouped(names, bars, "mean over the questions and 95% interval")


def _grouped(groups: Sequence[str], bars: Mapping[str, Sequence[Record | None]], title: str) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(6.0, 1.3 * len(groups) + 2), 4.2), layout="constrained")
    axes = figure.add_subplot()
    width = 0.8 / max(len(bars), 1)
    for number, (label, estimates) in enumerate(bars.items()):
        there = [(i, e) for i, e in enumerate(estimates) if e is not None]
        places = [i + (number - (len(bars) - 1) / 2) * width for i, _ in there]
        means = [e["mean"] for _, e in there]
        below = [max(e["mean"] - e["low"], 0.0) for _, e in there]
        above = [max(e["high"] - e["mean"], 0.0) for _, e in there]
        axes.bar(places, means, width, label=_literal(label), color=_COLOURS[number % len(_COLOURS)])
        axes.errorbar(places, means, yerr=[below, above], fmt="none", ecolor="#333333", elinewidth=0.8, capsize=2)
    axes.set_xticks(range(len(groups)), [_literal(g) for g in groups], fontsize=8)
    axes.set_ylim(0, 1.05)
    axes.set_title(title, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=min(len(bars), 3), fontsize=8, frameon=False)
    return figure


def _literal(text: str) -> str:
    """``text`` with its dollar signs escaped, which matplotlib would take for mathematics."""
    return text.replace("$", r"\$")


def _wrapped(text: str) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, 18))
