"""Merged records: kept with their reason, parted again by the user, and then for good."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from rag.datatypes import Paper
from rag.errors import LibraryError
from rag.library.library import Library
from rag.papers.merging import additions, filled, of_record, still_added, to_record, together, without
from tests.cli_parts import footnote
from tests.library_parts import REAL, WordEncoder, paper_encoder

A = Paper("a", "Wool socks slow the hearts of sheep", "", ("Ann Wether",), 2020, source="one.bib")
B = Paper(
    "b", "Wool socks slow the hearts of sheep.", "Forty sheep wore socks.", ("A. Wether",), 2020, "Journal of Wool",
    doi="10.5555/wool.1", source="two.ris", key="wether20", tags=("wool",), fields=(("volume", '"3"'),),
)  # fmt: skip
C = Paper("c", "Socks and sheep: hearts", "Forty sheep wore socks, it says.", doi="10.5555/wool.1", source="three.csv")


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Library]:
    with Library.create(tmp_path / "library", embedder=WordEncoder().id) as library:
        yield library


def undo(library: Library, *names: str) -> list[str]:
    return library.undo_merges(names, WordEncoder)


def test_a_merge_is_kept_as_it_came_with_its_reason(empty: Library) -> None:
    empty.add([A, B, C], WordEncoder())
    merges = empty.merges()
    assert [(one.id, one.record, one.paper_id, one.kind) for one in merges] == [
        ("m2", C, "a", "doi"), ("m1", B, "a", "title year authors"),
    ]  # fmt: skip
    assert merges[1].reason == "the same title, year and authors" and merges[0].reason == "the same DOI"
    assert empty.merge_counts() == (2, 0)
    empty.add([A, B, C], WordEncoder())
    assert empty.merges() == merges, "the same file twice"


def test_not_the_same_gives_both_papers_what_is_theirs(empty: Library) -> None:
    empty.add([A, B], WordEncoder())
    assert empty.paper("a").abstract == B.abstract
    assert undo(empty, "m1") == ["b"]
    assert empty.papers() == [A, B]
    assert [s.text for s in empty.sentences("b")] == [B.abstract] and empty.sentences("a") == ()
    assert empty.lexical("forty", 5)[0][0] == "b"
    assert empty.merges() == [] and empty.merged() == {}
    assert empty.verify() == []
    assert undo(empty, "m1") == [], "undone before"


@pytest.mark.parametrize("name", ["m7", "a", "nothing", ""])
def test_what_is_no_merge_is_named(empty: Library, name: str) -> None:
    empty.add([A, B], WordEncoder())
    with pytest.raises(LibraryError, match="footnote merges"):
        undo(empty, "m1", name)
    assert len(empty.papers()) == 1


def test_neither_the_same_file_nor_another_merges_them_again(empty: Library) -> None:
    empty.add([A, B], WordEncoder())
    undo(empty, "b")
    fingerprint = empty.fingerprint
    assert empty.add([A, B], WordEncoder()).unchanged == 2
    assert empty.add([B, A], WordEncoder()).unchanged == 2
    assert empty.fingerprint == fingerprint
    other = replace(B, id="x", abstract="Forty sheep wore socks. They were warm.", key="other")
    report = empty.add([other, replace(B, venue="J. Wool")], WordEncoder())
    assert (report.duplicates, report.updated) == (1, 1)
    assert [(one.record.id, one.paper_id) for one in empty.merges()] == [("x", "b")]
    assert empty.paper("a") == A
    empty.add([replace(A, id="y", url="https://example.org/socks")], WordEncoder())
    assert empty.paper("a").url == "https://example.org/socks", "what is like the first is still merged into it"
    assert len(empty.papers()) == 2


def test_a_parted_paper_that_was_deleted_comes_back_as_itself(empty: Library) -> None:
    empty.add([A, B], WordEncoder())
    undo(empty, "m1")
    empty.remove(["b"])
    empty.add([replace(B, id="x")], WordEncoder())
    empty.add([B], WordEncoder())
    assert empty.paper("a") == A
    assert len(empty.papers()) == 2


def test_two_records_of_one_id_are_parted(empty: Library) -> None:
    one = Paper("k1", "How dykes fail in Frisia", "Foxes dig in dykes.", year=2001)
    other = Paper("k1", "Salt marshes and their birds", "Redshanks breed there.", year=2011)
    third = Paper("k1", "Peat and the price of land", "Peat was cut until 1950.", year=1999)
    empty.add([one, other, third], WordEncoder())
    assert empty.papers()[0].title == one.title
    assert undo(empty, "m1") == ["k1#2"]
    again = empty.add([one, other, third], WordEncoder())
    assert (again.added, again.updated, again.duplicates) == (0, 0, 1)
    assert [paper.title for paper in empty.papers()] == [one.title, other.title]
    empty.add([replace(other, venue="Birds")], WordEncoder())
    assert [paper.venue for paper in empty.papers()] == ["", "Birds"]
    empty.add([replace(one, venue="Dykes")], WordEncoder())
    assert [paper.venue for paper in empty.papers()] == ["Dykes", "Birds"]
    assert empty.verify() == []


def test_what_only_shared_something_with_the_one_that_goes_goes_with_it(empty: Library) -> None:
    empty.add([A, B, replace(C, notes=("read it",))], WordEncoder())
    assert empty.paper("a").notes == ("read it",)
    assert undo(empty, "m1") == ["b"]
    assert empty.paper("a") == A
    assert empty.paper("b").notes == ("read it",)
    assert [(one.record.id, one.paper_id) for one in empty.merges()] == [("c", "b")]
    assert empty.add([A, B, replace(C, notes=("read it",))], WordEncoder()).unchanged == 2
    assert undo(empty, "c") == ["c"]
    assert empty.paper("b") == B
    assert empty.verify() == []


def test_a_field_that_another_record_has_as_well_is_filled_from_there(empty: Library) -> None:
    third = replace(A, id="d", venue="Wool Letters", url="https://example.org/d", tags=("sheep", "wool"))
    empty.add([A, B, third], WordEncoder())
    assert empty.paper("a").venue == "Journal of Wool"
    undo(empty, "m1")
    assert empty.paper("a") == replace(A, venue="Wool Letters", url=third.url, tags=("sheep", "wool"))
    undo(empty, "m2")
    assert empty.paper("a") == A


def test_what_the_user_or_the_papers_own_file_wrote_stays(empty: Library) -> None:
    empty.add([A, B], WordEncoder())
    empty.revise(replace(empty.paper("a"), venue="Typed"), WordEncoder)
    empty.add([replace(A, abstract=B.abstract)], WordEncoder())
    undo(empty, "m1")
    found = empty.paper("a")
    assert (found.venue, found.abstract, found.doi, found.key) == ("Typed", B.abstract, "", "")


def test_a_mark_of_retraction_goes_with_its_record(empty: Library) -> None:
    marked = replace(B, id="r", title=f"RETRACTED: {B.title}")
    empty.add([A, marked], WordEncoder())
    assert empty.paper("a").status == "retracted"
    undo(empty, "m1")
    assert {paper.id: paper.status for paper in empty.papers()} == {"a": "", "r": "retracted"}
    empty.add([A, replace(marked, venue="J. Wool")], WordEncoder())
    assert {paper.id: paper.status for paper in empty.papers()} == {"a": "", "r": "retracted"}
    empty.add([Paper("n", f"Retraction: {A.title}", "Socks were cotton.")], WordEncoder())
    assert empty.paper("a").status == "retracted"


def test_the_merges_of_a_deleted_paper_are_forgotten(empty: Library) -> None:
    empty.add([A, B], WordEncoder())
    empty.remove(["a"])
    assert empty.merges() == []
    empty.add([B], WordEncoder())
    assert empty.papers() == [B]


def test_a_library_of_an_earlier_program_gets_the_table(empty: Library) -> None:
    empty.add([A, B], WordEncoder())
    path = empty.path
    empty.close()
    with closing(sqlite3.connect(path / "papers.sqlite")) as db:
        db.execute("DROP TABLE merges")
    with Library.open(path, embedder=WordEncoder().id) as reader:
        assert reader.merges() == [] and reader.merge_counts() == (0, 1)
    with Library.open(path, embedder=WordEncoder().id, read_only=False) as library:
        assert library.merge_counts() == (0, 1)
        library.add([A, B], WordEncoder())
        assert library.merge_counts() == (1, 0)
        (merge,) = library.merges()
        assert (merge.record, merge.kind) == (B, "doi"), "that of the strongest key that they share"
        assert undo(library, "b") == ["b"]
        assert library.paper("a").abstract == B.abstract, "nobody knows what was filled in"
        assert library.verify() == []


def test_additions_are_taken_back() -> None:
    after = filled(A, B)
    added = additions(A, after)
    assert without(after, added) == A
    assert without(replace(after, venue="Typed"), added) == replace(A, venue="Typed")
    assert still_added(added, replace(A, venue="Own", tags=("wool",))) == {
        name: value for name, value in added.items() if name not in ("venue", "tags")
    }
    assert together({"tags": ["x"]}, {"tags": ["x", "y"], "year": [None, 2000]}) == {
        "tags": ["x", "y"], "year": [None, 2000],
    }  # fmt: skip
    assert of_record(to_record(after)) == after


@pytest.mark.slow
def test_ten_thousand_merges_are_kept_listed_and_undone(empty: Library) -> None:
    count = 10_000
    firsts = [Paper(f"a{i:05d}", f"On the matter number {i} of wool", year=2000) for i in range(count)]
    seconds = [replace(one, id=f"b{one.id[1:]}", venue="Wool", doi=f"10.5555/{one.id}") for one in firsts]
    start = time.monotonic()
    empty.add(firsts, WordEncoder())
    begun = time.monotonic()
    assert empty.add(seconds, WordEncoder()).duplicates == count
    merged = time.monotonic()
    assert empty.merge_counts() == (count, 0)
    assert [one.record.id for one in empty.merges(50, 2)] == ["b09949", "b09948"]
    listed = time.monotonic()
    assert len(undo(empty, *(one.id for one in empty.merges(0, 1000)))) == 1000
    undone = time.monotonic()
    assert empty.count == count + 1000
    # The machine may be busy: against the import of as many papers that are merged with none.
    assert merged - begun < 3 * (begun - start), "to merge costs little more than to add"
    assert listed - merged < 0.1 * (begun - start)
    assert undone - listed < begun - start


_UNDO = """
import sys
from pathlib import Path
from rag.library.library import Library
from rag.library.storage import paper_writer
from tests.cli_parts import footnote
from tests.library_parts import REAL, WordEncoder, paper_encoder
with Library.open(Path(sys.argv[1]), embedder=WordEncoder().id, read_only=False) as library:
    print("open", flush=True)
    library.undo_merges([one.id for one in library.merges()], WordEncoder)
