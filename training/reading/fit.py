"""Fits what reads a question's kind: ``python -m training.reading.fit --home FOLDER``. Half a minute on one core.

Multinomial logistic regression, L2, on the taught questions of ``questions.jsonl``. The strengths of the penalties were
chosen by leaving fields out in turn (``--choose``). Prints the share of kinds read right among the held-out questions.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_array

from rag.encoding.query_encoder import QueryEncoder
from rag.questions.classifier import KindClassifier, figures, pieces, public_kinds, runs
from training.jsonl import lines

HERE = Path(__file__).parent
WEIGHTS = HERE.parent.parent / "rag" / "questions" / "kind_weights.json"
FIELDS_OF_A_WORD = 4  # a word of asking occurs in so many fields
QUESTIONS_OF_A_RUN = 3
VECTOR_PENALTY, NAMED_PENALTY = 0.3, 0.1  # per value, of the mean loss times the number of questions
_KEPT = 0.02  # a run whose weights are all below this is left out of the file
_ROUND = 3


def words_of_asking(records: Sequence[dict[str, Any]]) -> list[str]:
    """The words that occur in several fields."""
    seen: dict[str, set[str]] = defaultdict(set)
    for record in records:
        for piece in pieces(record["question"]):
            if not piece.isdigit():
                seen[piece.lower()].add(record["field"] if record["field"] != "any" else record["question"])
    languages = {
        w for r in records if r["field"] in ("languages", "any") for w in map(str.lower, pieces(r["question"]))
    }
    common = Counter(
        w for r in records if r["field"] in ("languages", "any") for w in set(map(str.lower, pieces(r["question"])))
    )
    foreign = {word for word in languages if common[word] >= 2 and not word.isdigit()}
    return sorted({word for word, where in seen.items() if len(where) >= FIELDS_OF_A_WORD} | foreign)


def names_of(records: Sequence[dict[str, Any]], words: Sequence[str]) -> list[dict[str, float]]:
    """The runs and the figures of each question."""
    return [{**dict.fromkeys(runs(r["question"], words), 1.0), **figures(r["question"])} for r in records]


def fit(
    records: Sequence[dict[str, Any]], vectors: np.ndarray, vector_penalty: float, named_penalty: float
) -> dict[str, Any]:
    """The weights as :class:`KindClassifier` reads them. ``vectors``: ``(questions, 384)``."""
    kinds, words = public_kinds(), words_of_asking(records)
    named = names_of(records, words)
    count = Counter(name for one in named for name in one)
    columns = {name: at for at, name in enumerate(sorted(n for n, k in count.items() if k >= QUESTIONS_OF_A_RUN))}
    cells = [(row, columns[n], v) for row, one in enumerate(named) for n, v in one.items() if n in columns]
    at, columns_of, values = zip(*cells, strict=True)
    x = _Figures(vectors.astype(np.float64), csr_array((values, (at, columns_of)), (len(records), len(columns))))
    y = np.array([kinds.index(r["kind"]) for r in records])
    share = np.bincount(y, minlength=len(kinds)) / len(y)
    weight = np.array([(1 / max(share[k], 0.03)) ** 0.5 for k in y])  # rarer kinds count more, by the root
    weight /= weight.mean()
    size = vectors.shape[1]
    penalty = np.repeat([vector_penalty, named_penalty], [size, len(columns)])
    found = _minimise(x, y, weight, penalty, len(kinds))
    rows = {name: found[size + at] for name, at in columns.items()}
    return {
        "kinds": kinds,
        "words": words,
        "bias": found[-1].round(_ROUND).tolist(),
        "vector": found[:size].round(_ROUND).tolist(),
        "named": {n: row.round(_ROUND).tolist() for n, row in rows.items() if np.abs(row).max() >= _KEPT},
    }


class _Figures(NamedTuple):
    """What is known of every question: vectors ``(questions, 384)``, and the rest, most of which is nought."""

    vectors: np.ndarray
    named: csr_array

    def times(self, weights: np.ndarray) -> np.ndarray:
        size = self.vectors.shape[1]
        return np.asarray(self.vectors @ weights[:size] + self.named @ weights[size:])

    def turned_times(self, pulls: np.ndarray) -> np.ndarray:
        return np.vstack([self.vectors.T @ pulls, self.named.T @ pulls])


def _minimise(x: _Figures, y: np.ndarray, weight: np.ndarray, penalty: np.ndarray, kinds: int) -> np.ndarray:
    """Weights, shape ``(figures + 1, kinds)``, the last row the bias."""
    right = np.eye(kinds)[y]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        w = flat.reshape(-1, kinds)
        scores = x.times(w[:-1]) + w[-1]
        scores -= scores.max(axis=1, keepdims=True)
        p = np.exp(scores)
        p /= p.sum(axis=1, keepdims=True)
        pull = (p - right) * weight[:, None]
        slope = np.vstack([x.turned_times(pull) + 2 * penalty[:, None] * w[:-1], pull.sum(axis=0)])
        value = -float(weight @ np.log((p * right).sum(axis=1) + 1e-12)) + float(penalty @ (w[:-1] ** 2).sum(axis=1))
        return value, slope.ravel()

    start = np.zeros((len(penalty) + 1) * kinds)
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 400}).x).reshape(-1, kinds)


def read_by(model: KindClassifier, records: Sequence[dict[str, Any]], vectors: np.ndarray) -> list[str]:
    """The likeliest kind of each question."""
    found = []
    for record, vector in zip(records, vectors, strict=True):
        likely = model.probabilities(record["question"], vector)
        assert likely is not None
        found.append(max(model.kinds, key=likely.__getitem__))
    return found


def choose(records: Sequence[dict[str, Any]], vectors: np.ndarray) -> None:
    """Print the share read right of fields left out in turn, by penalty."""
    names = sorted({r["field"] for r in records} - {"any"})
    for vector_penalty in (0.1, 0.3, 1.0):
        for named_penalty in (0.03, 0.1, 0.3):
            right = total = 0
            for fold in range(4):
                out = set(names[fold::4])
                rest = [i for i, r in enumerate(records) if r["field"] not in out]
                held = [i for i, r in enumerate(records) if r["field"] in out]
                model = KindClassifier(fit([records[i] for i in rest], vectors[rest], vector_penalty, named_penalty))
                read = read_by(model, [records[i] for i in held], vectors[held])
                right += sum(kind == records[i]["kind"] for kind, i in zip(read, held, strict=True))
                total += len(held)
            print(
                f"penalty of the vector {vector_penalty}, of the rest {named_penalty}: {right / total:.4f} of {total}"
            )


def report(records: Sequence[dict[str, Any]], read: Sequence[str]) -> None:
    """Print the share read right, by what was not taught, and by kind."""
    for key in ("unseen", "origin", "kind"):
        groups: dict[str, list[bool]] = defaultdict(list)
        for record, kind in zip(records, read, strict=True):
            groups[record[key]].append(kind == record["kind"])
        print(key, {name: f"{np.mean(hits):.3f} of {len(hits)}" for name, hits in sorted(groups.items())})


def main() -> None:
    """Fit, write, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder for the encoder's weights")
    parser.add_argument("--choose", action="store_true", help="print how penalties do, and fit nothing")
    parser.add_argument("--wrong", action="store_true", help="print the held-out questions that are misread")
    options = parser.parse_args()
    records = list(lines(HERE / "questions.jsonl"))
    encoder = QueryEncoder(options.home)
    vectors = encoder.encode([record["question"] for record in records])
    taught = [i for i, record in enumerate(records) if record["split"] == "taught"]
    held = [i for i, record in enumerate(records) if record["split"] != "taught"]
    if options.choose:
        choose([records[i] for i in taught], vectors[taught])
        return
    weights = fit([records[i] for i in taught], vectors[taught], VECTOR_PENALTY, NAMED_PENALTY)
    WEIGHTS.write_text(json.dumps(weights, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{len(weights['words'])} words of asking, {len(weights['named'])} runs and figures")
    outside = [records[i] for i in held]
    read = read_by(KindClassifier(weights), outside, vectors[held])
    report(outside, read)
    if options.wrong:
        for record, kind in zip(outside, read, strict=True):
            if kind != record["kind"]:
                print(f"  {record['unseen']:8} {record['kind']} read as {kind}: {record['question']}")


if __name__ == "__main__":
    main()
