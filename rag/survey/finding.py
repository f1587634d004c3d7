"""Papers for one part of an answer (a side of a comparison, an aspect of a paper), judged."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from rag.datatypes import Encoder, Intent, Reading
from rag.evidence.fitting import Fit, FitJudge
from rag.evidence.ranking import rank_sentences
from rag.library.read_once import ReadOnce
from rag.questions.kinds import wants_figure
from rag.retrieval.ranking import Search, one_of_each_work, rank, without_notices

PAPERS = 10  # that are judged for one part


@dataclass(frozen=True, slots=True)
class PaperFinder:
    """A :class:`rag.survey.structure.Find` for the parts of what ``reading`` asks, within the papers that it admits."""

    reading: Reading
    encoder: Encoder
    search: Search
    judge: FitJudge
    once: ReadOnce

    def __call__(self, question: str, within: Collection[str] | None = None, /) -> tuple[Fit, ...]:
        """The first papers for ``question``, judged, best first; no notices unless the whole asks for them."""
        part = replace(
            self.reading, text=question, search=question, topic=question, intent=Intent.FACT, is_follow_up=False,
            wants_figure=wants_figure(question),
        )  # fmt: skip
        allowed = self.reading.within if within is None else within
        found = without_notices(rank(part, PAPERS, self.encoder, self.search, allowed), self.reading)
        ranking = one_of_each_work(found, self.once.versions)
        self.once.read(hit.paper.id for hit in ranking.hits)
        return self.judge.judge(part, rank_sentences(part, ranking.vector, ranking.hits, self.once))
