"""Excel workbooks, ZIP archives and PDFs, sound and hostile."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook

from rag.datatypes import Paper
from rag.errors import ImportFileError, RecordError
from rag.papers.importers import detect_format, read_papers

RIS = "TY  - JOUR\nTI  - Reeds in wind\nAB  - They bend.\nER  - \n"


def read(path: Path) -> tuple[list[Paper], list[RecordError]]:
    errors: list[RecordError] = []
    return list(read_papers(path, on_error=errors.append)), errors


def zipped(path: Path, members: dict[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return path


def pdf(path: Path, lines: list[tuple[int, str]]) -> Path:
    """One page with lines of text in Helvetica of a size each."""
    shown, height = "", 800
    for size, text in lines:
        height -= size + 6
        shown += f"BT /F1 {size} Tf 50 {height} Td ({text}) Tj ET\n"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R "
        "/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        f"<< /Length {len(shown)} >>\nstream\n{shown}endstream",
    ]
    text, places = "%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(text))
        text += f"{number} 0 obj\n{one}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    path.write_bytes(
        f"{text}xref\n0 5\n0000000000 65535 f \n{table}trailer << /Size 5 /Root 1 0 R >>\n"
        f"startxref\n{len(text)}\n%%EOF\n".encode("latin-1")
    )
    return path


# --- workbooks ---


def test_the_sheet_with_titles_is_read_from_its_header_on(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["About this file"])
    sheet = book.create_sheet("Included")
    for row in (["Included studies, 2024"], [], ["Title", "Abstract", "Year", "Authors"],
                ["Reeds", "They bend.", 2019.0, "Ann Lee; Bo Chan"], [], [None, "no title", 2020, None]):  # fmt: skip
        sheet.append(row)
    path = tmp_path / "list.xlsx"
    book.save(path)
    assert detect_format(path) == "xlsx"
    (paper,), errors = read(path)
    assert (paper.title, paper.abstract, paper.year) == ("Reeds", "They bend.", 2019)
    assert paper.authors == ("Ann Lee", "Bo Chan")
    assert paper.source == "xlsx:list.xlsx"
    assert [error.line for error in errors] == [6]


def test_a_workbook_without_titles_says_so(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["a", "b"])
    path = tmp_path / "list.xlsx"
    book.save(path)
    with pytest.raises(ImportFileError, match="no sheet has a header with a column 'title'"):
        read(path)


def test_hostile_workbooks(tmp_path: Path) -> None:
    book, out = Workbook(), io.BytesIO()
    book.active.append(["Title"])
    book.save(out)
    with zipfile.ZipFile(out) as packed:
        parts: dict[str, bytes | str] = {name: packed.read(name) for name in packed.namelist()}
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>&a;</worksheet>'
    with pytest.raises(ImportFileError, match="document type"):
        read(zipped(tmp_path / "entities.xlsx", parts | {"xl/worksheets/sheet1.xml": bomb}))
    with pytest.raises(ImportFileError, match="once it is unpacked"):
        read(zipped(tmp_path / "bomb.xlsx", parts | {"xl/worksheets/sheet1.xml": bytes(2**24)}))
    with pytest.raises(ImportFileError, match="save the table as CSV"):
        read(zipped(tmp_path / "less.xlsx", {"xl/worksheets/sheet1.xml": "<worksheet/>"}))


# --- archives ---


def test_every_file_of_papers_in_an_archive_is_read_and_the_rest_named(tmp_path: Path) -> None:
    path = zipped(tmp_path / "export.zip", {
        "a/articles.csv": "title,abstract,notes\nBoats,They sink.,seen\n", "b.ris": RIS, "log.csv": "id,key\n1,x\n",
        "__MACOSX/._b.ris": b"\x00\x05", "inner.zip": zipped(tmp_path / "i.zip", {"c.ris": RIS}).read_bytes(),
        "../../../outside.ris": RIS.replace("Reeds", "Rushes"),
    })  # fmt: skip
    assert detect_format(path) == "zip"
    papers, errors = read(path)
    assert [paper.title for paper in papers] == ["Boats", "Reeds in wind", "Rushes in wind"]
    assert papers[0].notes == ("seen",)
    assert [error.reason.split(":")[0] for error in errors] == ["log.csv", "inner.zip"]
    assert not list(tmp_path.parent.glob("**/outside.ris"))
    assert "footnote-zip-" not in " ".join(map(str, errors))


def test_archives_that_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bomb.zip", {"a.csv": b"title\n" + b"a\n" * 2**24})
    with pytest.raises(ImportFileError, match="once it is unpacked"):
        read(path)
    with pytest.raises(ImportFileError, match="no file of papers was found"):
        read(zipped(tmp_path / "none.zip", {"a.txt": "Dear all,\n"}))
    path = zipped(tmp_path / "cut.zip", {"a.ris": RIS})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ImportFileError, match="damaged or cut off"):
        read(path)
    with pytest.raises(ImportFileError, match="office program"):
        read(zipped(tmp_path / "letter.docx", {"word/document.xml": "<x/>"}))


# --- PDFs ---


def test_title_abstract_and_doi_of_a_pdf(tmp_path: Path) -> None:
    path = pdf(tmp_path / "paper.pdf", [
        (9, "Journal of Reeds 4, 2019, doi:10.5555/reeds.4."), (20, "Reeds that bend"), (20, "in the west wind"),
        (11, "Ann Lee, Bo Chan"), (12, "Abstract"), (10, "We looked at 31 reeds. They were bent by the west-"),
        (10, "erly wind."), (12, "1 Introduction"), (10, "Reeds are plants."),
    ])  # fmt: skip
    assert detect_format(path) == "pdf"
    (paper,), errors = read(path)
    assert errors == []
    assert paper.title == "Reeds that bend in the west wind"
    assert paper.abstract == "We looked at 31 reeds. They were bent by the westerly wind."
    assert paper.doi == "10.5555/reeds.4"


def test_pdfs_without_text_or_cut_off(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="without text in its first two pages"):
        read(pdf(tmp_path / "scan.pdf", []))
    (tmp_path / "cut.pdf").write_bytes(b"%PDF-1.4\n1 0 obj\n<< /Ty")
    with pytest.raises(ImportFileError, match="cannot be read"):
        read(tmp_path / "cut.pdf")
