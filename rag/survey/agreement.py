"""Whether the papers that report of one thing agree: who stands beside whom, and what cannot be compared.

Of each paper that fits, the sentence that says the most is its claim. Two claims can be compared where their vectors
are near. Whether they agree follows from which way each goes (:mod:`rag.text.directions`) and from what a network that
reads one claim and the other says of them. Conservative: where that decides nothing, nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Protocol

from rag.datatypes import Evidence, Sentence
from rag.evidence.fitting import Fit
from rag.survey.structure import Key, Structured, best_standing
from rag.text.directions import concur, directions, oppose

if TYPE_CHECKING:
    from rag.datatypes import Matrix, Vector

MOST_CLAIMS, MOST_PASSES = 8, 12  # papers that are compared; pairs that the network reads, each in both orders
NEAR = 0.55  # cosine of two claims from which on they may be about one thing
_SURE = 0.8  # probability from which on the network's word decides

AGREE = "The abstracts that can be compared agree."
DISAGREE = "The abstracts do not agree."
UNDECIDED = "The abstracts do not allow a comparison."
ONE, OTHER, APART = "One finding", "A different finding", "Not comparable with these"

_ASKED = re.compile(
    r"\b(?:dis)?agree(?:s|d|ment)?\b|\bconsensus\b|\bconsisten(?:t|cy)\b|\binconsisten(?:t|cy|cies)\b|"
    r"\bcontradict(?:s|ed|ion|ions|ory|ing)?\b|\bconflict(?:s|ing)?\b|\bcontrovers(?:y|ies|ial)\b|\bdisput(?:e|ed|es)\b",
    re.IGNORECASE,
)
_OF_PAPERS = re.compile(
    r"\b(?:papers?|studies|study|works|authors?|they|abstracts?|literature|evidence|findings?|results?|reports?|research|"
    r"researchers|trials?|there|consensus|experts?|scientists)\b",
    re.IGNORECASE,
)


def asks_agreement(question: str) -> bool:
    """Whether it is asked if papers agree: 'Do they agree on …?', 'Is there a consensus …?'"""
    return _ASKED.search(question) is not None and _OF_PAPERS.search(question) is not None


class Opinion(Protocol):
    """Probabilities of what one text says of another."""

    @property
    def supported(self) -> float: ...
    @property
    def contradicted(self) -> float: ...


class Store(Protocol):
    """What finding claims needs of a library."""

    def sentences(self, paper_id: str) -> tuple[Sentence, ...]: ...
    def sentence_vectors(self, paper_id: str) -> Matrix: ...


@dataclass(frozen=True, slots=True)
class _Claim:
    fit: Fit
    sentences: tuple[Sentence, ...]  # the claim is the last; what it leans on stands before it

    @property
    def text(self) -> str:
        return self.sentences[-1].text


def agreement(fits: Sequence[Fit], store: Store, read: Callable[[str, str], Opinion]) -> Structured | None:
    """What papers that fit say of one thing, side by side; None where fewer than two fit.

    ``read`` says what a source (the second text) says of a claim (the first).
    """
    claims = [
        _Claim(fit, best_standing(fit, store.sentences(fit.paper.id))) for fit in fits if fit.fits and fit.sentences
    ][:MOST_CLAIMS]
    if len(claims) < 2:
        return None
    same, different = _relations(claims, store, read)
    first, second = _camps(len(claims), same, different)
    lead = DISAGREE if second else AGREE if len(first) > 1 else UNDECIDED
    apart = [at for at in range(len(claims)) if at not in (*first, *second)]
    evidence: list[Evidence] = []
    sections: dict[Key, str] = {}
    for heading, members in ((ONE, first), (OTHER, second), (APART, apart)):
        for at in members:
            claim = claims[at]
            evidence.append(Evidence(len(evidence) + 1, claim.fit.paper, claim.sentences, claim.fit.probability))
            if lead == DISAGREE or (lead == AGREE and apart):
                sections |= {(claim.fit.paper.id, s.start): heading for s in claim.sentences}
    return Structured(tuple(evidence), sections, lead, considered=tuple(fits))


def _relations(
    claims: Sequence[_Claim], store: Store, read: Callable[[str, str], Opinion]
) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """The pairs of claims that say the same, and those that say different things; nearest pairs are read first."""
    vectors = [_vector(claim, store) for claim in claims]
    near = []
    for a, b in combinations(range(len(claims)), 2):
        cosine = float(vectors[a] @ vectors[b])
        if cosine >= NEAR and (directions(claims[a].text) or directions(claims[b].text)):
            near.append((-cosine, a, b))
    same: set[tuple[int, int]] = set()
    different: set[tuple[int, int]] = set()
    for _, a, b in sorted(near)[:MOST_PASSES]:
        one, other = claims[a].text, claims[b].text
        opinions = (read(one, other), read(other, one))
        denied = any(opinion.contradicted >= _SURE for opinion in opinions)
        borne_out = any(opinion.supported >= _SURE for opinion in opinions)
        if oppose(one, other):
            different |= {(a, b)} if denied else set()
        elif borne_out or (concur(one, other) and not denied):
            same.add((a, b))
    return same, different


def _vector(claim: _Claim, store: Store) -> Vector:
    """The unit vector of a claim, shape ``(dimension,)``."""
    starts = [one.start for one in store.sentences(claim.fit.paper.id)]
    vector: Vector = store.sentence_vectors(claim.fit.paper.id)[starts.index(claim.sentences[-1].start)]
    return vector


def _camps(count: int, same: set[tuple[int, int]], different: set[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Two groups of claims; the second is empty where no claim differs from one of the first.

    Both are grown from the first pair that differs, else from the first that agrees, along pairs that agree. A claim
    that belongs to both belongs to neither.
    """
    seed = min(different or same, default=None)
    if seed is None:
        return [], []

    def grown(start: int) -> set[int]:
        group, size = {start}, 0
        while size != len(group):
            size = len(group)
            group |= {x for pair in same if group & set(pair) for x in pair}
        return group

    first, second = grown(seed[0]), grown(seed[1]) if different else set()
    if not different:
        return sorted(first), []
    both = first & second
    return sorted(first - both | {seed[0]}), sorted(second - both | {seed[1]})
