"""The instruments of the benchmark: a wrong figure is worse than none."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.__main__ import percentile95
from benchmarks.measure import ProcessFailed, run
from benchmarks.workload import load_papers, make_questions


def test_marks_results_and_times_of_a_process() -> None:
    code = """
import json, time
print("a line that is no message")
time.sleep(0.2)
print(json.dumps({"mark": "passages"}), flush=True)
time.sleep(0.2)
print(json.dumps({"result": {"n": 3}}))
"""
    done = run([sys.executable, "-c", code], os.environ)
    assert done.result == {"n": 3}
    assert 0.2 <= done.marks["passages"] <= done.seconds - 0.19


def test_memory_of_children_counts() -> None:
    """A child that holds 200 MB belongs to the program that started it."""
    hold = "import time; held = b'x' * 200_000_000; time.sleep(0.5)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    assert 200 < run([sys.executable, "-c", parent], os.environ).peak_mb < 300


def test_memory_of_the_process_that_measures_does_not_count() -> None:
    """However much these tests themselves hold: the kernel hands that figure on to whatever is started."""
    held = bytearray(300_000_000)
    assert 5 < run([sys.executable, "-c", "import time; time.sleep(0.2)"], os.environ).peak_mb < 100
    assert len(held) == 300_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux marks the peak of a process")
def test_a_peak_between_two_samples_counts() -> None:
    spike = "import time; time.sleep(0.1); held = b'x' * 200_000_000; del held; time.sleep(0.1)"
    assert run([sys.executable, "-c", spike], os.environ).peak_mb > 200


def test_failure_shows_what_the_process_said() -> None:
    with pytest.raises(ProcessFailed, match="ended with 4:\nno such library"):
        run([sys.executable, "-c", "import sys; sys.stderr.write('no such library'); sys.exit(4)"], os.environ)
    assert run([sys.executable, "-c", "raise SystemExit(3)"], os.environ, accepted=(0, 3)).seconds > 0


def test_questions_are_the_same_for_the_same_seed() -> None:
    papers = load_papers()
    first = make_questions(papers, 20, seed=7)
    assert first == make_questions(papers, 20, seed=7)
    assert first != make_questions(papers, 20, seed=8)
    assert len(set(first)) == 20


@pytest.mark.parametrize(("count", "expected"), [(1, 1), (20, 19), (100, 95), (101, 96)])
def test_percentile_is_the_nearest_rank(count: int, expected: float) -> None:
    assert percentile95([float(number) for number in range(count, 0, -1)]) == expected


def record(finished: str, **figures: float) -> dict[str, object]:
    machine = {"processor": "P", "cores": 2, "memory_gb": 8, "system": "S", "load_before": 0.1, "python": "3.11"}
    return {
        "finished": finished,
        "commit": "abc",
        "machine": machine | {"packages": {"torch": "2.13.0"}},
        "papers": 459,
        "repeats": 3,
        "seed": 0,
        "figures": figures,
    }


def test_targets_on_both_sides_of_their_limits() -> None:
    page = report.markdown(
        record("2026-01-01T00:00:00+00:00", ours_help_s=0.31, ours_import_papers_s=30.0, stock_import_papers_s=13.0)
    )
    rows = {line.split(" | ")[0].strip("| "): line for line in page.splitlines() if line.startswith("| ")}
    assert "**missed**" in rows["footnote --help"]
    assert "2.31 ×" in rows["Import, papers per second against the stock chain"]
    assert "reached" in rows["Import, papers per second against the stock chain"]
    assert "not measured" in rows["First word of SmolLM2, warm"]


def test_every_target_is_measured_by_the_run() -> None:
    """A renamed figure would leave its target unmeasured for ever."""
    source = (Path(report.__file__).parent / "__main__.py").read_text(encoding="utf-8")
    built = {"ours_cold_quote_s": '"cold_quote"', "ours_cold_smollm2_s": '"cold_smollm2"'}
    built |= {"ours_quote_mb": '"quote_mb"', "ours_smollm2_mb": '"smollm2_mb"'}
    built |= {"ours_warm_quote_median_s": 'self.warm("quote"'}
    for target in report.TARGETS:
        for name in filter(None, (target.value, target.over)):
            assert built.get(name, f'"{name}"') in source, f"{name} is not measured"


def test_latest_goes_by_date_and_the_next_page_shows_it(tmp_path: Path) -> None:
    assert report.latest(tmp_path) is None
    for name, finished in (("z", "2026-01-01T00:00:00+00:00"), ("a", "2026-02-01T00:00:00+00:00")):
        (tmp_path / f"{name}.json").write_text(json.dumps(record(finished, ours_help_s=0.25)), encoding="utf-8")
    newest = report.latest(tmp_path)
    assert newest is not None
    assert newest["finished"].startswith("2026-02")
    page = report.markdown(record("2026-03-01T00:00:00+00:00", ours_help_s=0.2, ours_new_s=1.0), newest)
    assert "| ours_help_s | 0.2 | 0.25 |" in page
    assert "| ours_new_s | 1 | |" in page


def test_written_files_are_named_by_date_and_commit(tmp_path: Path) -> None:
    details = {key: value for key, value in record("").items() if key in ("machine", "papers", "repeats", "seed")}
    path = report.write({"ours_help_s": 0.2}, details, tmp_path)
    assert path.suffix == ".md"
    assert path.stem.endswith(report.commit())
    assert json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["figures"] == {"ours_help_s": 0.2}
