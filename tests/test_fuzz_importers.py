"""A share of the broken files of ``make fuzz``, and that the fuzzer would notice."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.datatypes import Paper
from scripts import fuzz_importers
from scripts.fuzzing import checks, other_readers
from scripts.fuzzing.checks import Reading
from scripts.fuzzing.samples import samples
from scripts.fuzzing.watchdog import Watchdog

SAMPLES = Path(__file__).parent / "samples"
SOUND = Reading("detected", "jsonl", 1, 0, False, 0.0, "")


@pytest.mark.timeout(1200)  # 15 s of processor time
def test_broken_files_do_no_harm() -> None:
    files = fuzz_importers.broken_files(300, 20261129, samples([SAMPLES]))
    findings = fuzz_importers.fuzz(files)
    assert findings.faults == []
    assert findings.files == 300
    assert findings.papers > 1_000
    assert {"bibtex", "csv", "jsonl", "listing", "ris", "none"} <= set(findings.detected)


@pytest.mark.timeout(1200)
def test_nor_do_they_as_models_batches_and_collections() -> None:
    files = fuzz_importers.broken_files(200, 20261130, other_readers.SAMPLES)
    findings = fuzz_importers.fuzz(files, other_readers.readings)
    assert findings.faults == []
    assert set(other_readers.READERS) <= set(findings.accepted)


def test_a_file_can_be_made_again() -> None:
    known = samples([SAMPLES])
    first = list(fuzz_importers.broken_files(40, 7, known))
    assert first == list(fuzz_importers.broken_files(40, 7, known))
    assert first != list(fuzz_importers.broken_files(40, 8, known))
    assert max(len(file.content) for file in first) <= 100_000


def misbehaving(path: Path, text_bytes: int) -> Iterator[Reading]:
    yield SOUND
    behaviour = path.read_text()
    if behaviour == "hang":
        while True:
            time.process_time()
    if behaviour == "die":
        os._exit(3)
    if behaviour == "memory":
        bytearray(2**33)
    yield SOUND


@pytest.mark.parametrize(
    ("behaviour", "found", "fault"),
    [
        ("well", 2, ""),
        ("hang", 2, "hangs: ended after"),
        ("die", 2, "died (exit code 3)"),
        ("memory", 2, "died (exit code 1)"),
    ],
)
def test_whatever_a_reader_does_the_fuzzer_goes_on(tmp_path: Path, behaviour: str, found: int, fault: str) -> None:
    path = tmp_path / "file"
    watchdog = Watchdog(misbehaving)
    try:
        path.write_text(behaviour)
        readings = watchdog.read(path, 100)
        assert len(readings) == found
        assert fault in readings[-1].fault
        assert bool(fault) == bool(readings[-1].fault)
        path.write_text("well")
        assert watchdog.read(path, 100) == [SOUND, SOUND]
    finally:
        watchdog.close()


def test_files_that_wait_behind_a_broken_one_are_read_all_the_same(tmp_path: Path) -> None:
    behaviours = ["well", "hang", "well", "die", "well", "memory", "well"]
    watchdog = Watchdog(misbehaving)
    try:
        for number, behaviour in enumerate(behaviours):
            (tmp_path / str(number)).write_text(behaviour)
            watchdog.submit(tmp_path / str(number), 100)
        found = [watchdog.next() for _ in behaviours]
    finally:
        watchdog.close()
    assert [bool(readings[-1].fault) for readings in found] == [behaviour != "well" for behaviour in behaviours]


@pytest.mark.parametrize(
    "paper",
    [
        Paper("1", "half a pair \ud800", ""),
        Paper("1", "a bell \x07", ""),
        Paper("1", " ", ""),
        Paper("", "T", ""),
        Paper("1", "T", "", year=20_000),
        Paper("1", "T" * 6_000, ""),
        Paper("1", "T", "", authors=("",)),
        Paper("1", "T", "", url="javascript:x"),
    ],
    ids=lambda paper: paper.title[:12],
)
def test_an_unsound_paper_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paper: Paper) -> None:
    path = tmp_path / "papers.jsonl"
    path.write_text('{"title": "T"}\n')
    assert checks.read_once(path, "detected", 15).fault == ""
    monkeypatch.setattr(checks, "read_papers", lambda *a, **k: iter([paper]))
    assert checks.read_once(path, "detected", 15).fault != ""


def test_what_is_no_footnote_error_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "papers.jsonl"
    path.write_text('{"title": "T"}\n')
    monkeypatch.setattr(checks, "read_papers", lambda *a, **k: iter([1 // 0]))
    assert checks.read_once(path, "jsonl", 15).fault.startswith("ZeroDivisionError: ")
