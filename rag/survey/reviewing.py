"""Reviews: what the library has on a topic, by sub-topics, a sentence for each paper.

Sub-topics are groups of neighbouring papers (agglomerative clustering by Ward's criterion, Ward 1963, 'Hierarchical
grouping to optimize an objective function', over the mean vectors of the papers, which depends on no chance) and are
named by the terms that set them apart (:mod:`rag.survey.topics`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from rag.datatypes import Coverage, Evidence, Sentence
from rag.evidence.fitting import Fit
from rag.survey.structure import Key, Structured, best_standing
from rag.survey.topics import name_groups
from rag.text.tokenization import stems

if TYPE_CHECKING:
    from rag.datatypes import Matrix

MOST_PAPERS = 30
_MOST_GROUPS, _GROUP = 6, 5  # sub-topics; papers of one, about
_FEW = 4  # papers up to which there are no sub-topics
_REST = "Other work"
_TERMS = 6  # terms of a group that a heading is chosen from
_NAMED = 3  # papers that the last line names


class Entry(Protocol):
    """One paper with its sentences and their unit vectors."""

    @property
    def sentences(self) -> tuple[Sentence, ...]: ...
    @property
    def sentence_vectors(self) -> Matrix: ...


class ReviewSource(Protocol):
    """What a review needs of a library."""

    def entries(self, paper_ids: Sequence[str]) -> Mapping[str, Entry]: ...


def review(topic: str, fits: Sequence[Fit], source: ReviewSource) -> Structured | None:
    """The review of ``topic`` from judged papers, best first; None where none fits.

    The largest group stands first, in each the papers by how well they fit.
    """
    fitting = [fit for fit in fits if fit.fits and fit.sentences][:MOST_PAPERS]
    entries = source.entries([fit.paper.id for fit in fitting])
    fitting = [fit for fit in fitting if len(entries.get(fit.paper.id, _NONE).sentences)]
    if not fitting:
        return None
    groups = _groups([_mean(entries[fit.paper.id].sentence_vectors) for fit in fitting])
    names = _headings(topic, [[_text(fitting[at]) for at in group] for group in groups])
    evidence: list[Evidence] = []
    sections: dict[Key, str] = {}
    for name, group in zip(names, groups, strict=True):
        for at in group:
            fit = fitting[at]
            said = best_standing(fit, entries[fit.paper.id].sentences)
            evidence.append(Evidence(len(evidence) + 1, fit.paper, said, fit.probability))
            if len(groups) > 1:
                sections |= {(fit.paper.id, one.start): name for one in said}
    return Structured(tuple(evidence), sections, considered=tuple(fits))


def what_was_covered(covered: Coverage) -> str:
    """'24 papers found, 23 cited; the other is “On Crabs”.'"""
    found = f"{covered.fitting:,} {'paper' if covered.fitting == 1 else 'papers'} found"
    if not covered.not_cited:
        return f"{found}, all cited."
    named = [f"“{title or paper_id}”" for paper_id, title in covered.not_cited[:_NAMED]]
    if more := len(covered.not_cited) - len(named):
        named.append(f"{more:,} more")
    listed = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    others = "the other is" if len(covered.not_cited) == 1 else "the others are"
    return f"{found}, {covered.cited:,} cited; {others} {listed}."


class _Nothing:
    """A paper that is not there any more."""

    sentences: tuple[Sentence, ...] = ()


_NONE = _Nothing()


def _mean(vectors: Matrix) -> Matrix:
    """The unit mean of the rows, shape ``(dimension,)``."""
    mean = vectors.mean(axis=0)
    unit: Matrix = mean / max(float((mean**2).sum()) ** 0.5, 1e-9)
    return unit


def _groups(vectors: Sequence[Matrix]) -> list[list[int]]:
    """Indices of the papers of each group, largest group first; in each in order. One paper alone is no group."""
    import numpy as np

    if len(vectors) <= _FEW:
        return [list(range(len(vectors)))]
    from sklearn.cluster import AgglomerativeClustering

    rows = np.stack(vectors).astype(np.float64)
    first = max(2, min(_MOST_GROUPS, round(len(rows) / _GROUP)))
    found: list[list[int]] = []
    # One paper that is unlike all others takes a group for itself: then there must be more for the others to part.
    for count in range(first, min(_MOST_GROUPS, len(rows) // 2) + 1):
        labels = AgglomerativeClustering(count).fit_predict(rows)
        found = [[int(at) for at in np.flatnonzero(labels == label)] for label in range(count)]
        if sum(len(group) > 1 for group in found) > 1:
            break
    groups = [group for group in found if len(group) > 1]
    if not groups:
        return [list(range(len(rows)))]
    centres = np.stack([rows[group].mean(axis=0) for group in groups])
    for (at,) in (group for group in found if len(group) == 1):
        groups[int((centres @ rows[at]).argmax())].append(at)
    return sorted((sorted(group) for group in groups), key=lambda group: (-len(group), group[0]))


def _headings(topic: str, groups: Sequence[Sequence[str]]) -> list[str]:
    """A heading for each group, each once: of the terms that say more than the topic the first of several words, else
    the first two."""
    asked = set(stems(topic))
    found: list[str] = []
    for terms in name_groups(groups, _TERMS):
        own = [term for term in terms if not set(stems(term)) <= asked]
        phrase = next((term for term in own if " " in term.strip() and _headed(term) not in found), None)
        heading = _headed(phrase or " and ".join(own[:2])) or _REST
        found.append(heading if heading not in found else _REST)
    return found


def _headed(term: str) -> str:
    return term if any(c.isupper() for c in term[1:].partition(" ")[0]) else term[:1].upper() + term[1:]


def _text(fit: Fit) -> str:
    return f"{fit.paper.title}. {fit.paper.abstract}"
