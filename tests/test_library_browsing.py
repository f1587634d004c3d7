"""Looking through a library page by page, and changing one paper in place."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rag.datatypes import Paper
from rag.errors import LibraryError
from rag.library.library import Library, PaperFilter
from rag.library.storage.browsing import SORTS
from tests.library_parts import WordEncoder, made_papers

ID = WordEncoder().id
PAPERS = (
    Paper("a1", "Øresund crabs", "Hermit crabs choose shells.", ("Björn Öre", "A. S."), 2021, "Shore", source="a.bib"),
    Paper("b2", "A queue of shells", "Crab chains.", ("Dilek Aydın",), 2019, "Cove", doi="10.1000/b2", source="a.bib"),
    Paper("c3", "深度学习的贝壳", "我们研究贝壳。", ("王伟",), None, "Shore", source="b.csv"),
    Paper("arXiv:2101.00001", "Zebra stripes", "", (), 2021, "", source="b.csv"),
    Paper("e5", "banana 100% _pure_", "O'Brien says \"crab\" AND NOT OR near(", ("O'Brien",), 2020, "cove", source=""),
)  # fmt: skip


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.create(tmp_path / "library", embedder=ID) as library:
        library.add(PAPERS, WordEncoder())
        yield library


def found(library: Library, text: str = "", **conditions: object) -> list[str]:
    page = library.page(PaperFilter(text, **conditions))  # type: ignore[arg-type]
    ids = [paper.id for paper in page.papers]
    assert page.total == len(ids) and library.ids(PaperFilter(text, **conditions)) == ids  # type: ignore[arg-type]
    return ids


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["a1", "arXiv:2101.00001", "b2", "c3", "e5"]),
        ("crab", ["a1", "b2", "e5"]),  # the beginning of a word of the abstract
        ("SHELLS crab", ["a1", "b2"]),  # every word, in any order and case
        ("bjorn", ["a1"]),  # an author, without accents
        ("aydın", ["b2"]),
        ("cove", ["b2", "e5"]),  # a venue
        ("2101.00001", ["arXiv:2101.00001"]),  # an id
        ("学习", ["c3"]),  # inside a text without blanks
        ('o\'brien "crab" and not', ["e5"]),  # nothing is an operator of the search
        ("100%", ["e5"]),
        ("%", ["e5"]),
        ("no such word", []),
        ("rab", []),  # the middle of a word
    ],
)
def test_every_word_begins_a_word_of_the_paper(library: Library, text: str, expected: list[str]) -> None:
    assert found(library, text) == expected


def test_filters_are_joined(library: Library) -> None:
    assert found(library, since=2020) == ["a1", "arXiv:2101.00001", "e5"]
    assert found(library, until=2020) == ["b2", "e5"]
    assert found(library, since=2020, until=2020) == ["e5"]
    assert found(library, venues=("Shore", "")) == ["a1", "arXiv:2101.00001", "c3"]
    assert found(library, sources=("b.csv",), abstract=False) == ["arXiv:2101.00001"]
    assert found(library, abstract=True, venues=("Shore",)) == ["a1", "c3"]
    assert found(library, "crabs", since=2020, sources=("a.bib",)) == ["a1"]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("descending", [False, True])
def test_pages_in_any_order_show_every_paper_once(tmp_path: Path, sort: str, descending: bool) -> None:
    with Library.create(tmp_path / "many", embedder=ID) as library:
        library.add([*made_papers(25), *PAPERS], WordEncoder())
        pages = [library.page(PaperFilter(), sort, descending, start, 7) for start in range(0, 35, 7)]
    papers = [paper for page in pages for paper in page.papers]
    assert {page.total for page in pages} == {30} and len({paper.id for paper in papers}) == 30
    values = [" ".join(value) if isinstance(value := getattr(paper, sort), tuple) else value for paper in papers]
    there = [value for value in values if value not in ("", None)]
    assert not any(value not in ("", None) for value in values[len(there) :]), "what has no value comes last"
    if sort != "authors":
        key = (lambda value: value.lower()) if sort not in ("year", "id") else (lambda value: value)
        ascii_only = [key(value) for value in there if sort == "year" or value.isascii()]
        assert ascii_only == sorted(ascii_only, reverse=descending)


def test_an_unknown_order_is_refused(library: Library) -> None:
    with pytest.raises(ValueError, match="vectors"):
        library.page(PaperFilter(), "vectors; DROP TABLE papers")


def test_facets_count_what_there_is(library: Library) -> None:
    facets = library.facets()
    assert facets.years == ((None, 1), (2019, 1), (2020, 1), (2021, 2))
    assert facets.venues == (("Shore", 2), ("", 1), ("Cove", 1), ("cove", 1))
    assert facets.sources == (("a.bib", 2), ("b.csv", 2), ("", 1))
    assert facets.without_abstract == 1
    assert library.facets(PaperFilter("crab")).years == ((2019, 1), (2020, 1), (2021, 1))


def test_the_search_follows_every_change(library: Library) -> None:
    library.add([replace(PAPERS[0], title="Lobsters now")], WordEncoder())
    assert found(library, "lobsters") == ["a1"] and found(library, "Øresund") == []
    library.remove(["a1"])
    assert found(library, "lobsters") == []


def test_a_library_of_an_older_program_is_searched_too(library: Library) -> None:
    path = library.path
    library.close()
    with sqlite3.connect(path / "papers.sqlite") as database:
        for name in ("insert", "update", "delete"):
            database.execute(f"DROP TRIGGER paper_words_{name}")
        database.execute("DROP TABLE paper_words")
        database.execute("DROP INDEX papers_by_listed")
        database.execute("DROP INDEX papers_without_abstract")
    with Library.open(path, embedder=ID) as reader:
        assert found(reader, "bjorn") == ["a1"]
        with Library.open(path, embedder=ID, read_only=False) as writer:  # which makes the index for good
            writer.add([Paper("f6", "Crayfish")], WordEncoder())
            assert found(writer, "crayfish") == ["f6"] and found(writer, "bjorn") == ["a1"]
            writer.remove(["a1"])
        assert found(reader, "bjorn") == []
        assert found(reader, "crayfish") == ["f6"]


def test_revising_fields_embeds_nothing(library: Library) -> None:
    encoder, before = WordEncoder(), library.fingerprint
    words = library.bm25_search({"crab": 1.0}, 5)
    revised = replace(PAPERS[0], authors=("Someone Else",), year=1999, venue="Elsewhere", doi="10.1000/new")
    assert library.revise(revised, lambda: encoder)
    assert library.paper("a1") == revised and encoder.embedded == []
    assert library.fingerprint != before and library.verify() == []
    assert library.bm25_search({"crab": 1.0}, 5) == words
    assert not library.revise(revised, lambda: encoder), "the same again is no change"
    library.add(PAPERS, encoder)
    assert library.paper("a1") == revised, "importing the same file again keeps the revision"
    with Library.open(library.path, embedder=ID) as reader:
        assert reader.paper("a1") == revised and reader.bm25_search({"crab": 1.0}, 5) == words


def test_revising_the_abstract_embeds_that_paper(library: Library) -> None:
    encoder = WordEncoder()
    assert library.revise(replace(PAPERS[0], abstract="Lobsters walk. They swim."), lambda: encoder)
    assert encoder.embedded == ["Øresund crabs"]
    assert [sentence.text for sentence in library.sentences("a1")] == ["Lobsters walk.", "They swim."]
    assert library.lexical("lobsters", 3)[0][0] == "a1"
    assert library.dense(encoder.encode(["Øresund crabs Lobsters walk. They swim."])[0], 1)[0][0].paper_id == "a1"
    assert library.verify() == []


def test_the_doi_of_another_paper_is_refused(library: Library) -> None:
    with pytest.raises(LibraryError, match="A queue of shells"):
        library.revise(replace(PAPERS[0], doi="10.1000/b2"), WordEncoder)
    assert library.paper("a1").doi == ""


def test_a_corrected_doi_no_longer_draws_its_paper_in(library: Library) -> None:
    library.revise(replace(PAPERS[1], doi="10.1000/right"), WordEncoder)
    library.add([Paper("x", "The paper with that DOI", "Its abstract.", doi="10.1000/b2")], WordEncoder())
    assert library.paper("x").title == "The paper with that DOI"


def test_only_what_is_there_can_be_revised(library: Library) -> None:
    with pytest.raises(KeyError):
        library.revise(Paper("nobody", "No"), WordEncoder)
