"""What a question asks for, as a small classifier reads it: its words, its vector and what the rules say.

A multinomial logistic regression over three groups of figures: runs of up to three words, where a word that is not
one of the words of asking counts only as a word, a name or a figure; the vector of the question; and a few figures
by rule. So 'papers on coral since 2010' is to it 'papers on _ since #'. The weights lie beside this file and are
made by ``training/reading/fit.py``, whose card is in ``docs/questions.md``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rag.datatypes import KINDS, Intent
from rag.questions.kinds import compares, kind_of, wants_figure
from rag.text.tokenization import tokens

if TYPE_CHECKING:
    from rag.datatypes import Vector

    Encode = Callable[[str], Vector]

_WORD, _NAME, _FIGURE = "_", "^", "#"  # what a word counts as that is none of the words of asking
_LONGEST_RUN = 3
_KNOWN_OF_TALK = 0.7
_LEAST = 1e-6  # probability of a kind that is told from 0
_MOST_WORDS = 60  # of a question that are looked at
_PIECE = re.compile(r"[^\W_]+|[?!:;,.“”\"]")


def pieces(text: str) -> list[str]:
    """The words of a question as typed, and its marks; scripts without spaces in pairs of characters."""
    found: list[str] = []
    for piece in _PIECE.findall(text):
        found += [piece] if piece.isascii() else tokens(piece)
        if len(found) >= _MOST_WORDS:
            break
    return found[:_MOST_WORDS]


def runs(text: str, known: Collection[str]) -> list[str]:
    """The runs of up to three words that a question has, each once, in order; ``known`` are the words of asking."""
    shape = [_shape(piece, known, first=not at) for at, piece in enumerate(pieces(text))]
    short = ["<", *(one for one, _ in groupby(shape)), ">"]
    found = (" ".join(short[at : at + n]) for n in range(1, _LONGEST_RUN + 1) for at in range(len(short) - n + 1))
    return list(dict.fromkeys(found))


def _shape(piece: str, known: Collection[str], first: bool) -> str:
    if piece.lower() in known:
        return piece.lower()
    if piece.isdigit():
        return _FIGURE
    return _NAME if any(c.isupper() for c in (piece[1:] if first else piece)) else _WORD


def figures(text: str) -> dict[str, float]:
    """What the rules say of the kind of a question, and its length."""
    intent, topic = kind_of(text)
    count = len(text.split())
    return {
        f"rule {intent}": 1.0,
        "no topic": float(not topic),
        "side by side": float(compares(text)),
        "wants a figure": float(wants_figure(text)),
        "is short": float(count <= 3),
        "words": min(count, 30) / 10,
        "sentences": min(len(re.findall(r"[.?!](?=\s)", text)), 3.0),
    }


class Classifier:
    """Probabilities of a few classes for a question. Deterministic; half a millisecond beside the vector."""

    def __init__(self, weights: Mapping[str, Any]) -> None:
        import numpy as np

        self.classes: tuple[str, ...] = tuple(weights["classes"])
        self._words = frozenset(weights["words"])
        self._bias = np.array(weights["bias"])
        self._vector = np.array(weights["vector"]).reshape(-1, len(self.classes))
        self._named = {name: np.array(row) for name, row in weights["named"].items()}

    @property
    def dimension(self) -> int:
        """How many values of the vector it looks at; 0: none."""
        return len(self._vector)

    def knows(self, text: str) -> float:
        """The share of the words of a question that are words of asking, 0..1."""
        words = [piece for piece in pieces(text) if piece[0].isalnum()]
        return sum(word.lower() in self._words for word in words) / max(len(words), 1)

    def probabilities(self, text: str, known: Mapping[str, float], vector: Vector | None = None) -> dict[str, float]:
        """By class, summing to 1. ``known`` are the figures by rule, ``vector`` has :attr:`dimension` values."""
        import numpy as np

        scores = self._bias.copy()
        if vector is not None and self.dimension:
            scores += vector.astype(np.float64) @ self._vector
        for name in runs(text, self._words):
            if name in self._named:
                scores += self._named[name]
        for name, value in known.items():
            if name in self._named:
                scores += value * self._named[name]
        exponents = np.exp(scores - scores.max())
        return dict(zip(self.classes, (exponents / exponents.sum()).tolist(), strict=True))


@lru_cache(maxsize=2)
def shipped(name: str) -> Classifier:
    """``kind`` or ``follow_up``: the classifier of that name."""
    path = files("rag.questions").joinpath(f"{name}_weights.json")
    return Classifier(json.loads(path.read_text(encoding="utf-8")))


def likeliest_kind(text: str, vector: Vector) -> str | None:
    """The kind under its public name; None where ``vector`` is not of the encoder that the weights are for."""
    if (likely := _likely(text, vector)) is None:
        return None
    talk = KINDS[Intent.TALK]  # never what is in words that were not taught: it would not be searched for
    possible = [kind for kind in likely if kind != talk or shipped("kind").knows(text) >= _KNOWN_OF_TALK]
    return max(possible, key=likely.__getitem__)


def _likely(text: str, vector: Vector) -> dict[str, float] | None:
    """The probabilities of the kinds; None where ``vector`` is not of the encoder that the weights are for."""
    classifier = shipped("kind")
    if vector.shape != (classifier.dimension,):
        return None
    return classifier.probabilities(text, figures(text), vector)


def log_odds_of_several(text: str, vector: Vector) -> float:
    """That several papers are asked for against one thing, by the words; 0 where ``vector`` is of another encoder."""
    if (likely := _likely(text, vector)) is None:
        return 0.0
    several, one = (likely[KINDS[intent]] for intent in (Intent.MULTI, Intent.FACT))
    return math.log(max(several, _LEAST) / max(one, _LEAST))


def public_kinds() -> list[str]:
    """The kinds under their public names, each once."""
    return list(dict.fromkeys(KINDS[intent] for intent in Intent))
