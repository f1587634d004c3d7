"""One contract over the three retrievers, on real papers, real vectors and real indexes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from langchain_core.documents import Document
from rank_bm25 import BM25Okapi

from rag.datatypes import Hit, Paper
from rag.encoding.query_encoder import QueryEncoder
from rag.library.library import Library, PaperFilter
from rag.library.storage.stored_paper import StoredPaper
from rag.library.storage.words.index import BM25Index, LivingSegment
from rag.library.storage.words.segment import Segment
from rag.retrieval.retrievers.base import LibraryRetriever
from rag.retrieval.retrievers.dense import DenseRetriever
from rag.retrieval.retrievers.fusion import (
    _fuse_scores,
    _regularise_scores,
    fuse,
    pseudo_relevance_feedback,
    rank_by_bm25,
    rank_by_cosine,
)
from rag.retrieval.retrievers.hybrid import HybridRetriever
from rag.retrieval.retrievers.lexical import LexicalRetriever
from rag.text.tokenization import stems
from tests.library_parts import REAL, WordEncoder, paper_encoder, shipped_papers

RETRIEVERS = {"dense": DenseRetriever, "lexical": LexicalRetriever, "hybrid": HybridRetriever}
QUERIES = ["graph neural networks", "How is a language model compressed?", "image", "深度学习", "x", "the of and"]


def _centroid(entry: StoredPaper) -> np.ndarray:
    """The unit mean of a paper's passage vectors, of that paper alone."""
    total = sum(list(entry.passage_vectors))
    return np.asarray(total / np.linalg.norm(total))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Ninety of the shipped papers, and one without an abstract."""
    path = tmp_path_factory.mktemp("retrieval") / "library"
    papers = [*shipped_papers()[::5][:90], Paper("no-abstract", "Graph neural networks for protein folding")]
    with Library.create(path, embedder=REAL) as library:
        library.add(papers, paper_encoder())
    with Library.open(path, embedder=REAL) as library:
        yield library


@pytest.fixture(params=sorted(RETRIEVERS))
def retriever(request: pytest.FixtureRequest, library: Library, encoder: QueryEncoder) -> LibraryRetriever:
    return RETRIEVERS[request.param](library=library, encoder=encoder, k=4)


# --- the contract ---


def test_hits_are_ordered_and_one_per_paper(retriever: LibraryRetriever, library: Library) -> None:
    name = next(name for name, kind in RETRIEVERS.items() if type(retriever) is kind)
    for query in QUERIES:
        hits = retriever.hits(query, 20)
        assert len(hits) <= 20
        assert hits == sorted(hits, key=lambda hit: (-hit.score, hit.passage.paper_id))
        assert len({hit.passage.paper_id for hit in hits}) == len(hits)
        for hit in hits:
            assert hit.source == name
            assert hit.passage in library.passages(hit.passage.paper_id)


def test_fewer_hits_are_the_first_of_more(retriever: LibraryRetriever) -> None:
    many = [hit.passage.paper_id for hit in retriever.hits("graph neural networks", 20)]
    for k in (0, 1, 7, 20):
        assert [hit.passage.paper_id for hit in retriever.hits("graph neural networks", k)] == many[:k]


def test_more_than_there_are_is_all_there_are(retriever: LibraryRetriever, library: Library) -> None:
    hits = retriever.hits("graph neural networks", 5000)
    assert len(hits) == library.count or isinstance(retriever, LexicalRetriever)


def test_the_same_query_gives_the_same_hits(retriever: LibraryRetriever) -> None:
    assert retriever.hits("graph neural networks", 20) == retriever.hits("graph neural networks", 20)


@pytest.mark.parametrize("query", ["", "   ", "\0", "?" * 100_000, "word " * 20_000, "\ud800", "' OR 1=1 --"])
def test_odd_queries_are_answered(retriever: LibraryRetriever, query: str) -> None:
    assert len(retriever.hits(query, 3)) <= 3


def test_a_title_finds_its_paper(retriever: LibraryRetriever, library: Library) -> None:
    for paper in library.papers()[::7]:
        assert retriever.hits(paper.title, 1)[0].passage.paper_id == paper.id


def test_is_a_langchain_retriever(retriever: LibraryRetriever, library: Library) -> None:
    documents = retriever.invoke("graph neural networks")
    hits = retriever.hits("graph neural networks", 4)
    assert all(isinstance(document, Document) for document in documents)
    assert [document.page_content for document in documents] == [hit.passage.text for hit in hits]
    first, hit = documents[0], hits[0]
    assert first.id == hit.passage.id
    assert first.metadata == {
        "paper_id": hit.passage.paper_id,
        "title": library.paper(hit.passage.paper_id).title,
        "passage_id": hit.passage.id,
        "start": hit.passage.start,
        "end": hit.passage.end,
        "score": hit.score,
        "source": hit.source,
    }
    assert (retriever | (lambda found: len(found))).invoke("graph neural networks") == 4


def test_a_library_without_papers(tmp_path: Path, retriever: LibraryRetriever, encoder: QueryEncoder) -> None:
    with Library.create(tmp_path / "empty", embedder=REAL) as empty:
        assert type(retriever)(library=empty, encoder=encoder).invoke("anything") == []


# --- what each finds ---

FLOOR = {"dense": 0.75, "lexical": 0.9, "hybrid": 0.97}


def test_finds_papers_by_a_sentence_of_theirs(retriever: LibraryRetriever, library: Library) -> None:
    """The third sentence of an abstract, cut in half, finds its paper among the first five."""
    name = next(name for name, kind in RETRIEVERS.items() if type(retriever) is kind)
    right = total = 0
    for paper in library.papers():
        sentences = library.sentences(paper.id)
        if len(sentences) > 3:
            words = sentences[2].text.split()
            query = " ".join(words[len(words) // 2 :])
            total += 1
            right += paper.id in {hit.passage.paper_id for hit in retriever.hits(query, 5)}
    assert right / total >= FLOOR[name], (right, total)


def test_a_pass_averages_z_scores(library: Library, encoder: QueryEncoder) -> None:
    """Against its formula, computed over all papers at once."""
    query = "Which works study the robustness of image classifiers?"
    vector = encoder.encode([query])[0]
    words = {word: float(n) for word, n in Counter(stems(query)).items()}
    ids = [paper.id for paper in library.papers()]
    near = library.best_passages(vector, ids)
    meaning = np.array(
        [(near[i].cosine + near[i].sentence) / 2 if near[i].sentence > -1 else near[i].cosine for i in ids]
    )
    bm25 = dict(library.lexical(query, 1000))
    wording = np.array([bm25.get(one, 0.0) for one in ids])
    expected = sum((x - x.mean()) / x.std() for x in (meaning, wording)) / 2
    found = _fuse_scores(library, {}, vector, library.bm25_search(words, 1000), 1000)
    assert [one for one, _ in found] == [ids[i] for i in sorted(range(len(ids)), key=lambda i: (-expected[i], ids[i]))]
    assert [score for _, score in found] == pytest.approx(sorted(expected, reverse=True), abs=1e-4)


def test_feedback_moves_the_question_towards_the_first_papers(library: Library, encoder: QueryEncoder) -> None:
    query = "graph neural networks"
    vector = encoder.encode([query])[0]
    words = dict.fromkeys(stems(query), 1.0)
    entries = library.entries([paper_id for paper_id, _ in library.lexical(query, 3)])
    moved, mixed = pseudo_relevance_feedback(library, [(entry, 1.0) for entry in entries.values()], vector, words)
    assert float(np.linalg.norm(moved)) == pytest.approx(1)
    for entry in entries.values():
        assert (entry.passage_vectors @ moved).mean() > (entry.passage_vectors @ vector).mean()
    assert sum(mixed.values()) == pytest.approx(1)
    assert set(words) < set(mixed)
    assert len(mixed) <= len(words) + 20
    held = set(stems(" ".join(f"{entry.paper.title} {entry.paper.abstract}" for entry in entries.values())))
    assert set(mixed) <= held | set(words)


def test_scores_are_regularised_by_those_of_similar_papers(library: Library) -> None:
    """Against its formula, one paper at a time."""
    ids = library.ids(PaperFilter())
    entries = library.entries(ids)
    ranked = [(one, 2.0 - 0.03 * n) for n, one in enumerate(ids)]
    score = dict(ranked)
    expected = {}
    for one in ids:
        cosines = {other: float(_centroid(entries[one]) @ _centroid(entries[other])) for other in ids if other != one}
        near = sorted(cosines, key=lambda other: -cosines[other])[:10]
        mean = sum(cosines[n] * score[n] for n in near) / sum(cosines[n] for n in near)
        expected[one] = 0.65 * score[one] + 0.35 * mean
    found = _regularise_scores(entries, ranked)
    assert found[:2] == ranked[:2]
    rest = sorted(ids[2:], key=lambda one: (-expected[one], one))
    assert [one for one, _ in found[2:]] == rest
    gaps = [found[2][1] - value for _, value in found[2:]]
    assert gaps == pytest.approx([expected[rest[0]] - expected[one] for one in rest], abs=1e-4)
    assert found == sorted(found, key=lambda pair: -pair[1])


@pytest.mark.parametrize("many", [0, 1, 2, 3])
def test_few_papers_are_regularised_too(library: Library, many: int) -> None:
    ids = library.ids(PaperFilter())[:many]
    ranked = [(one, -float(n)) for n, one in enumerate(ids)]
    assert [one for one, _ in _regularise_scores(library.entries(ids), ranked)] == ids


def test_a_paper_gains_from_similar_papers(library: Library) -> None:
    """The last of 41 moves up by more than half when the ten most alike ones stand first."""
    ids = library.ids(PaperFilter())
    entries = library.entries(ids)
    similarity = {one: float(_centroid(entries[one]) @ _centroid(entries[ids[0]])) for one in ids}
    alike = sorted(ids[1:], key=lambda one: -similarity[one])
    ranked = [(one, 1.0) for one in alike[:10]] + [(one, 0.2) for one in alike[-30:]] + [(ids[0], 0.1)]
    ranked.sort(key=lambda pair: (-pair[1], pair[0]))
    assert [one for one, _ in _regularise_scores(entries, ranked)].index(ids[0]) < 20


def test_the_parts_of_a_score_are_those_of_the_question(library: Library, encoder: QueryEncoder) -> None:
    query = "Which works study the robustness of image classifiers?"
    vector = encoder.encode([query])[0]
    bm25 = dict(library.lexical(query, 1000))
    for hit in fuse(library, query, vector, 10, depth=1000):
        near = library.best_passages(vector, [hit.passage.paper_id])[hit.passage.paper_id]
        assert hit.passage == near.passage
        assert hit.dense == pytest.approx(near.cosine, abs=1e-5)
        assert hit.lexical == bm25.get(hit.passage.paper_id)


def test_the_hybrid_shows_its_parts(library: Library, encoder: QueryEncoder) -> None:
    retriever = HybridRetriever(library=library, encoder=encoder)
    fused = retriever.fused("graph neural networks", 8)
    assert [Hit(hit.passage, hit.score, "hybrid") for hit in fused] == retriever.hits("graph neural networks", 8)
    assert retriever.fused("graph neural networks", 0) == []


def test_a_question_is_encoded_once(library: Library, encoder: QueryEncoder) -> None:
    class Counting:
        name, weights_sha256, dimension, max_tokens = encoder.name, encoder.weights_sha256, 384, 256
        calls: list[list[str]] = []  # noqa: RUF012

        def encode(self, texts: list[str]) -> np.ndarray:
            self.calls.append(list(texts))
            return encoder.encode(texts)

    counting = Counting()
    for kind in RETRIEVERS.values():
        counting.calls.clear()
        kind(library=library, encoder=counting).hits("graph neural networks", 5)
        assert counting.calls == [["graph neural networks"]]


def test_cosine_ranking_searches_deeper_where_one_paper_has_many_passages(tmp_path: Path) -> None:
    encoder = WordEncoder()
    long = Paper("long", "Zebras", " ".join(f"Zebras run {i} {'zebras ' * 20}." for i in range(60)))
    others = [Paper(f"other{i}", f"Zebra and horse {i}", f"Horses and one zebras herd {i}.") for i in range(5)]
    with Library.create(tmp_path / "library", embedder=encoder.id) as library:
        library.add([long, *others], encoder)
        assert len(library.passages("long")) > 20
        hits = rank_by_cosine(library, encoder.encode(["zebras zebras run"])[0], 4)
        assert len(hits) == 4
        assert hits[0].passage.paper_id == "long"


def test_equal_papers_are_ordered_by_id(tmp_path: Path) -> None:
    encoder = WordEncoder()
    twin = Paper("", "The same title of a twin", "The same abstract.")
    twins = [replace(twin, id=f"t{i}", doi=f"10.1000/{i}") for i in (5, 3, 9, 1)]
    with Library.create(tmp_path / "library", embedder=encoder.id) as library:
        library.add(twins, encoder)
        vector = encoder.encode(["same abstract"])[0]
        for hits in (
            rank_by_cosine(library, vector, 3),
            rank_by_bm25(library, "same abstract", vector, 3),
            fuse(library, "same abstract", vector, 3),
        ):
            assert [hit.passage.paper_id for hit in hits] == ["t1", "t3", "t5"]


# --- BM25 against a second implementation ---


class LuceneOkapi(BM25Okapi):
    """rank_bm25 with Lucene's idf, which is never negative; its term frequency has a constant factor k1 + 1 more."""

    def _calc_idf(self, nd: dict[str, int]) -> None:
        self.idf = {word: float(np.log(1 + (self.corpus_size - n + 0.5) / (n + 0.5))) for word, n in nd.items()}