"""


def test_a_killed_undo_leaves_whole_papers_and_is_finished_by_the_next(tmp_path: Path) -> None:
    path, count = tmp_path / "library", 400
    firsts = [Paper(f"a{i:03d}", f"On the matter number {i} of wool", year=2000) for i in range(count)]
    seconds = [replace(one, id=f"b{one.id[1:]}", abstract=f"Wool is {i}.") for i, one in enumerate(firsts)]
    with Library.create(path, embedder=WordEncoder().id) as library:
        library.add([*firsts, *seconds], WordEncoder())
    left = []
    for wait in (0.02, 0.1, 0.3):
        process = subprocess.Popen(
            [sys.executable, "-c", _UNDO, str(path)], stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent
        )
        assert process.stdout is not None and process.stdout.readline() == b"open\n"
        time.sleep(wait)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        with Library.open(path, embedder=WordEncoder().id, read_only=False) as library:
            assert library.verify() == []
            merged = {one.paper_id for one in library.merges()}
            left.append(len(merged))
            for paper in library.papers():
                number = int(paper.id[1:])
                has_abstract = paper.id[0] == "b" or paper.id in merged
                assert paper.abstract == (f"Wool is {number}." if has_abstract else "")
            assert library.count == 2 * count - len(merged)
    with Library.open(path, embedder=WordEncoder().id, read_only=False) as library:
        undo(library, *(one.id for one in library.merges()))
        assert library.papers() == [*firsts, *seconds]
        assert library.add([*firsts, *seconds], WordEncoder()).unchanged == 2 * count
        assert library.verify() == []
    assert left == sorted(left, reverse=True)


def test_the_command_lists_merges_and_undoes_them(tmp_path: Path) -> None:
    library, file = tmp_path / "library", tmp_path / "socks.jsonl"
    hostile = replace(B, title="Wool socks slow the hearts of sheep!\x1b")
    file.write_text("".join(json.dumps(to_record(one)) + "\n" for one in (A, hostile)))
    home = tmp_path / "home"
    imported = footnote("import", file, "--library", library, home=home)
    assert "1 duplicates merged" in imported.stdout
    assert "merged: 1 records; 'footnote merges' lists them" in imported.stderr
    listed = footnote("merges", library, home=home).stdout
    assert "m1  Wool socks slow the hearts of sheep!" in listed and "\x1b" not in listed
    assert "the same title" in listed and "socks.jsonl)" in listed
    (merge,) = json.loads(footnote("merges", "--json", "--library", library, home=home).stdout)["merges"]
    assert (merge["id"], merge["paper_id"], merge["record"]["id"], merge["paper"]["id"]) == ("m1", "a", "b", "a")
    assert "abstract" in merge["filled_in"]
    footnote("merges", library, "m1", home=home, code=2)
    footnote("merges", "--undo", "--library", library, home=home, code=2)
    assert "footnote merges" in footnote("merges", "--undo", "m9", "--library", library, home=home, code=1).stderr
    undone = footnote("merges", library, "--undo", "m1", home=home).stdout
    assert undone.startswith("a paper of its own: Wool socks")
    assert "undone before" in footnote("merges", "--undo", "m1", "--library", library, home=home).stdout
    assert "No record" in footnote("merges", library, home=home).stdout
    assert "2 unchanged, 0 duplicates merged" in footnote("import", file, "--library", library, home=home).stdout


def test_the_page_of_the_docs_has_commands_that_run(tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent / "docs" / "duplicates.md").read_text(encoding="utf-8")
    commands = [line.split()[1:] for line in page.splitlines() if line.startswith("footnote ")]
    assert len(commands) == 3
    path = tmp_path / "library"
    with Library.create(path, embedder=REAL) as library:
        library.add([A, B], paper_encoder())
    said = [footnote(*command, FOOTNOTE_LIBRARY=str(path), home=tmp_path).stdout for command in commands]
    assert "m1" in said[0] and '"m1"' in said[1] and "a paper of its own" in said[2]
