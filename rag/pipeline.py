"""The way of a question, from text to a checked answer. Read this first.

Every station has one door; what stands behind it is decided in ``rag.factory``.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from rag.datatypes import (
    AS_READ,
    Answer,
    AnswerSettings,
    Draft,
    Encoder,
    Event,
    Evidence,
    Intent,
    Paper,
    PaperHit,
    Preview,
    Reading,
    Scope,
    Sentence,
    Stage,
    StopSignal,
    Turn,
    Wanted,
)
from rag.errors import ServerError
from rag.evidence.budget import with_unseen, within_budget
from rag.evidence.fitting import FitJudge
from rag.evidence.gathering import Gathered, Gatherer, best_sentences
from rag.evidence.refusal import neither_side
from rag.evidence.selectors import RankerSelector, SentenceSelector
from rag.generation.generators.quote import QuoteGenerator
from rag.generation.writing import Writer, whole_sentences, write
from rag.library.read_once import ReadOnce
from rag.output.composing import Findings, compose, of_computed
from rag.output.partly import embedded_of
from rag.questions.reading import Rewrite, read
from rag.questions.rendering import Renderer
from rag.questions.sides import compared_in, with_sides
from rag.retrieval.ranking import Rank, Ranking, Search, one_of_each_work, rank, without_notices
from rag.survey.agreement import agreement, asks_agreement
from rag.survey.comparing import compare
from rag.survey.computed import compute
from rag.survey.finding import PaperFinder
from rag.survey.reviewing import review
from rag.survey.structure import Structured
from rag.system.activity import ANSWERING
from rag.system.clock import Clock
from rag.verification.corroboration import PASSES, PASSES_OF_A_REVIEW, corroborated, without_repeats
from rag.verification.draft_check import DraftCheck
from rag.verification.sources import judge_claim, sources_of

if TYPE_CHECKING:
    from rag.library.library import Library

_log = logging.getLogger(__name__)
PREVIEW = "Quotes from the papers; the model was stopped before its own answer was checked."
LEFT_OUT = "{sentences} sentences of {papers} papers were not shown to the model, which has time for {tokens} tokens."


@dataclass(frozen=True, slots=True)
class Pipeline:
    """An :class:`rag.datatypes.Answerer`.

    ``quotes`` writes where the check leaves nothing of what ``writer`` wrote; ``rewrite`` completes a follow-up (None:
    by rule); ``renderer`` reads questions in other languages (None: by the names in them);
    ``is_word`` knows words that are spelt right; ``notes`` stand in the trace of every written answer;
    years that a question names relatively count back from ``this_year``.
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
    renderer: Renderer | None = None
    is_word: Callable[[str], bool] = field(default=lambda token: False)
    notes: tuple[str, ...] = ()
    this_year: int = field(default_factory=lambda: date.today().year)

    def answer(
        self, question: str, history: Sequence[Turn] = (), scope: Scope | None = None, wanted: Wanted = AS_READ
    ) -> Answer:
        """The checked answer. Raises :class:`rag.errors.FootnoteError` where there can be none."""
        *_, answer = self.stream(question, history, scope=scope, wanted=wanted)
        assert isinstance(answer, Answer)
        return answer

    def stream(
        self,
        question: str,
        history: Sequence[Turn] = (),
        stop: StopSignal | None = None,
        scope: Scope | None = None,
        wanted: Wanted = AS_READ,
    ) -> Iterator[Event]:
        """Stages, a preview where a language model writes, drafts, and last the answer.

        Raises ``GenerationCancelled`` soon after ``stop`` is set.
        """
        with ANSWERING.under_way():
            yield from self._stream(question, history, stop, scope, wanted)

    def _stream(
        self, question: str, history: Sequence[Turn], stop: StopSignal | None, scope: Scope | None, wanted: Wanted
    ) -> Iterator[Event]:
        """The order of all stations."""
        clock, stop = Clock(), stop or threading.Event()
        reading = with_sides(self.read(question, history, scope, wanted))
        yield Stage("retrieve")
        computed = compute(reading, self.library, lambda: self.rank(reading).hits, reading.within)
        if computed is not None:
            clock.lap("evidence")
            yield self._compose(reading, of_computed(computed), clock)
            return
        once = ReadOnce(self.library)

        def ranked(k: int | None, part: Reading | None = None) -> Ranking:
            ranking = one_of_each_work(without_notices(self.rank(part or reading, k), reading), once.versions)
            once.read(hit.paper.id for hit in ranking.hits)
            clock.lap("retrieve")
            return ranking

        ranking, gathered, structured = self.gather(reading, ranked, stop, once)
        reading = replace(reading, spread=gathered.spread)
        if reading.intent is Intent.COMPARE and structured is None and gathered.refusal is None:
            reading = replace(reading, intent=Intent.MULTI)  # no paper speaks of the sides: a list
        clock.lap("evidence")
        found = Findings(
            ranking.hits, gathered.evidence, gathered.judgements, fits=gathered.fits, refusal=gathered.refusal,
            structured=structured, closing=gathered.closing, lead=gathered.lead,
        )  # fmt: skip
        if gathered.refusal is not None:
            yield self._compose(reading, found, clock)
            return
        yield from self._written(reading, found, gathered.quotes or gathered.evidence, once, clock, stop)

    def _written(
        self,
        reading: Reading,
        found: Findings,
        quotes: tuple[Evidence, ...],
        once: ReadOnce,
        clock: Clock,
        stop: StopSignal,
    ) -> Iterator[Event]:
        """What is written from the evidence, and last the answer that is left of it."""
        writer = self._writer_of(reading, found)
        drafts = DraftCheck(writer, self.quotes, sources_of(once, self.encoder), self.settings.unsupported)
        if writer.own_words:
            yield Preview(self._preview(reading, replace(found, evidence=quotes), drafts, clock))
            found = self._shown(found)
        prompt = writer.request(reading.asks, found.evidence).messages
        yield Stage("write")
        text = ""
        try:
            for piece in write(writer, reading, found.evidence, stop):
                if not text:
                    clock.lap("first_word")
                text += piece
                yield Draft(piece)
        except ServerError as error:  # what was written until then is kept, and quotes stand in for the rest
            _log.warning("%s", error)
            text, drafts = whole_sentences(text), replace(drafts, trouble=str(error))
        clock.lap("write")
        yield Stage("check")
        checked, notes = drafts.check(reading, found.evidence, text, quotes, stop)
        notes = (*self.notes, *found.notes, *notes)
        evidence = with_unseen(found.evidence, quotes)
        found = replace(found, evidence=evidence, checked=checked, notes=notes, prompt=prompt)
        found = self._corroborated(reading, found, drafts)
        clock.lap("check")
        yield self._compose(reading, found, clock, writer)

    def _writer_of(self, reading: Reading, found: Findings) -> Writer:
        """Under headings, and in lists where nobody writes words of his own, sentences stand as they are: to shorten
        those of eight papers would take seconds."""
        if found.structured is not None:
            return replace(self.quotes, generator=QuoteGenerator(apart=True))
        return self.writer if self.writer.own_words or not reading.over_several else self.quotes

    def read(
        self, question: str, history: Sequence[Turn] = (), scope: Scope | None = None, wanted: Wanted = AS_READ
    ) -> Reading:
        """What is asked, and of which papers; ``wanted`` overrules what is read."""
        reading = read(
            question, history, scope, library=self.library, is_word=self.is_word, rewrite=self.rewrite, wanted=wanted,
            encode=lambda text: self.encoder.encode([text])[0], this_year=self.this_year,
        )  # fmt: skip
        return reading if self.renderer is None else self.renderer.rendered(reading, self.library.vocabulary())

    def rank(self, reading: Reading, k: int | None = None) -> Ranking:
        """The first ``k`` papers (None: as many as an answer looks at)."""
        return rank(reading, k or self.settings.papers + 1, self.encoder, self.search, reading.within)

    def gather(
        self, reading: Reading, rank: Rank, stop: StopSignal, once: ReadOnce
    ) -> tuple[Ranking, Gathered, Structured | None]:
        """The sentences of an answer, or a refusal; with headings where the kind of answer has some."""
        if reading.intent is Intent.COMPARE and (asked := compared_in(reading.asks)) is not None:
            finder = PaperFinder(reading, self.encoder, self.search, self.fit_judge, once)
            if (made := compare(asked, finder, self.library, self.encoder, reading.within)) is not None:
                ranking = rank(None)
                refusal = None if made.evidence else neither_side(made.closing, ranking.hits)
                return ranking, Gathered(made.evidence, refusal, fits=made.considered), made
        s = self.settings
        gatherer = Gatherer(
            self.library, self.selector, self.fit_judge, s.sentences, refuse=s.refuse, is_word=self.is_word
        )
        ranking, gathered = gatherer.gather(reading, rank, stop, once)
        structured = None
        if gathered.refusal is None and reading.intent is Intent.REVIEW:
            structured = review(reading.topic or reading.text, gathered.fits, self.library)
        elif gathered.refusal is None and asks_agreement(reading.asks):
            structured = agreement(gathered.fits, once, judge_claim)
        if structured is not None:
            gathered = replace(gathered, evidence=structured.evidence, judgements=(), quotes=())
        return ranking, gathered, structured

    def _corroborated(self, reading: Reading, found: Findings, drafts: DraftCheck) -> Findings:
        """The findings with the numbers of other papers that bear a sentence out or contradict it."""
        is_review = reading.intent is Intent.REVIEW
        fitting = [fit.paper for fit in found.fits if fit.fits]
        passes = PASSES_OF_A_REVIEW if is_review else PASSES
        checked, evidence = corroborated(found.checked, found.evidence, fitting, drafts.sources, passes)
        return replace(found, checked=without_repeats(checked) if is_review else checked, evidence=evidence)

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
        account = writer.account() if writer is not None else {}  # nobody was asked to write
        writer = writer or self.writer
        settings = {**asdict(self.settings), **self.selector.settings, **account}
        papers = self.library.count if reading.within is None else len(reading.within)
        versions = self.library.versions([item.paper.id for item in found.evidence])
        evidence = tuple(replace(item, versions=versions.get(item.paper.id, ())) for item in found.evidence)
        vectors = embedded_of(self.library.count, self.library.without_vectors)
        found = replace(found, evidence=evidence, vectors=vectors)
        return compose(
            reading, found, writer, library=self.library.fingerprint, papers=papers, settings=settings,
            timings=clock.timings(),
        )  # fmt: skip

    def papers(self) -> Sequence[Paper]:
        """All papers of the library, ordered by id."""
        return self.library.papers()

    def find(self, question: str, k: int, scope: Scope | None = None) -> list[tuple[PaperHit, Sentence]]:
        """The ``k`` best papers for a text, each with its best sentence (its title where it has no abstract)."""
        with ANSWERING.under_way():
            reading = self.read(question, scope=scope)
            ranking, once = self.rank(reading, k), ReadOnce(self.library)
        once.read(hit.paper.id for hit in ranking.hits)
        return best_sentences(reading, ranking, once)