def test_bm25_agrees_with_rank_bm25(tmp_path: Path) -> None:
    papers = sorted(shipped_papers(), key=lambda paper: paper.id)
    texts = [f"{paper.title}\n{paper.abstract}" for paper in papers]
    index = BM25Index.build((paper.id, text) for paper, text in zip(papers, texts, strict=True))
    saved = BM25Index(
        [LivingSegment(Segment.load(tmp_path, one.segment.save(tmp_path)), one.dead) for one in index.parts]
    )
    reference = LuceneOkapi([stems(text) for text in texts], k1=1.5, b=0.75)
    for query in (*QUERIES, "graph graph neural", *(paper.abstract[:200] for paper in papers[::40])):
        scores = reference.get_scores(stems(query)) / 2.5 if stems(query) else np.zeros(len(papers))
        expected = {paper.id: score for paper, score in zip(papers, scores, strict=True) if score > 0}
        for one in (index, saved):
            found = dict(one.search(Counter(stems(query)), len(papers)))
            assert found == pytest.approx(expected, rel=1e-4)
            assert one.search(Counter(stems(query)), 7) == one.search(Counter(stems(query)), len(papers))[:7]


def test_document_frequencies_count_papers() -> None:
    papers = sorted(shipped_papers(), key=lambda paper: paper.id)
    texts = {paper.id: f"{paper.title}\n{paper.abstract}" for paper in papers}
    index = BM25Index.build(texts.items())
    for word in ("network", "graph", "52", "unheardof"):
        expected = sum(word in stems(text) for text in texts.values())
        assert index.document_frequencies([word]) == {word: expected}
    assert index.vocabulary["network"] == index.document_frequencies(["network"])["network"] > 100
