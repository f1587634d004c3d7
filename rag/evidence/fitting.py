"""Which of the papers found are about what is asked: a judgement for each paper, calibrated.

The probability is that the paper belongs into a good answer, not that it is the best. A small cross-encoder reads the
question with the title and the best sentences of one paper at once, one pass a paper (Nogueira and Cho 2019, 'Passage
re-ranking with BERT', https://arxiv.org/abs/1901.04085). It says this of the paper, and of each sentence whether it
holds what is asked of the paper. ``training/fit`` makes ``models/fit.onnx`` and fits the calibration.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

from rag.datatypes import Intent, Paper, Reading, Sentence
from rag.encoding.onnx_encoder import Network, model_file, token_logits
from rag.encoding.packaged_weights import token_ids
from rag.evidence.features import FIT_FEATURES
from rag.evidence.pruning import Pruner, pruner
from rag.evidence.ranking import Candidate, Ranked
from rag.system.logistic import logistic
from rag.system.once import once

# Of models/fit.onnx.
MODEL_SHA256 = "96a08ade49b4a4298cb1ee19fb9b860f7afe9758dbbad07742f751726a059ac2"
FITS = 0.43  # probability from which on a paper belongs into the answer
# What the probability is made from, a logistic regression on the open half of ``training/several_questions.jsonl``
# (``training.fit.combine``): the network's log-odds, the logarithm of the paper's rank (the first is 1), how far the
# ranker's score of its best sentence stands below that of the best of all, and 1.
OF_NETWORK, OF_RANK, OF_SCORE, BIAS = 0.483, -1.516, 0.171, 2.884
# A review is after all that there is on a topic, where those questions were after two to ten papers: there the network
# alone decides, and a paper fits from about log-odds of 0.9.
BIAS_IN_REVIEW = -1.2
# And the relevance of a sentence: the network's log-odds, how far the ranker's score stands below that of the paper's
# best sentence, and the log-odds of the network that chooses sentences. Chosen on the same questions.
OF_HEAD, OF_RANKER, OF_PRUNER = 0.7, 0.3, 0.5
MOST_READ = 5  # sentences of a paper, the ranker's best
QUESTION, TITLE, LONGEST = 64, 40, 288  # tokens that are read: of a question, of a title, in all
_CLS, _SEP = 101, 102
_NO_PAPER = -2.5  # log-odds, about the least that the network says of a paper
_SENTENCE, _TITLE = 1, 9  # tokens that the vocabulary leaves unused: they stand before sentences and titles


@dataclass(frozen=True, slots=True)
class Fit:
    """How far one paper is about what is asked.

    ``probability`` is in 0..1. ``sentences`` are those that were read, in the order of the abstract, ``relevance`` the
    log-odds (nats) of each that it holds what the question asks of the paper. ``network_log_odds`` are what the network
    alone says of the paper, whatever its rank: the same figure means the same for every question.
    """

    paper: Paper
    probability: float
    sentences: tuple[Sentence, ...]
    relevance: tuple[float, ...]
    network_log_odds: float = 0.0

    @property
    def best(self) -> Sentence:
        """The sentence that most says what is asked."""
        return self.sentences[max(range(len(self.sentences)), key=lambda at: (self.relevance[at], -at))]

    @property
    def fits(self) -> bool:
        """Whether the paper belongs into the answer."""
        return self.probability >= FITS


class FitJudge(Protocol):
    """Judges papers, and of those that an answer cites once more their sentences."""

    def judge(self, reading: Reading, ranked: Ranked) -> tuple[Fit, ...]:
        """One judgement for each paper of ``ranked`` that has sentences, best first, equal ones by id."""
        ...

    def weigh(self, reading: Reading, fits: Sequence[Fit]) -> tuple[Fit, ...]:
        """The same judgements with the relevance of their sentences judged more closely, at more cost."""
        ...

    def answers(self, question: str, sentences: Sequence[str]) -> list[float]:
        """Of each sentence the log-odds (nats) that it answers ``question``."""
        ...


@dataclass(frozen=True, slots=True)
class Encoded:
    """A question and one paper as tokens; ``heads`` is where each of its sentences begins, as far as they fit."""

    ids: tuple[int, ...]
    kinds: tuple[int, ...]
    heads: tuple[int, ...]


def encode(question: str, title: str, sentences: Sequence[str], longest: int = LONGEST) -> Encoded:
    """What the network reads; sentences that do not fit ``longest`` tokens lose their end or are left out."""
    ids = [_CLS, *token_ids(question)[:QUESTION], _SEP]
    begin = len(ids)
    ids += [_TITLE, *token_ids(title)[:TITLE]]
    heads: list[int] = []
    for text in sentences:
        if len(ids) + 8 > longest:
            break
        heads.append(len(ids))
        ids.append(_SENTENCE)
        ids += token_ids(text)[: longest - 1 - len(ids)]
    ids.append(_SEP)
    return Encoded(tuple(ids), (0,) * begin + (1,) * (len(ids) - begin), tuple(heads))


@dataclass(frozen=True, slots=True)
class NetworkJudge:
    """Judges through ``network``, whose output is (1, tokens, 2): at the first token the log-odds that the paper fits,
    where a sentence begins those that it holds what is asked. ``pruner`` judges sentences more closely."""

    network: Network
    pruner: Pruner

    def judge(self, reading: Reading, ranked: Ranked) -> tuple[Fit, ...]:
        """One judgement for each paper of ``ranked`` that has sentences, best first, equal ones by id.

        Raises :class:`rag.errors.ModelError` where the file is missing or damaged.
        """
        papers = {hit.paper.id: hit.paper for hit in ranked.hits}
        best = ranked.candidates[0].score if ranked.candidates else 0.0
        found = []
        for paper_id, mine in best_of_each(ranked, MOST_READ).items():
            paper = papers[paper_id]
            read = encode(reading.search, paper.title, [c.sentence.text for c in mine])
            paper_logit, sentence_logits = _said(self.network, read)
            sentences = tuple(c.sentence for c in mine[: len(read.heads)])
            first = max(c.score for c in mine)
            relevance = tuple(
                OF_HEAD * said + OF_RANKER * (c.score - first) for said, c in zip(sentence_logits, mine, strict=False)
            )
            log_odds = paper_logit + BIAS_IN_REVIEW
            if reading.intent is not Intent.REVIEW:
                log_odds = OF_NETWORK * paper_logit + OF_RANK * math.log(1 + mine[0].rank) + BIAS
                log_odds += OF_SCORE * (first - best)
            found.append(Fit(paper, logistic(log_odds), sentences, relevance, paper_logit))
        return tuple(sorted(found, key=lambda fit: (-fit.probability, fit.paper.id)))

    def weigh(self, reading: Reading, fits: Sequence[Fit]) -> tuple[Fit, ...]:
        """The same with what the pruner says of each sentence in ``relevance``."""
        weighed = []
        for fit in fits:
            answers = self.answers(reading.search, [sentence.text for sentence in fit.sentences])
            added = (x + OF_PRUNER * more for x, more in zip(fit.relevance, answers, strict=True))
            weighed.append(replace(fit, relevance=tuple(added)))
        return tuple(weighed)

    def answers(self, question: str, sentences: Sequence[str]) -> list[float]:
        """Of each sentence the log-odds (nats) that it answers ``question``; they are read together."""
        return [one.relevance_logit for one in self.pruner.judge(question, [(1, text) for text in sentences])]


def fit_features(fits: Sequence[Fit]) -> dict[str, float]:
    """``FIT_FEATURES`` by name: what the network says of the two papers that it thinks fit best."""
    best = sorted((fit.network_log_odds for fit in fits), reverse=True)[: len(FIT_FEATURES)]
    best += [_NO_PAPER] * (len(FIT_FEATURES) - len(best))
    return dict(zip(FIT_FEATURES, best, strict=True))


def best_of_each(ranked: Ranked, most: int) -> dict[str, list[Candidate]]:
    """By paper its ``most`` best candidates, in the order of the abstract."""
    found: dict[str, list[Candidate]] = {}
    for candidate in ranked.candidates:
        mine = found.setdefault(candidate.paper_id, [])
        if len(mine) < most:
            mine.append(candidate)
    return {paper_id: sorted(mine, key=lambda c: c.index) for paper_id, mine in found.items()}


# A question that turns out to be after several papers has its first ones judged once more, among others.
@lru_cache(maxsize=64)
def _said(network: Network, read: Encoded) -> tuple[float, tuple[float, ...]]:
    """The network's log-odds of the paper, and of each of its sentences that was read."""
    logits = token_logits(network, read.ids, read.kinds)
    return float(logits[0, 0]), tuple(float(logits[head, 1]) for head in read.heads)


@once
def fit_judge() -> NetworkJudge:
    """On the shipped network, one per process; it is read when it is first asked."""
    return NetworkJudge(Network(model_file("fit.onnx"), MODEL_SHA256, threads=2), pruner())
