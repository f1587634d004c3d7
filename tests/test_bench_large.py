"""The instruments of the benchmark of large libraries: what they read, keep, wait for and write."""

from __future__ import annotations

import json
import lzma
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks import readme
from benchmarks.large import goals
from benchmarks.large.importing import Probe, WatchedImport, finds, stop_background
from benchmarks.large.part import LATER, made_records, records_of, write_part
from benchmarks.large.state import State
from benchmarks.large.steps import common_word, disk_of
from benchmarks.measure import ProcessFailed

SETTINGS = {"from": "made", "papers": 5, "compared": 2, "vectors": True}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_made_records_are_the_same_for_the_same_seed_and_differ_from_each_other() -> None:
    first, again = ([one for one, _ in zip(made_records(3), range(50), strict=False)] for _ in range(2))
    assert first == again
    assert len({one["id"] for one in first}) == len({one["abstract"] for one in first}) == 50


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.xz"])
def test_records_of_a_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"some{suffix}"
    with (lzma.open if suffix.endswith("xz") else open)(path, "wt", encoding="utf-8") as file:
        file.write('{"id": 7, "title": "On crabs", "text": "Crabs learn.", "created": "2004-02-01"}\n')
        file.write('{"id": "none", "title": ""}\n{"id": "b", "title": "Späte", "abstract": "X.", "year": 1999}\n')
    assert list(records_of(path)) == [
        {"id": "7", "title": "On crabs", "abstract": "Crabs learn.", "year": 2004},
        {"id": "b", "title": "Späte", "abstract": "X.", "year": 1999},
    ]


def test_a_part_is_its_papers_their_beginning_and_ten_later_ones(tmp_path: Path) -> None:
    part = write_part(tmp_path, None, count=30, compared=4)
    papers, compared, later = lines(part.papers), lines(part.compared), lines(part.later)
    assert (len(papers), len(compared), len(later)) == (part.count, part.compared_count, LATER) == (30, 4, 10)
    assert compared == papers[:4] and part.last == papers[-1]
    assert not {one["id"] for one in papers} & {one["id"] for one in later}
    assert 7 <= sum(part.since <= one["year"] <= part.until for one in papers) < 30
    assert len(set(part.questions)) == 30


def test_too_few_records_say_how_many_are_there(tmp_path: Path) -> None:
    file = tmp_path / "few.jsonl"
    file.write_text('{"id": "a", "title": "T", "abstract": "B."}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="has 1 records, and 50 and 10 more are needed"):
        write_part(tmp_path / "papers", file, count=50, compared=2)
    with pytest.raises(ValueError, match="how many records are to be made"):
        write_part(tmp_path / "papers", None, count=0, compared=2)


def test_a_run_that_was_stopped_goes_on(tmp_path: Path) -> None:
    state = State(tmp_path, SETTINGS)
    state.keep(cold_ask_s=2.5)
    state.finish("cold")
    state.spend("large", 12.5)
    again = State(tmp_path, SETTINGS)
    assert again.is_done("cold") and not again.is_done("page")
    assert again.figures == {"cold_ask_s": 2.5} and again.spent("large") == 12.5
    with pytest.raises(ValueError, match="holds a run with other settings"):
        State(tmp_path, SETTINGS | {"papers": 6})


def watched(tmp_path: Path, code: str, *probes: Probe) -> tuple[WatchedImport, State]:
    state = State(tmp_path, SETTINGS)
    command = [sys.executable, "-c", code]
    return WatchedImport(command, dict(os.environ), tmp_path / "log", state, "large", list(probes)), state


def test_an_import_is_asked_while_it_runs(tmp_path: Path) -> None:
    """The first probe succeeds in the middle, the second never: it is not measured."""
    mark = tmp_path / "there"
    code = f"import time, pathlib; time.sleep(.3); pathlib.Path({str(mark)!r}).touch(); time.sleep(2.5)"
    one, state = watched(tmp_path, code, Probe("first_answer_s", mark.exists), Probe("all_found_s", lambda: False))
    done = one.run()
    assert 0.3 <= done["first_answer_s"] < done["seconds"]
    assert "all_found_s" not in done and done["mb"] > 1
    assert state.spent("large") >= done["seconds"]


def test_the_time_before_a_stop_counts(tmp_path: Path) -> None:
    one, state = watched(tmp_path, "pass", Probe("first_answer_s", lambda: True))
    state.spend("large", 100.0)
    done = one.run()
    assert done["seconds"] > 100 and done["first_answer_s"] > 100


def test_an_import_that_fails_names_its_log(tmp_path: Path) -> None:
    one, _ = watched(tmp_path, "raise SystemExit('no space')")
    with pytest.raises(ProcessFailed, match=r"ended with 1: see .*log"):
        one.run()
    assert "no space" in (tmp_path / "log").read_text(encoding="utf-8")


def test_what_works_on_in_the_background_is_ended(tmp_path: Path) -> None:
    import subprocess

    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", str(tmp_path / "library")])
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", str(tmp_path / "library2")])
    try:
        deadline = time.monotonic() + 20
        while not (ended := stop_background(tmp_path / "library")) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert ended == 1 and child.wait(20) is not None and other.poll() is None
    finally:
        for one in (child, other):
            one.kill()
            one.wait()


def test_a_hit_is_told_from_what_is_none() -> None:
    assert finds('{"hits": [{"paper_id": "a"}, {"paper_id": "b"}]}', "b")
    assert not finds('{"hits": [{"paper_id": "a"}]}', "b")
    assert not finds("footnote: no such library", "b")


def test_words_and_disk(tmp_path: Path) -> None:
    assert (
        common_word(["Which results show graphene?", "how is graphene approached", "what does surface do"]) != "which"
    )
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_bytes(b"12345")
    assert disk_of(tmp_path) == 5


def record(papers: int, finished: str, **figures: float) -> dict[str, Any]:
    machine = {"cores": 2, "load": 1.5}
    return {"finished": finished, "commit": "abc", "machine": machine, "papers": papers, "compared": 40,
            "vectors": True, "notes": ["A note."], "figures": figures}  # fmt: skip


def test_goals_stand_beside_figures() -> None:
    text = goals.block(record(5000, "2026-11-30T12:00:00", first_answer_s=95.0, cold_ask_s=1.5))
    assert "| first answer after the start of the import | ≤ 90 s | 95 s | **missed** |" in text
    assert "| cold `footnote ask --model quote` | ≤ 3 s | 1.5 s | reached |" in text
    assert "| map drawn | ≤ 3 s | not measured | |" in text
    assert "5,000 abstracts on 2 cores" in text and text.endswith("A note.")


def test_the_largest_library_counts_and_of_those_the_newest(tmp_path: Path) -> None:
    assert goals.latest(tmp_path) is None
    for number, one in enumerate([record(10, "2026-12-03"), record(90, "2026-12-01"), record(90, "2026-12-02")]):
        (tmp_path / f"{number}.json").write_text(json.dumps(one), encoding="utf-8")
    latest = goals.latest(tmp_path)
    assert latest is not None and (latest["papers"], latest["finished"]) == (90, "2026-12-02")


def test_the_page_on_scaling_has_the_latest_figures() -> None:
    latest, text = goals.latest(), goals.PAGE.read_text(encoding="utf-8")
    assert latest is not None
    assert readme.renewed(text, latest, {"large": goals.block}) == text, "run 'python -m benchmarks.large.goals'"
