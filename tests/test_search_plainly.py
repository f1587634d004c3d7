"""Search as its formulas say, one paper and one sentence after another: the quick way must find the same."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from statistics import fmean, pstdev

import numpy as np
import numpy.typing as npt
import pytest

from rag.datatypes import Paper
from rag.encoding.query_encoder import QueryEncoder
from rag.evidence.features import _words_of
from rag.evidence.gathering import best_sentences
from rag.evidence.ranking import rank_sentences
from rag.library.library import Library, PaperFilter
from rag.library.storage.stored_paper import StoredPaper
from rag.questions.reading import read
from rag.retrieval.ranking import hybrid_search, rank
from rag.retrieval.retrievers import fusion
from rag.retrieval.retrievers.fusion import fuse
from rag.text import quantities, sentence_roles, tokenization
from rag.text.tokenization import stems
from tests.library_parts import REAL, paper_encoder, shipped_papers

QUESTIONS = [
    "graph neural networks", "How is a language model compressed?", "How many parameters does it have?", "image",
    "Why do classifiers fail on unseen data?", "What is contrastive learning?", "深度学习", "Zeppelins of the navy",
]  # fmt: skip
Vector = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Sixty of the shipped papers, and one without an abstract."""
    papers = [*shipped_papers()[::7][:60], Paper("no-abstract", "Graph neural networks for protein folding")]
    path = tmp_path_factory.mktemp("plainly") / "library"
    with Library.create(path, embedder=REAL) as library:
        library.add(papers, paper_encoder())
    with Library.open(path, embedder=REAL) as library:
        yield library


def unit(vector: Vector) -> Vector:
    return vector / float(np.linalg.norm(vector))


def cosines(rows: npt.NDArray[np.float32], vector: Vector) -> list[float]:
    return [math.fsum(float(a) * float(b) for a, b in zip(row, vector, strict=True)) for row in rows]


class Plainly:
    """The ranking of the papers of a small library, all of which are candidates."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.papers = library.entries(library.ids(PaperFilter()))
        self.centroid = {one: unit(sum(map(as_float64, paper.passage_vectors))) for one, paper in self.papers.items()}  # type: ignore[arg-type]

    def ranked(self, query: str, vector: npt.NDArray[np.float32]) -> list[tuple[str, float]]:
        asked = as_float64(vector)
        terms = {term: float(n) for term, n in Counter(stems(query)).items()}
        first = self.one_pass(asked, terms)
        found = [(one, math.exp(score - first[0][1])) for one, score in first[: fusion.FEEDBACK_PAPERS]]
        total = sum(weight for _, weight in found)
        weights = {one: weight / total for one, weight in found}
        moved = unit(asked + fusion.ROCCHIO_WEIGHT * sum(w * self.centroid[one] for one, w in weights.items()))
        return self.regularised(self.one_pass(moved, self.expanded(terms, weights)))

    def one_pass(self, vector: Vector, terms: dict[str, float]) -> list[tuple[str, float]]:
        dense = {one: self.dense(paper, vector) for one, paper in self.papers.items()}
        lexical = dict(self.library.bm25_search(terms, 1000))
        scores = [self.standard(dense), self.standard({one: lexical.get(one, 0.0) for one in self.papers})]
        return sorted(((one, fmean(s[one] for s in scores)) for one in self.papers), key=lambda p: (-p[1], p[0]))

    def dense(self, paper: StoredPaper, vector: Vector) -> float:
        passage = max(cosines(paper.passage_vectors, vector))
        return fmean([passage, max(cosines(paper.sentence_vectors, vector), default=passage)])

    def standard(self, scores: dict[str, float]) -> dict[str, float]:
        mean, deviation = fmean(scores.values()), pstdev(scores.values())
        return {one: (score - mean) / (deviation + 1e-6) for one, score in scores.items()}

    def expanded(self, terms: dict[str, float], weights: dict[str, float]) -> dict[str, float]:
        model: Counter[str] = Counter()
        for one, weight in weights.items():
            counts = Counter(stems(f"{self.papers[one].paper.title} {self.papers[one].paper.abstract}"))
            for term, n in counts.items():
                df = self.library.document_frequencies([term])[term]
                idf = math.log(1 + (self.library.count - df + 0.5) / (df + 0.5))
                model[term] += weight * n / counts.total() * idf  # type: ignore[assignment]
        lent = dict(sorted(model.items(), key=lambda pair: (-pair[1], pair[0]))[: fusion.RM3_TERMS])
        own, all_lent = sum(terms.values()) or 1.0, sum(lent.values())
        return {
            term: (1 - fusion.RM3_WEIGHT) * terms.get(term, 0) / own + fusion.RM3_WEIGHT * lent.get(term, 0) / all_lent
            for term in sorted(terms | lent)
        }

    def regularised(self, ranked: list[tuple[str, float]]) -> list[tuple[str, float]]:
        scores, smooth = dict(ranked), {}
        for one, score in ranked[fusion.NOT_REGULARISED :]:
            alike = {other: float(self.centroid[one] @ self.centroid[other]) for other in scores if other != one}
            near = sorted(alike, key=lambda other: -alike[other])[: fusion.REGULARISATION_NEIGHBOURS]
            mean = sum(alike[n] * scores[n] for n in near) / sum(alike[n] for n in near)
            smooth[one] = (1 - fusion.REGULARISATION_WEIGHT) * score + fusion.REGULARISATION_WEIGHT * mean
        return [*ranked[: fusion.NOT_REGULARISED], *sorted(smooth.items(), key=lambda pair: (-pair[1], pair[0]))]


def as_float64(values: npt.NDArray[np.float32]) -> Vector:
    return np.asarray(values, np.float64)


@pytest.mark.parametrize("question", QUESTIONS)
def test_papers_are_ranked_as_the_formulas_say(question: str, library: Library, encoder: QueryEncoder) -> None:
    vector = encoder.encode([question])[0]
    expected = Plainly(library).ranked(question, vector)
    found = fuse(library, question, vector, library.count, depth=1000)
    assert [hit.passage.paper_id for hit in found] == [one for one, _ in expected]
    gaps = [found[3].score - hit.score for hit in found[3:]]
    assert gaps == pytest.approx([expected[3][1] - score for _, score in expected[3:]], abs=1e-4)


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_is_kept_of_a_sentence_is_what_it_says(question: str, library: Library, encoder: QueryEncoder) -> None:
    """With nothing kept, and with what another question left."""
    reading = read(question, library=library)
    ranking = rank(reading, 10, encoder, hybrid_search(library, 100))
    warm = rank_sentences(reading, ranking.vector, ranking.hits, library)
    for kept in (_words_of, quantities.figures_in, sentence_roles._role_scores, tokenization._stems_of_sentence,
                 tokenization._stems_of_abstract):  # fmt: skip
        kept.cache_clear()
    assert rank_sentences(reading, ranking.vector, ranking.hits, library) == warm
    best = {}
    for candidate in warm.candidates:
        best.setdefault(candidate.paper_id, candidate.sentence.text)
    shown = best_sentences(reading, ranking, library)
    assert [sentence.text for _, sentence in shown] == [best.get(hit.paper.id, hit.paper.title) for hit in ranking.hits]
