"""The library on disk: what an import does, what a query finds, and what nothing may break."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.datatypes import Paper
from rag.errors import LibraryError, LibraryLocked, LibraryMismatch, LibraryNotFound, RecordError
from rag.library.library import EmbedderId, ImportProgress, Library
from rag.library.storage.papers import PaperStore
from tests.library_parts import WordEncoder, forget_what_made_it, made_papers

ROOT = Path(__file__).parent.parent
ID = WordEncoder().id


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed library of 300 papers; not to be changed."""
    path = tmp_path_factory.mktemp("made") / "library"
    with Library.create(path, embedder=ID) as library:
        library.add(made_papers(300), WordEncoder())
    return path


@pytest.fixture
def path(tmp_path: Path, made: Path) -> Path:
    """A copy of it to work on."""
    return Path(shutil.copytree(made, tmp_path / "library"))


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Library]:
    with Library.create(tmp_path / "new", embedder=ID) as library:
        yield library


def state(path: Path) -> dict[str, tuple[bytes, int]]:
    """Content and time of every file but the lock."""
    files = [file for file in sorted(path.rglob("*")) if file.is_file() and not file.name.startswith(".")]
    return {str(file.relative_to(path)): (file.read_bytes(), file.stat().st_mtime_ns) for file in files}


def question(text: str) -> np.ndarray:
    return WordEncoder().encode([text])[0]


def titles(library: Library) -> list[str]:
    return [paper.title for paper in library.papers()]


# --- contents ---


def test_gives_back_what_was_added(made: Path) -> None:
    with Library.open(made, embedder=ID) as library:
        expected = list(made_papers(300))
        assert library.count == 300
        assert library.papers() == expected
        assert library.paper("made00007") == expected[7]
        assert list(library.get_papers(["made00009", "no such", "made00002"])) == ["made00009", "made00002"]
        with pytest.raises(KeyError):
            library.paper("no such")
        assert library.embedder == ID
        assert library.verify() == []


def test_sentences_and_passages_are_slices_of_the_abstract(made: Path) -> None:
    with Library.open(made, embedder=ID) as library:
        paper = library.paper("made00012")
        sentences, passages = library.sentences(paper.id), library.passages(paper.id)
        assert len(sentences) == 4 and len(passages) == 2
        for part in (*sentences, *passages):
            assert paper.abstract[part.start : part.end] == part.text
        vectors = library.sentence_vectors(paper.id)
        expected = WordEncoder().encode([sentence.text for sentence in sentences])
        assert vectors.dtype == np.float32 and vectors.shape == expected.shape
        assert np.allclose(vectors, expected, atol=3e-3)


def test_a_sentence_that_a_heading_runs_into_is_read_as_two(empty: Library) -> None:
    abstract = "Moths sleep. They eat at night.AREAS COVERED: In this review, moths are weighed."
    empty.add([Paper("m", "Moths", abstract)], WordEncoder())
    sentences, vectors = empty.sentences("m"), empty.sentence_vectors("m")
    assert [s.text.partition(" ")[0] for s in sentences] == ["Moths", "They", "AREAS"]
    assert all(abstract[s.start : s.end] == s.text for s in sentences)
    assert len(vectors) == 3
    assert (vectors[1] == vectors[2]).all() and not (vectors[0] == vectors[1]).all()
    assert empty.verify() == []


def test_many_papers_at_once(made: Path) -> None:
    """More ids than one statement takes."""
    with Library.open(made, embedder=ID) as library:
        assert len(library.get_papers([f"made{i:05d}" for i in range(2000)])) == 300


def test_a_paper_without_an_abstract(empty: Library) -> None:
    empty.add([Paper("t", "Only a title here")], WordEncoder())
    assert empty.sentences("t") == ()
    assert empty.sentence_vectors("t").shape == (0, ID.dimension)
    assert [(p.text, p.start, p.end) for p in empty.passages("t")] == [("Only a title here", 0, 0)]
    assert empty.dense(question("only a title here"), 3)[0][0].paper_id == "t"
    assert empty.best_passages(question("x"), ["t"])["t"].sentence == -1


def test_an_empty_library_answers_with_nothing(empty: Library) -> None:
    assert (empty.count, empty.papers(), empty.lexical("word", 5), empty.dense(question("word"), 5)) == (0, [], [], [])
    assert empty.document_frequencies(["word"]) == {"word": 0}
    assert empty.verify() == []
    with Library.open(empty.path, embedder=ID) as reader:
        assert reader.fingerprint == empty.fingerprint
        assert reader.lexical("word", 5) == []


