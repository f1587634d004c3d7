"""What of the ranker's sentences an answer needs: whole ones, and words of them, judged by a small encoder.

It reads the question and all the sentences at once, from both sides, so it knows of each what the others say; a
language model of the writer's size, which reads from left to right, learns that far worse. One pass gives a logit for
each sentence (does it hold the answer or a part of it?) and one for each of its words (does it stay?). That is context
pruning as token labelling (Chirkova et al. 2025, 'Provence: efficient and robust context pruning for
retrieval-augmented generation', https://arxiv.org/abs/2501.16214), with MiniLM in the place of a large reranker.
``training/pruning`` makes ``models/pruning.onnx``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rag.datatypes import Evidence
from rag.encoding.onnx_encoder import Network, model_file, token_logits
from rag.encoding.packaged_weights import token_ids
from rag.system.logistic import logistic
from rag.system.once import once
from rag.text.sentence_compression import split_units

# Of models/pruning.onnx.
MODEL_SHA256 = "21db306375f7783fdd4495554841431294281fbf96600632fbe163ebe0a38e62"
QUESTION = 64  # tokens of a question that are read
LONGEST = 512  # tokens that the network reads at once
_CLS, _SEP = 101, 102
_PAPERS = 8  # the vocabulary's unused tokens 1 to 8 stand before the sentences of papers 1 to 8


@dataclass(frozen=True, slots=True)
class Judged:
    """Of one sentence, in nats of log-odds: that it answers, and that each of its units stays."""

    relevance_logit: float
    keep_logits: tuple[float, ...]

    @property
    def probability(self) -> float:
        """That the sentence answers."""
        return logistic(self.relevance_logit)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A question and sentences as tokens.

    ``kinds`` are 0 for the question and 1 for the rest, ``heads`` is where each sentence begins, ``spans`` from where
    to where each of its units goes.
    """

    ids: tuple[int, ...]
    kinds: tuple[int, ...]
    heads: tuple[int, ...]
    spans: tuple[tuple[tuple[int, int], ...], ...]


class Pruner:
    """Judges sentences through ``network``, whose output is (1, tokens, 2): does the word stay, does the sentence."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def judge(self, question: str, sentences: Sequence[tuple[int, str]]) -> list[Judged]:
        """One judgement for each sentence, which come with the numbers of their papers, the ranker's best first.

        What does not fit ``LONGEST`` is read in parts; of a sentence that does not fit alone the words at the end have
        log-odds of 0. Raises :class:`rag.errors.ModelError` where the file is missing or damaged.
        """
        found: list[Judged] = []
        rest = list(sentences)
        while rest:
            encoded = encode(question, rest)
            logits = token_logits(self._network, encoded.ids, encoded.kinds)
            for head, spans in zip(encoded.heads, encoded.spans, strict=True):
                stay = tuple(float(logits[a:b, 0].mean()) if b > a else 0.0 for a, b in spans)
                found.append(Judged(float(logits[head, 1]), stay))
            rest = rest[len(encoded.heads) :]
        return found


def pruned(
    evidence: Sequence[Evidence], judged: Sequence[Judged], min_logit: float, several: bool
) -> tuple[Evidence, ...]:
    """The sentences worth at least ``least``, or else the best one; with ``several`` the best of every paper as well.

    ``judged`` is of all sentences, in their order. Papers are numbered anew.
    """
    rest = iter(judged)
    worths = [[next(rest).relevance_logit for _ in item.sentences] for item in evidence]
    best = max((max(mine) for mine in worths), default=0.0)
    found: list[Evidence] = []
    for item, mine in zip(evidence, worths, strict=True):
        enough = min(min_logit, max(mine) if several else best)
        kept = [at for at, worth in enumerate(mine) if worth >= enough]
        if kept:
            sentences = tuple(item.sentences[at] for at in kept)
            scores = tuple(item.scores[at] for at in kept if at < len(item.scores))
            found.append(replace(item, number=len(found) + 1, sentences=sentences, scores=scores))
    return tuple(found)


def encode(question: str, sentences: Sequence[tuple[int, str]], longest: int = LONGEST) -> Encoded:
    """As many of the sentences as fit ``longest`` tokens, at least one, which loses its end if need be."""
    ids = [_CLS, *token_ids(question)[:QUESTION], _SEP]
    begin = len(ids)
    heads: list[int] = []
    spans: list[tuple[tuple[int, int], ...]] = []
    for number, text in sentences:
        mine = [token_ids(unit.text) for unit in split_units(text)]
        if heads and len(ids) + 1 + sum(map(len, mine)) >= longest:
            break
        heads.append(len(ids))
        ids.append(min(number, _PAPERS))
        places = []
        for pieces in mine:
            taken = pieces[: longest - 1 - len(ids)]
            places.append((len(ids), len(ids) + len(taken)))
            ids += taken
        spans.append(tuple(places))
    ids.append(_SEP)
    return Encoded(tuple(ids), (0,) * begin + (1,) * (len(ids) - begin), tuple(heads), tuple(spans))


def network_file() -> Path:
    """``pruning.onnx``, wherever this installation has it."""
    return model_file("pruning.onnx")


@once
def pruner() -> Pruner:
    """On the shipped network, one per process; it is read when it is first asked."""
    return Pruner(Network(network_file(), MODEL_SHA256, threads=2))
