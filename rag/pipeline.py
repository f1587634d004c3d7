"""The way of a question, from text to a checked answer. Read this first.

Every station has one door; what stands behind it is decided in ``rag.factory``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
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
from rag.evidence.gathering import Gathered, best_sentences, gather
from rag.evidence.selectors import RankerSelector, SentenceSelector
from rag.generation.writing import Writer, rewrite, write
from rag.library.read_once import ReadOnce
from rag.output.composing import Findings, compose, of_computed
from rag.questions.reading import Rewrite, read
from rag.retrieval.ranking import Ranking, Search, rank
from rag.survey.comparing import compared, one_sided
from rag.survey.computed import compute
from rag.system.clock import Clock
from rag.verification.citations import Checked, Repair, check, source_sentence
from rag.verification.completing import completed
from rag.verification.repairing import rewriting
from rag.verification.sources import sources_of

if TYPE_CHECKING:
    from rag.library.library import Library

REPLACED = "Nothing of the model's answer passed the check, so these are quotes from the papers."
PREVIEW = "Quotes from the papers; the model was stopped before its own answer was checked."
LEFT_OUT = "{sentences} sentences of {papers} papers were not shown to the model, which has time for {tokens} tokens."
REPAIRED = "{count} sentences of the model failed the check; others of the same evidence stand in their place."
MOST_REWRITTEN = 3  # sentences of an answer that a model writes again


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

        Raises ``GenerationCancelled`` soon after ``stop`` is set. Long because it is the order of all stations.
        """
        clock, stop = Clock(), stop or threading.Event()
        reading = self.read(question, history, scope)
        yield Stage("retrieve")
        computed = compute(reading, self.library, lambda: self.rank(reading).hits, reading.within)
        if computed is not None:
            clock.lap("evidence")
            yield self._compose(reading, of_computed(computed), clock)
            return
        ranking = self.rank(reading)
        clock.lap("retrieve")
        once = ReadOnce(self.library)
        gathered = self.gather(reading, ranking, stop, once)
        clock.lap("evidence")
        quotes = gathered.quotes or gathered.evidence
        found = Findings(ranking.hits, gathered.evidence, gathered.judgements, refusal=gathered.refusal, quotes=quotes)
        if gathered.refusal is not None:
            yield self._compose(reading, found, clock)
            return
        if self.writer.own_words:
            yield Preview(self._preview(reading, found, once, clock))
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
        found = self._check(reading, found, text, once, stop)
        clock.lap("check")
        yield self._compose(reading, found, clock)

    def read(self, question: str, history: Sequence[Turn] = (), scope: Scope | None = None) -> Reading:
        """What is asked, and of which papers."""
        return read(question, history, scope, library=self.library, is_word=self.is_word, rewrite=self.rewrite)

    def rank(self, reading: Reading, k: int | None = None) -> Ranking:
        """The first ``k`` papers (None: as many as an answer looks at)."""
        return rank(reading, k or self.settings.papers + 1, self.encoder, self.search, reading.within)

    def gather(self, reading: Reading, ranking: Ranking, stop: StopSignal, once: ReadOnce | None = None) -> Gathered:
        """The sentences of an answer, or a refusal; of two papers that are compared by title what each says."""
        if pair := compared(reading.text, self.library, reading.within):
            return Gathered(pair)
        s = self.settings
        return gather(
            reading, ranking, self.library, self.selector, s.sentences, stop, refuse=s.refuse, is_word=self.is_word,
            store=once,
        )  # fmt: skip

    def _preview(self, reading: Reading, found: Findings, once: ReadOnce, clock: Clock) -> Answer:
        """The quotes, checked, as an answer of their own."""
        quoted = replace(found, evidence=found.quotes, checked=self._quoted(reading, found, once), notes=(PREVIEW,))
        answer = self._compose(reading, quoted, clock, self.quotes)
        clock.lap("preview")
        return answer

    def _quoted(self, reading: Reading, found: Findings, once: ReadOnce) -> Checked:
        """The quotes, checked."""
        text = "".join(write(self.quotes, reading, found.quotes, threading.Event()))
        return check(text, found.quotes, sources_of(once, self.encoder))

    def _shown(self, found: Findings) -> Findings:
        """The findings with the evidence that the model can read in the time that it has."""
        tokens = self.writer.reads
        if not tokens:
            return found
        shown, left_out = within_budget(found.evidence, tokens)
        left = sum(len(item.sentences) for item in left_out)
        note = LEFT_OUT.format(sentences=left, papers=len(left_out), tokens=tokens)
        return replace(found, evidence=shown, notes=(note,) if left else ())

    def _check(self, reading: Reading, found: Findings, text: str, once: ReadOnce, stop: StopSignal) -> Findings:
        """The sentences that pass the check; quotes in their place where a model's answer has none."""
        sources = sources_of(once, self.encoder)
        repair: Repair | None = source_sentence if self.writer.mode == "shorten" else None
        if self.writer.own_words and self.settings.unsupported == "drop":
            repair = rewriting(found.evidence, partial(rewrite, self.writer, reading, stop=stop), MOST_REWRITTEN)
        checked = check(text, found.evidence, sources, unsupported=self.settings.unsupported, repair=repair)
        notes = (*self.notes, *found.notes, *one_sided(reading.text, found.evidence))
        if self.writer.own_words and checked.repaired:
            notes += (REPAIRED.format(count=len(checked.repaired)),)
            checked = replace(checked, dropped=(*checked.dropped, *checked.repaired))
        prompt = self.writer.request(reading.asks, found.evidence).messages
        if found.evidence and not checked.sentences and self.writer.generator is not self.quotes.generator:
            checked = replace(self._quoted(reading, found, once), dropped=checked.dropped)
            notes += (REPLACED,)
        elif self.writer.budget is not None:
            checked = completed(checked, self._quoted(reading, found, once))
        numbers = {item.number for item in found.evidence}
        unseen = (item for item in found.quotes if item.number not in numbers)  # that the model had no room for
        evidence = tuple(sorted((*found.evidence, *unseen), key=lambda item: item.number))
        return replace(found, evidence=evidence, checked=checked, notes=notes, prompt=prompt)

    def _compose(self, reading: Reading, found: Findings, clock: Clock, writer: Writer | None = None) -> Answer:
        settings = {**asdict(self.settings), **self.selector.settings}
        return compose(
            reading,
            found,
            writer or self.writer,
            library=self.library.fingerprint,
            settings=settings,
            timings=clock.timings(),
        )

    def papers(self) -> Sequence[Paper]:
        """All papers of the library, ordered by id."""
        return self.library.papers()

    def find(self, question: str, k: int, scope: Scope | None = None) -> list[tuple[PaperHit, Sentence]]:
        """The ``k`` best papers for a text, each with its best sentence (its title where it has no abstract)."""
        reading = self.read(question, scope=scope)
        return best_sentences(reading, self.rank(reading, k), ReadOnce(self.library))
