"""``footnote import`` of many papers, which returns before they have vectors, and ``footnote vectors``."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag import factory
from rag.library.library import Library
from rag.library.storage import writing
from rag.system.offline import Attempt
from tests.cli_parts import footnote, write_lines
from tests.library_parts import REAL, made_papers

PAPERS = [{"id": p.id, "title": p.title, "abstract": p.abstract} for p in made_papers(12)]


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Six papers at once are too many to wait for."""
    monkeypatch.setattr("rag.cli.importing.AT_ONCE", 5)
    assert writing.AT_ONCE == 500
    yield
    factory.close_all()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The processes that would have been left in the background."""
    commands = list[list[str]]()
    monkeypatch.setattr("rag.cli.vectors.Popen", lambda command, **options: commands.append(command))
    return commands


def test_many_papers_can_be_asked_before_they_have_vectors(
    tmp_path: Path, started: list[list[str]], outbound: list[Attempt]
) -> None:
    file, library = write_lines(tmp_path / "papers.jsonl", *PAPERS), tmp_path / "library"
    imported = footnote("import", file, "--library", library)
    assert imported.stdout.endswith(": 12 added, 0 updated, 0 unchanged, 0 duplicates merged, 0 skipped; "
                                    "the library holds 12 papers.\n")  # fmt: skip
    assert "The library can be asked now: 12 papers are found by their words" in imported.stderr
    assert started == [[sys.executable, "-m", "rag.cli.background", str(library), "0"]]
    assert footnote("vectors", "--status", "--library", library).stdout.splitlines() == [
        "0 of 12 papers have vectors.",
        "Nobody computes the rest: footnote vectors",
    ]
    searched = footnote("search", "topic7", "--json", "--library", library)
    assert json.loads(searched.stdout)["hits"][0]["paper_id"] == PAPERS[7]["id"]
    assert "0 of 12 papers have vectors; the rest is searched by words." in searched.stderr
    answer = json.loads(footnote("ask", "What is topic7?", "--json", "--library", library, code=(0, 3)).stdout)
    assert answer["trace"]["vectors"] == {"embedded": 0, "papers": 12}
    assert "12 of them have no vectors yet" in footnote("doctor", "--library", library, code=(0, 1)).stdout
    outbound.clear()  # doctor tries on purpose
    assert footnote("vectors", "--library", library).stdout == "12 of 12 papers have vectors.\n"
    answer = json.loads(footnote("ask", "What is topic7?", "--json", "--library", library, code=(0, 3)).stdout)
    assert "vectors" not in answer["trace"]
    assert footnote("search", "topic7", "--library", library).stderr == ""


def test_with_wait_all_have_vectors_at_the_end(tmp_path: Path, started: list[list[str]]) -> None:
    file, library = write_lines(tmp_path / "papers.jsonl", *PAPERS), tmp_path / "library"
    assert footnote("import", file, "--library", library, "--wait").stdout.endswith("12 of 12 papers have vectors.\n")
    assert not started


def test_few_papers_are_embedded_at_once(tmp_path: Path, started: list[list[str]]) -> None:
    file, library = write_lines(tmp_path / "papers.jsonl", *PAPERS[:5]), tmp_path / "library"
    assert "can be asked now" not in footnote("import", file, "--library", library).stderr
    assert not started
    with Library.open(library, embedder=REAL) as opened:
        assert opened.without_vectors == 0


def test_what_came_before_a_bad_record_is_kept(tmp_path: Path, started: list[list[str]]) -> None:
    file, library = write_lines(tmp_path / "papers.jsonl", *PAPERS[:3], {"id": "bad"}), tmp_path / "library"
    footnote("import", file, "--strict", "--library", library, code=1)
    with Library.open(library, embedder=REAL) as opened:
        assert opened.count == 3


@pytest.mark.slow
def test_the_process_in_the_background_does_the_rest(tmp_path: Path, started: list[list[str]]) -> None:
    file, library = write_lines(tmp_path / "papers.jsonl", *PAPERS), tmp_path / "library"
    footnote("import", file, "--library", library)
    done = subprocess.Popen(started[0], stdout=subprocess.PIPE, text=True)
    until = time.monotonic() + 120
    while done.poll() is None and time.monotonic() < until:
        time.sleep(0.2)
    assert done.returncode == 0
    assert done.stdout is not None and done.stdout.read().endswith(" 12 of 12 papers have vectors\n")
    with Library.open(library, embedder=REAL) as opened:
        assert (opened.without_vectors, opened.verify()) == (0, [])
