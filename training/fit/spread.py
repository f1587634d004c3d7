"""When a question after one thing is answered from several papers: fits the constants of ``rag/evidence/spread.py``.

    python -m training.fit.spread --data ../shared/data

Questions that one paper answers, over the shipped abstracts and four other libraries (the ``fit`` halves of
``answerable_questions.jsonl`` and ``other_questions.jsonl``), against questions that several papers answer and that are
read as being after one thing (broad ones of ``refusal_questions.jsonl``, the open half of ``several_questions.jsonl``).
Prints the constants, and with five folds the area under the curve and, for some shares of the first that are spread,
how many of the second are. The development questions are kept out, and their share is printed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from benchmarks.several import made
from rag.config import Settings, with_overrides
from rag.datatypes import Intent
from rag.evidence.fitting import fit_judge
from rag.evidence.ranking import rank_sentences
from rag.evidence.spread import LEAST_PAPERS, figures
from rag.factory import open_answerer
from rag.library.read_once import ReadOnce
from training.jsonl import lines
from training.questions import (
    ANSWERABLE,
    REFUSED,
    SEVERAL,
    other_libraries,
    other_library,
    other_questions,
    several_libraries,
)

SPREAD = 0.05  # share of the questions that one paper answers which may be spread
SHARES = (0.01, 0.02, 0.03, 0.04, 0.05)
FOLDS, SEED = 5, 0
Asked = tuple[Path | None, list[str], list[str]]  # a library, questions that one paper answers, that several do


def asked(data: Path) -> Iterator[Asked]:
    """The questions to learn from, library by library."""
    several = list(lines(SEVERAL))
    for name, papers in several_libraries(data).items():
        many = [r["question"] for r in several if r["library"] == name and r["split"] == "open"]
        if name != "shipped":
            yield made(name, papers), [], many
            continue
        broad = [r for r in lines(REFUSED) if r["kind"] == "broad" and r["split"] in ("fit", "held-out")]
        many += [r["question"] for r in broad if len(r["gold"]) >= LEAST_PAPERS]
        yield None, _of_one(r for r in lines(ANSWERABLE) if r["split"] == "fit"), many
    for name in other_libraries():
        papers = other_library(name, data)
        records = [r for r in other_questions(name, papers) if r["split"] == "fit"]
        if records:
            many = [r["question"] for r in records if len(r["gold"]) >= LEAST_PAPERS]
            yield made(f"other-{name}", papers), _of_one(records), many


def _of_one(records: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> list[str]:
    return [r["question"] for r in records if len(r["gold"]) == 1 and r["type"] != "followup"]


def measured(library: Path | None, questions: list[str]) -> np.ndarray:
    """The figures, a row for each of the questions that are read as being after one thing and have papers enough."""
    pipeline = open_answerer(with_overrides(Settings(), model="quote", **({"library": library} if library else {})))
    rows = []
    for question in questions:
        reading = pipeline.read(question)
        if reading.intent is not Intent.FACT or reading.wants_figure:
            continue
        ranking = pipeline.rank(reading)
        ranked = rank_sentences(reading, ranking.vector, ranking.hits, ReadOnce(pipeline.library))
        fits = fit_judge().judge(reading, ranked)
        if len(fits) >= LEAST_PAPERS:
            rows.append(figures(reading, fits))
    return np.array(rows)


def main() -> int:
    """Fit and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    rows, several = [], []
    for library, *questions in asked(data):
        for label, mine in enumerate(questions):
            found = measured(library, mine) if mine else np.empty((0, 0))
            if len(found):
                rows.append(found)
                several += [label] * len(found)
    x, y = np.concatenate(rows), np.array(several)
    said = np.zeros(len(y))
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(x, y):
        said[test] = _fitted(x[train], y[train]).decision_function(x[test])
    print(f"{(y == 0).sum()} of one paper, {y.sum()} of several; area under the curve {roc_auc_score(y, said):.3f}")
    for share in SHARES:
        least = np.quantile(said[y == 0], 1 - share)
        print(f"{share:.2f} of those of one paper spread: {(said[y == 1] > least).mean():.3f} of those of several")
    model = _fitted(x, y)
    least = float(np.quantile(said[y == 0], 1 - SPREAD))
    print("WEIGHTS", tuple(round(float(w), 3) for w in model.coef_[0]), "BIAS", round(float(model.intercept_[0]), 3))
    print("LEAST", round(least, 2))
    kept_out = [r for r in lines(data / "questions" / "dev.jsonl") if r.get("type") != "followup"]
    development = measured(None, _of_one(kept_out))
    print(f"development questions of one paper spread: {(model.decision_function(development) >= least).mean():.3f}")
    return 0


def _fitted(x: np.ndarray, y: np.ndarray) -> LogisticRegression:
    return LogisticRegression(C=1.0, max_iter=1000, class_weight="balanced").fit(x, y)


if __name__ == "__main__":
    raise SystemExit(main())
