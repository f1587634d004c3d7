"""Records and words first, vectors afterwards: what a library is and finds at 0 %, some and all of its vectors."""

from __future__ import annotations

import filecmp
from dataclasses import replace
from pathlib import Path

import pytest

from rag.library.ahead import Ahead
from rag.library.library import Library
from rag.retrieval.related import related
from rag.retrieval.retrievers.fusion import FusedHit, fuse
from tests.library_parts import WordEncoder, made_papers

PAPERS = tuple(made_papers(300))
QUERIES = ("topic7 in the 7th field", "word150x3 word150x4", "the result of 100", "topic299 topic3")


def imported(path: Path, later: bool) -> WordEncoder:
    encoder = WordEncoder()
    with Library.create(path, embedder=encoder.id) as library:
        library.add(PAPERS, encoder, later=later)
    return encoder


def opened(path: Path, read_only: bool = True) -> Library:
    return Library.open(path, embedder=WordEncoder().id, read_only=read_only)


def embed(path: Path, papers: int) -> None:
    """The vectors of so many papers, in the batches of an import."""
    with opened(path, read_only=False) as library:
        while papers > 0:
            papers -= library.embed(WordEncoder(), min(papers, 128))


def found(library: Library, k: int = 10) -> list[list[FusedHit]]:
    return [fuse(library, query, WordEncoder().encode([query])[0], k) for query in QUERIES]


def ids(library: Library) -> list[list[str]]:
    return [[hit.passage.paper_id for hit in hits] for hits in found(library)]


def test_an_import_without_vectors_embeds_nothing_and_is_whole(tmp_path: Path) -> None:
    encoder = imported(tmp_path / "a", later=True)
    assert not encoder.embedded
    with opened(tmp_path / "a") as library:
        assert library.count == library.without_vectors == len(PAPERS)
        assert library.verify() == []
        assert library.mean_vectors()[0] == []
        assert library.dense(encoder.encode(["topic7"])[0], 5) == []
        assert related(library, PAPERS[3].id) == []
        assert [one[0] for one in library.lexical("topic7", 1)] == [PAPERS[7].id]
        assert [s.text for s in library.sentences(PAPERS[7].id)] and library.passages(PAPERS[7].id)


def test_words_alone_find_and_rank_without_vectors(tmp_path: Path) -> None:
    imported(tmp_path / "a", later=True)
    with opened(tmp_path / "a") as library:
        hits = found(library)
        assert [hits[0][0].passage.paper_id, hits[1][0].passage.paper_id] == [PAPERS[7].id, PAPERS[150].id]
        assert all(hit.dense is None for one in hits for hit in one)
        assert [[h.score for h in one] for one in hits] == [
            sorted((h.score for h in one), reverse=True) for one in hits
        ]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_a_question_pulls_the_vectors_of_its_papers_forward_and_stores_none(tmp_path: Path, share: float) -> None:
    imported(tmp_path / "a", later=True)
    embed(tmp_path / "a", round(share * len(PAPERS)))
    encoder = WordEncoder()
    with opened(tmp_path / "a") as library:
        library.ahead = Ahead(lambda: encoder)
        before = library.without_vectors
        hits = found(library)
        assert all(hit.dense is not None for one in hits for hit in one)
        assert library.without_vectors == before
        assert len(encoder.embedded) == len(set(encoder.embedded)) <= before
        once = len(encoder.embedded)
        assert found(library) == hits
        assert len(encoder.embedded) == once  # known by now
        assert library.verify() == []


