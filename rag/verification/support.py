"""How likely an abstract is to bear a sentence out: words, rules and a small network, weighed by logistic regression.

The network reads the sentence beside the three sentences of the abstract that share most words with it: they hold what
is needed nine times in ten, and a whole abstract would cost three times as much. Its logit is one figure among those
of :func:`features`; ``support_weights.json`` weighs them. ``training/support`` makes both.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from rag.encoding.onnx_encoder import PairScorer, model_file
from rag.system.logistic import logistic
from rag.text import contradictions, facts
from rag.text.tokenization import stems

# Of models/support.onnx.
MODEL_SHA256 = "4e33d10339386223f3391f73f2a7df8ceaec6919b81bf5483911e5af2c984ee0"
MAX_TOKENS = 112  # of the sentence and what it is held against
SENTENCES = 3  # of an abstract, that the network reads
LATE = 0.2  # of two sentences that share as many words, the later one is the likelier finding
NETWORK = "network"
_PREFIX = 5  # letters that make two stems cousins ('migrat', 'migrant')


def overlaps(text: str, sentences: Sequence[str]) -> list[float]:
    """For each sentence the share of the words of ``text`` that it holds, 0..1."""
    words = set(stems(text))
    return [len(words & set(stems(s))) / max(1, len(words)) for s in sentences]


def choose(text: str, sentences: Sequence[str], k: int = SENTENCES) -> list[int]:
    """Positions of the ``k`` sentences to hold ``text`` against, in the order of the abstract."""
    ranked = _ranked(overlaps(text, sentences))
    return sorted(ranked[:k])


def _ranked(shares: Sequence[float]) -> list[int]:
    return sorted(range(len(shares)), key=lambda i: (-shares[i] - LATE * i / len(shares), i))


def features(text: str, title: str, sentences: Sequence[str]) -> dict[str, float]:
    """What words and rules say, by name; ``sentences`` are those of the abstract, at least one."""
    whole = f"{title} {' '.join(sentences)}"
    words, held = set(stems(text)), set(stems(whole))
    prefixes = {w[:_PREFIX] for w in held}
    cousins = sum(w in held or (len(w) >= _PREFIX and w[:_PREFIX] in prefixes) for w in words)
    near = sentences[_ranked(overlaps(text, sentences))[0]]
    return {
        "words held": len(words & held) / max(1, len(words)),
        "words and cousins held": cousins / max(1, len(words)),
        "words missing": float(min(8, len(words - held))),
        "one denies": float(contradictions.has_negation(text) != contradictions.has_negation(near)),
        "denies what the other affirms": float(contradictions.contradicts_by_negation(text, near)),
        "opposite": float(contradictions.contradicts_by_antonym(text, near)),
        "names missing": float(bool(facts.missing_names(text, whole))),
        "figures missing": float(bool(facts.missing_figures(text, whole))),
    }


@dataclass(frozen=True, slots=True)
class Weights:
    """The fit: a sentence is supported from ``supported`` on and weakly so from ``weak`` on, both in 0..1."""

    intercept: float
    weights: Mapping[str, float]
    supported: float
    weak: float

    def probability(self, figures: Mapping[str, float]) -> float:
        """The logistic of the weighted sum; ``figures`` must have every name of ``weights``."""
        total = self.intercept + sum(weight * figures[name] for name, weight in self.weights.items())
        return logistic(total)


@lru_cache(maxsize=1)
def weights() -> Weights:
    """The shipped fit."""
    raw = json.loads(resources.files("rag.verification").joinpath("support_weights.json").read_text(encoding="utf-8"))
    return Weights(raw["intercept"], raw["weights"], raw["supported"], raw["weak"])


def held_against(text: str, sentences: Sequence[str]) -> str:
    """What the network reads beside ``text``."""
    return " ".join(sentences[i] for i in choose(text, sentences))


def probability(text: str, title: str, sentences: Sequence[str]) -> float:
    """How likely the abstract bears ``text`` out, 0..1. Raises :class:`rag.errors.ModelError` for a damaged network."""
    figures = features(text, title, sentences)
    (figures[NETWORK],) = network().score([(text, held_against(text, sentences))])
    return weights().probability(figures)


_LOCK = threading.Lock()


def network() -> PairScorer:
    """The shipped network, one per process; it is read when it is first asked."""
    with _LOCK:
        return _network()


@lru_cache(maxsize=1)
def _network() -> PairScorer:
    return PairScorer(model_file("support.onnx"), MODEL_SHA256, threads=2, max_tokens=MAX_TOKENS)
