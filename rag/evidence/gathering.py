"""The door of this folder: the papers that fit and their sentences, or a refusal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from rag.datatypes import Evidence, Paper, PaperHit, Reading, Refusal, ScopedRecord, Sentence, StopSignal
from rag.evidence.ranking import SentenceStore, rank_sentences
from rag.evidence.refusal import judge
from rag.evidence.selectors import SentenceSelector
from rag.questions.scope import bounds_years, in_words, refusal_in
from rag.retrieval.ranking import Ranking
from rag.text import spelling


class Library(SentenceStore, Protocol):
    """What gathering needs of :class:`rag.library.library.Library`."""

    def vocabulary(self) -> Mapping[str, int]: ...
    def labels(self) -> Iterable[ScopedRecord]: ...
    def lexical(self, query: str, k: int) -> Sequence[tuple[str, float]]: ...
    def get_papers(self, ids: Sequence[str]) -> Mapping[str, Paper]: ...


@dataclass(frozen=True, slots=True)
class Gathered:
    """The numbered evidence of an answer, or why there is none; ``judgements`` of sentences are for the trace.

    ``quotes`` are the sentences of it that answer as they stand, where there are more for a model to read; else empty.
    """

    evidence: tuple[Evidence, ...] = ()
    refusal: Refusal | None = None
    judgements: tuple[Mapping[str, Any], ...] = ()
    quotes: tuple[Evidence, ...] = ()


def gather(
    reading: Reading,
    ranking: Ranking,
    library: Library,
    selector: SentenceSelector,
    limit: int,
    stop: StopSignal,
    *,
    refuse: bool = True,
    is_word: Callable[[str], bool] = lambda token: False,
    store: SentenceStore | None = None,
) -> Gathered:
    """About ``limit`` sentences of the ranked papers that answer, chosen by ``selector``.

    ``store`` has the sentences where they are not read from ``library`` itself.
    Without ``refuse`` there is a refusal only where no paper has a sentence. Raises
    :class:`rag.errors.GenerationCancelled` soon after ``stop`` is set.
    """
    ranked = rank_sentences(reading, ranking.vector, ranking.hits, library if store is None else store)
    refusal = judge(reading, ranked) if refuse or not ranked.candidates else None
    if refusal is not None:
        return Gathered(refusal=_explained(reading, refusal, library, is_word))
    chosen = selector.select(reading, ranked, limit, stop, may_refuse=refuse)
    return Gathered(chosen.evidence, judgements=chosen.judgements, quotes=chosen.quotes)


def answerable(reading: Reading, ranking: Ranking, library: SentenceStore) -> bool:
    """Whether the ranked papers hold an answer."""
    return judge(reading, rank_sentences(reading, ranking.vector, ranking.hits, library)) is None


def best_sentences(reading: Reading, ranking: Ranking, library: SentenceStore) -> list[tuple[PaperHit, Sentence]]:
    """Each ranked paper with its best sentence (its title where it has no abstract)."""
    best: dict[str, Sentence] = {}
    for candidate in rank_sentences(reading, ranking.vector, ranking.hits, library).candidates:
        best.setdefault(candidate.paper_id, candidate.sentence)
    return [(hit, best.get(hit.paper.id, Sentence(hit.paper.title, 0, 0))) for hit in ranking.hits]


def _explained(reading: Reading, refusal: Refusal, library: Library, is_word: Callable[[str], bool]) -> Refusal:
    """The refusal with what may have been meant, and with the papers that it is limited to."""
    message = refusal.message
    if meant := _may_be_meant(reading.search, library, is_word):
        message = f"{message} Did you mean {' and '.join(f'“{w}”' for w in meant)}?"
    if words := in_words(reading):
        empty = not reading.within
        undated = empty and bounds_years(reading) and not any(one.year for one in library.labels())
        message = refusal_in(message, words, empty, undated)
    return replace(refusal, message=message)


def _may_be_meant(text: str, library: Library, is_word: Callable[[str], bool]) -> list[str]:
    """Names of the library that one slip turns into words of ``text`` which it lacks."""
    meant: list[str] = []
    for root in spelling.similar_names(text, library.vocabulary(), is_word).values():
        papers = library.get_papers([one for one, _ in library.lexical(root, 3)])
        meant += spelling.written_names(root, (f"{p.title} {p.abstract}" for p in papers.values()))
    return meant
