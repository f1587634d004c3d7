"""From the papers that retrieval found to the numbered sentences that an answer may use.

Every sentence of the first papers is scored by a linear model over the figures of
``rag.features``; the best are kept, near-duplicates dropped, the count held within a budget. The
same figures decide whether there is evidence at all: refusal is a logistic model with thresholds
that were set on questions, not a request to a language model. Weights and thresholds lie in
``evidence_weights.json``, which ``training/fit_evidence.py`` writes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Protocol

from rag.datatypes import Evidence, Intent, PaperHit, Query, Refusal, RefusalGrade, Sentence
from rag.features import (
    QUESTION_FEATURES,
    SENTENCE_FEATURES,
    WordWeights,
    names_in,
    proper_words,
    sentence_features,
)
from rag.naming import lacking_names, lacking_proper_words, only_compared_with
from rag.questions import compares
from rag.roles import Role, role_scores
from rag.words import stems

if TYPE_CHECKING:
    from rag.datatypes import Matrix, Vector

SEVERAL = 3  # papers that an answer over several papers draws on
TOPIC_PAPERS = 4  # papers that the summary of a topic draws on
ENOUGH = 20  # candidate sentences from which their median can be told
UNRELATED = 4.0  # about what a sentence of a paper on something else scores
APPROACH = 0.3  # what reading like an approach adds to the score of the one sentence that stands for a paper
SETTING = 2.5  # how much further behind the second sentence may be than the third
BROAD = 0.5  # of the threshold: 'Which papers use X?' has few words to be found, and any paper on X answers it
DUPLICATE = 0.8  # share of common words above which two sentences say the same


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
    """

    hits: tuple[PaperHit, ...]
    candidates: tuple[Candidate, ...]
    features: Mapping[str, float]
    compared_with: str = ""


def rank_sentences(query: Query, vector: Vector, hits: Sequence[PaperHit], store: SentenceStore) -> Ranked:
    """Score every sentence of ``hits``; ``vector`` is the unit vector of the question."""
    words = stems(query.search)
    weights = WordWeights(words, store.document_frequencies(words), store.count)
    model = _model()
    candidates: list[Candidate] = []
    for rank, hit in enumerate(hits):
        sentences = store.sentences(hit.paper.id)
        if not sentences:
            continue
        vectors = store.sentence_vectors(hit.paper.id)
        share = _share(hit, hits[0])
        rows = sentence_features(query, vector, weights, hit, rank, share, sentences, vectors)
        for index, (sentence, row) in enumerate(zip(sentences, rows, strict=True)):
            score = sum(w * x for w, x in zip(model.sentence_weights, row, strict=True))
            candidates.append(Candidate(hit.paper.id, rank, index, sentence, score, tuple(row)))
    candidates.sort(key=lambda c: (-c.score, c.paper_id, c.index))
    texts = [f"{h.paper.title}. {h.paper.abstract}" for h in hits]
    other = only_compared_with(query.text, texts, weights.frequencies) if query.wants_figure else ""
    return Ranked(tuple(hits), tuple(candidates), question_features(query, hits, candidates, weights), other)


def question_features(
    query: Query, hits: Sequence[PaperHit], candidates: Sequence[Candidate], weights: WordWeights
) -> dict[str, float]:
    """``QUESTION_FEATURES`` by name; all zero but 'unknown' when nothing was found."""
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
    named = "\n".join(texts.values()) if query.intent is Intent.MULTI else text
    names, missing = lacking_names(query.text, named, weights.frequencies)
    rarest = max(weights.idf, key=lambda w: (weights.idf[w], w), default="")
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
        "rarest_missing": float(bool(rarest) and rarest not in there),
        "figure_apart": float(query.wants_figure) * (1 - max(given)),
        "proper_missing": lacking_proper_words(query.text, named, weights.frequencies),
        "topic_coverage": weights.topic_coverage(there),
    }
    return values