def test_papers_of_stop_words_alone(empty: Library) -> None:
    empty.add([Paper("a", "The Who", "It was what it was."), Paper("b", "...", "?!")], WordEncoder())
    assert empty.count == 2
    assert empty.lexical("what is it", 5) == []
    assert empty.lexical("zebra", 5) == []
    assert len(empty.dense(question("the who"), 5)) == 2
    assert empty.verify() == []
    with Library.open(empty.path, embedder=ID) as reader:
        assert reader.lexical("zebra", 5) == []


def test_odd_text_survives(empty: Library) -> None:
    odd = Paper("odd#1/ü", "Ti\0tle 🙂", "One \ud800 sentence. ½ µm 深度学习。 Two\0 more.", ("Ä. Müller",))
    empty.add([odd], WordEncoder())
    stored = empty.paper("odd#1/ü")
    assert stored.abstract == odd.abstract.replace("\ud800", "?")
    assert (stored.title, stored.authors) == (odd.title, odd.authors)
    assert all(stored.abstract[s.start : s.end] == s.text for s in empty.sentences(stored.id))
    assert empty.dense(question("sentence"), 1)[0][0].paper_id == stored.id


# --- search ---


def test_dense_finds_what_comparing_with_everything_finds(made: Path) -> None:
    with Library.open(made, embedder=ID) as library:
        passages = [p for paper in library.papers() for p in library.passages(paper.id)]
        matrix = WordEncoder().encode([f"{library.paper(p.paper_id).title} {p.text}" for p in passages])
        for text in ("topic17 in the 17th field", "word250x3 word250x4", "on the matter", "nothing at all like it"):
            found = library.dense(question(text), 100)
            cosines = matrix @ question(text)
            expected = sorted(cosines, reverse=True)[:100]
            assert len(found) == 100
            # A vector of 32 components is rounded more coarsely than one of 384.
            assert np.allclose([score for _, score in found], expected, atol=6e-3)
            assert found == sorted(found, key=lambda hit: (-hit[1], hit[0].id))


def test_dense_with_odd_counts(made: Path) -> None:
    with Library.open(made, embedder=ID) as library:
        assert library.dense(question("word"), 0) == []
        assert len(library.dense(question("word"), 10_000)) == 600


def test_equal_scores_are_ordered_by_id(empty: Library) -> None:
    twins = [Paper(f"twin{i}", f"Title number {i} {'abcdefgh'[i]}", "The very same abstract.") for i in range(8)]
    empty.add(twins, WordEncoder())
    assert [one for one, _ in empty.lexical("abstract", 5)] == [f"twin{i}" for i in range(5)]


def test_lexical_counts_titles_and_finds_stems(made: Path) -> None:
    with Library.open(made, embedder=ID) as library:
        assert library.lexical("the studies of topic17", 3)[0][0] == "made00017"
        assert library.lexical("MATTERS", 3) == library.lexical("matter", 3) != []
        assert library.lexical("", 3) == library.lexical("the of", 3) == library.lexical("unheard", 3) == []
        found = library.document_frequencies(["studi", "matter", "unheard", ""])
        assert found == {"studi": 300, "matter": 300, "unheard": 0, "": 0}


def test_best_passages_agree_with_dense(made: Path) -> None:
    with Library.open(made, embedder=ID) as library:
        vector = question("topic17 in the 17th field")
        (best, score), *_ = library.dense(vector, 1)
        near = library.best_passages(vector, [best.paper_id, "no such"])
        assert list(near) == [best.paper_id]
        assert near[best.paper_id].passage == best
        assert near[best.paper_id].cosine == pytest.approx(score, abs=1e-3)
        assert near[best.paper_id].sentence == pytest.approx(
            float((library.sentence_vectors(best.paper_id) @ vector).max()), abs=1e-6
        )


def test_two_openings_give_the_same_answers(made: Path) -> None:
    found = []
    for _ in range(2):
        with Library.open(made, embedder=ID) as library:
            found.append((library.dense(question("word3x3 matter"), 50), library.lexical("word3x3 matter", 50)))
    assert found[0] == found[1]


