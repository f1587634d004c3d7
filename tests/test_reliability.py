"""docs/reliability.md says what was measured, and a short torture finds what the long one found: nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.torture import page
from scripts.torture.checking import Expected

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
RESULTS = sorted((ROOT / "benchmarks" / "results" / "reliability").glob("*-torture.json"))


def test_the_figures_of_the_page_are_those_of_the_results() -> None:
    newest: dict[str, Any] = json.loads(RESULTS[-1].read_text(encoding="utf-8"))
    for heading, rows in page.tables(newest).items():
        assert page.read(PAGE, heading) == rows, f"renew the page: python -m scripts.torture.page {RESULTS[-1]}"
    assert page.renewed(PAGE, newest) == PAGE


def test_the_figures_of_broken_files_are_those_of_the_results() -> None:
    newest = sorted((ROOT / "benchmarks" / "results" / "fuzz").glob("*-importers.json"))[-1]
    found = json.loads(newest.read_text(encoding="utf-8"))
    names = {"files": "files", "readings of them": "readings", "crashes": "crashes", "hangs": "hangs"}
    assert page.read(PAGE, "Broken files") == {name: f"{found[key]:,}" for name, key in names.items()}


def test_the_figures_of_the_page_for_an_hour_are_those_of_the_results() -> None:
    newest = sorted((ROOT / "benchmarks" / "results" / "reliability").glob("soak-*.json"))[-1]
    found = json.loads(newest.read_text(encoding="utf-8"))
    figures, rows = found["figures"], page.read(PAGE, "The page for an hour")
    rests = figures["at_rest"]
    assert rows == {
        "minutes": str(figures["minutes"]),
        "things that users did": f"{sum(found['done'].values()):,}",
        "errors": str(figures["errors"]),
        "memory at rest after the warm-up, at the end (MB)": f"{rests[0]:,}, {rests[-1]:,}",
        "growth": f"{100 * figures['growth']:.1f}%",
        "open handles after the warm-up, at the end": ", ".join(map(str, figures["handles"])),
        "threads after the warm-up, at the end": ", ".join(map(str, figures["threads"])),
    }


def test_what_is_expected_follows_the_reports() -> None:
    """The judge of the torture itself: what was reported holds, what was not may be as before or as after."""
    expected = Expected()
    expected.settle({"a": (0, 0)})
    expected.apply(
        [{"act": "import", "papers": {"b": 1}}, {"done": "import"}, {"act": "delete", "papers": {"a": None}}]
    )
    assert expected.differences({"a": (0, 0), "b": (1, 1)}) == []
    assert expected.differences({"b": (1, 1)}) == []
    assert expected.differences({"a": (0, 0)}) == ["b is (None, None), not one of ['(1, 1)']"]
    assert len(expected.differences({"a": (1, 0), "b": (0, 1), "c": (0, 0)})) == 3
    expected.settle({"b": (1, 1)})
    expected.apply([{"act": "edit", "papers": {"b": 0}}, {"done": "edit"}, {"act": "import", "papers": {"b": 1}}])
    assert expected.differences({"b": (0, 1)}) == [], "an import of the same record keeps the edit"


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(sys.platform != "linux", reason="forks, and kills by signals of Linux")
def test_fifty_kills_cost_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "scripts.torture", "--kills", "50", "--papers", "64"]
    done = subprocess.run(
        [*command, "--work", str(tmp_path / "work"), "--out", str(tmp_path / "figures.json")],
        capture_output=True, text=True, timeout=3000, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert figures["kills"]["kills"] == 50 and figures["kills"]["questions"] > 10
    assert (figures["kills"]["unusable"], figures["kills"]["lost_or_doubled"]) == (0, 0)
    assert len(figures["kills"]["where"]) >= 4, "the kills fall into several parts of the program"
