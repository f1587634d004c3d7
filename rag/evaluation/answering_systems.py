"""The systems whose answers are compared: Footnote, the stock LangChain chain, the first sentences of the top paper.

All are judged alike: every sentence of an answer is checked against the papers that it cites with
:func:`rag.verification.citations.judge`, whatever check the system has of its own.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rag.datatypes import Answer, Draft, Evidence, GenerationRequest, Paper, Sentence, Verdict
from rag.errors import FootnoteError
from rag.evaluation.answer_scoring import Reply, Shown
from rag.evaluation.datasets import EvalQuestion
from rag.evidence.ranking import rank_sentences
from rag.library.chunking import split_sentences
from rag.pipeline import Pipeline
from rag.text.tokenization import stems
from rag.verification import citations
from rag.verification.draft_check import REPLACED
from rag.verification.sources import sources_of

if TYPE_CHECKING:
    from rag.evaluation.langchain_baseline import StockRetriever

STOCK_CHUNKS = 4  # LangChain's default k


class System(Protocol):
    """Something that answers questions. ``name`` is its key, ``label`` its name in the reports."""

    name: str
    label: str

    def reply(self, question: EvalQuestion) -> Reply: ...


class Judge:
    """Checks the sentences of answers against the papers of one library that they cite."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._sources = sources_of(pipeline.library, pipeline.encoder)

    def shown(self, text: str, papers: Sequence[Paper]) -> Shown:
        """One sentence of an answer with the papers that it cites."""
        found = [citations.judge(text, Evidence(n, p, (), 0.0), 0, self._sources) for n, p in enumerate(papers, 1)]
        words = set(stems(text))
        quoted = {stem for c in found for stem in stems(c.quote)}
        return Shown(
            text=text,
            titles=tuple(p.title for p in papers),
            quotes=tuple(c.quote for c in found),
            supported=any(c.verdict is Verdict.SUPPORTED for c in found),
            overlap=len(words & quoted) / len(words) if words else 0.0,
        )


class Footnote:
    """The pipeline as it answers users."""

    def __init__(self, pipeline: Pipeline, name: str = "footnote", label: str = "Footnote") -> None:
        self.name = name
        self.label = label
        self._pipeline = pipeline
        self._judge = Judge(pipeline)

    def reply(self, question: EvalQuestion) -> Reply:
        """The answer; what retrieval and the ranker found is looked up afterwards and not timed."""
        start = time.perf_counter()
        first: float | None = None
        answer: Answer | None = None
        try:
            for event in self._pipeline.stream(question.question, question.history):
                if isinstance(event, Draft) and event.text.strip() and first is None:
                    first = _since(start)
                elif isinstance(event, Answer):
                    answer = event
        except FootnoteError as error:
            return Reply(question.id, True, (), _since(start), error=str(error))
        total = _since(start)
        assert answer is not None
        titles, ranked = self._found(question)
        ranked = self._ranked_by_model(answer) or ranked
        papers = {e.number: e.paper for e in answer.evidence}
        return Reply(
            question=question.id,
            refused=answer.refusal is not None,
            sentences=tuple(
                self._judge.shown(s.text, [papers[n] for n in s.citations if n in papers]) for s in answer.sentences
            ),
            total_ms=total,
            first_word_ms=first,
            papers=titles,
            ranked=ranked,
            dropped=len(answer.trace.dropped),
            replaced=REPLACED in answer.trace.notes,
            refusal=answer.refusal.grade.value if answer.refusal is not None else "",
        )

    def _ranked_by_model(self, answer: Answer) -> tuple[tuple[str, str], ...]:
        """(title, sentence) in the order of the model that chose the quotes: those it took, then by probability.

        () where no model chose.
        """
        offered = [c for c in answer.trace.chosen if c["paper_id"] is not None]
        offered.sort(key=lambda c: (c["taken"] or len(offered) + 1, -c["probability"]))
        library = self._pipeline.library
        papers = library.get_papers(dict.fromkeys(c["paper_id"] for c in offered))
        text = {(i, s.start): s.text for i in papers for s in library.sentences(i)}
        return tuple((papers[c["paper_id"]].title, text[c["paper_id"], c["start"]]) for c in offered[:5])

    def _found(self, question: EvalQuestion) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
        pipeline = self._pipeline
        reading = pipeline.read(question.question, question.history)
        ranking = pipeline.rank(reading)
        ranked = rank_sentences(reading, ranking.vector, ranking.hits, pipeline.library)
        titles = {h.paper.id: h.paper.title for h in ranking.hits}
        best = tuple((titles[c.paper_id], c.sentence.text) for c in ranked.candidates[:5])
        return tuple(titles.values()), best


