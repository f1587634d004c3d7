"""What an answer with a structure is made from: a comparison, a review, papers that agree or do not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rag.datatypes import Evidence, Sentence
from rag.evidence.fitting import Fit
from rag.text.self_contained import leans_on_previous, needed_before

Key = tuple[str, int]  # id of a paper and the start of one of its sentences


@dataclass(frozen=True, slots=True)
class Structured:
    """Evidence whose sentences stand under headings.

    ``sections`` has the heading of each sentence, in the order of the headings. ``lead`` and ``closing`` are lines that
    were computed, above and below the sentences. ``considered`` are the judgements of all papers that were looked at.
    """

    evidence: tuple[Evidence, ...]
    sections: Mapping[Key, str] = field(default_factory=dict)
    lead: str = ""
    closing: tuple[str, ...] = ()
    considered: tuple[Fit, ...] = ()


class Find(Protocol):
    """Finds papers for a question of one part of an answer and judges them, best first."""

    def __call__(self, question: str, within: Collection[str] | None = None, /) -> Sequence[Fit]: ...


def best_standing(fit: Fit, abstract: Sequence[Sentence]) -> tuple[Sentence, ...]:
    """The sentence of a paper that most says what is asked and can stand by itself.

    Where none can, the best one behind those of ``abstract`` (all sentences in order) that it leans on.
    """
    order = sorted(range(len(fit.sentences)), key=lambda at: (-fit.relevance[at], at))
    standing = [at for at in order if not leans_on_previous(fit.sentences[at].text)]
    if standing:
        return (fit.sentences[standing[0]],)
    best = fit.sentences[order[0]]
    place = next((at for at, one in enumerate(abstract) if one.start == best.start), None)
    count = needed_before([one.text for one in abstract], place) if place is not None else None
    return tuple(abstract[place - count : place + 1]) if place is not None and count is not None else (best,)
