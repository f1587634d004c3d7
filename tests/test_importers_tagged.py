"""Records of tagged lines: PubMed's, the Web of Science's, EndNote's and Refer's."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.datatypes import Paper
from rag.errors import ImportFileError, RecordError
from rag.papers.importers import detect_format, read_papers, source


def _read(folder: Path, content: str) -> tuple[list[Paper], list[RecordError]]:
    file = folder / "export.txt"
    file.write_text(content, encoding="utf-8")
    errors: list[RecordError] = []
    return list(read_papers(file, on_error=errors.append)), errors


NBIB = """
PMID- 700001
OWN - NLM
DP  - 2021 Mar 4
TI  - Moss on northern walls: a survey
      of two villages.
LID - 10.5555/moss.1 [doi]
LID - S0000-1 [pii]
AB  - BACKGROUND: Walls are damp.
      RESULTS: Moss grew.
FAU - Lichen, Vera
AU  - Lichen V
AU  - Peat OB
CN  - Moss, Fern and Bark Group
PT  - Journal Article
PT  - Retracted Publication
RIN - J Moss. 2022;2:1. PMID: 700009
JT  - Journal of moss
MH  - *Bryophyta
OT  - damp

PMID- 700002
TI  - A wall of its own.
BTI - Handbook of walls
DP  - 2019
"""


def test_pubmed(tmp_path: Path) -> None:
    (first, second), errors = _read(tmp_path, NBIB)
    assert errors == []
    assert first.title == "Moss on northern walls: a survey of two villages."
    assert first.abstract == "BACKGROUND: Walls are damp. RESULTS: Moss grew."
    assert first.authors == ("Vera Lichen", "OB Peat", "Moss, Fern and Bark Group")
    assert (first.year, first.venue, first.doi) == (2021, "Journal of moss", "10.5555/moss.1")
    assert (first.kind, first.status, first.tags) == ("article-journal", "retracted", ("damp", "Bryophyta"))
    assert (second.kind, second.venue) == ("chapter", "Handbook of walls")


def test_the_notice_of_a_retraction_is_not_retracted(tmp_path: Path) -> None:
    text = "PMID- 1\nOWN - NLM\nTI  - Retraction: Moss.\nPT  - Retraction of Publication\nROF - J Moss. 2021\n"
    assert _read(tmp_path, text)[0][0].status == ""


WOS = """FN Clarivate Analytics Web of Science
VR 1.0
PT J
AU Lichen, V
   Peat, OB
AF Lichen, Vera
   Peat, Otto B.
TI Moss on northern
   walls
SO JOURNAL OF MOSS
DT Proceedings Paper
DE damp; wall, northern
ID GROWTH
AB Walls are damp.
   IT IS SO. Moss grew.
CR ONE A, 2001, J MOSS, V1, P1
PY 2021
DI 10.5555/moss.1
UT WOS:000000000000009
ER

PT B
TI Cut off in the
"""


def test_web_of_science(tmp_path: Path) -> None:
    (paper,), errors = _read(tmp_path, WOS)
    assert [(error.line, "does not end" in error.reason) for error in errors] == [(22, True)]
    assert (paper.title, paper.abstract) == ("Moss on northern walls", "Walls are damp. IT IS SO. Moss grew.")
    assert paper.authors == ("Vera Lichen", "Otto B. Peat")
    assert (paper.year, paper.doi, paper.kind) == (2021, "10.5555/moss.1", "paper-conference")
    assert paper.tags == ("damp", "wall, northern")
    assert paper.id == "WOS:000000000000009"


def test_web_of_science_without_its_heading(tmp_path: Path) -> None:
    assert len(_read(tmp_path, WOS.partition("VR 1.0\n")[2])[0]) == 1


ENW = """%0 Conference Proceedings
%T Moss on walls
%A Lichen, Vera
%A Moss, Fern and Bark Group,
%E Peat, Otto
%S Proceedings of the Second Meeting on Moss
%D 2021
%F lichen-2021-moss
%X Walls are damp.

