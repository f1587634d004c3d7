"""What records gave to papers, and what goes when they give it no longer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from rag.datatypes import Paper
from rag.library.library import ImportReport, Library
from tests.library_parts import WordEncoder

ID = WordEncoder().id
MOTHS = Paper(
    "zotero:library/items/MOTHS234", "Moths at lamps", "Moths fly.", doi="10.1234/moths",
    tags=("light", "night"), collections=("Thesis", "Talks"), notes=("See table 2",),
)  # fmt: skip
TWIN = replace(MOTHS, id="zotero:groups/7/items/TWIN2345", tags=("light",), collections=("Group",), notes=())
OTHER = replace(MOTHS, id="alder2021", tags=("night", "garden"), collections=(), notes=("n" * 500,))


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.create(tmp_path / "library", embedder=ID) as library:
        yield library


def sync(library: Library, *papers: Paper) -> ImportReport:
    return library.add(papers, WordEncoder(), in_step=True)


def only(library: Library) -> Paper:
    (paper,) = library.papers()
    return paper


def test_what_is_taken_away_goes(library: Library) -> None:
    sync(library, MOTHS)
    less = replace(MOTHS, tags=("light", "new"), collections=("Talks",), notes=("See table 3",))
    assert sync(library, less).updated == 1
    assert only(library) == less
    assert sync(library, replace(less, tags=(), collections=(), notes=())).updated == 1
    assert (only(library).tags, only(library).collections, only(library).notes) == ((), (), ())
    assert library.group_names("tags") == [] and library.verify() == []


WHOLE = replace(
    MOTHS, abstract="Moths fly. They sleep.", authors=("Bea Alder",), year=2021, venue="Night", key="alder2021",
    url="https://example.org/moths", fields=(("volume", '"12"'), ("page", '"1-9"')),
)  # fmt: skip
BARE = Paper(MOTHS.id, MOTHS.title)


def test_fields_that_are_emptied_are_emptied(library: Library) -> None:
    sync(library, WHOLE)
    less = replace(WHOLE, venue="", year=None, authors=(), fields=(("page", '"1-9"'),))
    assert sync(library, less).updated == 1
    assert only(library) == less
    assert sync(library, BARE).updated == 1
    assert only(library) == BARE and library.sentences(BARE.id) == () and library.verify() == []
    assert sync(library, WHOLE).updated == 1 and only(library) == WHOLE


def test_a_file_empties_nothing(library: Library) -> None:
    library.add([WHOLE], WordEncoder())
    library.add([BARE], WordEncoder())
    assert only(library) == WHOLE


def test_a_doi_that_was_taken_away_finds_nothing(library: Library) -> None:
    sync(library, WHOLE)
    sync(library, replace(WHOLE, doi="", url=""))
    assert library.add([Paper("owls", "Owls at noon", "Owls.", doi=WHOLE.doi)], WordEncoder()).added == 1


@pytest.mark.parametrize("owner_first", [True, False])
def test_fields_that_another_source_gave_stay(library: Library, owner_first: bool) -> None:
    other = replace(WHOLE, id="alder2021", year=None, fields=(("volume", '"12"'),))
    for paper in (WHOLE, other) if owner_first else (other, WHOLE):
        library.add([paper], WordEncoder(), in_step=paper is WHOLE)
    sync(library, BARE)
    left = only(library)
    assert (left.venue, left.authors, left.doi) == (WHOLE.venue, WHOLE.authors, WHOLE.doi)
    assert left.year is None and left.fields == (("volume", '"12"'),)
    assert left.abstract == WHOLE.abstract and library.verify() == []


def test_what_was_changed_here_stays_when_it_is_emptied_there(library: Library) -> None:
    sync(library, WHOLE)
    library.revise(replace(WHOLE, venue="Day"), WordEncoder)
    sync(library, replace(WHOLE, venue="", year=None))
    assert (only(library).venue, only(library).year) == ("Day", None)


def test_an_item_that_is_deleted_takes_its_fields_along_but_no_text(library: Library) -> None:
    library.add([replace(BARE, id="bare", doi=MOTHS.doi)], WordEncoder())
    sync(library, WHOLE)
    assert only(library).venue == "Night" and only(library).abstract == WHOLE.abstract
    library.remove([WHOLE.id])
    assert (only(library).venue, only(library).fields) == ("", ()) and only(library).abstract == WHOLE.abstract
    assert library.verify() == []


def test_fields_of_a_library_of_an_earlier_program_are_emptied_once_they_are_known(library: Library) -> None:
    sync(library, WHOLE)
    library.close()
    with closing(sqlite3.connect(library.path / "papers.sqlite")) as db, db:
        db.execute("DELETE FROM given WHERE kind = 'rest'")
    with Library.open(library.path, embedder=ID, read_only=False) as again:
        sync(again, replace(WHOLE, tags=("new",)))
        sync(again, replace(WHOLE, tags=("new",), venue=""))
        assert only(again).venue == ""


@pytest.mark.parametrize("first", [MOTHS, OTHER])
def test_what_another_source_gave_stays(library: Library, first: Paper) -> None:
    for paper in (MOTHS, OTHER) if first is MOTHS else (OTHER, MOTHS):
        library.add([paper], WordEncoder(), in_step=paper is MOTHS)
    assert set(only(library).tags) == {"light", "night", "garden"} and len(only(library).notes) == 2
    sync(library, replace(MOTHS, tags=(), collections=(), notes=()))
    assert set(only(library).tags) == {"night", "garden"} and only(library).notes == ("n" * 500,)
    assert only(library).collections == ()


def test_what_another_item_gives_stays_until_it_takes_it_back_too(library: Library) -> None:
    sync(library, MOTHS, TWIN)
    assert only(library).collections == ("Thesis", "Talks", "Group")
    sync(library, replace(MOTHS, tags=("night",)))
    assert set(only(library).tags) == {"light", "night"}
    sync(library, replace(TWIN, tags=()))
    assert only(library).tags == ("night",)


def test_an_item_that_is_deleted_takes_along_what_it_gave(library: Library) -> None:
    sync(library, MOTHS, TWIN)
    assert library.remove([TWIN.id]) == 0
    assert only(library).collections == ("Thesis", "Talks") and "light" in only(library).tags
    sync(library, TWIN)  # it was taken out of the trash
    assert only(library).collections == ("Thesis", "Talks", "Group")
    assert library.remove([MOTHS.id]) == 1 and library.papers() == []


def test_a_file_that_holds_less_takes_nothing_away(library: Library) -> None:
    library.add([OTHER], WordEncoder())
    library.add([replace(OTHER, tags=(), notes=())], WordEncoder())
    assert only(library).tags == OTHER.tags and only(library).notes == OTHER.notes


def test_a_paper_that_comes_again_after_it_was_deleted(library: Library) -> None:
    sync(library, MOTHS)
    library.remove([MOTHS.id])
    library.add([MOTHS], WordEncoder())
    sync(library, replace(MOTHS, tags=("light",)))
    assert only(library).tags == ("light", "night")  # the file gave both


def test_what_was_taken_away_does_not_come_back_when_another_record_is_parted(library: Library) -> None:
    library.add([OTHER], WordEncoder())
    sync(library, MOTHS)
    library.add([replace(OTHER, id="third", tags=("third",))], WordEncoder())
    sync(library, replace(MOTHS, tags=("night",)))
    library.undo_merges(["third"], WordEncoder)
    assert set(library.paper(OTHER.id).tags) == {"night", "garden"}
    assert library.paper("third").tags == ("third",)


def test_an_item_that_is_parted_is_followed_as_a_paper_of_its_own(library: Library) -> None:
    library.add([OTHER], WordEncoder())
    sync(library, MOTHS)
    sync(library, replace(MOTHS, tags=("light",)))
    (made,) = library.undo_merges([MOTHS.id], WordEncoder)
    assert set(library.paper(OTHER.id).tags) == {"night", "garden"} and library.paper(OTHER.id).collections == ()
    assert library.paper(made).tags == ("light",)
    sync(library, replace(MOTHS, tags=("dusk",), collections=()))
    assert (library.paper(made).tags, library.paper(made).collections) == (("dusk",), ())
    assert set(library.paper(OTHER.id).tags) == {"night", "garden"}