def select(query: Query, ranked: Ranked, limit: int) -> tuple[Evidence, ...]:
    """The sentences in the order in which an answer should give them, papers numbered from 1; () without candidates.

    A question after one thing takes at most ``limit`` from the best paper, and from a second one only when
    its sentence scores nearly as high; a question after several papers takes ``limit + 1`` in all, from each of
    up to ``SEVERAL`` papers; a summary of one paper takes ``limit``, of a topic two from each of ``TOPIC_PAPERS``.
    """
    return numbered(ranked, _chosen(query, ranked, limit))


def offered(query: Query, ranked: Ranked, limit: int, count: int) -> tuple[Candidate, ...]:
    """What a model may choose from: those that :func:`select` takes, then the best others up to ``count``, by score.

    No two of the others say the same.
    """
    mine = _chosen(query, ranked, limit)[:count]
    for candidate in ranked.candidates:
        if len(mine) < count and candidate not in mine and not _repeats(candidate, mine):
            mine.append(candidate)
    return tuple(sorted(mine, key=lambda c: (-c.score, c.paper_id, c.index)))


def numbered(ranked: Ranked, chosen: Sequence[Candidate]) -> tuple[Evidence, ...]:
    """``chosen`` in their order, by paper, papers numbered from 1."""
    papers = {h.paper.id: h.paper for h in ranked.hits}
    order = list(dict.fromkeys(c.paper_id for c in chosen))
    evidence = []
    for number, paper_id in enumerate(order, start=1):
        mine = [c for c in chosen if c.paper_id == paper_id]
        scores = tuple(c.score for c in mine)
        evidence.append(Evidence(number, papers[paper_id], tuple(c.sentence for c in mine), max(scores), scores))
    return tuple(evidence)


def _chosen(query: Query, ranked: Ranked, limit: int) -> list[Candidate]:
    if not ranked.candidates:
        return []
    if query.intent is Intent.SUMMARY:
        return _summary(query, ranked, limit)
    if query.intent is Intent.MULTI:
        return _several(query, ranked, most(query, limit))
    return _best(ranked, limit)


def most(query: Query, limit: int) -> int:
    """How many sentences an answer may have where ``limit`` is the setting: one more over several papers."""
    return limit + (query.intent is Intent.MULTI)


def judge(query: Query, ranked: Ranked) -> Refusal | None:
    """None where the evidence carries an answer, else how far the library is from one."""
    model = _model()
    nearest = tuple(h.paper.id for h in ranked.hits[:3])
    if not ranked.candidates:
        return Refusal(RefusalGrade.NOTHING, _MESSAGES[RefusalGrade.NOTHING], nearest)
    if ranked.compared_with:
        message = f"The papers here only compare others with {ranked.compared_with}; none gives this figure of it."
        return Refusal(RefusalGrade.RELATED, message, nearest)
    if answerable(ranked.features) >= model.threshold * share_of_threshold(query):
        return None
    return _refusal(query, ranked, nearest, model)


def share_of_threshold(query: Query) -> float:
    """How much of the threshold the probability of an answer must reach for this kind of question."""
    return BROAD if query.intent in (Intent.MULTI, Intent.SUMMARY) else 1.0


def unanswered(hits: Sequence[PaperHit]) -> Refusal:
    """The refusal where sentences were found but none of what was written passed the check."""
    return Refusal(RefusalGrade.RELATED, _MESSAGES[RefusalGrade.RELATED], tuple(h.paper.id for h in hits[:3]))


def answerable(features: Mapping[str, float]) -> float:
    """The probability that the library answers the question, from ``QUESTION_FEATURES``."""
    model = _model()
    z = model.bias + sum(w * features[name] for name, w in zip(QUESTION_FEATURES, model.question_weights, strict=True))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, z))))


_MESSAGES = {
    RefusalGrade.NOTHING: "Nothing in this library is about it.",
    RefusalGrade.RELATED: "The library has related papers, but none of their abstracts answers this.",
    RefusalGrade.NOT_IN_ABSTRACT: "The abstract does not say; see the full paper.",
}


