"""PDFs of papers as arXiv, the IEEE, Elsevier, Nature and typesetters set them, and such as cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rag.datatypes import Paper
from rag.errors import ImportFileError
from rag.papers.importers import read_papers
from rag.papers.importers.pdf_layout import Line, title_of
from tests import pdf_papers
from tests.pdf_papers import ABSTRACT, TITLE, Page


def read(folder: Path, make: Callable[[Path], None]) -> Paper:
    path = folder / "paper.pdf"
    make(path)
    (paper,) = read_papers(path)
    return paper


@pytest.mark.parametrize(
    ("make", "doi"),
    [
        (pdf_papers.one_column, ""), (pdf_papers.two_columns, "10.5555/tk.2021.3051"),
        (pdf_papers.spaced_heading, "10.5555/j.kite.2021.117"),
        (pdf_papers.without_heading, "10.5555/s41586-021-01234-5"),
    ],
)  # fmt: skip
def test_title_abstract_and_doi(tmp_path: Path, make: Callable[[Path], None], doi: str) -> None:
    paper = read(tmp_path, make)
    assert (paper.title, paper.abstract, paper.doi) == (TITLE, ABSTRACT, doi)


def test_ligatures_and_divided_words(tmp_path: Path) -> None:
    paper = read(tmp_path, pdf_papers.ligatures)
    assert paper.title == "Five first flights of the efficient well-known kite"
    assert paper.abstract == (
        "We define flight, of long-term use, as what is well-known to rise. Long-term figures were recorded on 12 "
        "days, and none was well-known."
    )


def test_a_picture_of_a_page_and_glyphs_without_meaning_are_named(tmp_path: Path) -> None:
    def glyphs(path: Path) -> None:
        page = Page(path)
        page.lines(["\x03\x1e\x05 12 (8) 3 /// 7 a b 0 9" * 3] * 20)
        page.save()

    for make in (pdf_papers.scanned, glyphs):
        with pytest.raises(ImportFileError, match=r"without text in its first two pages.*ocrmypdf"):
            read(tmp_path, make)


def test_a_paper_without_abstract_has_none(tmp_path: Path) -> None:
    def letter(path: Path) -> None:
        page = Page(path)
        page.paragraph(TITLE, 18, "b")
        page.lines(["Ann Lee"])
        page.paragraph(pdf_papers.BODY * 4)
        page.paragraph(pdf_papers.BODY * 4)
        page.save()

    paper = read(tmp_path, letter)
    assert (paper.title, paper.abstract) == (TITLE, "")


@pytest.mark.parametrize("banner", ["International Journal of Kite Research", "arXiv:2101.01234v2 [cs.CL] 3 Jan 2021",
    "Proceedings of the 4th Conference", "RESEARCH ARTICLE", "Kites"])  # fmt: skip
def test_what_stands_above_a_title_is_none(banner: str) -> None:
    lines = [Line(banner, 30, "F", 800), Line("On tails of kites", 18, "F", 760), Line("that rise", 18, "F", 740)]
    assert title_of([*lines, Line("Ann Lee and Bo Chan of Ghent", 10, "F", 700)]) == "On tails of kites that rise"


def test_a_pdf_cut_off_anywhere_is_an_error_of_ours_or_read(tmp_path: Path) -> None:
    whole = tmp_path / "whole.pdf"
    pdf_papers.two_columns(whole)
    content = whole.read_bytes()
    for end in range(0, len(content), max(1, len(content) // 40)):
        path = tmp_path / "cut.pdf"
        path.write_bytes(content[:end])
        try:
            list(read_papers(path, on_error=lambda error: None))
        except ImportFileError as error:
            assert str(path) in str(error)
