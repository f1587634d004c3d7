"""From the papers that retrieval found to their sentences, best first, and the figures of the question.

Every sentence of the first papers is scored by a linear model over the figures of ``rag.evidence.features``.
``rag.evidence.selection`` takes the answer's sentences from them, ``rag.evidence.refusal`` decides whether there is
an answer at all. Weights and thresholds lie in ``evidence_weights.json``, which ``training/fit_evidence.py`` writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from operator import mul
from typing import TYPE_CHECKING, Protocol

from rag.datatypes import OVER_SEVERAL, PaperHit, Reading, Sentence
from rag.evidence.entity_match import lacking_names, lacking_proper_words, only_compared_with
from rag.evidence.features import (
    DOUBT_FEATURES,
    QUESTION_FEATURES,
    SENTENCE_FEATURES,
    WordWeights,
    sentence_features,
)
from rag.text.tokenization import stems, unique_stems

if TYPE_CHECKING:
    from rag.datatypes import Matrix, Vector

ENOUGH = 20  # candidate sentences from which their median can be told
# 'How large is the smallest one?': these ask for one of several figures and name no topic that a library could lack.
_SUPERLATIVES = unique_stems(
    ["smallest largest biggest tiniest highest lowest fastest slowest heaviest lightest cheapest"]
)
UNRELATED = 4.0  # about what a sentence of a paper on something else scores


class SentenceStore(Protocol):
    """What the choice of evidence needs of a library."""

    @property
    def count(self) -> int: ...
    def sentences(self, paper_id: str) -> tuple[Sentence, ...]: ...
    def sentence_vectors(self, paper_id: str) -> Matrix: ...
    def document_frequencies(self, words: Iterable[str]) -> dict[str, int]: ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """One sentence with its score; ``rank`` is its paper's, ``index`` its place in the abstract."""

    paper_id: str
    rank: int
    index: int
    sentence: Sentence
    score: float
    features: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Ranked:
    """Scored candidates, best first, with the papers they come from and the question's own figures.

    ``compared_with`` is a name whose figure is asked for and that the papers only set others against ('' without).
    ``fitting`` are the ids of the papers that were judged to be about what is asked (None: not judged).
    """

    hits: tuple[PaperHit, ...]
    candidates: tuple[Candidate, ...]
    features: Mapping[str, float]
    compared_with: str = ""
    fitting: frozenset[str] | None = None


def rank_sentences(query: Reading, vector: Vector, hits: Sequence[PaperHit], store: SentenceStore) -> Ranked:
    """Score every sentence of ``hits``; ``vector`` is the unit vector of the question."""
    weights, candidates = _scored(query, vector, hits, store)
    other = ""
    if query.wants_figure:
        other = only_compared_with(
            query.text, [f"{h.paper.title}. {h.paper.abstract}" for h in hits], weights.frequencies
        )
    return Ranked(tuple(hits), tuple(candidates), question_features(query, hits, candidates, weights), other)


def best_sentence_of_each(
    query: Reading, vector: Vector, hits: Sequence[PaperHit], store: SentenceStore
) -> dict[str, Sentence]:
    """By paper id the sentence that :func:`rank_sentences` puts first; papers without an abstract have none."""
    best: dict[str, Sentence] = {}
    for candidate in _scored(query, vector, hits, store)[1]:
        best.setdefault(candidate.paper_id, candidate.sentence)
    return best


def _scored(
    query: Reading, vector: Vector, hits: Sequence[PaperHit], store: SentenceStore
) -> tuple[WordWeights, list[Candidate]]:
    """Every sentence of ``hits``, best first, and what the words of the question weigh."""
    words = stems(query.search)
    known = store.document_frequencies(words)
    words = [w for w in words if known.get(w) or w not in _SUPERLATIVES]
    weights = WordWeights(words, known, store.count)
    model = fitted()
    candidates: list[Candidate] = []
    for rank, hit in enumerate(hits):
        try:
            sentences, vectors = store.sentences(hit.paper.id), store.sentence_vectors(hit.paper.id)
        except KeyError:  # another process has deleted the paper since it was found
            continue
        if not sentences or len(sentences) != len(vectors):  # or has changed it between the two
            continue
        share = share_of_first(hit, hits[0])
        rows = sentence_features(query, vector, weights, hit, rank, share, sentences, vectors)
        for index, (sentence, row) in enumerate(zip(sentences, rows, strict=True)):
            score = sum(map(mul, model.sentence_weights, row))
            candidates.append(Candidate(hit.paper.id, rank, index, sentence, score, tuple(row)))
    candidates.sort(key=lambda c: (-c.score, c.paper_id, c.index))
    return weights, candidates


