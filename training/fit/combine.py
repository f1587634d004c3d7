"""How the network's opinion of a paper, its rank and the ranker's score are weighed together.

    python -m training.fit.combine --data ../shared/data

A logistic regression over the first thirty papers of each question in the open half of ``several_questions.jsonl``,
whether the paper fits as the target. Prints the constants of ``rag/evidence/fitting.py``, and, with five folds that
keep questions together, the area under the curve and for some thresholds how many of the fitting papers are the eight
best that are cited (recall) and how many of these fit (precision).
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from benchmarks.several import made
from rag.config import Settings, with_overrides
from rag.encoding.onnx_encoder import token_logits
from rag.evidence.fitting import MOST_READ, best_of_each, encode, fit_judge
from rag.evidence.gathering import CANDIDATES
from rag.evidence.ranking import rank_sentences
from rag.evidence.several import MOST_LINES
from rag.factory import open_answerer
from rag.library.read_once import ReadOnce
from training.jsonl import lines
from training.questions import SEVERAL, several_libraries

FOLDS = 5
THRESHOLDS = (0.25, 0.3, 0.35, 0.38, 0.4, 0.45, 0.5)


def figures(data: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[int]]:
    """Rows (papers, 3), whether each fits, the number of its question, and of each question how many papers fit."""
    rows: list[list[float]] = []
    fits: list[bool] = []
    questions: list[int] = []
    fitting: list[int] = []
    for name, papers in several_libraries(data).items():
        folder = {"library": made(name, papers)} if name != "shipped" else {}
        pipeline = open_answerer(with_overrides(Settings(), model="quote", **folder))
        for record in lines(SEVERAL):
            if record["library"] != name or record["split"] != "open":
                continue
            reading = pipeline.read(record["question"])
            ranking = pipeline.rank(reading, CANDIDATES[0])
            ranked = rank_sentences(reading, ranking.vector, ranking.hits, ReadOnce(pipeline.library))
            titles = {hit.paper.id: hit.paper.title for hit in ranking.hits}
            for paper, mine in best_of_each(ranked, MOST_READ).items():
                read = encode(reading.search, titles[paper], [c.sentence.text for c in mine])
                logits = token_logits(fit_judge().network, read.ids, read.kinds)
                behind = max(c.score for c in mine) - ranked.candidates[0].score
                rows.append([float(logits[0, 0]), math.log(1 + mine[0].rank), behind])
                fits.append(paper in record["gold"])
                questions.append(len(fitting))
            fitting.append(len(record["gold"]))
    return np.array(rows), np.array(fits), np.array(questions), fitting


def main() -> int:
    """Fit and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    rows, fits, questions, fitting = figures(parser.parse_args().data)
    said = np.zeros(len(fits))
    for fold in range(FOLDS):
        out = questions % FOLDS == fold
        model = LogisticRegression(max_iter=1000).fit(rows[~out], fits[~out])
        said[out] = model.predict_proba(rows[out])[:, 1]
    print(f"area under the curve {roc_auc_score(fits, said):.3f}")
    for threshold in THRESHOLDS:
        recall, precision = [], []
        for number, count in enumerate(fitting):
            order = sorted(np.flatnonzero(questions == number), key=lambda at: -said[at])
            cited = [at for at in order if said[at] >= threshold][:MOST_LINES] or order[:1]
            recall.append(fits[cited].sum() / count)
            precision.append(fits[cited].mean())
        print(f"from {threshold}: recall {np.mean(recall):.3f}, precision {np.mean(precision):.3f}")
    model = LogisticRegression(max_iter=1000).fit(rows, fits)
    print("constants", [round(float(x), 3) for x in (*model.coef_[0], model.intercept_[0])])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
