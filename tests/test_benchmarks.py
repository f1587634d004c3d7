"""The instruments of the benchmark: a wrong figure is worse than none."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from benchmarks import readme, report
from benchmarks.__main__ import Bench, percentile95
from benchmarks.measure import ProcessFailed, Run, run
from benchmarks.workload import WAYS, load_papers, make_questions
from rag.config import Settings


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


class Rehearsal(Bench):
    """The run without processes: each says what the real one would, and keeps how it was called."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, repeats=1, seed=0)
        self.calls: list[tuple[str, ...]] = []

    def python(self, *arguments: str, accepted: Iterable[int] = (0,)) -> Run:
        self.calls.append(arguments)
        one = arguments[2:3] in (("import",), ("ask",))
        result = {"seconds": 0.5 if one else [0.5], "chunks": 9, "first_word": [0.2], "refused": 0, "tokens": [400]}
        return Run(1.0, 100.0, {"passages": 0.9}, result)

    def footnote(self, *arguments: str) -> Run:
        self.calls.append(arguments)
        return Run(1.0, 100.0, stdout='{"refusal": null}')

    def say(self, text: str) -> None:
        pass


@pytest.fixture
def rehearsal(tmp_path: Path) -> Rehearsal:
    bench = Rehearsal(tmp_path)
    bench.stock()
    bench.ours()
    return bench


def test_every_target_is_measured_by_the_run(rehearsal: Rehearsal) -> None:
    """A renamed figure would leave its target unmeasured for ever."""
    for target in report.TARGETS:
        assert {target.value, *filter(None, [target.over])} <= set(rehearsal.figures)


def test_every_way_of_answering_is_measured_by_its_name(rehearsal: Rehearsal) -> None:
    """Whatever the default is, cold and warm: a figure must not change its meaning with it."""
    for way in WAYS:
        assert way.options[:1] == ("--model",)
        cold = [call for call in rehearsal.calls if call[0] == "ask" and call[-len(way.options) :] == way.options]
        warm = [call for call in rehearsal.calls if "warm" in call and call[-len(way.options) :] == way.options]
        assert len(cold) == 3
        assert len(warm) == 1
    assert {call[call.index("--model") + 1] for call in rehearsal.calls if "ask" in call and "--model" in call} == {
        "writer",
        "quote",
        "smollm2",
    }
    assert Settings(home=Path(), library=None).model == WAYS[0].name, "the README calls this one the default"


def complete(rehearsal: Rehearsal) -> dict[str, object]:
    return record("2026-01-01T00:00:00+00:00", **rehearsal.figures)


def test_the_readme_shows_what_the_run_measures(rehearsal: Rehearsal) -> None:
    shown = "".join(write(complete(rehearsal)) for write in readme.BLOCKS.values())
    assert readme.MISSING not in shown
    assert "On 2 cores the first word of an answer comes after 0.2 s, the last after 0.5 s, in 100 MB" in shown


def test_what_was_not_measured_is_left_out_of_the_readme() -> None:
    """Results of before a figure was measured stay usable, and nothing is made up."""
    old = record("2026-01-01T00:00:00+00:00", ours_warm_quote_median_s=0.0347, ours_quote_mb=234.7)
    assert readme.speed(old) == "Quotes (`--model quote`) take 35 ms and 235 MB."
    assert readme.speed(record("2026-01-01T00:00:00+00:00")) == ""
    table = readme.table(old)
    assert "| cold: memory | – | – | 235 MB | – | – |" in table
    assert "–: not measured in this run." in table


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.0347, "35 ms"), (0.0996, "100 ms"), (0.31986, "0.32 s"), (1.0, "1 s"), (13.64, "14 s")]
)
def test_times_have_two_digits(seconds: float, expected: str) -> None:
    old = record("2026-01-01T00:00:00+00:00", ours_warm_quote_median_s=seconds, ours_quote_mb=1.0)
    assert f" take {expected} and" in readme.speed(old)


def test_figures_go_between_the_markers_and_nowhere_else(rehearsal: Rehearsal) -> None:
    text = (
        "before\n\n- **Fast.** <!-- bench:speed -->past<!-- /bench:speed -->\n- 35 ms\n\n"
        "<!-- bench:table -->\n| past |\n<!-- /bench:table -->\nafter\n"
    )
    new = readme.renewed(text, complete(rehearsal))
    assert new.startswith("before\n\n- **Fast.** <!-- bench:speed -->On 2 cores ")
    assert "<!-- /bench:speed -->\n- 35 ms\n\n<!-- bench:table -->\nMedians of one" in new
    assert new.endswith("\n<!-- /bench:table -->\nafter\n")
    assert "past" not in new
    assert readme.renewed(new, complete(rehearsal)) == new
    assert all(len(line) <= 160 for line in new.splitlines())
    with pytest.raises(ValueError, match="There is no '<!-- bench:table -->'"):
        readme.renewed(text.partition("<!-- bench:table")[0], complete(rehearsal))


def test_the_command_renews_a_readme_from_the_newest_result(
    tmp_path: Path, rehearsal: Rehearsal, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "README.md"
    page.write_text(
        "<!-- bench:speed --><!-- /bench:speed -->\n\n<!-- bench:table --><!-- /bench:table -->\n", encoding="utf-8"
    )
    options = ["--readme", str(page), "--results", str(tmp_path / "results")]
    assert readme.main(options) == 1
    assert "run 'make bench'" in capsys.readouterr().err
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "one.json").write_text(json.dumps(complete(rehearsal)), encoding="utf-8")
    assert readme.main(options) == 0
    assert readme.blocks(page.read_text(encoding="utf-8")).keys() == readme.BLOCKS.keys()
    assert "in 100 MB of memory" in page.read_text(encoding="utf-8")


def test_the_figures_of_the_readme_are_the_newest_result() -> None:
    newest = report.latest()
    assert newest is not None
    page = readme.README.read_text(encoding="utf-8")
    assert readme.renewed(page, newest) == page, "run: python -m benchmarks.readme"


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