def question_features(
    query: Reading, hits: Sequence[PaperHit], candidates: Sequence[Candidate], weights: WordWeights
) -> dict[str, float]:
    """``QUESTION_FEATURES`` by name; all zero but 'unknown' when nothing was found.

    Long because each of the figures has a line of its own.
    """
    values = dict.fromkeys(QUESTION_FEATURES, 0.0)
    values["unknown"] = weights.unknown
    if not candidates:
        return values
    column = {name: [c.features[i] for c in candidates] for i, name in enumerate(SENTENCE_FEATURES)}
    dense = sorted((h.dense or 0.0 for h in hits), reverse=True)
    lexical = max(hits, key=lambda h: h.lexical or 0.0)
    # Few sentences say little about how far one stands out: the rest are thought to be of unrelated papers.
    scores = sorted([c.score for c in candidates] + [UNRELATED] * (ENOUGH - len(candidates)), reverse=True)
    best = candidates[0]
    texts = {h.paper.id: h.paper.title + " " + h.paper.abstract for h in hits}
    text = texts[best.paper_id]
    there = set(stems(text))
    # What is asked of several papers need not be in one: then every name must be in some.
    named = "\n".join(texts.values()) if query.intent in OVER_SEVERAL else text
    names, missing = lacking_names(query.text, named, weights.frequencies)
    wanted = column["figure_wanted"][:3]
    counted = SENTENCE_FEATURES.index("figure_counted")
    given = [c.features[counted] for c in candidates if c.paper_id == best.paper_id]
    values |= {
        "top_dense": dense[0],
        "gap_dense": dense[0] - dense[min(4, len(dense) - 1)],
        "top_sentence": max(column["cosine"]),
        "paper_coverage": max(column["paper_coverage"]),
        "sentence_coverage": max(column["coverage"]),
        "titled_coverage": max(column["coverage_titled"]),
        "agreement": float(max(hits, key=lambda h: h.dense or 0.0).paper.id == lexical.paper.id),
        "answer_score": best.score,
        "answer_margin": best.score - scores[len(scores) // 2],
        "figure_missing": float(query.wants_figure and not any(wanted)),
        "name_missing": len(missing) / max(len(names), 1),
        "name_found": float(bool(names) and not missing),
        "best_coverage": best.features[SENTENCE_FEATURES.index("paper_coverage")],
        "pairs": max(column["pairs"]),
        "figure_apart": float(query.wants_figure) * (1 - max(given)),
        "proper_missing": lacking_proper_words(query.text, named, weights.frequencies),
        "topic_coverage": weights.topic_coverage(there),
    }
    return values


def share_of_first(hit: PaperHit, first: PaperHit) -> float:
    """The fused score of ``hit`` as a share of the first one's; 1 for the first itself, never below 0."""
    if hit.paper.id == first.paper.id:
        return 1.0
    return min(max(hit.score / first.score, 0.0), 1.0) if first.score > 0 else 0.0


@dataclass(frozen=True, slots=True)
class EvidenceModel:
    """The fitted figures of ``evidence_weights.json``; margins are differences of sentence scores."""

    sentence_weights: tuple[float, ...]
    question_weights: tuple[float, ...]
    doubt_weights: tuple[float, ...]
    bias: float
    threshold: float
    doubt_bias: float
    refused_below: float
    doubtful_below: float
    nothing_below: float
    same_paper_above: float
    same_paper_margin: float
    other_paper_margin: float
    several_papers_share: float


@lru_cache(maxsize=1)
def fitted() -> EvidenceModel:
    """The model that the program answers with."""
    raw = json.loads(resources.files("rag.evidence").joinpath("evidence_weights.json").read_text(encoding="utf-8"))
    scalars = {k: float(v) for k, v in raw["scalars"].items()}
    return EvidenceModel(
        sentence_weights=tuple(float(raw["sentence"][name]) for name in SENTENCE_FEATURES),
        question_weights=tuple(float(raw["question"][name]) for name in QUESTION_FEATURES),
        doubt_weights=tuple(float(raw["doubt"][name]) for name in DOUBT_FEATURES),
        **scalars,
    )
