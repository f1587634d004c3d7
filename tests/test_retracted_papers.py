"""Retracted papers in a library: marked whichever record comes first, kept for later imports, shown everywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_parts import footnote
from library_parts import WordEncoder

from rag.datatypes import Paper
from rag.library.library import Library
from rag.papers.retractions import Event

SOCKS = Paper("socks", "Wool socks slow the hearts of sheep", "Forty sheep wore wool socks.", doi="10.5555/wool.1")
NOTICE = Paper("note", f"Retraction Note to: {SOCKS.title}", "The sheep never existed.", doi="10.5555/wool.2")
MARKED = Paper("again", f"RETRACTED: {SOCKS.title}", doi=SOCKS.doi)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.create(tmp_path / "library", embedder=WordEncoder().id) as made:
        yield made


@pytest.mark.parametrize("order", [(SOCKS, NOTICE), (NOTICE, SOCKS)])
def test_a_notice_marks_its_paper_and_stays_apart(library: Library, order: tuple[Paper, ...]) -> None:
    for paper in order:
        library.add([paper], WordEncoder())
    assert {paper.id: paper.status for paper in library.papers()} == {"socks": "retracted", "note": "notice"}
    fingerprint = library.fingerprint
    library.add(order, WordEncoder())
    assert library.fingerprint == fingerprint
    assert library.verify() == []


@pytest.mark.parametrize("order", [(SOCKS, MARKED), (MARKED, SOCKS)])
def test_the_retracted_record_of_a_paper_is_the_same_paper(library: Library, order: tuple[Paper, ...]) -> None:
    library.add(order, WordEncoder())
    (paper,) = library.papers()
    assert paper.title.startswith("RETRACTED: ")
    assert paper.status == "retracted"
    assert paper.abstract == SOCKS.abstract


def test_a_notice_with_the_id_and_doi_of_its_paper_is_a_paper_of_its_own(library: Library) -> None:
    doi = SOCKS.doi
    one, other = Paper(doi, SOCKS.title, doi=doi), Paper(doi, f"Erratum to: {SOCKS.title}", doi=doi)
    for _ in range(2):
        library.add([one, other], WordEncoder())
        assert {p.id: p.status for p in library.papers()} == {doi: "corrected", f"{doi}#notice": "notice"}


def test_events_mark_what_is_there_and_what_comes_later(library: Library) -> None:
    goats = Paper("goats", "Tin cans in the diet of goats", "Goats grow.", fields=(("PMID", '"77"'),))
    library.add([SOCKS], WordEncoder())
    events = [Event(("doi:10.5555/wool.1",), "retracted", "2020-01-01"), Event(("pmid:77",), "concern", "2020-01-01")]
    assert library.note_events(events) == (2, ("socks",))
    assert library.note_events(events) == (2, ())
    library.add([goats], WordEncoder())
    assert {paper.id: paper.status for paper in library.papers()} == {"socks": "retracted", "goats": "concern"}
    assert library.note_events([Event(("doi:10.5555/wool.1",), "reinstated", "2021-01-01")]) == (1, ("socks",))
    assert library.paper("socks").status == ""
    assert library.verify() == []


def test_the_command_line_says_that_papers_were_retracted(tmp_path: Path) -> None:
    file, table, library = tmp_path / "socks.jsonl", tmp_path / "rw.csv", tmp_path / "library"
    abstract = "Wool socks lower the heart rate of sheep by 12 beats per minute. Forty sheep wore them."
    records = [
        {"id": "socks", "title": SOCKS.title, "abstract": abstract, "doi": SOCKS.doi},
        {"id": "note", "title": f"Erratum: {SOCKS.title}", "abstract": f"Not 13, but 12: {abstract}", "doi": "10.5/x"},
    ]
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    table.write_text(f"OriginalPaperDOI,RetractionNature,RetractionDate\n{SOCKS.doi},Retraction,1/18/2023 0:00\n")
    at = ["--library", str(library)]
    footnote("import", str(file), *at)
    said = footnote("retractions", str(table), *at).stdout
    assert "1 notices kept; they changed the mark of 1 papers." in said
    assert f"[Retracted] {SOCKS.title}  (socks)" in said
    assert footnote("retractions", *at).stdout in said
    hits = json.loads(footnote("search", "wool socks", "--json", *at).stdout)["hits"]
    assert {hit["paper_id"]: hit["status"] for hit in hits} == {"socks": "retracted", "note": "notice"}
    question = "By how much do wool socks lower the heart rate of sheep?"
    answer = json.loads(footnote("ask", question, "--json", *at).stdout)
    assert {c["paper_id"]: c["status"] for c in answer["citations"]} == {"socks": "retracted"}
    assert "[1] was retracted." in answer["answer"]
    assert "[1] was retracted." in footnote("ask", question, *at).stdout
