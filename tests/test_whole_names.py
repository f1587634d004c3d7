"""Institutions among the authors: never divided into given and family name, in no format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import rispy

from rag.datatypes import Paper
from rag.papers.bibliography import FORMATS, to_bibtex, to_csl_json, to_ris
from rag.papers.divided_names import WHOLE_NAMES, csl_name, inverted, is_body
from rag.papers.importers import read_papers
from rag.papers.kept_fields import pack, unpack
from rag.papers.zotero.items import ZoteroLibrary, paper_of

WHO, LAB, BEA = "World Health Organization", "Google DeepMind", "Bea van der Alder"
CSL = [{"literal": WHO}, {"literal": LAB}, {"family": "van der Alder", "given": "Bea"}]


def read(folder: Path, text: str, name: str = "papers.txt") -> Paper:
    (folder / name).write_text(text, encoding="utf-8")
    (paper,) = read_papers(folder / name)
    return paper


@pytest.fixture
def paper(tmp_path: Path) -> Paper:
    item = {"id": "x", "type": "report", "title": "On moths", "abstract": "Moths.", "author": CSL}
    return read(tmp_path, json.dumps([item]), "papers.json")


def test_what_a_file_calls_a_whole_name_is_remembered_where_nothing_else_tells(paper: Paper) -> None:
    assert paper.authors == (WHO, LAB, BEA)
    assert unpack(paper)[WHOLE_NAMES] == [LAB]


def test_csl_json_does_not_divide_them(paper: Paper) -> None:
    (item,) = json.loads(to_csl_json([paper]))
    assert item["author"] == CSL and WHOLE_NAMES not in item.get("custom", {})


def test_ris_does_not_divide_them(paper: Paper) -> None:
    (record,) = rispy.loads(to_ris([paper]))
    assert record["authors"] == [WHO, LAB, "van der Alder, Bea"]


def test_bibtex_encloses_them(paper: Paper) -> None:
    assert f"author = {{{{{WHO}}} and {{{LAB}}} and {BEA}}}" in to_bibtex([paper])


@pytest.mark.parametrize("format", ["bibtex", "ris", "csl-json"])
def test_they_come_back_as_they_went(paper: Paper, tmp_path: Path, format: str) -> None:
    back = read(tmp_path, FORMATS[format]([paper]))
    assert (back.authors, back.fields) == (paper.authors, paper.fields)


def test_other_sources_say_it_too(tmp_path: Path) -> None:
    tex = f"@report{{x, title={{On moths}}, abstract={{Moths.}}, author={{{{{LAB}}} and Alder, Bea}}}}"
    assert unpack(read(tmp_path, tex))[WHOLE_NAMES] == [LAB]
    item = {"key": "MOTHS234", "itemType": "report", "title": "On moths", "abstractNote": "Moths.",
            "creators": [{"creatorType": "author", "name": LAB},
                         {"creatorType": "author", "firstName": "Bea", "lastName": "Alder"}]}  # fmt: skip
    made = paper_of(item, ZoteroLibrary("library", "My Library", ()))
    assert made.authors == (LAB, "Bea Alder") and unpack(made)[WHOLE_NAMES] == [LAB]


@pytest.mark.parametrize("value", ['"no list"', "[1, null]", "{}", "[[]]"])
def test_a_field_of_that_name_that_holds_something_else(value: str) -> None:
    (item,) = json.loads(to_csl_json([Paper("x", "T", authors=(LAB,), fields=((WHOLE_NAMES, value),))]))
    assert item["author"] == [{"family": "DeepMind", "given": "Google"}]


@pytest.mark.parametrize(
    "name", [WHO, "The ATLAS Collaboration", "Institute for AI", "Johnson & Sons", "Centre of Data"]
)
def test_bodies_are_known_by_their_words(name: str) -> None:
    assert is_body(name) and inverted(name) == name and csl_name(name) == {"literal": name}


@pytest.mark.parametrize(
    ("name", "written"),
    [("Anna du Toit", "du Toit, Anna"), ("Marie des Jardins", "des Jardins, Marie"), ("Plato", "Plato")],
)  # fmt: skip
def test_people_are_divided(name: str, written: str) -> None:
    assert inverted(name) == written


def test_people_stay_without_a_mark(tmp_path: Path) -> None:
    paper = Paper("x", "On moths", "Moths.", (BEA, "Plato"), fields=pack({"volume": "3"}))
    for format in ("bibtex", "ris", "csl-json"):
        assert read(tmp_path, FORMATS[format]([paper])).fields == paper.fields