def test_several_threads_search_at_once(made: Path) -> None:
    with Library.open(made, embedder=ID) as library, ThreadPoolExecutor(4) as pool:
        texts = [f"topic{i} word{i}x3" for i in range(24)]
        together = list(pool.map(lambda text: (library.dense(question(text), 9), library.lexical(text, 9)), texts))
        assert together == [(library.dense(question(text), 9), library.lexical(text, 9)) for text in texts]


def test_works_as_a_langchain_vector_store(made: Path) -> None:
    with Library.open(made, embedder=ID) as library:
        store = library.vectorstore(WordEncoder())
        documents = store.similarity_search_with_score("topic17 in the 17th field", k=3)
        best, _ = library.dense(question("topic17 in the 17th field"), 1)[0]
        assert documents[0][0].page_content == best.text
        assert documents[0][0].metadata["paper_id"] == best.paper_id
        assert store.as_retriever(search_kwargs={"k": 2}).invoke("topic17")[0].page_content
        assert store.get(ids=[best.id])["documents"] == [best.text]
        place = {"paper_id": best.paper_id, "start": best.start, "end": best.end}
        assert documents[0][0].metadata == place == store.get(ids=[best.id])["metadatas"][0]


# --- importing again ---


def test_the_same_papers_again_change_nothing(path: Path) -> None:
    before, encoder = state(path), WordEncoder()
    with Library.open(path, embedder=ID, read_only=False) as library:
        fingerprint = library.fingerprint
        report = library.add(made_papers(300), encoder)
        assert (report.added, report.updated, report.unchanged, report.duplicates) == (0, 0, 300, 0)
        assert library.fingerprint == fingerprint
    assert encoder.embedded == []
    assert state(path) == before


def test_only_new_and_changed_texts_are_embedded(path: Path) -> None:
    papers = list(made_papers(303))
    papers[5] = replace(papers[5], abstract="Now it is about zebras. They run.")
    papers[6] = replace(papers[6], venue="A Journal")
    encoder = WordEncoder()
    with Library.open(path, embedder=ID, read_only=False) as library:
        fingerprint = library.fingerprint
        report = library.add(papers, encoder)
        assert (report.added, report.updated, report.unchanged, report.duplicates) == (3, 2, 298, 0)
        assert sorted(encoder.embedded) == sorted(papers[i].title for i in (5, 300, 301, 302))
        assert library.fingerprint != fingerprint
        assert library.paper(papers[6].id).venue == "A Journal"
        assert [s.text for s in library.sentences(papers[5].id)] == ["Now it is about zebras.", "They run."]
        assert library.lexical("zebra", 5)[0][0] == papers[5].id
        assert library.dense(question(f"{papers[5].title} now it is about zebras. they run."), 1)[0][0].text.endswith(
            "run."
        )
        assert not [p for p, _ in library.dense(question("x"), 10_000) if p.id == f"{papers[5].id}#1"], "old passage"
        assert library.verify() == []
    with Library.open(path, embedder=ID) as library:
        assert library.count == 303 and library.verify() == []


def test_the_fingerprint_tells_contents_and_not_history(tmp_path: Path) -> None:
    papers = list(made_papers(20))
    prints = []
    for name, order in (("a", papers), ("b", papers[::-1])):
        with Library.create(tmp_path / name, embedder=ID) as library:
            library.add(order, WordEncoder())
            prints.append(library.fingerprint)
    with Library.open(tmp_path / "b", embedder=ID, read_only=False) as library:
        library.add([replace(papers[0], title="Another title altogether")], WordEncoder())
        prints.append(library.fingerprint)
        library.add(papers, WordEncoder())
        prints.append(library.fingerprint)
    assert prints[0] == prints[1] == prints[3] != prints[2]


def test_removed_papers_are_gone_and_come_back(path: Path) -> None:
    with Library.open(path, embedder=ID, read_only=False) as library:
        assert library.remove(["made00003", "made00004", "no such"]) == 2
        assert library.remove(["made00003"]) == 0
        assert library.count == 298
        assert library.lexical("topic3 word3x3", 1)[0][0] != "made00003"
        assert "made00003" not in {p.paper_id for p, _ in library.dense(question("x"), 10_000)}
        assert library.verify() == []
        assert library.add(made_papers(300), WordEncoder()).added == 2
        assert library.verify() == []


# --- duplicates ---

