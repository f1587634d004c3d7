"""``footnote eval retrieval``: all systems on one collection, their measures with intervals, and Footnote's lead."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from rag.config import Settings
from rag.errors import QuestionError
from rag.evaluation import index_cache, retrieval_baselines
from rag.evaluation.datasets import Collection
from rag.evaluation.index_cache import Made, Progress
from rag.evaluation.ranking_measures import DEPTH, MEASURES, PerQuery, per_query
from rag.evaluation.requirements import MEASURING, STOCK_CHAIN, require_packages
from rag.evaluation.significance import Comparison, Estimate, compare, estimate

if TYPE_CHECKING:
    from rag.pipeline import Pipeline

OURS = "footnote"
BASELINES = ("bm25", "minilm", "fusion", "stock")
LABELS = {
    OURS: "Footnote",
    "bm25": "BM25, stemmed",
    "minilm": "all-MiniLM-L6-v2, whole abstracts",
    "fusion": "plain fusion of the two",
    "stock": "stock LangChain retriever",
}
Rank = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class SystemResult:
    """One system on one collection. ``against`` holds Footnote minus this system; times are of this machine.

    ``index_seconds`` is None where the index was made in several runs.
    """

    name: str
    label: str
    index_seconds: float | None
    query_ms: float  # median
    per_query: PerQuery
    estimates: dict[str, Estimate]
    against: dict[str, Comparison]


@dataclass(frozen=True, slots=True)
class CollectionResult:
    """All systems on one collection; the first is Footnote."""

    name: str
    sha256: str
    documents: int
    queries: int
    judgements: int
    notes: tuple[str, ...]
    systems: tuple[SystemResult, ...]


@dataclass(frozen=True, slots=True)
class _Run:
    name: str
    index_seconds: float | None
    query_ms: float
    rankings: dict[str, list[str]]


def evaluate(
    collection: Collection, settings: Settings, names: Sequence[str], seed: int, progress: Progress
) -> CollectionResult:
    """Footnote and the baselines ``names`` on one collection.

    Raises :class:`rag.errors.FootnoteError` where an index cannot be made or a package is missing.
    """
    require_packages(MEASURING, *([STOCK_CHAIN] if "stock" in names else []))
    ours, made, refused = _ours(collection, settings, progress)
    runs = [ours, *_baselines(collection, settings, names, progress)]
    values = {run.name: per_query(collection.qrels, run.rankings) for run in runs}
    systems = tuple(
        SystemResult(
            name=run.name,
            label=LABELS[run.name],
            index_seconds=run.index_seconds,
            query_ms=round(run.query_ms, 2),
            per_query=values[run.name],
            estimates={m: estimate(list(values[run.name][m].values()), seed) for m in MEASURES},
            against={} if run is ours else _against(values[OURS], values[run.name], seed),
        )
        for run in runs
    )
    return CollectionResult(
        name=collection.name,
        sha256=collection.sha256,
        documents=len(collection.documents),
        queries=len(collection.queries),
        judgements=sum(r > 0 for judged in collection.qrels.values() for r in judged.values()),
        notes=(*collection.notes, *_notes(collection, made, refused)),
        systems=systems,
    )


def _against(ours: PerQuery, theirs: PerQuery, seed: int) -> dict[str, Comparison]:
    return {m: compare([ours[m][q] for q in ours[m]], [theirs[m][q] for q in ours[m]], seed) for m in MEASURES}


def _notes(collection: Collection, made: Made, refused: int) -> list[str]:
    notes = []
    if made.merged:
        gone = set(made.merged)
        named = sum(r > 0 for judged in collection.qrels.values() for d, r in judged.items() if d in gone)
        notes.append(
            f"Footnote merged {len(gone)} records into others that it took for the same paper; {named} relevance "
            "judgements name them. They are listed right after the paper that they became a part of"
        )
    if made.skipped:
        notes.append(f"Footnote could not import {len(made.skipped)} records (the first: {made.skipped[0]})")
    if refused:
        notes.append(f"Footnote does not accept {refused} of the queries (empty or too long); they count as 0")
    return notes


def _ours(collection: Collection, settings: Settings, progress: Progress) -> tuple[_Run, Made, int]:
    """Footnote as ``footnote search`` has it: same importer, same pipeline, same ids.

    A paper stands for the records that were merged into it: they follow it at once, each at a rank of its own, as the
    baselines rank every record.
    """
    from rag.factory import open_answerer

    settings, made = index_cache.library_of(collection, settings, progress)
    pipeline = open_answerer(settings)
    refused: set[str] = set()
    merged = pipeline.library.merged()
    run = _timed(collection, OURS, made.seconds, partial(_find, pipeline, merged, refused), progress)
    return run, made, len(refused)


def _find(pipeline: Pipeline, merged: Mapping[str, Sequence[str]], refused: set[str], query: str) -> list[str]:
    try:
        papers = [hit.paper.id for hit, _ in pipeline.find(query, DEPTH)]
        return [one for paper_id in papers for one in (paper_id, *merged.get(paper_id, ()))][:DEPTH]
    except QuestionError:
        refused.add(query)
        return []


def _timed(collection: Collection, name: str, index_seconds: float | None, rank: Rank, progress: Progress) -> _Run:
    """The rankings of one system, one query at a time; the first query is run once more before, to load."""
    advance = progress(f"{collection.name}: {LABELS[name]}", len(collection.queries))
    rankings, milliseconds = {}, []
    rank(next(iter(collection.queries.values())))
    for query_id, text in collection.queries.items():
        start = time.perf_counter()
        rankings[query_id] = list(rank(text))
        milliseconds.append((time.perf_counter() - start) * 1000)
        advance(1)
    return _Run(name, index_seconds, statistics.median(milliseconds), rankings)


def _baselines(collection: Collection, settings: Settings, names: Sequence[str], progress: Progress) -> list[_Run]:
    rankers: dict[str, tuple[retrieval_baselines.Ranker, float | None]] = {}
    if {"bm25", "fusion"} & set(names):
        start = time.perf_counter()
        rankers["bm25"] = retrieval_baselines.BM25([d.whole for d in collection.documents]), time.perf_counter() - start
    if {"minilm", "fusion"} & set(names):
        rankers["minilm"] = _whole_abstracts(collection, settings, progress)
    if "fusion" in names:
        (lexical, one), (dense, two) = rankers["bm25"], rankers["minilm"]
        rankers["fusion"] = (
            retrieval_baselines.Fusion(lexical, dense),
            None if one is None or two is None else one + two,
        )
    ids = [d.id for d in collection.documents]
    runs = [
        _timed(collection, name, seconds, partial(_documents, ranker, ids), progress)
        for name, (ranker, seconds) in rankers.items()
        if name in names
    ]
    return [*runs, _stock(collection, settings, progress)] if "stock" in names else runs


def _documents(ranker: retrieval_baselines.Ranker, ids: Sequence[str], query: str) -> list[str]:
    return [ids[row] for row in ranker.rank(query)]


def _whole_abstracts(
    collection: Collection, settings: Settings, progress: Progress
) -> tuple[retrieval_baselines.WholeAbstracts, float | None]:
    from rag.encoding.paper_encoder import PaperEncoder
    from rag.factory import query_encoder

    cache = index_cache.cache_folder(settings.home, collection.name, collection.sha256)
    vectors, made = index_cache.abstract_vectors(collection, cache, PaperEncoder(settings.threads), progress)
    return retrieval_baselines.WholeAbstracts(vectors, query_encoder(settings.home)), made.seconds


def _stock(collection: Collection, settings: Settings, progress: Progress) -> _Run:
    from rag.evaluation.langchain_baseline import open_stock

    folder = index_cache.cache_folder(settings.home, collection.name, collection.sha256)
    retriever, made = open_stock(
        folder, collection.documents, collection.sha256, settings.threads, progress, f"{collection.name}: stock index"
    )
    return _timed(collection, "stock", made.seconds, lambda query: retriever.documents(query, DEPTH), progress)
