"""The way of a question, from text to a checked answer. Read this first.

Every step is handed its parts; what they are is decided in ``rag.factory``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rag.datatypes import (
    Answer,
    Chooser,
    Draft,
    Encoder,
    Event,
    Evidence,
    GenerationRequest,
    Generator,
    Intent,
    Message,
    Option,
    Paper,
    PaperHit,
    Reading,
    Refusal,
    Sentence,
    Stage,
    StopSignal,
    Trace,
    Turn,
)
from rag.evidence import ranking, selection
from rag.evidence.pruning import Pruning, pruned
from rag.evidence.refusal import judge, unanswered
from rag.generation.third_person import in_third_person
from rag.library.chunking import split_sentences
from rag.questions import questions
from rag.questions.questions import compares
from rag.questions.scope import (
    EVERYTHING,
    OVER_THE_LIBRARY,
    Scope,
    admitted,
    bounds_years,
    in_words,
    read_query,
    refusal_in,
)
from rag.survey import aggregate, bibliographic_questions, comparing, tables
from rag.text import spelling
from rag.verification import citations, support

if TYPE_CHECKING:
    from rag.library.library import Library

# The fourth argument, ids of the papers to search among, is given only where not all may be used.
Search = Callable[..., Sequence[PaperHit]]
OFFERED = 8  # sentences that a model may choose from
REPLACED = "Nothing of the model's answer passed the check, so these are quotes from the papers."


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """The settings that shape an answer; see :class:`rag.config.Settings`."""

    mode: str = "quote"
    seed: int = 0
    max_tokens: int = 220
    papers: int = 5
    sentences: int = 3
    unsupported: str = "drop"
    refuse: bool = True


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Satisfies :class:`rag.datatypes.Answerer`.

    ``search`` finds ``k`` papers for a text and its vector, if asked among some of them alone; ``fallback`` quotes
    where the check leaves nothing of what ``generator`` wrote; ``render`` makes its prompt; ``rewrite`` completes a
    follow-up (None: by rule); ``is_word`` knows words that are spelt right; ``chooser`` says which sentences a quoted
    answer is made of (None: the ranker), ``pruning`` which of the ranker's an answer needs (None: all); ``notes`` stand
    in the trace of every answer that was written.
    """

    library: Library
    encoder: Encoder
    search: Search
    generator: Generator
    fallback: Generator
    settings: AnswerSettings
    render: Callable[[str, Sequence[Evidence]], Sequence[Message]] | None = None
    prompt_sha256: str = ""
    rewrite: Callable[[str, Sequence[Turn]], str] | None = None
    is_word: Callable[[str], bool] = field(default=lambda token: False)
    chooser: Chooser | None = None
    pruning: Pruning | None = None
    notes: tuple[str, ...] = ()

    def answer(self, question: str, history: Sequence[Turn] = (), scope: Scope | None = None) -> Answer:
        """The checked answer. Raises :class:`rag.errors.FootnoteError` where there can be none."""
        events = list(self.stream(question, history, scope=scope))
        assert isinstance(events[-1], Answer)
        return events[-1]

    def stream(
        self,
        question: str,
        history: Sequence[Turn] = (),
        stop: StopSignal | None = None,
        scope: Scope | None = None,
    ) -> Iterator[Event]:
        """Stages and drafts, and last the answer. Raises ``GenerationCancelled`` soon after ``stop`` is set."""
        clock = Clock()
        query = self.understand(question, history, scope)
        yield Stage("retrieve")
        if query.intent in OVER_THE_LIBRARY:
            yield self._overview(query, clock)
            return
        if query.intent is Intent.RECORD:
            yield self._record(query, clock)
            return
        ranked = self.rank(query, self.settings.papers + 1, clock)
        within = self._within(query)
        pair = comparing.compared(query.text, self.library, within)
        judged = not pair and (self.settings.refuse or not ranked.candidates)
        refusal = judge(query, ranked) if judged else None
        if refusal is not None:
            refusal = self._asked_back(query, refusal)
            words = in_words(query)
            if words:
                empty = not within
                undated = empty and bounds_years(query) and not any(one.year for one in self.library.labels())
                refusal = replace(refusal, message=refusal_in(refusal.message, words, empty, undated))
            yield self._answer(query, clock, ranked.hits, refusal=refusal)
            return
        yield Stage("write")
        stop = stop or threading.Event()
        chosen, weighed = (pair, ()) if pair else self._chosen(query, ranked, stop)
        clock.lap("evidence")
        text = ""
        for piece in self.generator.stream(self._request(query, chosen), stop):
            if not text:
                clock.lap("first_word")
            text += piece
            yield Draft(piece)
        clock.lap("write")
        yield Stage("check")
        yield self._checked(query, clock, ranked.hits, chosen, text, weighed)

    def papers(self) -> Sequence[Paper]:
        """All papers of the library, ordered by id."""
        return self.library.papers()

    def find(self, question: str, k: int, scope: Scope | None = None) -> list[tuple[PaperHit, Sentence]]:
        """The ``k`` best papers for a text, each with its best sentence (its title where it has no abstract)."""
        ranked = self.rank(self.understand(question, scope=scope), k, Clock())
        best: dict[str, Sentence] = {}
        for candidate in ranked.candidates:
            best.setdefault(candidate.paper_id, candidate.sentence)
        return [(hit, best.get(hit.paper.id, Sentence(hit.paper.title, 0, 0))) for hit in ranked.hits]

    def can_answer(self, question: str) -> bool:
        """Whether the library holds evidence for a question, judged as for an answer; nothing is written."""
        query = self.understand(question)
        if query.intent in OVER_THE_LIBRARY or query.intent is Intent.RECORD:
            return True
        return judge(query, self.rank(query, self.settings.papers + 1, Clock())) is None

    def choose(self, question: str = "", k: int = 200, scope: Scope | None = None) -> list[str]:
        """Ids of at most ``k`` papers of a scope: the best for ``question``, best first, or without one by id."""
        if question.strip():
            return [hit.paper.id for hit, _ in self.find(question, k, scope)]
        return (scope or EVERYTHING).admitted(self.library.labels())[:k]

    def table(
        self, paper_ids: Sequence[str], columns: Sequence[tables.Column], stop: StopSignal | None = None
    ) -> Iterator[tables.Row]:
        """A row for each of these papers, as :func:`rag.survey.tables.rows` makes them."""
        return tables.rows(paper_ids, columns, self.library, self.encoder, stop)

    def understand(self, question: str, history: Sequence[Turn] = (), scope: Scope | None = None) -> Reading:
        """The question cleaned, completed from the history, and its slips of the pen put right for the search.

        What it says about which papers to use is read and taken out of the search; ``scope`` comes on top.
        """
        query = questions.understand(question, history)
        query = read_query(
            query,
            scope or EVERYTHING,
            lambda: {one.venue for one in self.library.labels()},
            lambda text: questions.understand(text, history),
        )
        if query.is_follow_up and self.rewrite is not None:
            rewritten = questions.clean_or_empty(self.rewrite(query.text, history))
            query = replace(query, search=rewritten if questions.keeps_topic(rewritten, query) else query.search)
        slips = spelling.corrections(query.search, self.library.vocabulary(), self.is_word)
        if not slips:
            return query
        return replace(
            query,
            search=spelling.apply_corrections(query.search, slips),
            topic=spelling.apply_corrections(query.topic, slips),
        )

    def rank(self, query: Reading, k: int, clock: Clock) -> ranking.Ranked:
        """The first ``k`` papers with all their sentences scored."""
        vector = self.encoder.encode([query.search])[0]
        if query.is_follow_up:  # the turn before says what it is about, this one what is asked
            both = vector + self.encoder.encode([query.text])[0]
            vector = both / max(float((both**2).sum()) ** 0.5, 1e-9)
        within = self._within(query)
        hits = self.search(query.search, vector, k, *(() if within is None else (within,)))
        clock.lap("retrieve")
        return ranking.rank_sentences(query, vector, hits, self.library)

    def _chosen(
        self, query: Reading, ranked: ranking.Ranked, stop: StopSignal
    ) -> tuple[tuple[Evidence, ...], tuple[Mapping[str, Any], ...]]:
        """The numbered sentences of the answer, and how a model that chooses weighed what was offered to it.

        Without one, and for summaries, which want roles and no answer, the ranker chooses.
        """
        limit = self.settings.sentences
        if self.pruning is not None and query.intent is not Intent.SUMMARY:
            return self._pruned(
                query, selection.select(query, ranked, limit + self.pruning.extra_candidates), self.pruning
            )
        if self.chooser is None or query.intent is Intent.SUMMARY:
            return selection.select(query, ranked, limit), ()
        offered = selection.offered(query, ranked, limit, OFFERED)
        papers = {h.paper.id: h.paper for h in ranked.hits}
        options = [Option(papers[c.paper_id], c.sentence) for c in offered]
        most = selection.most(query, limit)
        choice = self.chooser.choose(_asked(query), options, most, stop, may_refuse=self.settings.refuse)
        place = {index: place for place, index in enumerate(choice.taken, start=1)}
        weighed: list[Mapping[str, Any]] = [
            {"paper_id": c.paper_id, "start": c.sentence.start, "probability": round(p, 4), "taken": place.get(i, 0)}
            for i, (c, p) in enumerate(zip(offered, choice.probabilities, strict=True))
        ]
        weighed.append({"paper_id": None, "probability": round(choice.none, 4), "taken": int(not place)})
        return selection.numbered(ranked, [offered[i] for i in choice.taken]), tuple(weighed)

    def _pruned(
        self, query: Reading, offered: tuple[Evidence, ...], pruning: Pruning
    ) -> tuple[tuple[Evidence, ...], tuple[Mapping[str, Any], ...]]:
        """What an answer needs of the ranker's sentences, and what each was judged to be worth."""
        judged = pruning.pruner.judge(
            query.search, list(in_third_person(offered))
        )  # slips of the pen are put right in it
        several = query.intent is Intent.MULTI or compares(query.text)
        kept = pruned(offered, judged, pruning.min_logit, several)
        place = {(e.paper.id, s.start): at for at, (e, s) in enumerate(((e, s) for e in kept for s in e.sentences), 1)}
        sentences = [(e.paper.id, s.start) for e in offered for s in e.sentences]
        weighed = tuple(
            {"paper_id": key[0], "start": key[1], "probability": round(j.probability, 4), "taken": place.get(key, 0)}
            for key, j in zip(sentences, judged, strict=True)
        )
        return kept, weighed

    def _within(self, query: Reading) -> list[str] | None:
        """Ids of the papers that may be used; None for all."""
        return admitted(query, self.library.labels)

    def _request(self, query: Reading, chosen: tuple[Evidence, ...]) -> GenerationRequest:
        asked = _asked(query)
        messages = tuple(self.render(asked, chosen)) if self.render is not None else ()
        s = self.settings
        return GenerationRequest(asked, chosen, messages, s.mode, s.seed, s.max_tokens)

    def _checked(
        self,
        query: Reading,
        clock: Clock,
        hits: Sequence[PaperHit],
        chosen: tuple[Evidence, ...],
        text: str,
        weighed: tuple[Mapping[str, Any], ...] = (),
    ) -> Answer:
        sources = sources_of(self.library, self.encoder)
        checked = citations.check(text, chosen, sources, split_sentences, unsupported=self.settings.unsupported)
        notes = self.notes + _one_sided(query, chosen)
        if chosen and not checked.sentences and self.generator is not self.fallback:
            dropped = checked.dropped
            quoted = "".join(self.fallback.stream(self._request(query, chosen), threading.Event()))
            checked = replace(citations.check(quoted, chosen, sources, split_sentences), dropped=dropped)
            notes += (REPLACED,)
        clock.lap("check")
        prompt = self._request(query, chosen).messages
        return self._answer(
            query, clock, hits, checked=checked, chosen=chosen, notes=notes, weighed=weighed, prompt=prompt
        )

    def _asked_back(self, query: Reading, refusal: Refusal) -> Refusal:
        """The refusal with the word of the library that may have been meant, where one slip makes it."""
        meant = []
        for root in spelling.similar_names(query.search, self.library.vocabulary(), self.is_word).values():
            papers = self.library.get_papers([one for one, _ in self.library.lexical(root, 3)])
            meant += spelling.written_names(root, (f"{p.title} {p.abstract}" for p in papers.values()))
        if not meant:
            return refusal
        return replace(refusal, message=f"{refusal.message} Did you mean {' and '.join(f'“{w}”' for w in meant)}?")

    def _overview(self, query: Reading, clock: Clock) -> Answer:
        return self._computed(query, clock, aggregate.answer(query, self.library, self._within(query)))

    def _record(self, query: Reading, clock: Clock) -> Answer:
        def search() -> Sequence[PaperHit]:
            return self.rank(query, self.settings.papers + 1, clock).hits

        return self._computed(
            query, clock, bibliographic_questions.read_off(query, self.library, search, self._within(query))
        )

    def _computed(self, query: Reading, clock: Clock, result: aggregate.SurveyAnswer) -> Answer:
        clock.lap("evidence")
        checked = citations.Checked(result.sentences, result.citations, ())
        answer = self._answer(query, clock, (), checked=checked, chosen=result.evidence, refusal=result.refusal)
        return replace(answer, trace=replace(answer.trace, years=result.years))

    def _answer(
        self,
        query: Reading,
        clock: Clock,
        hits: Sequence[PaperHit],
        *,
        checked: citations.Checked | None = None,
        chosen: tuple[Evidence, ...] = (),
        refusal: Refusal | None = None,
        notes: tuple[str, ...] = (),
        weighed: tuple[Mapping[str, Any], ...] = (),
        prompt: tuple[Message, ...] = (),
    ) -> Answer:
        kept = checked or citations.Checked((), (), ())
        retrieved = tuple(
            {"paper_id": h.paper.id, "score": h.score, "dense": h.dense, "lexical": h.lexical} for h in hits
        )
        used = (
            {"more": self.pruning.extra_candidates, "least": self.pruning.min_logit} if self.pruning is not None else {}
        )
        trace = Trace(
            generator=self.generator.name,
            model=self.generator.model,
            model_sha256=self.generator.model_sha256,
            mode=self.settings.mode,
            seed=self.settings.seed,
            prompt_sha256=self.prompt_sha256,
            library=self.library.fingerprint,
            timings_ms=clock.timings(),
            question_rewritten=query.search if query.search != query.text else "",
            retrieved=retrieved,
            dropped=kept.dropped,
            notes=notes,
            chosen=weighed,
            settings=asdict(self.settings) | used,
            scope=in_words(query),
            filters=query.filters.as_record() if query.filters is not None else {},
            prompt=prompt,
        )
        if refusal is None and not kept.sentences:
            refusal = unanswered(hits)
        text = refusal.message if refusal is not None else kept.text
        return Answer(query.asked or query.text, text, kept.sentences, kept.citations, chosen, refusal, trace)


def _asked(query: Reading) -> str:
    return query.search if query.is_follow_up else query.text


def _one_sided(query: Reading, chosen: Sequence[Evidence]) -> tuple[str, ...]:
    """What to say where a comparison can only be answered for one side."""
    missing = comparing.sides_missing(query.text, (e.paper for e in chosen))
    return tuple(f"None of the quoted abstracts speaks of “{side}”." for side in missing)


def sources_of(library: Library, encoder: Encoder) -> citations.Sources:
    """What the check asks about the abstracts of a library."""
    fit = support.weights()
    return citations.Sources(
        library.sentences,
        library.sentence_vectors,
        lambda text: encoder.encode([text])[0],
        support.probability,
        fit.supported,
        fit.weak,
    )


class Clock:
    """Milliseconds of the steps of one answer."""

    def __init__(self) -> None:
        self._begin = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """End the step ``name``."""
        now = time.perf_counter()
        self._laps[name] = round((now - self._last) * 1000, 2)
        self._last = now

    def timings(self) -> Mapping[str, Any]:
        """All steps and their total."""
        return {**self._laps, "total": round((time.perf_counter() - self._begin) * 1000, 2)}
