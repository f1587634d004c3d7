"""PubMed's numbered abstracts."""

from __future__ import annotations

from pathlib import Path

from rag.datatypes import Paper
from rag.papers.importers import detect_format, read_papers
from rag.papers.kept_fields import unpack

TEXT = """1. Kite Med. 2020 Apr 30;38(18):1708-1720. doi: 10.5555/kite.2020.1. Epub 2020
Feb 28.

Clinical characteristics of keepers of kites in
the west wind.

Guan WJ(1), de la Cruz-Ni ZY Jr(1)(2), O'Hu Y(2); Kite Keepers Expert Group for
Wind.

Collaborators: Smith A, Lee B.

Author information:
(1)From the Laboratory of Kites, Ghent.
(2)Institute of Wind.

Comment in
    Kite Med. 2020 May;38(19):1-2. doi: 10.5555/kite.2020.9.

BACKGROUND: Since December 2019, kites have
spread. We ask why.

METHODS: We looked at 31 keepers.
1. This line begins with a number.

2. So does this paragraph, of an abstract.

Copyright © 2020 Kite Society.

DOI: 10.5555/kite.2020.1
PMCID: PMC7092819
PMID: 92109013 [Indexed for MEDLINE]

Conflict of interest statement: The authors fly kites.


2. Cerf Volant. 1998;12:3-4.

[Knots in the north].

[Article in French]

Roux P.

PMID: 92109014


3. Kite Med. 2021 Jan-Feb;39(1):e5. doi: 10.5555/kite.2021.5.

A kite that was not there.

Lee A(1).

Retraction in
    Kite Med. 2022 Feb 1;40(2):7.

It was seen by nobody.

DOI: 10.5555/kite.2021.5
PMID: 92109015
"""


def read(folder: Path, text: str) -> list[Paper]:
    path = folder / "abstract-kite-set.txt"
    path.write_text(text, encoding="utf-8")
    assert detect_format(path) == "pubmed-text"
    return list(read_papers(path))  # strict


def test_numbered_abstracts(tmp_path: Path) -> None:
    first, second, third = read(tmp_path, TEXT)
    assert first.title == "Clinical characteristics of keepers of kites in the west wind."
    assert first.authors == ("WJ Guan", "ZY de la Cruz-Ni Jr", "Y O'Hu", "Kite Keepers Expert Group for Wind")
    assert (first.year, first.venue, first.doi) == (2020, "Kite Med", "10.5555/kite.2020.1")
    assert first.abstract == (
        "BACKGROUND: Since December 2019, kites have spread. We ask why. METHODS: We looked at 31 keepers. 1. This "
        "line begins with a number. 2. So does this paragraph, of an abstract."
    )
    kept = unpack(first)
    assert (kept["volume"], kept["issue"], kept["page"], kept["PMCID"]) == ("38", "18", "1708-1720", "PMC7092819")
    assert kept["rights"] == "Copyright © 2020 Kite Society."
    assert any(note.startswith("Conflict of interest") for note in kept["record_notes"])
    assert (second.title, second.abstract, second.authors) == ("[Knots in the north].", "", ("P Roux",))
    assert unpack(second)["language"] == "French"
    assert (third.status, third.abstract) == ("retracted", "It was seen by nobody.")


def test_a_single_abstract_and_one_without_authors(tmp_path: Path) -> None:
    (paper,) = read(tmp_path, "1. Kite Med. 2020;1:1.\n\nA title.\n\nKites were seen. They flew far.\n\nPMID: 1\n")
    assert (paper.title, paper.authors, paper.abstract) == ("A title.", (), "Kites were seen. They flew far.")
