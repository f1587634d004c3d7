"""The figures of answers over several papers in README and docs are those of the results files."""

from __future__ import annotations

from pathlib import Path

from benchmarks.several import sentence, table

ROOT = Path(__file__).parent.parent


def test_the_figures_are_those_of_the_results() -> None:
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert sentence() in readme, "run: python -m benchmarks.several … --split closed --out benchmarks/results/several/…"
    assert table() in (ROOT / "docs" / "answers.md").read_text(encoding="utf-8")