FIRST = Paper("a", "A study of the migration of zebras", "", ("Z. Ebra",), None, "", "", "10.1000/Zebra")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (Paper("b", "Zebras: their migration", "They run.", doi="https://doi.org/10.1000/zebra"), "the same DOI as a"),
        (Paper("b", "A Study of the Migration of Zebras.", "They run."), "the same title as a"),
        (Paper("a", "A study of the migration of zebras", "They run."), "the same id twice"),
    ],
)
def test_a_duplicate_fills_what_is_empty(empty: Library, record: Paper, reason: str) -> None:
    papers = [FIRST, replace(record, year=1999, authors=("Else",))]
    report = empty.add(papers, WordEncoder())
    assert (report.added, report.duplicates, report.merged) == (1, 1, ((record.id, reason),))
    assert empty.merged() == ({"a": ("b",)} if record.id == "b" else {})
    assert report.read == 2
    assert empty.papers() == [replace(FIRST, abstract="They run.", year=1999)]
    assert [s.text for s in empty.sentences("a")] == ["They run."]
    assert empty.verify() == []
    before = state(empty.path)
    again = empty.add(papers, WordEncoder())
    assert (again.added, again.updated, again.unchanged, again.duplicates) == (0, 0, 1, 1)
    assert state(empty.path) == before, "the same file twice changes nothing, duplicates or not"


def test_versions_of_an_arxiv_paper_are_one(empty: Library) -> None:
    papers = [Paper("2101.00001v1", "Zebras on the run", "One."), Paper("2101.00001v2", "Zebras that run", "Two.")]
    assert empty.add(papers, WordEncoder()).merged == (("2101.00001v2", "the same arXiv id as 2101.00001v1"),)


def test_the_same_title_with_another_doi_is_another_paper(empty: Library) -> None:
    other = replace(FIRST, id="b", doi="10.1000/other")
    assert empty.add([FIRST, other], WordEncoder()).added == 2


def test_a_later_record_of_the_paper_keeps_what_a_duplicate_gave(empty: Library) -> None:
    empty.add([FIRST, Paper("b", FIRST.title, "They run.")], WordEncoder())
    report = empty.add([replace(FIRST, venue="Stripes")], WordEncoder())
    assert report.updated == 1
    assert empty.papers() == [replace(FIRST, venue="Stripes", abstract="They run.")]


def test_a_record_that_alternates_between_files_is_followed(empty: Library) -> None:
    one, two = replace(FIRST, abstract="They run."), replace(FIRST, abstract="They rest.")
    for paper in (one, two, one, two):
        empty.add([paper], WordEncoder())
        assert empty.papers() == [paper]


# --- progress and errors of the source ---


def test_progress_counts_up_to_the_report(empty: Library) -> None:
    steps: list[ImportProgress] = []
    report = empty.add(made_papers(200), WordEncoder(), on_progress=steps.append)
    assert [(step.stage, step.read) for step in steps] == [("papers", 128), ("papers", 200), ("index", 200)]
    assert steps[-1].added == report.added == 200


def test_an_error_of_the_source_costs_nothing_that_came_before(empty: Library) -> None:
    def source() -> Iterator[Paper]:
        yield from made_papers(150)
        raise RecordError("file.bib", 12, "no title")

    with pytest.raises(RecordError, match=r"file\.bib:12"):
        empty.add(source(), WordEncoder())
    assert empty.count == 150
    assert empty.verify() == []
    assert empty.lexical("topic149", 1)[0][0] == "made00149"


def test_an_interrupt_keeps_whole_batches(empty: Library) -> None:
    def source() -> Iterator[Paper]:
        yield from made_papers(150)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        empty.add(source(), WordEncoder())
    assert empty.count == 128
    assert empty.verify() == []


# --- opening ---


def test_no_library_is_named(tmp_path: Path) -> None:
    assert not Library.exists(tmp_path)
    with pytest.raises(LibraryNotFound, match="footnote import FILE --library"):
        Library.open(tmp_path, embedder=ID)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 99}, ["format 99", "formats 1 and 2"]),
        ({"chunker": "0.old"}, ["0.old", "sentence splitter"]),
        ({"embedder": {"name": "other-model", "weights_sha256": "f" * 64, "dimension": 32}}, ["other-model", "words"]),
    ],
)
def test_another_version_is_named_with_ours(path: Path, change: dict[str, object], words: list[str]) -> None:
    file = path / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | change), encoding="utf-8")
    for read_only in (True, False):
        with pytest.raises(LibraryMismatch) as caught:
            Library.open(path, embedder=ID, read_only=read_only)
        assert all(word in str(caught.value) for word in [*words, "footnote import FILE --library NEWDIR"])


