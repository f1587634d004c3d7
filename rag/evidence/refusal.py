"""Whether the library answers a question at all, and if not, how far it is from an answer.

Two logistic models, with thresholds that were set on questions; no request to a language model. One goes by the figures
of the question alone. The other goes by what the network says of the best papers as well, and has learned from
questions whose own papers were taken away: it tells a library that has the topic from one that has papers beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rag.datatypes import OVER_SEVERAL, Intent, PaperHit, Reading, Refusal, RefusalGrade
from rag.evidence.features import DOUBT_FEATURES, QUESTION_FEATURES, names_in
from rag.evidence.fitting import Fit, fit_features
from rag.evidence.ranking import EvidenceModel, Ranked, fitted
from rag.system.logistic import logistic
from rag.text.messages import NOT_IN_ABSTRACT, NOT_IN_ITS_ABSTRACT, NOTHING, RELATED, said

BROAD = 0.6  # of the threshold: 'Which papers use X?' has few words to be found, and any paper on X answers it
# Of a question in another language: the probability from its English words and the cosine of its mapped vector with the
# nearest passage, either pair of which is enough. Chosen on the open half of benchmarks/languages/questions.jsonl.
RENDERED_ENOUGH = ((0.03, 0.3), (0.3, 0.22))

_MESSAGES = {
    RefusalGrade.NOTHING: NOTHING,
    RefusalGrade.RELATED: RELATED,
    RefusalGrade.NOT_IN_ABSTRACT: NOT_IN_ABSTRACT,
}


def judge(query: Reading, ranked: Ranked, fits: Sequence[Fit]) -> Refusal | None:
    """None where the evidence carries an answer, else how far the library is from one.

    ``fits`` are the judgements of the papers of ``ranked``.
    """
    model = fitted()
    nearest = tuple(h.paper.id for h in ranked.hits[:3])
    if not ranked.candidates:
        return Refusal(RefusalGrade.NOTHING, said(NOTHING, query.language), nearest)
    if ranked.compared_with:
        message = f"The papers here only compare others with {ranked.compared_with}; none gives this figure of it."
        return Refusal(RefusalGrade.RELATED, message, nearest)
    if query.rendering is not None and _enough_of_rendered(ranked.features):
        return None
    enough = query.rendering is None and answerable(ranked.features) >= model.threshold * share_of_threshold(query)
    if enough and likely(ranked, fits) >= model.refused_below:
        return None
    return _refusal(query, ranked, nearest, model)


def _enough_of_rendered(features: Mapping[str, float]) -> bool:
    """Whether there is an answer to a question in another language, whose English words are fewer and less sure."""
    probability, near = answerable(features), features["top_dense"]
    return any(probability >= enough and near >= least for enough, least in RENDERED_ENOUGH)


def share_of_threshold(query: Reading) -> float:
    """How much of the threshold the probability of an answer must reach for this kind of question."""
    return BROAD if query.intent in (*OVER_SEVERAL, Intent.SUMMARY) else 1.0


def unanswered(hits: Sequence[PaperHit], language: str = "en") -> Refusal:
    """The refusal where sentences were found but none of what was written passed the check."""
    return Refusal(RefusalGrade.RELATED, said(RELATED, language), tuple(h.paper.id for h in hits[:3]))


def is_doubtful(ranked: Ranked, fits: Sequence[Fit]) -> bool:
    """Whether an answer from these papers should say that they may not be about what is asked."""
    return likely(ranked, fits) < fitted().doubtful_below


def answerable(features: Mapping[str, float]) -> float:
    """The probability that the library answers the question, from ``QUESTION_FEATURES``."""
    model = fitted()
    return _probability(QUESTION_FEATURES, model.question_weights, model.bias, features)


def likely(ranked: Ranked, fits: Sequence[Fit]) -> float:
    """The same probability, from ``DOUBT_FEATURES``: ``fits`` are the judgements of the papers of ``ranked``."""
    model = fitted()
    return _probability(
        DOUBT_FEATURES, model.doubt_weights, model.doubt_bias, {**ranked.features, **fit_features(fits)}
    )


def _probability(names: Sequence[str], weights: Sequence[float], bias: float, features: Mapping[str, float]) -> float:
    return logistic(bias + sum(w * features[name] for name, w in zip(names, weights, strict=True)))


def _refusal(query: Reading, ranked: Ranked, nearest: tuple[str, ...], model: EvidenceModel) -> Refusal:
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
    message = said(_MESSAGES[grade], query.language)
    if grade is RefusalGrade.NOT_IN_ABSTRACT:
        message = said(NOT_IN_ITS_ABSTRACT, query.language).format(title=ranked.hits[0].paper.title)
        nearest = (ranked.hits[0].paper.id, *(n for n in nearest if n != ranked.hits[0].paper.id))
    return Refusal(grade, message, nearest)


def neither_side(told: Sequence[str], hits: Sequence[PaperHit]) -> Refusal:
    """Why nothing is compared: ``told`` says of every side what is missing."""
    return Refusal(RefusalGrade.RELATED, " ".join(told), tuple(hit.paper.id for hit in hits[:3]))