def _refusal(query: Query, ranked: Ranked, nearest: tuple[str, ...], model: EvidenceModel) -> Refusal:
    """The grade by how near the best paper is: its topic, or at least its field, or neither."""
    features = ranked.features
    nearness = 0.5 * features["top_dense"] + 0.5 * features["paper_coverage"]
    named = any(n.lower() in ranked.hits[0].paper.title.lower() for n in names_in(query.text))
    if nearness < model.nothing_below:
        grade = RefusalGrade.NOTHING
    elif named or nearness >= model.same_paper_above:
        grade = RefusalGrade.NOT_IN_ABSTRACT
    else:
        grade = RefusalGrade.RELATED
    message = _MESSAGES[grade]
    if grade is RefusalGrade.NOT_IN_ABSTRACT:
        message = f"“{ranked.hits[0].paper.title}” is about it, but its abstract does not say; see the full paper."
        nearest = (ranked.hits[0].paper.id, *(n for n in nearest if n != ranked.hits[0].paper.id))
    return Refusal(grade, message, nearest)


def _best(ranked: Ranked, limit: int) -> list[Candidate]:
    """The best sentence, then what adds to it: the same paper's next ones, another paper's only if nearly as good.

    A second one stands beside the first unless it is far off, so that a bare figure has its setting.
    """
    chosen: list[Candidate] = []
    best = ranked.candidates[0]
    model = _model()
    for candidate in ranked.candidates:
        behind = best.score - candidate.score
        same_paper = candidate.paper_id == best.paper_id
        margin = model.same_paper_margin if same_paper else model.other_paper_margin
        if same_paper and len(chosen) == 1:
            margin *= SETTING
        if behind <= margin and not _repeats(candidate, chosen):
            chosen.append(candidate)
        if len(chosen) == limit:
            break
    same = sorted((c for c in chosen[1:] if c.paper_id == best.paper_id), key=lambda c: c.index)
    return [best, *same, *(c for c in chosen if c.paper_id != best.paper_id)]


def _several(query: Query, ranked: Ranked, limit: int) -> list[Candidate]:
    """The best sentence of each paper that scores near the first, then the next best of the same papers, evenly.

    Where each has one sentence, what the paper does counts for more than how well it came out.
    """
    chosen: list[Candidate] = []
    papers = _compared(query, ranked) or _near_the_first(ranked, min(limit, SEVERAL))
    for paper_id in papers:
        mine = [c for c in ranked.candidates if c.paper_id == paper_id and not _repeats(c, chosen)]
        last = max((c.index for c in mine), default=0) or 1
        approach = {c: role_scores(c.sentence.text, c.index / last)[Role.APPROACH] for c in mine}
        if mine:
            chosen.append(max(mine, key=lambda c: (c.score + APPROACH * approach[c], -c.index)))
    most_each = math.ceil(limit / max(len(papers), 1))
    for candidate in ranked.candidates:
        room = len(chosen) < limit and sum(c.paper_id == candidate.paper_id for c in chosen) < most_each
        if room and candidate.paper_id in papers and not _repeats(candidate, chosen):
            chosen.append(candidate)
    return sorted(chosen, key=lambda c: c.rank)


def _compared(query: Query, ranked: Ranked) -> list[str]:
    """Ids of the papers of what is compared by name, by rank; [] unless at least two are told apart by their names.

    A name means the paper that has it in its title, else the only one whose abstract has it.
    """
    if not compares(query.text):
        return []
    hits = _with_abstract(ranked)
    meant: set[str] = set()
    for name in dict.fromkeys([*names_in(query.text), *proper_words(query.text)]):
        pattern = _by_itself(name)
        titled = [h.paper.id for h in hits if pattern.search(h.paper.title)]
        told = [h.paper.id for h in hits if pattern.search(h.paper.abstract)]
        meant |= set(next((found for found in (titled, told) if len(found) == 1), []))
    return [h.paper.id for h in hits if h.paper.id in meant] if len(meant) > 1 else []


