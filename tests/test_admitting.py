"""Scopes as queries: they admit what the same scopes admit of records in memory, few papers or many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.datatypes import Paper, Scope
from rag.library.library import Library
from rag.library.storage import admitting
from rag.library.storage.admitting import AdmittedPapers, among, first_of
from rag.questions.catalogue import RecordCatalogue
from tests.library_parts import WordEncoder

AUTHORS = (
    "Ada Lovelace",
    "Lovelace, Ada",
    "Zoë Müller-Lüdenscheidt",
    "Rene\u0301 Q\u0301uery",  # accents as letters of their own
    'O\'Brien "Flann"',
    "back\\slash Nemo",
    "王小明",
    "A. B.",
    "हिन्दी लेखक",
    "",
)
PAPERS = tuple(
    Paper(
        f"p{number:02}",
        f"Paper {number} of Ada",
        "It counts.",
        authors=(AUTHORS[number % len(AUTHORS)], AUTHORS[(number * 3 + 1) % len(AUTHORS)]),
        year=None if number % 7 == 0 else 2000 + number % 9,
        venue=("", "Nature", "Journal of 'Quotes'", "100% Science")[number % 4],
        source=f"file{number % 3}.bib",
        tags=("owls",) if number % 2 else (),
        collections=("Thesis/Chapter 1",) if number % 5 == 0 else ("Thesis0",) if number % 5 == 1 else (),
    )
    for number in range(40)
)
SCOPES = [
    (Scope(),),
    (Scope(since=2003),),
    (Scope(until=2004), Scope(since=2002, venues=("Nature", "100% Science"))),
    (Scope(venues=("",)),),
    (Scope(sources=("file1.bib",), tags=("owls",)),),
    (Scope(collections=("Thesis",)), Scope(until=2005)),
    (Scope(paper_ids=tuple(f"p{number:02}" for number in range(0, 1200, 3))),),
    (Scope(since=2050),),
    *((Scope(authors=(author,)),) for author in AUTHORS),
    (Scope(authors=("Ada Lovelace", "王小明")), Scope(since=2001)),
    (Scope(authors=("Nobody at all",)),),
]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    path: Path = tmp_path_factory.mktemp("scoped") / "library"
    with Library.create(path, embedder=WordEncoder().id) as made:
        made.add(PAPERS, WordEncoder())
        yield made


@pytest.mark.parametrize("few", [0, 2000], ids=["as a query", "as ids"])
@pytest.mark.parametrize("scopes", SCOPES, ids=lambda scopes: " and ".join(map(Scope.describe, scopes)))
def test_a_query_admits_what_records_in_memory_would(
    library: Library, scopes: tuple[Scope, ...], few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admitting, "FEW", few)
    found, expected = library.admitted(scopes), RecordCatalogue(PAPERS).admitted(scopes)

    assert tuple(found) == expected
    assert len(found) == len(expected)
    assert isinstance(found, AdmittedPapers) == (len(expected) > few)
    everything = [paper.id for paper in PAPERS]
    assert among(found, [*everything, "unknown"]) == set(expected)
    assert [one in found for one in everything] == [one in set(expected) for one in everything]
    assert first_of(found, 3) == list(expected[:3])


def test_none_admits_everything() -> None:
    assert among(None, ["a", "b"]) == {"a", "b"}


@pytest.mark.parametrize("kind", ["venues", "sources", "authors", "tags", "collections"])
def test_names_are_those_of_the_records(library: Library, kind: admitting.Kind) -> None:
    assert set(library.names(kind)) == set(RecordCatalogue(PAPERS).names(kind))


def test_names_follow_a_change(tmp_path: Path) -> None:
    with Library.create(tmp_path / "library", embedder=WordEncoder().id) as library:
        assert (library.names("venues"), library.has_years()) == ((), False)
        library.add([Paper("a", "T", "It counts.", venue="Cell", year=2001)], WordEncoder())
        assert (library.names("venues"), library.has_years()) == (("Cell",), True)


@pytest.mark.parametrize("few", [0, 2000], ids=["as a query", "as ids"])
@pytest.mark.parametrize("scope", [Scope(since=2003), Scope(sources=("file1.bib",)), Scope(since=2050)])
def test_searches_within_a_query_find_what_those_within_ids_find(
    library: Library, scope: Scope, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = RecordCatalogue(PAPERS).admitted([scope])
    words, vector = {"paper": 1.0, "ada": 0.5}, WordEncoder().encode(["paper of ada"])[0]
    expected = library.bm25_search(words, 5, ids), library.dense(vector, 5, ids)
    monkeypatch.setattr(admitting, "FEW", few)
    monkeypatch.setattr("rag.library.searching._SMALL_PART", 2)

    within = library.admitted([scope])

    assert (library.bm25_search(words, 5, within), library.dense(vector, 5, within)) == expected
