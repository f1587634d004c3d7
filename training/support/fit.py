"""Weigh words, rules and the network; calibrate; choose the thresholds; measure.

    python -m training.support.fit --pairs build/support --data ../shared/data [--network models/support.onnx] [--dev]

Words and rules are weighed on SciFact's training claims, the network against their sum on the held-out ones, which it
has not seen. Logistic regression with both labels counting alike, so .5 is where balanced accuracy is best and what
comes out is a probability for a sentence that is as likely borne out as not. Writes
``rag/verification/support_weights.json``; with ``--dev`` it measures on the development claims instead and writes
nothing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from rag.encoding.onnx_encoder import PairScorer
from rag.system.hashing import sha256_of
from rag.verification.support import MAX_TOKENS, NETWORK, features, overlaps, weights
from training.support.data import lines

FOLDS = 10
PENALTY = 0.1  # inverse strength of L2, on standardised figures
KEPT = 0.95  # of the supported sentences are at least weakly supported
OUT = Path("rag/verification/support_weights.json")


class Claims:
    """Real claims with their abstracts: figures, labels and groups."""

    def __init__(self, pairs: Path, data: Path, network: PairScorer | None) -> None:
        self.papers = {r["doc_id"]: r for r in lines(data / "collections" / "scifact" / "corpus_sentences.jsonl")}
        self._pairs = pairs
        self._network = network

    def read(self, name: str) -> tuple[list[dict[str, float]], Any, list[dict[str, Any]]]:
        """Figures, labels and records of a file; what was made from claims is left out."""
        records = [p for p in lines(self._pairs / f"{name}.jsonl") if p["source"] != "scifact-taken-out"]
        figures = [
            features(p["claim"], self.papers[p["group"]]["title"], self.papers[p["group"]]["abstract"]) for p in records
        ]
        if self._network is not None and name != "scifact":
            logits = self._network.score([(p["claim"], p["evidence"]) for p in records])
            for row, logit in zip(figures, logits, strict=True):
                row[NETWORK] = logit
        return figures, np.array([p["label"] for p in records]), records


def table(figures: Sequence[dict[str, float]], names: Sequence[str]) -> Any:
    """Figures as a matrix, rows x names."""
    return np.array([[row[name] for name in names] for row in figures])


def regression() -> Any:
    """Standardised, both labels counting alike."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, class_weight="balanced"))


def balanced(found: Any, labels: Any) -> float:
    """Balanced accuracy of booleans."""
    return float((found[labels == 1].mean() + (~found[labels == 0]).mean()) / 2)


def unstandardised(model: Any) -> tuple[float, Any]:
    """Intercept and weights for the figures as they are."""
    scaler, logistic = model[0], model[-1]
    slopes = logistic.coef_[0] / scaler.scale_
    return float(logistic.intercept_[0] - (slopes * scaler.mean_).sum()), slopes


def cross_validated(model: Any, x: Any, y: Any, groups: Sequence[str]) -> Any:
    """Probabilities of claims whose abstract was not in the fit."""
    return cross_val_predict(model, x, y, groups=groups, cv=GroupKFold(FOLDS), method="predict_proba")[:, 1]


def fit(claims: Claims, with_network: bool) -> dict[str, Any]:
    """The weights and thresholds to write, and the cross-validated figures behind them."""
    train, train_labels, train_records = claims.read("scifact")
    held, held_labels, held_records = claims.read("heldout")
    names = list(train[0])
    groups = [p["group"] for p in train_records + held_records]
    labels = np.r_[train_labels, held_labels]
    every = np.vstack([table(train, names), table(held, names)])
    found = cross_validated(regression(), every, labels, groups)
    report = {"words and rules": round(balanced(found >= 0.5, labels), 4)}
    words = regression().fit(every, labels)
    intercept, slopes = unstandardised(words)
    chosen = dict(zip(names, slopes, strict=True))
    if with_network:
        sums = unstandardised(regression().fit(table(train, names), train_labels))
        both = np.c_[sums[0] + table(held, names) @ sums[1], table(held, [NETWORK])]
        found, labels = cross_validated(regression(), both, held_labels, groups[len(train) :]), held_labels
        report["words and rules, held out"] = round(balanced(both[:, 0] >= 0, held_labels), 4)
        report["network, held out"] = round(max(balanced(both[:, 1] >= t, held_labels) for t in both[:, 1]), 4)
        report["all, held out"] = round(balanced(found >= 0.5, held_labels), 4)
        start, (of_words, of_network) = unstandardised(regression().fit(both, held_labels))
        intercept, chosen = start + of_words * intercept, {n: of_words * s for n, s in chosen.items()}
        chosen[NETWORK] = of_network
    weak = float(np.quantile(found[labels == 1], 1 - KEPT))
    return {
        "intercept": round(intercept, 4),
        "weights": {name: round(float(value), 4) for name, value in chosen.items()},
        "supported": 0.5,
        "weak": round(min(weak, 0.45), 3),
        "cross_validated": report,
    }


def measure(claims: Claims) -> dict[str, float]:
    """Balanced accuracy on the development claims: what ships, and today's measures of likeness for comparison."""
    figures, labels, records = claims.read("dev")
    shipped = weights()
    found = np.array([shipped.probability(row) for row in figures])
    shares = np.array([max(overlaps(p["claim"], claims.papers[p["group"]]["abstract"])) for p in records])
    result = {
        "shipped": balanced(found >= shipped.supported, labels),
        "shipped, supported claims not dropped": float((found[labels == 1] >= shipped.weak).mean()),
        "shipped, other claims dropped": float((found[labels == 0] < shipped.weak).mean()),
        "share of words in one sentence from .72": balanced(shares >= 0.72, labels),
        "share of words in one sentence from .5": balanced(shares >= 0.5, labels),
    }
    if NETWORK in figures[0]:
        result["network alone at 0"] = balanced(table(figures, [NETWORK])[:, 0] >= 0, labels)
    return {name: round(value, 4) for name, value in result.items()}


def main() -> int:
    """Fit and write, or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--network", type=Path, help="the ONNX file; without it words and rules decide alone")
    parser.add_argument("--dev", action="store_true", help="measure on the development claims")
    options = parser.parse_args()
    network = None
    if options.network:
        sha256 = sha256_of(options.network)
        network = PairScorer(options.network, sha256, threads=2, max_tokens=MAX_TOKENS)
    claims = Claims(options.pairs, options.data, network)
    if options.dev:
        print(json.dumps(measure(claims), indent=1))
        return 0
    result = fit(claims, network is not None)
    OUT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