def _by_itself(name: str) -> re.Pattern[str]:
    """``name`` in any case of letters, not within a longer word."""
    return re.compile(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", re.IGNORECASE)


def _with_abstract(ranked: Ranked) -> list[PaperHit]:
    """The papers that have sentences to choose from, by rank."""
    with_text = {c.paper_id for c in ranked.candidates}
    return [h for h in ranked.hits if h.paper.id in with_text]


def _near_the_first(ranked: Ranked, most: int) -> list[str]:
    """Ids of the papers with an abstract whose score is near the first one's, by rank."""
    hits = _with_abstract(ranked)
    return [h.paper.id for h in hits[:most] if _share(h, hits[0]) >= _model().several_papers_share]


def _share(hit: PaperHit, first: PaperHit) -> float:
    """The fused score of ``hit`` as a share of the first one's; 1 for the first itself, never below 0."""
    if hit.paper.id == first.paper.id:
        return 1.0
    return min(max(hit.score / first.score, 0.0), 1.0) if first.score > 0 else 0.0


def _summary(query: Query, ranked: Ranked, limit: int) -> list[Candidate]:
    """Problem, approach and result of one paper, or the approach of each of several papers on a topic."""
    hits = list(ranked.hits)
    single = _named_paper(query, hits)
    if single is not None:
        return _by_role(ranked, single, limit)
    chosen: list[Candidate] = []
    for paper_id in _near_the_first(ranked, TOPIC_PAPERS):
        chosen += _by_role(ranked, paper_id, 2, (Role.APPROACH, Role.RESULT))
    return chosen


def _named_paper(query: Query, hits: Sequence[PaperHit]) -> str | None:
    """The paper that a request for a summary means, when it means one: its name or nearly its whole title.

    A name that stands in several of the titles ('GAN') is a topic.
    """
    topic = set(stems(query.topic))
    for hit in hits:
        title = set(stems(hit.paper.title))
        if title and len(topic & title) / len(title) >= 0.6:
            return hit.paper.id
    for name in names_in(query.topic):
        pattern = _by_itself(name)
        named = [hit.paper.id for hit in hits if pattern.search(hit.paper.title)]
        if len(named) == 1:
            return named[0]
    wants_one = any(w in query.text.lower().split() for w in ("paper", "article", "abstract", "study"))
    return hits[0].paper.id if wants_one and hits else None


def _by_role(
    ranked: Ranked, paper_id: str, limit: int, roles: Sequence[Role] = (Role.PROBLEM, Role.APPROACH, Role.RESULT)
) -> list[Candidate]:
    """The sentence that most reads like each role, in the order of the abstract; ``limit`` of them at most."""
    mine = sorted((c for c in ranked.candidates if c.paper_id == paper_id), key=lambda c: c.index)
    last = max(len(mine) - 1, 1)
    chosen: dict[int, Candidate] = {}
    for role in roles[: max(limit, 1)]:
        free = [c for c in mine if c.index not in chosen]
        if free:
            pick = max(free, key=lambda c: (role_scores(c.sentence.text, c.index / last)[role], -c.index))
            chosen[pick.index] = pick
    return [chosen[i] for i in sorted(chosen)]


def _repeats(candidate: Candidate, chosen: Sequence[Candidate]) -> bool:
    """Whether a sentence says (by its words) what a chosen one says already."""
    words = set(stems(candidate.sentence.text))
    return any(
        len(words & set(stems(c.sentence.text)))
        >= DUPLICATE * max(min(len(words), len(set(stems(c.sentence.text)))), 1)
        for c in chosen
    )


@dataclass(frozen=True, slots=True)
class EvidenceModel:
    """The fitted figures of ``evidence_weights.json``; margins are differences of sentence scores."""

    sentence_weights: tuple[float, ...]
    question_weights: tuple[float, ...]
    bias: float
    threshold: float
    nothing_below: float
    same_paper_above: float
    same_paper_margin: float
    other_paper_margin: float
    several_papers_share: float


@lru_cache(maxsize=1)
def _model() -> EvidenceModel:
    raw = json.loads(resources.files("rag").joinpath("evidence_weights.json").read_text(encoding="utf-8"))
    scalars = {k: float(v) for k, v in raw["scalars"].items()}
    return EvidenceModel(
        sentence_weights=tuple(float(raw["sentence"][name]) for name in SENTENCE_FEATURES),
        question_weights=tuple(float(raw["question"][name]) for name in QUESTION_FEATURES),
        **scalars,
    )
