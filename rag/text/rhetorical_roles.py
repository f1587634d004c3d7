"""What each sentence of an abstract does, learned: its role, and whether it is about participants, design or the like.

A logistic regression over the words of a sentence, those of the sentences beside it and its place, in the manner of
sequential sentence classification (Dernoncourt and Lee 2017, 'PubMed 200k RCT', https://arxiv.org/abs/1710.06071),
taught on abstracts of computer science whose sentences were labelled by hand and of medicine whose headings are the
labels. ``training/roles`` makes the weights and measures them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from rag.system.once import once

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Weights = npt.NDArray[np.float32]

ROLES = ("background", "objective", "method", "result", "conclusion", "other")  # one of them
ASPECTS = ("population", "design", "outcome", "intervention")  # any of them
_WEIGHTS = Path(__file__).parent / "role_weights.npz"
_TOKEN = re.compile(r"[a-z]+|\d+|[%=<>?:]")
_DECIMAL = re.compile(r"\d\s*+%|\d\.\d")
LONGEST = 120  # tokens of a sentence that are read
FIGURES = 11  # numbers that stand beside the words


def words_of(sentences: Sequence[str]) -> list[list[str]]:
    """Of each sentence the features that it has: its words, their pairs, how it begins, the words beside it."""
    plain = [["0" if t[0].isdigit() else t for t in _TOKEN.findall(s.lower()[:2_000])[:LONGEST]] for s in sentences]
    found = []
    for at, own in enumerate(plain):
        pairs = [f"{one}_{two}" for one, two in pairwise(own)]
        begins = [f"^{'_'.join(own[:count])}" for count in (1, 2, 3)]
        before = [f"<{word}" for word in plain[at - 1]] if at else ["<START"]
        after = [f">{word}" for word in plain[at + 1]] if at + 1 < len(plain) else [">END"]
        found.append([*own, *pairs, *begins, *before, *after])
    return found


def figures_of(sentences: Sequence[str]) -> list[list[float]]:
    """Of each sentence :data:`FIGURES` numbers: its place, whether it holds figures or asks, its length."""
    last = max(len(sentences) - 1, 1)
    found = []
    for at, text in enumerate(sentences):
        place = at / last
        ends = (at == 0, at == 1, at == len(sentences) - 1, at == len(sentences) - 2)
        has = (any(c.isdigit() for c in text), _DECIMAL.search(text) is not None, "?" in text)
        found.append(
            [place, place**2, *map(float, ends), 1 / len(sentences), *map(float, has), min(len(text) / 200, 3)]
        )
    return found


@dataclass(frozen=True, slots=True)
class RoleModel:
    """Weights of shape ``(features + FIGURES + 1, roles + aspects)``, float32; the last row is the bias."""

    places: Mapping[str, int]
    weights: Weights

    def read(self, sentences: Sequence[str]) -> list[dict[str, float]]:
        """Of each sentence, in the order of the abstract, the probability of every role and every aspect."""
        import numpy as np

        if not sentences:
            return []
        logits = np.array(figures_of(sentences), dtype=np.float32) @ self.weights[-FIGURES - 1 : -1] + self.weights[-1]
        for row, words in enumerate(words_of(sentences)):
            known = sorted({self.places[word] for word in words if word in self.places})
            logits[row] += self.weights[known].sum(axis=0)
        of_roles = np.exp(logits[:, : len(ROLES)] - logits[:, : len(ROLES)].max(axis=1, keepdims=True))
        of_roles /= of_roles.sum(axis=1, keepdims=True)
        of_aspects = 1 / (1 + np.exp(-logits[:, len(ROLES) :]))
        names = (*ROLES, *ASPECTS)
        return [
            dict(zip(names, map(float, values), strict=True))
            for values in np.concatenate([of_roles, of_aspects], axis=1)
        ]


@once
def role_model() -> RoleModel:
    """The shipped weights, loaded once (0.3 MB)."""
    import numpy as np

    with np.load(_WEIGHTS, allow_pickle=False) as file:
        names = str(file["features"]).split("\n")
        return RoleModel({name: place for place, name in enumerate(names)}, file["weights"].astype(np.float32))
