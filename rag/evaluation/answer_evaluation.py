"""``footnote eval answers``: all systems on one file of questions, their figures by type, and Footnote's lead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.config import Settings
from rag.evaluation import index_cache
from rag.evaluation.answer_scoring import Reply, Row, comparisons, rows
from rag.evaluation.answering_systems import FirstSentences, Footnote, StockChain, System
from rag.evaluation.datasets import Document, EvalQuestion
from rag.evaluation.index_cache import Progress
from rag.evaluation.requirements import STOCK_CHAIN, require_packages
from rag.evaluation.significance import Comparison
from rag.papers.identity import normalised_title
from rag.pipeline import Pipeline

BASELINES = ("stock", "lead")


@dataclass(frozen=True, slots=True)
class SystemAnswers:
    """One system's replies and figures. ``against`` holds Footnote minus this system."""

    name: str
    label: str
    replies: tuple[Reply, ...]
    rows: tuple[Row, ...]
    against: dict[str, Comparison]


@dataclass(frozen=True, slots=True)
class AnswersResult:
    """All systems on one file of questions; the first is Footnote."""

    name: str
    questions: tuple[EvalQuestion, ...]
    library: str  # the fingerprint
    papers: int
    model: str
    model_sha256: str
    mode: str
    notes: tuple[str, ...]
    systems: tuple[SystemAnswers, ...]


def evaluate(
    questions: Sequence[EvalQuestion], name: str, settings: Settings, names: Sequence[str], progress: Progress
) -> AnswersResult:
    """Footnote with ``settings`` and the baselines ``names`` on ``questions``.

    Raises :class:`rag.errors.FootnoteError` where the library or the model cannot be opened, or a package is missing.
    """
    from rag.factory import open_answerer

    if "stock" in names:
        require_packages(STOCK_CHAIN)
    pipeline = open_answerer(settings)
    systems: list[System] = [Footnote(pipeline)]
    if "stock" in names:
        systems.append(_stock_chain(pipeline, settings, progress))
    if "lead" in names:
        systems.append(FirstSentences(pipeline))
    replies = {system.name: run(system, questions, progress) for system in systems}
    ours = replies[systems[0].name]
    return AnswersResult(
        name=name,
        questions=tuple(questions),
        library=pipeline.library.fingerprint,
        papers=pipeline.library.count,
        model=pipeline.writer.generator.model or "built-in quotes",
        model_sha256=pipeline.writer.generator.model_sha256,
        mode=pipeline.settings.mode,
        notes=_notes(questions, pipeline, ours),
        systems=tuple(
            SystemAnswers(
                name=system.name,
                label=system.label,
                replies=replies[system.name],
                rows=rows(questions, replies[system.name], settings.seed),
                against={}
                if system is systems[0]
                else comparisons(questions, ours, replies[system.name], settings.seed),
            )
            for system in systems
        ),
    )


def run(system: System, questions: Sequence[EvalQuestion], progress: Progress) -> tuple[Reply, ...]:
    """All replies of one system. The first question is asked twice and its second reply taken: loading is not timed."""
    advance = progress(system.label, len(questions))
    system.reply(questions[0])
    replies = []
    for question in questions:
        replies.append(system.reply(question))
        advance(1)
    return tuple(replies)


def _stock_chain(pipeline: Pipeline, settings: Settings, progress: Progress) -> StockChain:
    from rag.evaluation.langchain_baseline import open_stock

    library = pipeline.library
    documents = [Document(p.id, p.title, p.abstract) for p in library.papers()]
    folder = index_cache.cache_folder(settings.home, Path(library.path).name, library.fingerprint)
    retriever, _ = open_stock(
        folder, documents, library.fingerprint, settings.threads, progress, "index of the stock chain"
    )
    return StockChain(pipeline, retriever)


def _notes(questions: Sequence[EvalQuestion], pipeline: Pipeline, ours: Sequence[Reply]) -> tuple[str, ...]:
    notes = []
    titles = {normalised_title(p.title) for p in pipeline.papers()}
    gone = sorted({t for q in questions for t in q.gold if normalised_title(t) not in titles})
    if gone:
        notes.append(f"{len(gone)} of the right papers are not in the library (the first: {gone[0]})")
    failed = [r for r in ours if r.error]
    if failed:
        notes.append(f"{len(failed)} questions ended with an error and count as refused (the first: {failed[0].error})")
    if not any(q.keyfacts for q in questions):
        notes.append("no question has key facts, so that figure is missing")
    return tuple(notes)
