"""Tags and collections as scopes: in the library, by the names that people type, and on the command line."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from rag import factory
from rag.datatypes import Paper, Scope, collection_path, enclosing, names_in
from rag.errors import ScopeError
from rag.library.library import Library, PaperFilter
from rag.papers.bibliography import FORMATS
from rag.papers.importers import read_papers
from rag.questions.catalogue import RecordCatalogue
from rag.questions.named_scope import named_scope
from rag.ui.shelves import LibraryShelf, RecordShelf
from tests.cli_parts import WILLING, footnote
from tests.library_parts import WordEncoder, made_papers
from tests.zotero_parts import MOTHS, OWLS, ZoteroData

ID = WordEncoder().id
HARD = ("light, warm", 'the "so-called" ones', "it's", "Müdigkeit", "睡眠", "100% _x_", "Café")
PAPERS = (
    Paper("a", "A", "Abstract.", tags=("light, warm", "sleep"), collections=("Thesis/Chapter 2",)),
    Paper("b", "B", "Abstract.", tags=HARD, collections=("Thesis", "Talks, 2021/“Owls”")),
    Paper("c", "C", "Abstract.", tags=("Sleep",), collections=("Thesis/Chapter 20/Notes",)),
    Paper("d", "D", "Abstract.", collections=("Theses",)),
    Paper("e", "E", "Abstract."),
)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.create(tmp_path / "library", embedder=ID) as library:
        library.add(PAPERS, WordEncoder())
        yield library


def found(library: Library, tags: Sequence[str] = (), collections: Sequence[str] = ()) -> str:
    """Ids, found by the table of papers and by a scope alike."""
    ids = library.ids(PaperFilter(tags=tuple(tags), collections=tuple(collections)))
    if "" not in (*tags, *collections):
        assert ids == list(library.admitted([Scope(tags=tuple(tags), collections=tuple(collections))]))
        assert ids == Scope(tags=tuple(tags), collections=tuple(collections)).admitted(library.papers())
    return "".join(ids)


def test_collections_around_one() -> None:
    assert list(enclosing("Thesis/Chapter 2/Notes")) == ["Thesis", "Thesis/Chapter 2", "Thesis/Chapter 2/Notes"]
    assert list(enclosing("/odd")) == ["/odd"] and list(enclosing("a//b")) == ["a", "a/", "a//b"]


SLASHED, BELOW = collection_path(["AI/ML"]), collection_path(["AI/ML", "a\\b", "x\\/y"])


def test_a_slash_within_a_name_divides_nothing() -> None:
    assert list(enclosing(SLASHED)) == [SLASHED] == ["AI\\/ML"]
    assert list(enclosing(BELOW)) == [SLASHED, "AI\\/ML/a\\\\b", BELOW]
    assert names_in(BELOW) == "AI/ML/a\\b/x\\/y"
    assert list(enclosing(collection_path(["ends\\", "below"]))) == ["ends\\\\", "ends\\\\/below"]


def test_collections_with_a_slash_are_found_and_counted(tmp_path: Path) -> None:
    papers = (
        Paper("a", "A", "Abstract.", collections=(SLASHED,)),
        Paper("b", "B", "Abstract.", collections=(BELOW,)),
        Paper("c", "C", "Abstract.", collections=("AI/Talks",)),
    )
    with Library.create(tmp_path / "library", embedder=ID) as library:
        library.add(papers, WordEncoder())
        assert found(library, collections=[SLASHED]) == "ab" and found(library, collections=["AI"]) == "c"
        assert found(library, collections=[BELOW]) == "b"
        assert dict(library.facets().collections)[SLASHED] == 2
    scope = named_scope(RecordCatalogue(papers), collections=["ai/ml"])
    assert scope is not None and scope.collections == (SLASHED,)
    nested = Paper("d", "D", "Abstract.", collections=("AI/ML",))
    scope = named_scope(RecordCatalogue((*papers, nested)), collections=["AI/ML", "AI\\/ML/"])
    assert scope is not None and scope.collections == ("AI/ML", SLASHED)


@pytest.mark.parametrize("format", ["bibtex", "ris", "csl-json"])
def test_collections_with_a_slash_go_out_and_come_back(tmp_path: Path, format: str) -> None:
    file = tmp_path / "papers.txt"
    file.write_text(FORMATS[format]([Paper("a", "A title", "Abstract.", collections=(SLASHED, BELOW))]), "utf-8")
    (paper,) = read_papers(file)
    assert paper.collections == (SLASHED, BELOW)


def test_a_collection_holds_what_is_below_it_and_nothing_beside_it(library: Library) -> None:
    assert found(library, collections=["Thesis"]) == "abc"
    assert found(library, collections=["Thesis/Chapter 2"]) == "a"
    assert found(library, collections=["Thesis/Chapter 20"]) == "c"
    assert found(library, collections=["Talks, 2021", "Theses"]) == "bd"
    assert found(library, collections=["Chapter 2"]) == found(library, collections=["Thes"]) == ""


@pytest.mark.parametrize("tag", HARD)
def test_tags_of_any_letters(library: Library, tag: str) -> None:
    assert "b" in found(library, [tag])


def test_conditions_are_joined_and_none_is_a_value(library: Library) -> None:
    assert found(library, ["sleep", "it's"]) == "ab"
    assert found(library, ["sleep"], ["Thesis"]) == "a"
    assert found(library, [""]) == "de" and found(library, collections=[""]) == "e"
    assert found(library, ["", "sleep"]) == "ade"


def test_the_facets_count_each_paper_once(library: Library) -> None:
    facets = library.facets()
    assert dict(facets.tags)["light, warm"] == 2 and dict(facets.tags)[""] == 2
    assert dict(facets.collections) == {
        "Thesis": 3, "Thesis/Chapter 2": 1, "Thesis/Chapter 20": 1, "Thesis/Chapter 20/Notes": 1, "Talks, 2021": 1,
        "Talks, 2021/“Owls”": 1, "Theses": 1, "": 1,
    }  # fmt: skip
    assert facets.collections[0] == ("Thesis", 3)
    some = library.facets(PaperFilter(tags=("sleep",)))
    assert dict(some.collections) == {"Thesis": 1, "Thesis/Chapter 2": 1}
    for shelf in (RecordShelf(library.papers()), LibraryShelf(lambda: library)):
        assert shelf.choices("collections") == sorted(name for name, _ in facets.collections if name)
        assert shelf.choices("tags") == sorted(name for name, _ in facets.tags if name)


def test_a_library_without_any_offers_none(tmp_path: Path) -> None:
    with Library.create(tmp_path / "library", embedder=ID) as library:
        library.add(made_papers(3), WordEncoder())
        assert library.facets().tags == library.facets().collections == ()


def test_changes_and_deletions_are_followed(library: Library) -> None:
    library.revise(replace(PAPERS[0], tags=("new",), collections=()), WordEncoder)
    assert (found(library, ["new"]), found(library, ["sleep"]), found(library, collections=["Thesis"])) == (
        "a",
        "",
        "bc",
    )
    library.remove(["b"])
    assert found(library, ["it's"]) == "" and library.group_names("tags") == ["Sleep", "new"]


def test_a_library_of_an_earlier_program(library: Library) -> None:
    path = library.path
    expected = library.facets()
    library.close()
    with closing(sqlite3.connect(path / "papers.sqlite")) as db:
        for name in ("insert", "delete", "update"):
            db.execute(f"DROP TRIGGER paper_groups_{name}")
        db.execute("DROP TABLE paper_groups")
    with Library.open(path, embedder=ID) as reader:
        assert reader.facets() == expected and found(reader, collections=["Thesis"]) == "abc"
        with Library.open(path, embedder=ID, read_only=False) as writer:
            writer.remove(["a"])
            assert found(writer, collections=["Thesis"]) == "bc"
        assert found(reader, collections=["Thesis"]) == "bc"


# --- the names that people type ---


@pytest.mark.parametrize(("typed", "meant"), [
    ("sleep", ("sleep",)),
    ("SLEEP", ("Sleep", "sleep")), ("Cafe\u0301", ("Café",)), ("  light,  Warm", ("light, warm",)),
])  # fmt: skip
def test_a_tag_is_known_whatever_its_case(typed: str, meant: tuple[str, ...]) -> None:
    scope = named_scope(RecordCatalogue(PAPERS), tags=[typed])
    assert scope is not None and scope.tags == meant


def test_a_collection_is_known_by_its_path() -> None:
    scope = named_scope(RecordCatalogue(PAPERS), collections=["thesis/", "Talks, 2021/“owls”"])
    assert scope is not None and scope.collections == ("Thesis", "Talks, 2021/“Owls”")
    assert scope.describe() == "in Thesis or Talks, 2021/“Owls”"
    assert Scope.of_record(json.loads(json.dumps(scope.as_record()))) == scope
    assert scope.without("collections").is_everything
    narrower = scope.and_literally(Scope(tags=("it's",), collections=("Thesis",)))
    assert narrower.admitted(PAPERS) == ["b"]


@pytest.mark.parametrize(("tags", "collections", "says"), [
    (["slep"], [], "No paper of this library has the tag 'slep'. Near it: Sleep, sleep."),
    (["light"], [], "has the tag 'light'. Near it: light, warm."),
    ([], ["Chapter 2"], "This library has no collection 'Chapter 2'. Near it: Thesis/Chapter 2, Thesis/Chapter 20"),
    ([], ["Thesis/Chaptre 2"], "Near it: Thesis/Chapter 2"),
    ([], ["Zebras"], "no collection 'Zebras'. It has: Talks, 2021, Talks, 2021/“Owls”, Theses, Thesis"),
    (["x" * 5000], [], f"has the tag '{'x' * 99}…'"),
])  # fmt: skip
def test_an_unknown_name_is_told_those_near_it(tags: list[str], collections: list[str], says: str) -> None:
    with pytest.raises(ScopeError) as told:
        named_scope(RecordCatalogue(PAPERS), tags=tags, collections=collections)
    assert says in str(told.value)


def test_an_unknown_name_among_many_is_told_soon() -> None:
    papers = [Paper(f"p{i}", "P", tags=(f"a tag that is number {i} of many",)) for i in range(30_000)]
    begun = time.monotonic()
    with pytest.raises(ScopeError, match="Near it"):
        named_scope(RecordCatalogue(papers), tags=["a tag that is numbr 17"])
    assert time.monotonic() - begun < 20


# --- the command line ---


def test_the_command_line_limits_to_tags_and_collections(tmp_path: Path) -> None:
    data, library = ZoteroData(tmp_path / "Zotero"), tmp_path / "library"
    moths = data.add("MOTHS234", MOTHS, tags=["light, warm"])
    data.add("OWLSOWLS", OWLS, tags=["sleep"])
    data.collect(["Thesis", "Chapter 2"], moths)
    footnote("zotero", "--data-dir", data.folder, "--library", library)

    def ids(*options: str) -> list[str]:
        said = footnote("search", "owls and moths", "--library", library, "--json", *options).stdout
        return sorted(hit["paper_id"][-8:] for hit in json.loads(said)["hits"])

    assert ids() == ["MOTHS234", "OWLSOWLS"]
    assert ids("--tag", "light, warm") == ids("--collection", "Thesis") == ["MOTHS234"]
    assert ids("--tag", "sleep", "--tag", "light, warm") == ["MOTHS234", "OWLSOWLS"]
    assert ids("--tag", "sleep", "--collection", "Thesis") == []
    said = footnote("search", "x", "--library", library, "--collection", "Chapter 2", code=1).stderr
    assert "Near it: Thesis/Chapter 2." in said
    asked = footnote(
        "ask", "How many moths do lamps draw?", "--library", library, "--collection", "thesis", "--json", **WILLING
    )
    answer = json.loads(asked.stdout)
    assert answer["trace"]["scope"] == "in Thesis"
    assert {one["paper_id"] for one in answer["citations"]} == {"zotero:library/items/MOTHS234"}
    counted = footnote("ask", "How many papers are there?", "--library", library, "--tag", "sleep", "--json").stdout
    assert "tagged sleep" in counted
    factory.close_all()
