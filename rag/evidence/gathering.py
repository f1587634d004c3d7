"""The door of this folder: the papers that fit and their sentences, or a refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from rag.datatypes import (
    OVER_SEVERAL,
    Evidence,
    Intent,
    Paper,
    PaperHit,
    Reading,
    Refusal,
    Sentence,
    StopSignal,
)
from rag.evidence.defining import definitions_first
from rag.evidence.fitting import Fit, FitJudge, fit_judge
from rag.evidence.likeness import together
from rag.evidence.parts import first_part, with_parts
from rag.evidence.ranking import Ranked, SentenceStore, best_sentence_of_each, rank_sentences
from rag.evidence.refusal import is_doubtful, judge
from rag.evidence.selectors import SentenceSelector
from rag.evidence.several import MOST_LINES, lines, standing
from rag.evidence.spread import is_spread
from rag.questions.scope import bounds_years, in_words, refusal_in
from rag.retrieval.ranking import Rank, Ranking
from rag.text import spelling
from rag.text.messages import DOUBTFUL, DOUBTFUL_LIST, said

CANDIDATES = (20, 60)  # papers that are judged for an answer over several; more where the last of the first still fit
_TAIL, _MANY = 8, 3  # they do where so many of the last of them fit


class Library(SentenceStore, Protocol):
    """What gathering needs of :class:`rag.library.library.Library`."""

    def vocabulary(self) -> Mapping[str, int]: ...
    def has_years(self) -> bool: ...
    def lexical(self, query: str, k: int) -> Sequence[tuple[str, float]]: ...
    def get_papers(self, ids: Sequence[str]) -> Mapping[str, Paper]: ...


@dataclass(frozen=True, slots=True)
class Gathered:
    """The numbered evidence of an answer, or why there is none; ``judgements`` of sentences are for the trace.

    ``fits`` are the judgements of papers, best first, where they were asked for.
    ``quotes`` are the sentences of the evidence that answer as they stand, where there are more for a model to read.
    ``spread`` says that a question after one thing is answered from several papers; ``lead`` is a line
    above the answer, ``closing`` are lines below it.
    """

    evidence: tuple[Evidence, ...] = ()
    refusal: Refusal | None = None
    judgements: tuple[Mapping[str, Any], ...] = ()
    fits: tuple[Fit, ...] = ()
    quotes: tuple[Evidence, ...] = ()
    spread: bool = False
    closing: tuple[str, ...] = ()
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Gatherer:
    """Chooses evidence from ``library``: ``selector`` sentences after one thing, ``fit_judge`` papers after several.

    ``limit`` is about how many sentences an answer after one thing has. Without ``refuse`` there is a refusal only
    where no paper has a sentence. ``is_word`` knows words that are spelt right.
    """

    library: Library
    selector: SentenceSelector
    fit_judge: FitJudge
    limit: int
    refuse: bool = True
    is_word: Callable[[str], bool] = lambda token: False

    def gather(self, reading: Reading, rank: Rank, stop: StopSignal, store: SentenceStore) -> tuple[Ranking, Gathered]:
        """The papers that were ranked and the evidence from them.

        Raises :class:`rag.errors.GenerationCancelled` soon after ``stop`` is set.
        """
        if reading.intent in OVER_SEVERAL:
            return self._several(reading, rank, store)
        ranking, ranked, fits = self._judged(reading, rank(None), store)
        if (refusal := self._refusal(reading, ranked, fits)) is not None:
            if (part := first_part(reading)) is not None:
                first, closing = part
                found = self.gather(first, lambda k, one=None: rank(k, one or first), stop, store)
                if found[1].refusal is None and not found[1].spread:
                    return found[0], replace(found[1], closing=closing)
            return ranking, Gathered(refusal=refusal, fits=fits)
        ranked = replace(ranked, fitting=frozenset(fit.paper.id for fit in fits if fit.fits))
        ranked, defined = definitions_first(reading, ranked)
        doubtful = is_doubtful(ranked, fits)
        if not (defined or doubtful) and is_spread(reading, fits):
            ranking, gathered = self._several(reading, rank, store)
            return ranking, replace(gathered, spread=True)
        chosen = self.selector.select(reading, ranked, self.limit, stop, may_refuse=self.refuse)
        evidence, quotes = (standing(found, store.sentences) for found in (chosen.evidence, chosen.quotes))
        gathered = Gathered(evidence, judgements=chosen.judgements, fits=fits, quotes=quotes)
        evidence, closing = with_parts(reading, gathered.evidence, self.fit_judge, rank, store)
        # Above an answer from papers that may be about something else; who asked can tell at a glance.
        lead = said(DOUBTFUL, reading.language) if doubtful else ""
        return ranking, replace(gathered, evidence=evidence, closing=closing, lead=lead)

    def _several(self, reading: Reading, rank: Rank, store: SentenceStore) -> tuple[Ranking, Gathered]:
        """A line for each paper that fits; more papers are judged where the last ones still fit."""
        first = CANDIDATES[reading.intent is Intent.REVIEW]
        ranking, ranked, fits = self._judged(reading, rank(first), store)
        last = {hit.paper.id for hit in ranking.hits[first - _TAIL :]}
        if first < CANDIDATES[1] and sum(fit.fits for fit in fits if fit.paper.id in last) >= _MANY:
            ranking, ranked, fits = self._judged(reading, rank(CANDIDATES[1]), store)
        if (refusal := self._refusal(reading, ranked, fits)) is not None:
            return ranking, Gathered(refusal=refusal, fits=fits)
        lead = ""
        if reading.intent is not Intent.REVIEW:  # which is after all on a topic, however far apart they are
            lead = said(DOUBTFUL_LIST, reading.language) if is_doubtful(ranked, fits) else ""
            fits = together(fits, store)
        evidence = lines(self._weighed(reading, fits), store.sentences, said=reading.said)
        return ranking, Gathered(evidence, fits=fits, lead=lead)

    def _weighed(self, reading: Reading, fits: Sequence[Fit]) -> Sequence[Fit]:
        """The judgements, with the sentences of those papers judged closely that a list can cite."""
        return (*self.fit_judge.weigh(reading, fits[:MOST_LINES]), *fits[MOST_LINES:])

    def _judged(
        self, reading: Reading, ranking: Ranking, store: SentenceStore
    ) -> tuple[Ranking, Ranked, tuple[Fit, ...]]:
        ranked = rank_sentences(reading, ranking.vector, ranking.hits, store)
        return ranking, ranked, self.fit_judge.judge(reading, ranked)

    def _refusal(self, reading: Reading, ranked: Ranked, fits: Sequence[Fit]) -> Refusal | None:
        refusal = judge(reading, ranked, fits) if self.refuse or not ranked.candidates else None
        return _explained(reading, refusal, self.library, self.is_word) if refusal is not None else None


def answerable(reading: Reading, ranking: Ranking, library: SentenceStore) -> bool:
    """Whether the ranked papers hold an answer."""
    ranked = rank_sentences(reading, ranking.vector, ranking.hits, library)
    return judge(reading, ranked, fit_judge().judge(reading, ranked)) is None


def best_sentences(reading: Reading, ranking: Ranking, library: SentenceStore) -> list[tuple[PaperHit, Sentence]]:
    """Each ranked paper with its best sentence (its title where it has no abstract)."""
    best = best_sentence_of_each(reading, ranking.vector, ranking.hits, library)
    return [(hit, best.get(hit.paper.id, Sentence(hit.paper.title, 0, 0))) for hit in ranking.hits]


def _explained(reading: Reading, refusal: Refusal, library: Library, is_word: Callable[[str], bool]) -> Refusal:
    """The refusal with what may have been meant, and with the papers that it is limited to."""
    message = refusal.message
    if reading.rendering is None and (meant := _may_be_meant(reading.search, library, is_word)):
        message = f"{message} Did you mean {' and '.join(f'“{w}”' for w in meant)}?"
    if words := in_words(reading):
        empty = not reading.within
        undated = empty and bounds_years(reading) and not library.has_years()
        message = refusal_in(message, words, empty, undated)
    return replace(refusal, message=message)


def _may_be_meant(text: str, library: Library, is_word: Callable[[str], bool]) -> list[str]:
    """Names of the library that one slip turns into words of ``text`` which it lacks."""
    meant: list[str] = []
    for root in spelling.similar_names(text, library.vocabulary(), is_word).values():
        papers = library.get_papers([one for one, _ in library.lexical(root, 3)])
        meant += spelling.written_names(root, (f"{p.title} {p.abstract}" for p in papers.values()))
    return meant
