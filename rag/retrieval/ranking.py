"""The door of this folder: a reading to the papers that may answer it, best first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.datatypes import Encoder, PaperHit, Reading

if TYPE_CHECKING:
    from rag.datatypes import Vector

# Text, its unit vector, how many; the ids of the papers to search among only where not all may be used.
Search = Callable[..., Sequence[PaperHit]]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Papers for a question, best first; ``vector`` is the question's unit vector, (dimension,), float32."""

    hits: tuple[PaperHit, ...]
    vector: Vector


def rank(reading: Reading, k: int, encoder: Encoder, search: Search, within: Sequence[str] | None = None) -> Ranking:
    """The first ``k`` papers of those with the ids ``within`` (None: all)."""
    vector = encoder.encode([reading.search])[0]
    if reading.is_follow_up:  # the turn before says what it is about, this one what is asked
        both = vector + encoder.encode([reading.text])[0]
        vector = both / max(float((both**2).sum()) ** 0.5, 1e-9)
    hits = search(reading.search, vector, k, *(() if within is None else (list(within),)))
    return Ranking(tuple(hits), vector)