def test_with_all_vectors_the_files_and_the_results_are_those_of_an_import_that_embeds(tmp_path: Path) -> None:
    imported(tmp_path / "a", later=True)
    with opened(tmp_path / "a") as library:  # a question before that
        library.ahead = Ahead(WordEncoder)
        found(library)
    embed(tmp_path / "a", len(PAPERS))
    imported(tmp_path / "b", later=False)
    with opened(tmp_path / "a") as one, opened(tmp_path / "b") as other:
        assert one.without_vectors == 0
        assert one.fingerprint == other.fingerprint
        assert found(one, 50) == found(other, 50)
        assert one.verify() == other.verify() == []
        assert [e.vectors.tobytes() for e in one.entries([p.id for p in PAPERS]).values()] == [
            e.vectors.tobytes() for e in other.entries([p.id for p in PAPERS]).values()
        ]
    with opened(tmp_path / "a", read_only=False) as one, opened(tmp_path / "b", read_only=False) as other:
        assert one.verify() == other.verify() == []
    first, second = (tmp_path / name / "manifest.json" for name in "ab")
    same = {line for line in first.read_text().splitlines() if "revision" not in line}
    assert same == {line for line in second.read_text().splitlines() if "revision" not in line}
    assert not filecmp.cmp(first, second, shallow=False)  # revisions count transactions


def test_some_vectors_are_searched_and_the_rest_by_words(tmp_path: Path) -> None:
    imported(tmp_path / "a", later=True)
    embed(tmp_path / "a", 150)
    with opened(tmp_path / "a") as library:
        assert library.without_vectors == 150
        assert library.verify() == []
        vector = WordEncoder().encode([f"{PAPERS[5].title} {PAPERS[5].abstract}"])[0]
        assert library.dense(vector, 1)[0][0].paper_id == PAPERS[5].id
        assert len(library.mean_vectors()[0]) == 150
        assert ids(library)[1][0] == PAPERS[150].id  # has none


def test_a_reader_sees_vectors_that_come_while_it_has_the_library_open(tmp_path: Path) -> None:
    imported(tmp_path / "a", later=True)
    vector = WordEncoder().encode([f"{PAPERS[5].title} {PAPERS[5].abstract}"])[0]
    with opened(tmp_path / "a") as library:
        assert library.dense(vector, 1) == []
        embed(tmp_path / "a", 128)
        assert library.dense(vector, 1)[0][0].paper_id == PAPERS[5].id
        assert library.without_vectors == len(PAPERS) - 128


def test_papers_without_vectors_are_removed_and_updated(tmp_path: Path) -> None:
    imported(tmp_path / "a", later=True)
    embed(tmp_path / "a", 150)
    changed = [replace(PAPERS[i], abstract=f"Entirely novel{i} text.") for i in (3, 200)]
    with opened(tmp_path / "a", read_only=False) as library:
        assert library.remove([PAPERS[4].id, PAPERS[201].id]) == 2
        assert library.add(changed, WordEncoder(), later=True).updated == 2
        assert library.without_vectors == 150 - 1 + 1
        assert library.verify() == []
        assert [one[0] for one in library.lexical("novel3", 1)] == [PAPERS[3].id]
        vector = WordEncoder().encode([f"{PAPERS[3].title} {PAPERS[3].abstract}"])[0]
        assert PAPERS[3].id not in [p.paper_id for p, _ in library.dense(vector, 300)]  # the old text is not found
        revised = replace(changed[1], abstract="Revised200 words stand here.")
        assert library.revise(revised, WordEncoder)  # embeds at once
        assert library.without_vectors == 149
    embed(tmp_path / "a", 149)
    with opened(tmp_path / "a") as library:
        assert library.without_vectors == 0
        assert library.verify() == []


def test_a_change_of_other_fields_keeps_a_paper_waiting(tmp_path: Path) -> None:
    imported(tmp_path / "a", later=True)
    with opened(tmp_path / "a", read_only=False) as library:
        assert library.add([replace(PAPERS[0], venue="Nature")], WordEncoder()).updated == 1
        assert library.without_vectors == len(PAPERS)
        assert library.verify() == []


def test_the_index_is_made_again_from_the_vectors_that_there_are(tmp_path: Path) -> None:
    imported(tmp_path / "a", later=True)
    embed(tmp_path / "a", 100)
    with opened(tmp_path / "a", read_only=False) as library:
        library.rebuild()
        assert library.verify() == []
        vector = WordEncoder().encode([f"{PAPERS[5].title} {PAPERS[5].abstract}"])[0]
        assert library.dense(vector, 1)[0][0].paper_id == PAPERS[5].id