class FirstSentences:
    """The lead baseline: the first sentences of the best paper's abstract, whatever was asked. Never refuses."""

    name = "lead"
    label = "first sentences of the top paper"

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._judge = Judge(pipeline)

    def reply(self, question: EvalQuestion) -> Reply:
        """As many sentences as Footnote may quote."""
        start = time.perf_counter()
        try:
            reading = self._pipeline.read(question.question, question.history)
            hits = self._pipeline.rank(reading, 5).hits
        except FootnoteError as error:
            return Reply(question.id, True, (), _since(start), error=str(error))
        limit = self._pipeline.settings.sentences
        top = next((h.paper for h in hits if h.paper.abstract), None)
        chosen = self._pipeline.library.sentences(top.id)[:limit] if top is not None else ()
        total = _since(start)
        shown = tuple(self._judge.shown(s.text, [top]) for s in chosen) if top is not None else ()
        papers = tuple(h.paper.title for h in hits)
        return Reply(question.id, not shown, shown, total, first_word_ms=total if shown else None, papers=papers)


# How a model says that its evidence holds no answer; the stock chain has no other way to refuse.
_NO_ANSWER = re.compile(
    r"\b(?:(?:do|does|did) not (?:say|contain|mention|provide|answer|specify)|"
    r"not (?:mentioned|stated|provided|specified)|"
    r"(?:do not|don't|cannot|can't) (?:know|answer|be answered)|no information)\b",
    re.IGNORECASE,
)


@dataclass(slots=True)
class StockChain:
    """The stock retriever's four chunks, the same prompt and the same generator; no check and no refusal in code.

    A follow-up is searched with the user turn before it. Without a language model the chunks are quoted from the
    first on, as many sentences as Footnote may quote.
    """

    pipeline: Pipeline
    retriever: StockRetriever
    name: str = "stock"
    label: str = "stock LangChain chain"

    def reply(self, question: EvalQuestion) -> Reply:
        """What the generator makes of the chunks."""
        start = time.perf_counter()
        before = [t.content for t in question.history if t.role == "user"][-1:]
        evidence = self._evidence(" ".join([*before, question.question]))
        first: float | None = None
        text = ""
        try:
            for piece in self.pipeline.writer.generator.stream(self._request(question, evidence), threading.Event()):
                text += piece
                if text.strip() and first is None:
                    first = _since(start)
        except FootnoteError as error:
            return Reply(question.id, True, (), _since(start), error=str(error))
        total = _since(start)
        judge = Judge(self.pipeline)
        numbers = {e.number: e.paper for e in evidence}
        sentences = tuple(
            judge.shown(d.text, [numbers[n] for n in d.numbers if n in numbers])
            for d in citations.parse(text, split_sentences)
        )
        writes = self.pipeline.writer.render is not None  # a quoted 'we do not know' is no refusal
        refused = not sentences or (writes and _NO_ANSWER.search(text) is not None)
        papers = tuple(e.paper.title for e in evidence)
        return Reply(question.id, refused, () if refused else sentences, total, first, papers)

    def _evidence(self, query: str) -> tuple[Evidence, ...]:
        """One item per paper in the order of its best chunk, its chunks cut into sentences."""
        chunks = self.retriever.chunks(query, STOCK_CHUNKS)
        papers = self.pipeline.library.get_papers(dict.fromkeys(c.document for c in chunks))
        quoting = self.pipeline.writer.render is None
        left = self.pipeline.settings.sentences if quoting else None
        evidence: list[Evidence] = []
        for paper_id, paper in ((i, papers[i]) for i in dict.fromkeys(c.document for c in chunks)):
            own = [s for c in chunks if c.document == paper_id for s in _sentences(c.text, paper.title)][:left]
            if own:
                evidence.append(Evidence(len(evidence) + 1, paper, tuple(own), 1.0))
                left = left - len(own) if left is not None else None
        return tuple(evidence)

    def _request(self, question: EvalQuestion, evidence: tuple[Evidence, ...]) -> GenerationRequest:
        return self.pipeline.writer.request(question.question, evidence)


def _sentences(chunk: str, title: str) -> list[Sentence]:
    """The sentences of a chunk without the title that its document begins with."""
    return list(split_sentences(chunk.removeprefix(title).strip()))


def _since(start: float) -> float:
    """Milliseconds since ``start``, a value of :func:`time.perf_counter`."""
    return round((time.perf_counter() - start) * 1000, 2)
