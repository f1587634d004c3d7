"""How the network's opinion of a paper, its rank and the ranker's score are weighed together.

    python -m training.fit.combine --data ../shared/data

A logistic regression over the first papers of each question in the open half of ``several_questions.jsonl``, whether
the paper fits as the target, and a second one that adds how like each other these papers are. Prints the constants of
``rag/evidence/fitting.py`` and of ``rag/evidence/likeness.py``, and for both, with five folds that keep questions
together, the area under the curve and for some thresholds how many of the fitting papers are the eight best that are
cited (recall) and how many of these fit (precision). The second stands upon the constants that ship, as it does in the
program: where the first ones change, run it again.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from benchmarks.several import made
from rag.config import Settings, with_overrides
from rag.evidence import likeness
from rag.evidence.fitting import MOST_READ, Fit, best_of_each, fit_judge
from rag.evidence.gathering import CANDIDATES
from rag.evidence.ranking import Ranked, SentenceStore, rank_sentences
from rag.evidence.several import MOST_LINES
from rag.factory import open_answerer
from rag.library.read_once import ReadOnce
from training.jsonl import lines
from training.questions import SEVERAL, several_libraries

FOLDS = 5
# Inverse strengths, as scikit-learn has them. Cosines differ by little, so what they weigh must be free to be large.
ALONE, TOGETHER = 1.0, 100.0
THRESHOLDS = (0.35, 0.4, 0.43, 0.45, 0.5, 0.55, 0.6, 0.65)


@dataclass
class Found:
    """By paper its figures alone and together with others, whether it fits, the number of its question; by question
    how many papers fit."""

    alone: list[list[float]] = field(default_factory=list)
    together: list[list[float]] = field(default_factory=list)
    fits: list[bool] = field(default_factory=list)
    questions: list[int] = field(default_factory=list)
    fitting: list[int] = field(default_factory=list)


def found(data: Path) -> Found:
    """The figures of the first papers of all questions."""
    made_of = Found()
    for name, papers in several_libraries(data).items():
        folder = {"library": made(name, papers)} if name != "shipped" else {}
        pipeline = open_answerer(with_overrides(Settings(), model="quote", **folder))
        for record in lines(SEVERAL):
            if record["library"] != name or record["split"] != "open":
                continue
            reading = pipeline.read(record["question"])
            ranking = pipeline.rank(reading, CANDIDATES[0])
            store = ReadOnce(pipeline.library)
            ranked = rank_sentences(reading, ranking.vector, ranking.hits, store)
            fits = fit_judge().judge(reading, ranked)
            made_of.alone += _alone(fits, ranked)
            made_of.together += _together(fits, store)
            made_of.fits += [fit.paper.id in record["gold"] for fit in fits]
            made_of.questions += [len(made_of.fitting)] * len(fits)
            made_of.fitting.append(len(record["gold"]))
    return made_of


def _alone(fits: Sequence[Fit], ranked: Ranked) -> list[list[float]]:
    """The network's log-odds, the logarithm of the rank, and how far the ranker's score stands behind the best."""
    rows = []
    mine = best_of_each(ranked, MOST_READ)
    for fit in fits:
        behind = max(c.score for c in mine[fit.paper.id]) - ranked.candidates[0].score
        rows.append([fit.network_log_odds, math.log(1 + mine[fit.paper.id][0].rank), behind])
    return rows


def _together(fits: Sequence[Fit], store: SentenceStore) -> list[list[float]]:
    return likeness.figures([fit.probability for fit in fits], [store.sentence_vectors(fit.paper.id) for fit in fits])


def report(name: str, rows: np.ndarray, made_of: Found, strength: float) -> None:
    """Cross-validated figures, and the constants."""
    fits, questions = np.array(made_of.fits), np.array(made_of.questions)
    model = LogisticRegression(C=strength, max_iter=5000)
    said = np.zeros(len(fits))
    for fold in range(FOLDS):
        out = questions % FOLDS == fold
        said[out] = model.fit(rows[~out], fits[~out]).predict_proba(rows[out])[:, 1]
    print(f"{name}: area under the curve {roc_auc_score(fits, said):.3f}")
    for threshold in THRESHOLDS:
        recall, precision = [], []
        for number, count in enumerate(made_of.fitting):
            order = sorted(np.flatnonzero(questions == number), key=lambda at: -said[at])
            cited = [at for at in order if said[at] >= threshold][:MOST_LINES] or order[:1]
            recall.append(fits[cited].sum() / count)
            precision.append(fits[cited].mean())
        print(f"from {threshold}: recall {np.mean(recall):.3f}, precision {np.mean(precision):.3f}")
    model.fit(rows, fits)
    print("constants", [round(float(x), 3) for x in (*model.coef_[0], model.intercept_[0])])


def main() -> int:
    """Fit and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    made_of = found(parser.parse_args().data)
    report("alone", np.array(made_of.alone), made_of, ALONE)
    report("together", np.array(made_of.together), made_of, TOGETHER)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
