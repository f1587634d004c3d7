"""The way of a question, from text to a checked answer. Read this first.

Every station has one door; what stands behind it is decided in ``rag.factory``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from rag.datatypes import (
    Answer,
    AnswerSettings,
    Draft,
    Encoder,
    Event,
    Paper,
    PaperHit,
    Preview,
    Reading,
    Scope,
    Sentence,
    Stage,
    StopSignal,
    Turn,
)
from rag.evidence.budget import within_budget
from rag.evidence.fitting import FitJudge
from rag.evidence.gathering import Gathered, Gatherer, best_sentences
from rag.evidence.selectors import RankerSelector, SentenceSelector
from rag.generation.writing import Writer, write
from rag.library.read_once import ReadOnce
from rag.output.composing import Findings, compose, of_computed
from rag.questions.reading import Rewrite, read
from rag.retrieval.ranking import Ranking, Search, rank
from rag.survey.comparing import compared, one_sided
from rag.survey.computed import compute
from rag.system.clock import Clock
from rag.verification.draft_check import DraftCheck
from rag.verification.sources import sources_of

if TYPE_CHECKING:
    from rag.library.library import Library

PREVIEW = "Quotes from the papers; the model was stopped before its own answer was checked."
LEFT_OUT = "{sentences} sentences of {papers} papers were not shown to the model, which has time for {tokens} tokens."


@dataclass(frozen=True, slots=True)
class Pipeline:
    """An :class:`rag.datatypes.Answerer`.

    ``quotes`` writes where the check leaves nothing of what ``writer`` wrote; ``rewrite`` completes a follow-up (None:
    by rule); ``is_word`` knows words that are spelt right; ``notes`` stand in the trace of every written answer.
    """

    library: Library
    encoder: Encoder
    search: Search
    writer: Writer
    quotes: Writer
    settings: AnswerSettings
    fit_judge: FitJudge
    selector: SentenceSelector = field(default_factory=RankerSelector)
    rewrite: Rewrite | None = None
    is_word: Callable[[str], bool] = field(default=lambda token: False)
    notes: tuple[str, ...] = ()

    def answer(self, question: str, history: Sequence[Turn] = (), scope: Scope | None = None) -> Answer:
        """The checked answer. Raises :class:`rag.errors.FootnoteError` where there can be none."""
        *_, answer = self.stream(question, history, scope=scope)
        assert isinstance(answer, Answer)
        return answer

    def stream(
        self,
        question: str,
        history: Sequence[Turn] = (),
        stop: StopSignal | None = None,
        scope: Scope | None = None,
    ) -> Iterator[Event]:
        """Stages, a preview where a language model writes, drafts, and last the answer.

        Raises ``GenerationCancelled`` soon after ``stop`` is set.
        """
        clock, stop = Clock(), stop or threading.Event()
        reading = self.read(question, history, scope)
        yield Stage("retrieve")
        computed = compute(reading, self.library, lambda: self.rank(reading).hits, reading.within)
        if computed is not None:
            clock.lap("evidence")
            yield self._compose(reading, of_computed(computed), clock)
            return
        once = ReadOnce(self.library)

        def ranked(k: int | None) -> Ranking:
            ranking = self.rank(reading, k)
            once.read(hit.paper.id for hit in ranking.hits)
            clock.lap("retrieve")
            return ranking

        ranking, gathered = self.gather(reading, ranked, stop, once)
        clock.lap("evidence")
        found = Findings(
            ranking.hits, gathered.evidence, gathered.judgements, fits=gathered.fits, refusal=gathered.refusal
        )
        if gathered.refusal is not None:
            yield self._compose(reading, found, clock)
            return
        quotes = gathered.quotes or gathered.evidence
        drafts = DraftCheck(self.writer, self.quotes, sources_of(once, self.encoder), self.settings.unsupported)
        if self.writer.own_words:
            yield Preview(self._preview(reading, replace(found, evidence=quotes), drafts, clock))
            found = self._shown(found)
        yield Stage("write")
        text = ""
        for piece in write(self.writer, reading, found.evidence, stop):
            if not text:
                clock.lap("first_word")
            text += piece
            yield Draft(piece)
        clock.lap("write")
        yield Stage("check")
        checked, notes = drafts.check(reading, found.evidence, text, quotes, stop)
        clock.lap("check")
        notes = (*self.notes, *found.notes, *one_sided(reading.text, found.evidence), *notes)
        yield self._compose(reading, replace(found, checked=checked, notes=notes), clock)

    def read(self, question: str, history: Sequence[Turn] = (), scope: Scope | None = None) -> Reading:
        """What is asked, and of which papers."""
        return read(question, history, scope, library=self.library, is_word=self.is_word, rewrite=self.rewrite)

    def rank(self, reading: Reading, k: int | None = None) -> Ranking:
        """The first ``k`` papers (None: as many as an answer looks at)."""
        return rank(reading, k or self.settings.papers + 1, self.encoder, self.search, reading.within)

    def gather(
        self, reading: Reading, rank: Callable[[int | None], Ranking], stop: StopSignal, once: ReadOnce
    ) -> tuple[Ranking, Gathered]:
        """The sentences of an answer, or a refusal; of two papers that are compared by title what each says."""
        if pair := compared(reading.text, self.library, reading.within):
            return rank(None), Gathered(pair)
        s = self.settings
        gatherer = Gatherer(
            self.library, self.selector, self.fit_judge, s.sentences, refuse=s.refuse, is_word=self.is_word
        )
        return gatherer.gather(reading, rank, stop, once)

    def _preview(self, reading: Reading, found: Findings, drafts: DraftCheck, clock: Clock) -> Answer:
        """The quotes, checked, as an answer of their own."""
        checked = drafts.quoted(reading, found.evidence)
        answer = self._compose(reading, replace(found, checked=checked, notes=(PREVIEW,)), clock, self.quotes)
        clock.lap("preview")
        return answer

    def _shown(self, found: Findings) -> Findings:
        """The findings with the evidence that the model can read in the time that it has."""
        tokens = self.writer.reads
        if not tokens:
            return found
        shown, left_out = within_budget(found.evidence, tokens)
        left = sum(len(item.sentences) for item in left_out)
        note = LEFT_OUT.format(sentences=left, papers=len(left_out), tokens=tokens)
        return replace(found, evidence=shown, notes=(note,) if left else ())

    def _compose(self, reading: Reading, found: Findings, clock: Clock, writer: Writer | None = None) -> Answer:
        """The answer; what a language model was given stands in its trace."""
        writer = writer or self.writer
        settings = {**asdict(self.settings), **self.selector.settings}
        papers = self.library.count if reading.within is None else len(reading.within)
        if found.checked.sentences:
            found = replace(found, prompt=writer.request(reading.asks, found.evidence).messages)
        return compose(
            reading, found, writer, library=self.library.fingerprint, papers=papers, settings=settings,
            timings=clock.timings(),
        )  # fmt: skip

    def papers(self) -> Sequence[Paper]:
        """All papers of the library, ordered by id."""
        return self.library.papers()

    def find(self, question: str, k: int, scope: Scope | None = None) -> list[tuple[PaperHit, Sentence]]:
        """The ``k`` best papers for a text, each with its best sentence (its title where it has no abstract)."""
        reading = self.read(question, scope=scope)
        return best_sentences(reading, self.rank(reading, k), ReadOnce(self.library))