def test_another_encoder_is_refused_when_adding(path: Path) -> None:
    other = WordEncoder()
    other.weights_sha256 = "1" * 64
    with Library.open(path, embedder=ID, read_only=False) as library, pytest.raises(LibraryMismatch, match="embedder"):
        library.add([FIRST], other)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 1}', b"\xff\xfe", b'{"format": 1, "surplus": 2}'])
def test_a_damaged_manifest_is_named(path: Path, content: bytes) -> None:
    (path / "manifest.json").write_bytes(content)
    forget_what_made_it(path)
    with pytest.raises(LibraryError, match=r"manifest\.json is damaged.* footnote import FILE --library NEWDIR"):
        Library.open(path, embedder=ID)


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100, None])
def test_a_damaged_database_is_named(path: Path, content: bytes | None) -> None:
    file = path / "papers.sqlite"
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    with pytest.raises(LibraryError, match=r"is damaged|cannot be|NEWDIR"):
        Library.open(path, embedder=ID).papers()


def test_a_damaged_word_index_is_made_again_in_memory(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Library.open(path, embedder=ID) as library:
        expected = library.lexical("topic17 matter", 20)
    for file in path.glob("bm25/*"):
        file.write_bytes(file.read_bytes()[:-100])
    with Library.open(path, embedder=ID) as library:
        assert library.lexical("topic17 matter", 20) == expected
        assert "word index" in caplog.text
        assert any("word index" in problem for problem in library.verify())


@pytest.mark.parametrize("damage", ["missing", "garbage", "truncated", "graph"])
def test_a_damaged_vector_index_costs_only_time(path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    with Library.open(path, embedder=ID) as library:
        expected = library.dense(question("topic17 matter"), 20)
    file = path / "chroma" / "chroma.sqlite3"
    if damage == "missing":
        shutil.rmtree(path / "chroma")
    elif damage == "garbage":
        file.write_bytes(b"garbage" * 1000)
    elif damage == "truncated":
        file.write_bytes(file.read_bytes()[:20_000])
    else:
        for part in path.glob("chroma/*/*.bin"):
            part.write_bytes(b"")
    with Library.open(path, embedder=ID) as library:
        found = library.dense(question("topic17 matter"), 20)
        assert [p.id for p, _ in found] == [p.id for p, _ in expected]
        assert "comparing with every passage" in caplog.text
        assert any("vector index" in problem for problem in library.verify())
    encoder = WordEncoder()
    with Library.open(path, embedder=ID, read_only=False) as library:
        assert library.add(made_papers(301), encoder).added == 1
        assert library.verify() == []
    assert len(encoder.embedded) == 1, "nothing is embedded twice"


def test_the_vector_index_can_be_made_again(path: Path) -> None:
    with Library.open(path, embedder=ID, read_only=False) as library:
        expected = library.dense(question("topic17 matter"), 20)
        fingerprint = library.fingerprint
        library.rebuild()
        assert library.dense(question("topic17 matter"), 20) == expected
        assert library.fingerprint == fingerprint
        assert library.verify() == []


def test_whatever_is_wrong_with_the_indexes_they_are_made_again_from_the_papers(path: Path) -> None:
    with Library.open(path, embedder=ID) as library:
        words, vectors = library.lexical("topic17 matter", 20), library.dense(question("topic17 matter"), 20)
        fingerprint = library.fingerprint
    for file in (*path.glob("bm25/*"), *path.glob("chroma/*/*"), path / "chroma" / "chroma.sqlite3"):
        file.write_bytes(b"none of it " * 500)
    with closing(sqlite3.connect(path / "papers.sqlite")) as db, db:
        db.execute("DELETE FROM word_segments")  # so that nothing shows that the words of all papers are missing
    with Library.open(path, embedder=ID) as library:
        assert any("word index" in problem for problem in library.verify())
    Library.open(path, embedder=ID, read_only=False, rebuild=True).close()
    with Library.open(path, embedder=ID) as library:
        assert library.verify() == []
        assert (library.lexical("topic17 matter", 20), library.dense(question("topic17 matter"), 20)) == (
            words,
            vectors,
        )
        assert library.fingerprint == fingerprint


def test_a_vector_index_that_is_worn_is_made_again(path: Path) -> None:
    """Its graph loses the way to passages when many others are replaced."""
    with Library.open(path, embedder=ID, read_only=False) as library:
        assert library._store.wear == 0
        library.remove(f"made{i:05d}" for i in range(60))
        assert library._store.wear == 60
        of_the_old_one = path / "chroma" / "left"
        of_the_old_one.touch()
        library.remove(f"made{i:05d}" for i in range(60, 70))
        assert library._store.wear == 0 and not of_the_old_one.exists()
        assert library.verify() == []
        library.add(made_papers(40, 400), WordEncoder())
        assert library._store.wear == 0, "a new paper replaces none"
        for paper in library.papers():
            assert library.dense(question(paper.abstract), 1)


def test_verify_sees_what_was_changed_behind_its_back(path: Path) -> None:
    import sqlite3

    with sqlite3.connect(path / "papers.sqlite") as database:
        database.execute("UPDATE papers SET abstract = 'Something else.' WHERE id = 'made00001'")
    database.close()
    with Library.open(path, embedder=ID) as library:
        assert any("made00001" in problem for problem in library.verify())


# --- creating ---


def test_creating_over_something_is_refused(made: Path, tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="There is a library in"):
        Library.create(made, embedder=ID)
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(LibraryError, match=r"other files \(thesis\.tex"):
        Library.create(tmp_path, embedder=ID)
    assert (tmp_path / "thesis.tex").exists()
    with pytest.raises(LibraryError, match=r"cannot be|damaged|Not a directory|exists"):
        Library.create(tmp_path / "thesis.tex", embedder=ID)


def test_creating_after_a_killed_creation(tmp_path: Path) -> None:
    PaperStore(tmp_path, 32, create=True).close()
    (tmp_path / "papers.sqlite-journal").touch()
    (tmp_path / "manifest.json.partial").write_text("{")
    assert not Library.exists(tmp_path)
    with Library.create(tmp_path, embedder=ID) as library:
        assert library.add([FIRST], WordEncoder()).added == 1
        assert library.verify() == []


# --- several processes ---


def run_python(code: str, *arguments: object, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [*prefix, sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)


def test_one_writer_at_a_time_and_readers_always(path: Path) -> None:
    with Library.open(path, embedder=ID, read_only=False):
        with pytest.raises(LibraryLocked, match=f"process {os.getpid()} since"):
            Library.open(path, embedder=ID, read_only=False)
        done = run_python(
            """
import sys
from pathlib import Path
from rag.errors import LibraryLocked
from rag.library.library import Library
from tests.library_parts import WordEncoder
encoder = WordEncoder()
with Library.open(Path(sys.argv[1]), embedder=encoder.id) as library:
    assert len(library.dense(encoder.encode(["topic17"])[0], 5)) == 5
try:
    Library.open(Path(sys.argv[1]), embedder=encoder.id, read_only=False)
except LibraryLocked as error:
    print(error)
""",
            path,
        )
        assert f"process {os.getpid()}" in done.stdout, done.stderr
    with Library.open(path, embedder=ID, read_only=False) as library:
        assert library.verify() == []


DELETE = """
import sys
from pathlib import Path
from rag.library.library import Library
from tests.library_parts import WordEncoder
with Library.open(Path(sys.argv[1]), embedder=WordEncoder().id, read_only=False) as library:
    print(library.remove(f"made{i:05d}" for i in range(0, 300, 2)))
"""


def test_a_reader_finds_what_is_left_while_others_delete(path: Path) -> None:
    """Its vector index still knows passages that are in no database any more."""
    with Library.open(path, embedder=ID) as reader:
        assert reader.dense(question("topic4 matter"), 5)
        assert run_python(DELETE, path).stdout == "150\n"
        for i in range(10):
            assert all(int(one.paper_id[4:]) % 2 for one, _ in reader.dense(question(f"topic{i} matter"), 40))


def test_a_reader_cannot_write(made: Path) -> None:
    with Library.open(made, embedder=ID) as library:
        for change in (lambda: library.add([FIRST], WordEncoder()), lambda: library.remove(["a"]), library.rebuild):
            with pytest.raises(LibraryError, match="read_only=False"):
                change()


def test_a_reader_is_not_disturbed_by_a_writer(path: Path) -> None:
    with Library.open(path, embedder=ID) as reader:
        before = reader.lexical("topic17 matter", 5)
        with Library.open(path, embedder=ID, read_only=False) as writer:
            writer.remove(["made00017"])
            writer.add(made_papers(10, start=500), WordEncoder())
        assert reader.lexical("topic17 matter", 5) == before, "its word index is the one that it opened"
        assert "made00017" not in {p.paper_id for p, _ in reader.dense(question("topic17"), 50)}
        assert reader.best_passages(question("topic17"), ["made00017"]) == {}


KILLED = """
import os, signal, sys
from pathlib import Path
from rag.library import changing, library as module
from rag.library.library import Library
from rag.library.storage.vectors import VectorIndex
from rag.library.storage.papers import PaperStore
from tests.library_parts import WordEncoder, forget_what_made_it, made_papers

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def dying_on_call(function, number):
    calls = []
    def wrapped(*arguments, **named):
        calls.append(1)
        return die() if len(calls) == number else function(*arguments, **named)
    return wrapped

point, path = sys.argv[1], Path(sys.argv[2])
encoder = WordEncoder()
if point == "embedding":
    encoder.encode_passages = dying_on_call(encoder.encode_passages, 2)
elif point == "before the index":
    VectorIndex.replace = dying_on_call(VectorIndex.replace, 2)
elif point == "after the index":
    module.PaperStore.clear_pending = dying_on_call(module.PaperStore.clear_pending, 2)
elif point == "before the manifest":
    changing.write_manifest = module.write_manifest = dying_on_call(module.write_manifest, 2)
elif point == "first batch":
    VectorIndex.replace = die
with Library.create(path, embedder=encoder.id) as library:
    library.add(made_papers(300), encoder)
"""


@pytest.mark.parametrize(
    ("point", "kept"),
    [
        ("first batch", 128),
        ("embedding", 128),
        ("before the index", 256),
        ("after the index", 256),
        ("before the manifest", 300),
    ],
)
def test_a_killed_import_is_usable_and_goes_on(tmp_path: Path, made: Path, point: str, kept: int) -> None:
    path = tmp_path / "killed"
    done = run_python(KILLED, point, path)
    assert done.returncode == -9, done.stderr
    with Library.open(path, embedder=ID) as reader:
        assert reader.count == len(reader.papers()) == kept
        for i in (3, kept - 1):
            assert reader.lexical(f"word{i}x5", 1)[0][0] == f"made{i:05d}"
            assert reader.dense(question(reader.papers()[i].abstract), 1)[0][0].paper_id == f"made{i:05d}"
        assert len(reader.dense(question("x"), 10_000)) == 2 * kept
    encoder = WordEncoder()
    with Library.open(path, embedder=ID, read_only=False) as writer:
        assert writer.count == kept
        report = writer.add(made_papers(300), encoder)
        assert (report.added, report.unchanged) == (300 - kept, kept)
        assert len(encoder.embedded) == 300 - kept
        assert writer.verify() == []
    with Library.open(path, embedder=ID) as reader, Library.open(made, embedder=ID) as whole:
        assert reader.fingerprint == whole.fingerprint
        assert reader.papers() == whole.papers()
        assert reader.lexical("topic17 matter", 50) == whole.lexical("topic17 matter", 50)


# --- a disk that is full, a folder that cannot be written to ---

READ = """
import sys
from pathlib import Path
from rag.library.library import Library
from tests.library_parts import WordEncoder
encoder = WordEncoder()
with Library.open(Path(sys.argv[1]), embedder=encoder.id) as library:
    best = library.dense(encoder.encode(["topic17 matter"])[0], 1)[0][0]
    print(library.count, library.lexical("topic17", 1)[0][0], best.id)
    try:
        library.vectorstore(encoder)
    except Exception as error:
        print(type(error).__name__)
try:
    Library.open(Path(sys.argv[1]), embedder=encoder.id, read_only=False)
except Exception as error:
    print(type(error).__name__, error)
"""


def without_root() -> tuple[str, ...]:
    """What must stand before a command so that permissions count for it."""
    if os.geteuid() != 0:
        return ()
    prefix = ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--inh-caps=-all")
    if not shutil.which("setpriv") or subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode:
        pytest.skip("runs as root and cannot give up the right to write everywhere")
    return prefix


def test_reading_needs_no_permission_to_write(path: Path) -> None:
    with Library.open(path, embedder=ID) as library:
        best = library.dense(question("topic17 matter"), 1)[0][0].id
    before = state(path)
    everything = [path, *path.rglob("*")]
    for one in everything:
        one.chmod(one.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    try:
        done = run_python(READ, path, prefix=without_root())
    finally:
        for one in everything:
            one.chmod(one.stat().st_mode | stat.S_IWUSR)
    lines = done.stdout.splitlines()
    assert lines[:2] == [f"300 made00017 {best}", "LibraryError"], done.stderr
    assert lines[2].startswith("LibraryError") and "cannot be written to" in lines[2]
    assert "comparing with every passage" in done.stderr
    assert state(path) == before


FULL = """
import subprocess, sys
from pathlib import Path
from rag.errors import LibraryError
from rag.library.library import Library
from rag.library.storage.papers import PaperStore
from tests.library_parts import WordEncoder, forget_what_made_it, made_papers
disk = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2500k", "tmpfs", str(disk)], check=True)
print("mounted", flush=True)
encoder = WordEncoder()
path = disk / "library"
try:
    with Library.create(path, embedder=encoder.id) as library:
        library.add(made_papers(5000), encoder)
except LibraryError as error:
    print(error)
with Library.open(path, embedder=encoder.id) as library:
    print(library.count, library.lexical("word5x5", 1)[0][0], len(library.dense(encoder.encode(["topic5"])[0], 3)))
    count = library.count
subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
with Library.open(path, embedder=encoder.id, read_only=False) as library:
    report = library.add(made_papers(count + 100), encoder)
    print(report.added, report.unchanged - count, library.verify())
"""


def test_a_full_disk_keeps_what_was_imported(tmp_path: Path) -> None:
    prefix = ("unshare", "--map-root-user", "--mount")
    if not shutil.which("unshare") or subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode:
        pytest.skip("may not mount a small disk")
    done = run_python(FULL, tmp_path, prefix=prefix)
    if "mounted" not in done.stdout:
        pytest.skip("may not mount a small disk")
    _, message, contents, after = done.stdout.splitlines()
    assert "no space left" in message and "kept" in message and "repeat the import" in message, message
    assert int(contents.split()[0]) > 0 and contents.split()[1:] == ["made00005", "3"]
    assert after == "100 0 []", done.stderr


def test_no_space_for_one_more_batch(path: Path) -> None:
    """The same through SQLite's own limit, where nothing may be mounted."""
    with Library.open(path, embedder=ID, read_only=False) as library:
        pages = library._store.database.rows("PRAGMA page_count")[0][0]
        library._store.database.rows(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(LibraryError, match="no space left"):
            library.add(made_papers(600), WordEncoder())
        assert library.count == 300
        library._store.database.rows("PRAGMA max_page_count = 100000000")
        assert library.add(made_papers(310), WordEncoder()).added == 10
        assert library.verify() == []


def test_what_was_not_stored_is_not_reported(path: Path) -> None:
    """The last batch was rolled back: neither progress nor report counts it."""
    told: list[ImportProgress] = []
    with Library.open(path, embedder=ID, read_only=False) as library:
        pages = library._store.database.rows("PRAGMA page_count")[0][0]
        library._store.database.rows(f"PRAGMA max_page_count = {pages + 60}")
        with pytest.raises(LibraryError, match="no space left"):
            library.add(made_papers(2000, 300), WordEncoder(), on_progress=told.append)
        assert told[-1].added == library.count - 300


def test_a_word_index_that_does_not_fit_is_a_full_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("rag.library.storage.words.segment.os.fsync", full)
    with (
        Library.open(path, embedder=ID, read_only=False) as library,
        pytest.raises(LibraryError, match="no space left"),
    ):
        library.add(made_papers(310), WordEncoder())
    monkeypatch.undo()
    with Library.open(path, embedder=ID, read_only=False) as library:
        assert library.count == 310 and library.verify() == []


def test_readers_leave_the_index_files_as_they_are(made: Path) -> None:
    """Two processes may open the same library to read; Chroma notes that in its table of locks, and nothing else."""
    graphs = {file: file.stat().st_mtime_ns for file in made.glob("chroma/*/*")}
    assert graphs
    for _ in range(2):
        with Library.open(made, embedder=ID) as library:
            library.dense(question("topic17"), 5)
    assert {file: file.stat().st_mtime_ns for file in made.glob("chroma/*/*")} == graphs


def test_an_id_of_another_embedder_is_shown_in_words() -> None:
    assert str(EmbedderId("name", "ab" * 32, 3)) == "name (abababababab…, 3 dimensions)"
