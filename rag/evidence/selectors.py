"""Who chooses the sentences of an answer among those that were scored: the ranker, a small network, or a model.

Each satisfies :class:`SentenceSelector`; ``rag.factory`` decides which one it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from rag.datatypes import Chooser, Evidence, Intent, Option, Reading, StopSignal
from rag.evidence import selection
from rag.evidence.pruning import Pruner, pruned
from rag.evidence.ranking import Ranked
from rag.evidence.third_person import in_third_person
from rag.questions.kinds import compares

OFFERED = 8  # sentences that a model may choose from


@dataclass(frozen=True, slots=True)
class Selection:
    """The numbered sentences of an answer, and for the trace how each sentence that was looked at was judged.

    ``quotes`` are those of them that answer as they stand, where ``evidence`` has more for a model to read; numbers
    mean the same papers in both. Empty: all of them.
    """

    evidence: tuple[Evidence, ...]
    judgements: tuple[Mapping[str, Any], ...] = ()
    quotes: tuple[Evidence, ...] = ()


class SentenceSelector(Protocol):
    """Chooses the sentences of an answer."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the trace must hold so that the choice can be made again."""
        ...

    def select(self, reading: Reading, ranked: Ranked, limit: int, stop: StopSignal, *, may_refuse: bool) -> Selection:
        """At most about ``limit`` sentences, papers numbered from 1; without ``may_refuse`` at least one.

        Raises :class:`rag.errors.GenerationCancelled` soon after ``stop`` is set.
        """
        ...


@dataclass(frozen=True, slots=True)
class RankerSelector:
    """The best by score, as :func:`rag.evidence.selection.select` takes them."""

    settings: Mapping[str, Any] = field(default_factory=dict)

    def select(self, reading: Reading, ranked: Ranked, limit: int, stop: StopSignal, *, may_refuse: bool) -> Selection:
        return Selection(selection.select(reading, ranked, limit))


@dataclass(frozen=True, slots=True)
class ModelSelector:
    """A language model chooses among the best; a summary wants roles and no answer, so there the ranker does."""

    chooser: Chooser
    settings: Mapping[str, Any] = field(default_factory=dict)

    def select(self, reading: Reading, ranked: Ranked, limit: int, stop: StopSignal, *, may_refuse: bool) -> Selection:
        if reading.intent is Intent.SUMMARY:
            return Selection(selection.select(reading, ranked, limit))
        offered = selection.offered(reading, ranked, limit, OFFERED)
        papers = {h.paper.id: h.paper for h in ranked.hits}
        options = [Option(papers[c.paper_id], c.sentence) for c in offered]
        choice = self.chooser.choose(reading.asks, options, limit, stop, may_refuse=may_refuse)
        place = {index: place for place, index in enumerate(choice.taken, start=1)}
        judgements = [
            _judgement(c.paper_id, c.sentence.start, p, place.get(i, 0))
            for i, (c, p) in enumerate(zip(offered, choice.probabilities, strict=True))
        ]
        judgements.append({"paper_id": None, "probability": round(choice.none, 4), "taken": int(not place)})
        return Selection(selection.numbered(ranked, [offered[i] for i in choice.taken]), tuple(judgements))


@dataclass(frozen=True, slots=True)
class NetworkSelector:
    """A small network judges ``extra_candidates`` more than the ranker would take; those from ``min_logit`` on stay.

    Summaries are left to the ranker, as by :class:`ModelSelector`.
    """

    pruner: Pruner
    extra_candidates: int
    min_logit: float

    @property
    def settings(self) -> Mapping[str, Any]:
        """Under the names that kept conversations have."""
        return {"more": self.extra_candidates, "least": self.min_logit}

    def select(self, reading: Reading, ranked: Ranked, limit: int, stop: StopSignal, *, may_refuse: bool) -> Selection:
        if reading.intent is Intent.SUMMARY:
            return Selection(selection.select(reading, ranked, limit))
        offered = selection.select(reading, ranked, limit + self.extra_candidates)
        # ``search``, because slips of the pen are put right in it.
        judged = self.pruner.judge(reading.search, list(in_third_person(offered)))
        kept = pruned(offered, judged, self.min_logit, compares(reading.text))
        places = {key: at for at, key in enumerate(_keys(kept), start=1)}
        judgements = tuple(
            _judgement(*key, j.probability, places.get(key, 0)) for key, j in zip(_keys(offered), judged, strict=True)
        )
        return Selection(kept, judgements)


@dataclass(frozen=True, slots=True)
class BroadSelector:
    """What ``inner`` chooses as quotes, and as evidence all sentences of those papers and of the others found.

    For a model that reads several papers and answers in its own words. ``papers`` bounds how many.
    """

    inner: SentenceSelector
    papers: int

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.inner.settings

    def select(self, reading: Reading, ranked: Ranked, limit: int, stop: StopSignal, *, may_refuse: bool) -> Selection:
        chosen = self.inner.select(reading, ranked, limit, stop, may_refuse=may_refuse)
        broad = selection.broadened(chosen.evidence, ranked, self.papers)
        return replace(chosen, evidence=broad, quotes=chosen.evidence)


def _keys(evidence: Sequence[Evidence]) -> list[tuple[str, int]]:
    return [(e.paper.id, s.start) for e in evidence for s in e.sentences]


def _judgement(paper_id: str, start: int, probability: float, place: int) -> Mapping[str, Any]:
    """``taken`` is the place in the answer, 0 for none."""
    return {"paper_id": paper_id, "start": start, "probability": round(probability, 4), "taken": place}
