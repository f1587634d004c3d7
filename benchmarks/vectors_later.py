"""How good the search is while a library is still being embedded: nDCG@10 with some of the vectors.

python -m benchmarks.vectors_later COLLECTION…     writes benchmarks/results/vectors_later/DATE.json

Papers get their vectors in the order of the file, as an import gives them. Each share is measured twice: by words and
the vectors that are there, and as questions are really answered, with the vectors of their own candidates pulled
forward. Those are taken from the whole library, which are the same.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import statistics
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from rag.config import load_settings
from rag.errors import QuestionError
from rag.evaluation.datasets import Collection, read_collection
from rag.evaluation.index_cache import library_of
from rag.evaluation.ranking_measures import per_query
from rag.factory import embedder_id, open_answerer, open_library
from rag.library.library import Library

if TYPE_CHECKING:
    from rag.config import Settings
    from rag.library.storage.stored_paper import StoredPaper
    from rag.pipeline import Pipeline

SHARES = (0.0, 0.1, 0.5, 1.0)
DEPTH = 10
RESULTS = Path(__file__).parent / "results" / "vectors_later"


class FromWhole:
    """Stands for :class:`rag.library.ahead.Ahead`, with the vectors of a library that has them all."""

    def __init__(self, whole: Library) -> None:
        self._whole = whole
        self._wanted: set[str] = set()

    def embed(self, papers: Iterable[StoredPaper]) -> None:
        self._wanted |= {one.paper.id for one in papers}

    def filled_in(self, papers: Mapping[str, StoredPaper]) -> dict[str, StoredPaper]:
        return {**papers, **self._whole.entries([one for one in papers if one in self._wanted])}

    def forget(self) -> None:
        """The next question is asked in another process."""
        self._wanted.clear()


def partly_embedded(whole: Path, to: Path, share: float) -> None:
    """A copy of a library in which the first ``share`` of the papers have vectors."""
    shutil.copytree(whole, to, ignore=shutil.ignore_patterns(".lock*", "chroma"))
    with closing(sqlite3.connect(to / "papers.sqlite")) as db:
        (papers,) = db.execute("SELECT count(*) FROM papers").fetchone()
        later = "rowid NOT IN (SELECT rowid FROM papers ORDER BY rowid LIMIT ?)"
        db.execute(
            f"UPDATE papers SET vectors = NULL, passages = '[]', sentences = '[]' WHERE {later}",
            (round(share * papers),),
        )
        db.commit()
    with Library.open(to, embedder=embedder_id(), read_only=False) as library:
        library.rebuild()


def ndcg(pipeline: Pipeline, collection: Collection, ahead: FromWhole | None) -> float:
    """The mean nDCG@10 of the queries; merged records follow the paper that they became a part of."""
    merged, rankings = pipeline.library.merged(), dict[str, list[str]]()
    for query_id, query in collection.queries.items():
        if ahead is not None:
            ahead.forget()
        try:
            papers = [hit.paper.id for hit, _ in pipeline.find(query, DEPTH)]
        except QuestionError:
            papers = []
        rankings[query_id] = [one for paper in papers for one in (paper, *merged.get(paper, ()))]
    return statistics.fmean(per_query(collection.qrels, rankings)["nDCG@10"].values())


def measure(folder: Path, settings: Settings) -> dict[str, dict[str, float]]:
    """nDCG@10 by share of the papers that have vectors, without and with those pulled forward."""
    from dataclasses import replace

    collection = read_collection(folder)
    settings, _ = library_of(collection, settings, lambda name, total: lambda done: None)
    whole, found = open_library(settings), dict[str, dict[str, float]]()
    for share in SHARES:
        with tempfile.TemporaryDirectory() as made:
            path = Path(made) / "library"
            partly_embedded(whole.path, path, share)
            pipeline = open_answerer(replace(settings, library=path, model="quote", mode=None))
            pipeline.library.ahead = None
            row = {"there": round(ndcg(pipeline, collection, None), 4)}
            ahead = FromWhole(whole)
            pipeline.library.ahead = ahead  # type: ignore[assignment]
            row["pulled forward"] = round(ndcg(pipeline, collection, ahead), 4)
        found[f"{share:.0%}"] = row
        print(folder.name, f"{share:.0%}", row, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("collections", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=RESULTS / f"{date.today()}.json")
    given = parser.parse_args()
    results = {folder.name: measure(folder, load_settings()) for folder in given.collections}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
