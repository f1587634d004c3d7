"""What a file carries counts where the file still says what it said, and is checked like everything that files say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from rag.datatypes import Paper
from rag.papers.bibliography import to_bibtex
from rag.papers.carried import carried, restored
from rag.papers.importers import read_papers
from rag.papers.kept_fields import pack, unpack

PAPER = Paper("seas-1", "On tides", "The moon.", year=1987, kind="", notes=("a\n\nb",), fields=pack({"Shelf B": "Q"}))
BACK = Paper("tides", "On tides", "The moon.", year=1987, kind="document", key="tides", fields=pack({"month": "May"}))


def test_only_what_differs_is_carried() -> None:
    found = {name for name, _, _ in json.loads(carried(PAPER, BACK))}
    assert found == {"id", "key", "kind", "notes", "fields.Shelf B", "fields.month"}
    assert carried(PAPER, replace(PAPER, source="another file")) == ""
    assert "notes" not in carried(PAPER, BACK, but=("notes",))


def test_it_is_put_back() -> None:
    assert restored(BACK, carried(PAPER, BACK)) == PAPER


def test_what_was_changed_in_the_file_counts() -> None:
    edited = replace(BACK, kind="book", fields=pack({"month": "June"}))
    found = restored(edited, carried(PAPER, BACK))
    assert (found.kind, found.id, found.notes) == ("book", "seas-1", ("a\n\nb",))
    assert unpack(found) == {"month": "June", "Shelf B": "Q"}


def test_a_title_corrected_in_an_exported_file_is_the_title(tmp_path: Path) -> None:
    path = tmp_path / "papers.bib"
    text = to_bibtex([replace(PAPER, title="On tides")])
    path.write_text(text.replace("{{On tides}}", "{{On the tides}}").replace("@misc", "@book"), encoding="utf-8")
    (found,) = read_papers(path)
    assert (found.id, found.title, found.kind) == ("seas-1", "On the tides", "book")
    assert found.notes == PAPER.notes


@pytest.mark.parametrize(
    "text",
    [
        "", "[", "{}", "[1, [2], [[], 1, 2]]", '[["title", "x", "Forged"]]', '[["source", "", "x"]]', "[" * 100_000,
        '[["year", "", "1990"]]', '[["doi", "", "x"]]', '[["url", "", "javascript:alert(1)"]]', '[["notes", "", "x"]]',
        None, 7, '[["status", "", "wonderful"]]', '[["fields.a", "", "{"]]', '[["fields.a", "", {"b": 1}]]',
        '[["order", "", 1]]',
        '[["fields.a\\u0000", "", "1"]]', '[["url", "", "file:///etc/passwd"]]', '[["__class__", "", "x"]]',
    ],
)  # fmt: skip
def test_what_could_not_be_such_a_value_is_passed_over(text: object) -> None:
    bare = Paper("b", "Bare")
    assert restored(bare, text) == bare


def test_no_more_is_carried_than_is_kept() -> None:
    bare = Paper("b", "Bare")
    huge = json.dumps([[f"fields.{n}", "", json.dumps("x" * 600_000)] for n in range(2)])
    assert restored(bare, huge) == bare
    assert restored(bare, '[["tags", "", ["a\\u001b[2Jb", ""]]]').tags == ("a[2Jb",)