Moss grew.
%R 10.5555/moss.2
%U https://example.org/moss.2
%@ 1234-5678
%K damp, walls
%P 1-9

%0 Thesis
%T Bark
%D 2019
"""


def test_endnote(tmp_path: Path) -> None:
    (first, second), errors = _read(tmp_path, ENW)
    assert errors == []
    assert (first.title, first.abstract) == ("Moss on walls", "Walls are damp. Moss grew.")
    assert first.authors == ("Vera Lichen", "Moss, Fern and Bark Group")
    assert first.venue == "Proceedings of the Second Meeting on Moss"
    assert (first.key, first.kind, first.tags) == ("lichen-2021-moss", "paper-conference", ("damp", "walls"))
    assert (first.doi, first.url, first.year) == ("10.5555/moss.2", "https://example.org/moss.2", 2021)
    assert (second.title, second.kind) == ("Bark", "thesis")


def test_refer_divides_its_records_by_empty_lines(tmp_path: Path) -> None:
    papers, errors = _read(tmp_path, "%A V. Lichen\n%T Moss\n%J Walls\n%D 1979\n\n%A O. Peat\n%T Bark\n%D 1981\n")
    assert errors == []
    assert [(paper.title, paper.authors, paper.year) for paper in papers] == [
        ("Moss", ("V. Lichen",), 1979),
        ("Bark", ("O. Peat",), 1981),
    ]


@pytest.mark.parametrize("text", [NBIB, WOS, ENW], ids=["nbib", "wos", "enw"])
def test_a_record_without_end_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    from rag.papers.importers import tagged

    assert tagged.MAX_RECORD_CHARS == source.MAX_RECORD_CHARS
    monkeypatch.setattr(tagged, "MAX_RECORD_CHARS", 2_000)
    long = text.replace("Walls are damp.", "Walls are damp.\n" + "   and damp\n" * 500)
    papers, errors = _read(tmp_path, long)
    assert any("longer than" in error.reason for error in errors)
    assert all(paper.title != "Moss on walls" for paper in papers)


@pytest.mark.parametrize("text", ["PT J\nXX Lichen\n", "%0 Thesis\n%A Lichen\n", "PMID- 1\nXX  - Moss\n"])
def test_tagged_text_is_no_page_of_titles(tmp_path: Path, text: str) -> None:
    file = tmp_path / "export.txt"
    file.write_text(text + "A long sentence about moss stands here. It goes on and on, and on. " * 9)
    with pytest.raises(Exception, match="not recognised"):
        detect_format(file)


def test_refworks(tmp_path: Path) -> None:
    text = (
        "RT Journal Article\nSR Electronic(1)\nID 12\nA1 Lee,Ann\nA1 Roe,Bo\nT1 Kites of\nsilk\nYR 2011\nJF Kite J\n"
        "VO 3\nSP 1\nOP 9\nAB Kites rise.\nDO 10.5555/rw.1\nK1 kites\nK1 wind\nSN 1234-5678\n\n"
        "RT Book, Whole\nA1 Roe,Bo\nT1 Bows\n"
    )
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")
    assert detect_format(path) == "refworks"
    first, second = read_papers(path)
    assert (first.title, first.authors, first.year, first.venue) == (
        "Kites of silk",
        ("Ann Lee", "Bo Roe"),
        2011,
        "Kite J",
    )
    assert (first.tags, first.doi, first.kind, second.kind) == (
        ("kites", "wind"),
        "10.5555/rw.1",
        "article-journal",
        "book",
    )


def test_tagged_text_of_a_kind_that_is_not_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Record 1 of 2\n\nTI: Kites\nAU: Lee, A\nAB: They rise.\n", encoding="utf-8")
    with pytest.raises(ImportFileError, match="begin with tags or labels"):
        read_papers(path)
