"""Columns of tables that hold lists, types and notes."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.datatypes import Paper
from rag.papers.importers import read_papers
from rag.papers.importers.table_fields import standard
from rag.papers.kept_fields import unpack


def read(folder: Path, text: str) -> list[Paper]:
    (folder / "a.csv").write_text(text, encoding="utf-8")
    return list(read_papers(folder / "a.csv"))  # strict


@pytest.mark.parametrize(
    ("column", "cell", "tags"),
    [
        ("Author Keywords", "soil; clay, red;", ("soil", "clay, red")), ("keywords", "soil, clay", ("soil", "clay")),
        ("Manual Tags", "soil|clay", ("soil", "clay")), ("tags", "['soil', 'clay']", ("soil", "clay")),
        ("Schlagwörter", "Boden; Ton", ("Boden", "Ton")), ("keyword", "nan", ()),
        ("mesh_terms", "10,000 m", ("10,000 m",)),
    ],
)  # fmt: skip
def test_key_words_are_tags(tmp_path: Path, column: str, cell: str, tags: tuple[str, ...]) -> None:
    (paper,) = read(tmp_path, f'title,{column}\nKites,"{cell}"\n')
    assert paper.tags == tags
    assert unpack(paper) == {}


def test_words_of_several_columns_are_joined_and_the_rest_is_kept() -> None:
    cells = {
        "title": "K",
        "author_keywords": "a; b",
        "index_keywords": "b; c",
        "citekey": "k1",
        "note": "read",
        "shelf": "4",
    }
    found = standard(cells)
    assert found["tags"] == ["a", "b", "b", "c"]
    assert (found["citation_key"], found["notes"], found["shelf"]) == ("k1", ["read"], "4")


@pytest.mark.parametrize(
    ("column", "cell", "kind"),
    [
        ("Item Type", "conferencePaper", "paper-conference"), ("Document Type", "Article", "article-journal"),
        ("Reference Type", "Journal Article", "article-journal"), ("Document Type", "Retracted", ""),
        ("entrytype", "phdthesis", "thesis"),
    ],
)  # fmt: skip
def test_types(tmp_path: Path, column: str, cell: str, kind: str) -> None:
    (paper,) = read(tmp_path, f"title,{column}\nKites,{cell}\n")
    assert paper.kind == kind
    assert cell in [*unpack(paper).values(), "conferencePaper"]  # its own word is kept beside


def test_a_status_that_is_none_of_ours_is_a_field(tmp_path: Path) -> None:
    (paper,) = read(tmp_path, "title,Status\nKites,Included\n")
    assert (paper.status, unpack(paper)) == ("", {"status": "Included"})


def test_quotation_marks_within_a_cell_belong_to_its_text(tmp_path: Path) -> None:
    text = 'title,abstract,year\n"Wave power" for islands,"Waves are ""counted"".",1999\n"A, B","C"d,2000\n'
    first, second = read(tmp_path, text)
    assert (first.title, first.abstract, first.year) == ('"Wave power" for islands', 'Waves are "counted".', 1999)
    assert (second.title, second.year) == ("A, B", 2000)


def test_remarks_above_the_header_are_passed_over(tmp_path: Path) -> None:
    text = '"About the data: exported on 3 May, all"\n\nRank,DOI,Title,Abstract\n1,10.5555/a,Kites,They fly.\n'
    (paper,) = read(tmp_path, text)
    assert (paper.title, paper.abstract, paper.doi) == ("Kites", "They fly.", "10.5555/a")


def test_a_table_whose_fields_are_rows(tmp_path: Path) -> None:
    text = (
        '"TITLE","Kites: a review"\n"AUTHOR NAMES","Lee A.","Roe B."\n"PUBLICATION YEAR","2019"\n'
        '"ABSTRACT","They\nrise."\n"AUTHOR KEYWORDS","silk","wind"\n"DOI","10.5555/em.1"\n\n'
        '"TITLE","Bows"\n"AUTHOR NAMES","Chan C."\n'
    )
    first, second = read(tmp_path, text)
    assert (first.title, first.authors, first.year) == ("Kites: a review", ("Lee A.", "Roe B."), 2019)
    assert (first.abstract, first.tags, first.doi) == ("They rise.", ("silk", "wind"), "10.5555/em.1")
    assert (second.title, second.authors) == ("Bows", ("Chan C.",))
