"""Where the check finds the abstracts of a library, and what judges sentences by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rag.datatypes import Encoder
from rag.text.legibility import illegible_words
from rag.verification.citations import Sources
from rag.verification.entailment import Judgement, Thresholds, entailment_network

if TYPE_CHECKING:
    from rag.library.library import Library
    from rag.library.read_once import ReadOnce


def sources_of(library: Library | ReadOnce, encoder: Encoder) -> Sources:
    """What the check asks about the abstracts of ``library``. The network is loaded when it is first asked."""
    return Sources(
        library.sentences, judge_claim, thresholds, library.sentence_vectors, lambda text: encoder.encode([text])[0]
    )


def judge_claim(claim: str, source: str) -> Judgement:
    """What the shipped network says of a claim and the text that it is held against.

    A claim with words that the network cannot read is not stated: it would judge the rest of the claim.
    """
    if illegible_words(claim, source):
        return Judgement(0.0, 0.0, 1.0)
    return entailment_network().judge(claim, source)


def thresholds() -> Thresholds:
    """Those of the shipped network."""
    return entailment_network().thresholds
