"""Figures beside their targets, as Markdown for people and as JSON for the next run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rag.system.machine import commit
from rag.system.machine import machine as described

RESULTS = Path(__file__).parent / "results"
PACKAGES = (
    "chromadb",
    "gradio",
    "langchain",
    "langchain-chroma",
    "langchain-huggingface",
    "llama-cpp-python",
    "sentence-transformers",
    "torch",
)


@dataclass(frozen=True, slots=True)
class Target:
    """A figure, what it must reach, and on which side of it to be. ``value`` names its figures."""

    text: str
    value: str
    limit: float
    unit: str
    over: str = ""  # the figure that it is divided by
    at_least: bool = False

    def figure(self, figures: Mapping[str, float]) -> float | None:
        """The measured figure or ratio, None where this run has not measured it."""
        if self.value not in figures or (self.over and self.over not in figures):
            return None
        return figures[self.value] / (figures[self.over] if self.over else 1.0)

    def met(self, figure: float) -> bool:
        return figure >= self.limit if self.at_least else figure <= self.limit


TARGETS = (
    Target("Cold answer of the quotes, process start to end", "ours_cold_quote_s", 2.5, "s"),
    Target(
        "… against the stock chain's cold passages",
        "ours_cold_quote_s",
        1 / 3,
        "×",
        over="stock_cold_passages_s",
    ),
    Target(
        "… against the stock chain's whole process",
        "ours_cold_quote_s",
        1 / 3,
        "×",
        over="stock_cold_process_s",
    ),
    Target("Cold answer of the writer", "ours_cold_writer_s", 5.0, "s"),
    Target("Cold answer of SmolLM2", "ours_cold_smollm2_s", 5.0, "s"),
    Target("First word of the writer, warm, from the question", "ours_warm_writer_first_word_s", 0.4, "s"),
    Target("First word of SmolLM2, warm", "ours_first_word_s", 0.8, "s"),
    Target("Warm answer of the quotes, median", "ours_warm_quote_median_s", 0.120, "s"),
    Target("footnote --help", "ours_help_s", 0.3, "s"),
    Target(
        "Import, papers per second against the stock chain",
        "ours_import_papers_s",
        2.0,
        "×",
        "stock_import_papers_s",
        True,
    ),
    Target("Memory of an answer of the quotes against the stock chain", "ours_quote_mb", 0.5, "×", over="stock_ask_mb"),
    Target("Memory of an answer of the writer", "ours_writer_mb", 600.0, "MB"),
    Target("Memory of an answer of SmolLM2", "ours_smollm2_mb", 600.0, "MB"),
)


def machine() -> dict[str, Any]:
    """What the figures were measured on, and how busy it was before the run."""
    facts = described(PACKAGES)
    facts["load_before"] = facts.pop("load")
    return facts


def write(figures: Mapping[str, float], details: Mapping[str, Any], folder: Path = RESULTS) -> Path:
    """Write ``<date>-<commit>.json`` and ``.md``; returns the path of the Markdown."""
    now = datetime.now(UTC)
    record = {
        "finished": now.isoformat(timespec="seconds"),
        "commit": commit(),
        "figures": {name: round(figure, 4) for name, figure in sorted(figures.items())},
        **details,
    }
    before = latest(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{now:%Y-%m-%d}-{record['commit']}.md"
    path.with_suffix(".json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    path.write_text(markdown(record, before), encoding="utf-8")
    return path


def latest(folder: Path = RESULTS) -> dict[str, Any] | None:
    """The record that was finished last, by its own date; None where there is none."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    return max(records, key=lambda record: record["finished"], default=None)


def markdown(record: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> str:
    """The record as a page: targets first, then every figure, with the one of the run before."""
    figures = record["figures"]
    place = record["machine"]
    packages = ", ".join(f"{name} {number}" for name, number in place["packages"].items())
    lines = [
        f"# Benchmark of {record['finished'][:10]}, commit {record['commit']}",
        "",
        f"{place['processor']}, {place['cores']} cores, {place['memory_gb']} GB, {place['system']}, "
        f"load {place['load_before']} before the run. Python {place['python']}, {packages}.",
        f"{record['papers']} papers, {record['repeats']} repeats, medians unless said otherwise, "
        f"seed {record['seed']}.",
        "One process at a time; the stock chain ran in the same run.",
        "",
        "| target | limit | measured | |",
        "|---|---|---|---|",
        *(target_row(target, figures) for target in TARGETS),
        "",
        "| figure | measured | run before |" if before else "| figure | measured |",
        "|---|---|---|" if before else "|---|---|",
    ]
    for name, figure in figures.items():
        row = f"| {name} | {figure:.4g} |"
        lines.append(
            row + (f" {before['figures'][name]:.4g} |" if name in before["figures"] else " |") if before else row
        )
    for note in record.get("notes", ()):
        lines += ["", note]
    return "\n".join(lines) + "\n"


def target_row(target: Target, figures: Mapping[str, float]) -> str:
    """The target's row of a table: what, limit, measured, reached or not."""
    figure = target.figure(figures)
    limit = f"{'≥' if target.at_least else '≤'} {_number(target.limit)} {target.unit}"
    if figure is None:
        return f"| {target.text} | {limit} | not measured | |"
    verdict = "reached" if target.met(figure) else "**missed**"
    return f"| {target.text} | {limit} | {_number(figure)} {target.unit} | {verdict} |"


def _number(value: float) -> str:
    """Three digits that count; all of them before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
