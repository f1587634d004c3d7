"""Whether the sentences of an abstract bear a claim out, contradict it or do not state it: a network that reads both.

A cross-encoder over ``<s> claim </s></s> source </s>`` (natural language inference; Bowman et al. 2015, 'A large
annotated corpus for learning natural language inference'). ``training/checker`` makes ``models/checker.onnx``, which
holds its vocabulary, its temperature and its thresholds: the file is all that is needed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from rag.datatypes import Verdict
from rag.encoding.onnx_encoder import Network, model_file
from rag.library.chunking import split_sentences
from rag.system.once import once
from rag.text.plaintext import encodable
from rag.text.tokenization import stems

# Of models/checker.onnx.
MODEL_SHA256 = "7dda8cfd7654a39f3ae7ddb32b20d8ebde0db1116afa7ee3da112079e3cef3df"
MAX_TOKENS = 256  # claim, source and four marks
LONGEST_CLAIM = 96  # tokens
BEGIN, PAD, END, UNKNOWN = "<s>", "<pad>", "</s>", "[UNK]"
# What a sentence gains from each neighbour's shared words, and the last one from its place, as shares: conclusions
# stand at the end. Chosen on the rationales of SciFact's training claims (benchmarks/LOG.md).
_NEIGHBOUR, _PLACE = 0.2, 0.45


@dataclass(frozen=True, slots=True)
class Judgement:
    """Calibrated probabilities, together 1."""

    supported: float
    contradicted: float
    not_stated: float


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which probability on a verdict holds; chosen on claims that the network was not taught."""

    supported: float
    weak: float
    contradicted: float

    def verdict(self, judgement: Judgement) -> Verdict:
        """What is said of a claim that was judged so."""
        if judgement.contradicted >= self.contradicted and judgement.contradicted > judgement.supported:
            return Verdict.CONTRADICTED
        if judgement.supported >= self.supported:
            return Verdict.SUPPORTED
        return Verdict.WEAK if judgement.supported >= self.weak else Verdict.UNSUPPORTED


class ClaimReader:
    """Claims and sources to token ids, with the vocabulary of the network (``pieces`` in the order of their ids)."""

    def __init__(self, pieces: Sequence[str]) -> None:
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

        self._ids = {piece: at for at, piece in enumerate(pieces)}
        self._tokenizer = Tokenizer(models.WordPiece(self._ids, unk_token=UNKNOWN))
        self._tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        self._tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()

    def ids(self, text: str) -> list[int]:
        """Ids of the pieces of ``text``, without marks."""
        return list(self._tokenizer.encode(encodable(text), add_special_tokens=False).ids)

    def read(self, claim: str, source: str, longest: int = MAX_TOKENS) -> list[int]:
        """Ids of the pair as the network reads it, ``longest`` at most."""
        said = self.ids(claim)[: min(LONGEST_CLAIM, longest // 2)]
        room = longest - len(said) - 4
        held = self.ids(source)
        if len(held) > room:
            sentences = [s.text for s in split_sentences(source)]
            read = [self.ids(s) for s in sentences]
            kept = relevant_sentences(claim, sentences, [len(r) for r in read], room)
            held = [piece for at in kept for piece in read[at]][:room]
        end = self._ids[END]
        return [self._ids[BEGIN], *said, end, end, *held, end]


def relevant_sentences(claim: str, sentences: Sequence[str], lengths: Sequence[int], room: int) -> list[int]:
    """Positions, in order, of the sentences to hold against ``claim`` where only ``room`` tokens can be read.

    All where they fit. Otherwise those that share most words with the claim, a word counting less the more
    sentences have it, a sentence more beside such sentences and towards the end, as long as there is room; at least
    one. ``lengths`` are in tokens.
    """
    if sum(lengths) <= room:
        return list(range(len(sentences)))
    asked = set(stems(claim))
    held = [set(stems(s)) & asked for s in sentences]
    common = {word: sum(word in words for words in held) for word in asked}
    own = [sum(1 / common[word] for word in sorted(words)) for words in held]
    shared = [
        score + _NEIGHBOUR * ((own[at - 1] if at else 0.0) + (own[at + 1] if at + 1 < len(own) else 0.0))
        for at, score in enumerate(own)
    ]
    most, last = max(shared) or 1.0, max(1, len(own) - 1)
    worth = [score / most + _PLACE * at / last for at, score in enumerate(shared)]
    chosen: list[int] = []
    for at in sorted(range(len(worth)), key=lambda at: (-worth[at], at)):
        if not chosen or lengths[at] <= room:
            chosen.append(at)
            room -= lengths[at]
    return sorted(chosen)


class EntailmentNetwork:
    """Judges claims through ``network``, which takes ``input_ids`` and ``attention_mask`` and gives three logits."""

    def __init__(self, network: Network) -> None:
        self._network = network

    @cached_property
    def reader(self) -> ClaimReader:
        """With the vocabulary in the file."""
        return ClaimReader(self._network.properties()["pieces"].split("\n"))

    @cached_property
    def temperature(self) -> float:
        """What the logits are divided by, so that the probabilities can be believed (Guo et al. 2017)."""
        return float(self._network.properties().get("temperature", "1"))

    @cached_property
    def thresholds(self) -> Thresholds:
        """Those in the file."""
        return Thresholds(**json.loads(self._network.properties()["thresholds"]))

    def logits(self, ids: Sequence[int]) -> list[float]:
        """Of 'supported', 'contradicted' and 'not stated' for one pair."""
        return [float(x) for x in self._network.logits(input_ids=ids, attention_mask=[1] * len(ids))[0]]

    def judge(self, claim: str, source: str) -> Judgement:
        """What ``source`` (plain text of one or more sentences) says of ``claim``.

        Raises :class:`rag.errors.ModelError` where the file is missing or damaged.
        """
        return Judgement(*softmax(self.logits(self.reader.read(claim, source)), self.temperature))


def softmax(logits: Sequence[float], temperature: float = 1.0) -> list[float]:
    """Probabilities of ``logits`` over ``temperature``."""
    top = max(logits)
    powers = [math.exp((x - top) / temperature) for x in logits]
    return [p / sum(powers) for p in powers]


@once
def entailment_network() -> EntailmentNetwork:
    """The shipped network, one per process; it is read when it is first asked."""
    return EntailmentNetwork(Network(model_file("checker.onnx"), MODEL_SHA256, threads=2, prepack=False))
