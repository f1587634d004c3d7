"""Exports as the programs of publishers and databases really write them: nothing of a paper is lost or misread."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.datatypes import Paper
from rag.papers.identity import normalised_doi
from rag.papers.importers import read_papers
from rag.text.plaintext import plain_text


def _read(folder: Path, name: str, content: str | bytes) -> list[Paper]:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return list(read_papers(file))  # strict: a record that is not read raises


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"at p {\textless} 0.01, {\textbar}z{\textbar} {\textgreater}3", "at p < 0.01, |z| >3"),
        (r"{\textless}jats:p{\textgreater}Kelp.{\textless}/jats:p{\textgreater}", "Kelp."),
        (r"10\textsuperscript{6} per m\textsuperscript{-3}, the 3\textsuperscript{rd}", "10^6 per m^-3, the 3rd"),
        (r"10\^{}6 and $<$7", "10^6 and <7"),
        (r"\{\vphantom{\}}3, 4\vphantom{\{}\}", "{3, 4}"),
        ("q &amp;amp;lt; 0.2 &amp;lt;i&amp;gt;E. coli&amp;lt;/i&amp;gt;", "q < 0.2 E. coli"),
        ("eﬀects of ﬂour, de\xadﬁned", "effects of flour, defined"),
    ],
)
def test_signs_that_programs_write_as_macros_or_escapes(written: str, read: str) -> None:
    assert plain_text(written) == read


@pytest.mark.parametrize(
    "text", ["[No abstract available]", "nan", "None", "N/A", "Abstract not available.", "No abstract is available"]
)
def test_a_placeholder_is_no_abstract(tmp_path: Path, text: str) -> None:
    (paper,) = _read(tmp_path, "a.csv", f"title,abstract,year\nRopes of hemp,{text},nan\n")
    assert paper.abstract == "" and paper.year is None


def test_ris_with_two_tags_for_authors_bare_ends_and_an_end_within_a_text(tmp_path: Path) -> None:
    text = "TY  - JOUR\nTI  - Tugs\nA1  - One, A\nAU  - Two, B\nAB  - Tumours were\nER  - positive in 4.\nER\n"
    first, second = _read(tmp_path, "a.ris", text + "3 hits\nTY  - JOUR\nTI  - Barges\nAU  - Two, B\nER\n")
    assert first.authors == ("A One", "B Two")
    assert first.abstract == "Tumours were ER - positive in 4."
    assert second.title == "Barges"


def test_one_bad_byte_costs_neither_the_line_nor_the_file(tmp_path: Path) -> None:
    text = "TY  - JOUR\nTI  - Käse\nAB  - The dairy".encode() + b"\x92" + b"s milk.\nER  - \n"
    assert _read(tmp_path, "a.ris", text)[0].abstract == "The dairy’s milk."


def test_bibtex_entries_without_keys_and_with_one_key_twice(tmp_path: Path) -> None:
    text = (
        "@misc{\n title = {Sleet},\n}\n@misc{title = {Hail}}\n@misc{, title = {Snow}}\n"
        "@misc{k, title = {Rain on tin}}\n@misc{k, title = {Fog over fens}}\n"
    )
    papers = _read(tmp_path, "a.bib", text)
    assert [paper.title for paper in papers] == ["Sleet", "Hail", "Snow", "Rain on tin", "Fog over fens"]
    assert len({paper.id for paper in papers}) == 5
    assert [paper.key for paper in papers] == ["", "", "", "k", "k"]


def test_bibtex_strings_joined_repeated_fields_and_an_at_sign_that_begins_a_line(tmp_path: Path) -> None:
    text = (
        '@string{s = "Notes on "}\n@article{a, title = s # {Wind } # "Vanes", keywords = "x", keywords = "y",\n'
        'doi = "10.5555/v.1", journal = {\\mnras}, abstract = {Ask\n@vanes (online) for "data".}}\n'
    )
    (paper,) = _read(tmp_path, "a.bib", text)
    assert (paper.title, paper.doi) == ("Notes on Wind Vanes", "10.5555/v.1")
    assert paper.venue == "Monthly Notices of the Royal Astronomical Society"
    assert paper.abstract == 'Ask @vanes (online) for "data".'


def test_bibtex_organisations_are_one_name(tmp_path: Path) -> None:
    text = r"@misc{a, title = {Bread}, author = {{Bakers and Sons, Ltd.} and \"Ozer, Al{\'\i} and others}}"
    assert _read(tmp_path, "a.bib", text)[0].authors == ("Bakers and Sons, Ltd.", "Alí Özer")


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ('"Oak, B.C., Elm, D., de la Rue, M."', ("B.C. Oak", "D. Elm", "M. de la Rue")),
        ("\"['Ann Oak', 'Bo Elm']\"", ("Ann Oak", "Bo Elm")),
    ],
)
def test_authors_in_one_cell(tmp_path: Path, cell: str, names: tuple[str, ...]) -> None:
    assert _read(tmp_path, "a.csv", f"title,authors\nSeeds,{cell}\n")[0].authors == names


def test_tables_with_a_line_for_excel_german_names_and_an_open_quotation_mark(tmp_path: Path) -> None:
    text = 'sep=;\nTitel;Autor, Herausgeber oder Institution;Jahr ermittelt\n"Asche;Glut, U.;2001\nÖfen;Ruß, Ida;1999\n'
    second, first = _read(tmp_path, "a.csv", text)
    assert (first.title, first.authors, first.year) == ("Öfen", ("Ida Ruß",), 1999)
    assert (second.title, second.year) == ('"Asche', 2001)


def test_a_doi_with_two_prefixes() -> None:
    assert normalised_doi("doi: https://doi.org/10.5555/AB.1") == "10.5555/ab.1"
