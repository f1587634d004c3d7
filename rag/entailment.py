"""What the entailment network reads, and the network as it ships: one ONNX file, run by onnxruntime.

It judges whether a source (a few sentences of an abstract) bears a claim out, contradicts it or does not state it. Both
are read at once: ``<s> claim </s></s> source </s>``. The vocabulary lies in the file itself, so that file is all.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.chunking import split_sentences
from rag.words import stems

MAX_TOKENS = 192  # claim, source and four marks
LONGEST_CLAIM = 96  # tokens
BEGIN, PAD, END, UNKNOWN = "<s>", "<pad>", "</s>", "[UNK]"
_BESIDE = 0.4  # what a sentence gains from each neighbour's shared words


def nearest(claim: str, sentences: Sequence[str], lengths: Sequence[int], room: int) -> list[int]:
    """Positions, in order, of the sentences to hold against ``claim`` where only ``room`` tokens can be read.

    All where they fit. Otherwise those that share most words with the claim, a word counting less the more
    sentences have it, and their neighbours, as long as there is room; at least one. ``lengths`` are in tokens.
    """
    if sum(lengths) <= room:
        return list(range(len(sentences)))
    asked = set(stems(claim))
    held = [set(stems(s)) & asked for s in sentences]
    common = {word: sum(word in words for words in held) for word in asked}
    own = [sum(1 / common[word] for word in sorted(words)) for words in held]
    worth = [
        score + _BESIDE * (own[at - 1] if at else 0.0) + _BESIDE * (own[at + 1] if at + 1 < len(own) else 0.0)
        for at, score in enumerate(own)
    ]
    chosen: list[int] = []
    for at in sorted(range(len(worth)), key=lambda at: (-worth[at], at)):
        if not chosen or lengths[at] <= room:
            chosen.append(at)
            room -= lengths[at]
    return sorted(chosen)


class Reader:
    """Claims and sources to token ids, with the vocabulary of the network."""

    def __init__(self, pieces: Sequence[str]) -> None:
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

        self._ids = {piece: at for at, piece in enumerate(pieces)}
        self._tokenizer: Any = Tokenizer(models.WordPiece(self._ids, unk_token=UNKNOWN))
        self._tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        self._tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()

    def ids(self, text: str) -> list[int]:
        """Ids of the pieces of ``text``, without marks."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def read(self, claim: str, source: str, longest: int = MAX_TOKENS) -> list[int]:
        """Ids of the pair as the network reads it, ``longest`` at most."""
        said = self.ids(claim)[: min(LONGEST_CLAIM, longest // 2)]
        room = longest - len(said) - 4
        held = self.ids(source)
        if len(held) > room:
            sentences = [s.text for s in split_sentences(source)]
            read = [self.ids(s) for s in sentences]
            kept = nearest(claim, sentences, [len(r) for r in read], room)
            held = [piece for at in kept for piece in read[at]][:room]
        end = self._ids[END]
        return [self._ids[BEGIN], *said, end, end, *held, end]


@dataclass(frozen=True)
class Judgement:
    """Calibrated probabilities, together 1."""

    supported: float
    contradicted: float
    not_stated: float


class Entailment:
    """The shipped network; ``thresholds`` says from which probability on a verdict holds."""

    def __init__(self, path: Path, threads: int = 2) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        meta = self._session.get_modelmeta().custom_metadata_map
        self.reader = Reader(meta["pieces"].split("\n"))
        self.temperature = float(meta.get("temperature", "1"))
        self.thresholds: dict[str, float] = json.loads(meta.get("thresholds", "{}"))

    def logits(self, ids: Sequence[int]) -> list[float]:
        """Three logits of one pair. Activations are quantised over a batch, so pairs are never batched."""
        import numpy as np

        row = np.asarray([ids], dtype=np.int64)
        (found,) = self._session.run(["logits"], {"input_ids": row, "attention_mask": np.ones_like(row)})
        return [float(x) for x in found[0]]

    def judge(self, claim: str, source: str) -> Judgement:
        """How likely it is that ``source`` bears ``claim`` out, contradicts it, does not state it."""
        return Judgement(*softmax(self.logits(self.reader.read(claim, source)), self.temperature))


def softmax(logits: Sequence[float], temperature: float = 1.0) -> list[float]:
    """Probabilities of logits over ``temperature``."""
    top = max(logits)
    powers = [math.exp((x - top) / temperature) for x in logits]
    return [p / sum(powers) for p in powers]
