"""Fits what reads a question: ``python -m training.reading.fit --home FOLDER``. A minute on one core.

Two multinomial logistic regressions, L2: the kind, on the taught questions of ``questions.jsonl``; whether a
question leans on the one before, on the taught pairs of ``pairs.jsonl``. Penalties were set by hand;
``--choose`` prints how others do with phrasings left out in turn. Prints what is read right among what is held out.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_array

from rag.encoding.query_encoder import QueryEncoder
from rag.questions import follow_up
from rag.questions.classifier import Classifier, figures, pieces, public_kinds, runs
from training.jsonl import lines

HERE = Path(__file__).parent
WEIGHTS = HERE.parent.parent / "rag" / "questions"
FIELDS_OF_A_WORD = 4  # a word of asking occurs in so many fields
EXAMPLES_OF_A_RUN = 3
FOLDS = 3
_KEPT = 0.02  # a run whose weights are all below this is left out of the file
_ROUND = 3


class Penalties(NamedTuple):
    """Of each squared weight. The vector's are counted along directions in which questions of one phrasing differ
    little: ``spread`` says how much that tells (0: not at all), so that what a question is about speaks less."""

    vector: float
    named: float
    spread: float


KIND = Penalties(0.1, 0.3, 1.0)
FOLLOW_UP = Penalties(1.0, 0.3, 0.0)


@dataclass(frozen=True, slots=True)
class Example:
    """A question with its class, and what is known of it by rule."""

    text: str
    label: str
    field: str
    phrasing: str
    known: Mapping[str, float]
    record: Mapping[str, Any]


def questions(records: Sequence[Mapping[str, Any]]) -> list[Example]:
    """Questions by kind."""
    return [
        Example(r["question"], r["kind"], r["field"], r.get("phrasing") or r["question"], figures(r["question"]), r)
        for r in records
    ]


def seconds(records: Sequence[Mapping[str, Any]], nearness: Sequence[float]) -> list[Example]:
    """Questions by whether they lean on the one before."""
    return [
        Example(
            r["question"], "follow-up" if r["follow_up"] else "own", r["field"], r["phrasing"],
            follow_up.figures(r["question"], r["before"], near), r,
        )
        for r, near in zip(records, nearness, strict=True)
    ]  # fmt: skip


def words_of_asking(examples: Sequence[Example]) -> list[str]:
    """The words that occur in several fields; of those in no field (talk) and in other languages, in two questions."""
    seen: dict[str, set[str]] = defaultdict(set)
    anywhere: Counter[str] = Counter()
    for example in examples:
        words = {piece.lower() for piece in pieces(example.text) if not piece.isdigit()}
        for word in words:
            seen[word].add(example.field)
        if example.field in ("any", "languages"):
            anywhere.update(words)
    common = {word for word, where in seen.items() if len(where) >= FIELDS_OF_A_WORD}
    return sorted(common | {word for word, count in anywhere.items() if count >= 2})


def fit(
    examples: Sequence[Example], vectors: np.ndarray, classes: Sequence[str], penalties: Penalties
) -> dict[str, Any]:
    """The weights as :class:`Classifier` reads them. ``vectors``: ``(examples, 384)`` or ``(examples, 0)``."""
    words = words_of_asking(examples)
    named = [{**dict.fromkeys(runs(e.text, words), 1.0), **e.known} for e in examples]
    count = Counter(name for one in named for name in one)
    columns = {name: at for at, name in enumerate(sorted(n for n, k in count.items() if k >= EXAMPLES_OF_A_RUN))}
    turn = _turned_from_topics(examples, vectors, penalties.spread)
    cells = [(row, columns[n], v) for row, one in enumerate(named) for n, v in one.items() if n in columns]
    rows, columns_of, values = zip(*cells, strict=True)
    x = _Figures(vectors @ turn, csr_array((values, (rows, columns_of)), (len(examples), len(columns))))
    y = np.array([classes.index(e.label) for e in examples])
    share = np.bincount(y, minlength=len(classes)) / len(y)
    weight = np.array([(1 / max(share[k], 0.03)) ** 0.5 for k in y])  # rarer classes count more, by the root
    size = vectors.shape[1]
    penalty = np.repeat([penalties.vector, penalties.named], [size, len(columns)])
    found = _minimise(x, y, weight / weight.mean(), penalty, len(classes))
    by_name = {name: found[size + at] for name, at in columns.items()}
    return {
        "classes": list(classes),
        "words": words,
        "bias": found[-1].round(_ROUND).tolist(),
        "vector": (turn @ found[:size]).round(_ROUND).tolist(),
        "named": {n: row.round(_ROUND).tolist() for n, row in by_name.items() if np.abs(row).max() >= _KEPT},
    }


def _turned_from_topics(examples: Sequence[Example], vectors: np.ndarray, spread: float) -> np.ndarray:
    """A matrix ``(384, 384)`` that shortens vectors along the directions in which questions of one phrasing differ."""
    size = vectors.shape[1]
    if not spread or not size:
        return np.eye(size)
    groups: dict[str, list[int]] = defaultdict(list)
    for at, example in enumerate(examples):
        groups[example.phrasing].append(at)
    apart = np.vstack([vectors[g] - vectors[g].mean(axis=0) for g in groups.values() if len(g) > 1])
    covariance = apart.T @ apart / len(apart)
    values, directions = np.linalg.eigh(covariance + np.eye(size) * np.trace(covariance) / size / spread)
    turn = directions @ np.diag(values**-0.5) @ directions.T
    return np.asarray(turn / np.sqrt((turn**2).sum() / size))


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


def read_by(model: Classifier, examples: Sequence[Example], vectors: np.ndarray) -> list[str]:
    """The likeliest class of each example."""
    found = []
    for example, vector in zip(examples, vectors, strict=True):
        likely = model.probabilities(example.text, example.known, vector)
        found.append(max(model.classes, key=likely.__getitem__))
    return found


def choose(examples: Sequence[Example], vectors: np.ndarray, classes: Sequence[str]) -> Iterator[str]:
    """The share read right of phrasings left out in turn, by penalties."""
    phrasings = sorted({e.phrasing for e in examples})
    random.Random(0).shuffle(phrasings)
    fold = {phrasing: at % FOLDS for at, phrasing in enumerate(phrasings)}
    of = np.array([fold[e.phrasing] for e in examples])
    for penalties in (Penalties(v, n, s) for s in (0.0, 3.0) for v in (0.1, 0.5) for n in (0.2, 0.6)):
        right = np.zeros(len(examples), bool)
        for out in range(FOLDS):
            rest, held = np.flatnonzero(of != out), np.flatnonzero(of == out)
            model = Classifier(fit([examples[i] for i in rest], vectors[rest], classes, penalties))
            read = read_by(model, [examples[i] for i in held], vectors[held])
            right[held] = [kind == examples[i].label for kind, i in zip(read, held, strict=True)]
        yield f"{penalties}: {right.mean():.4f} of {len(right)}"


def report(examples: Sequence[Example], read: Sequence[str], keys: Sequence[str]) -> None:
    """Print the share read right by each of ``keys`` of the records."""
    for key in keys:
        groups: dict[str, list[bool]] = defaultdict(list)
        for example, label in zip(examples, read, strict=True):
            groups[str(example.record.get(key))].append(label == example.label)
        print(key, {name: f"{np.mean(hits):.3f} of {len(hits)}" for name, hits in sorted(groups.items())})


def _one(name: str, examples: list[Example], vectors: np.ndarray, options: argparse.Namespace) -> None:
    taught = [i for i, e in enumerate(examples) if e.record["split"] == "taught"]
    held = [i for i, e in enumerate(examples) if e.record["split"] != "taught"]
    kinds = name == "kind"
    classes, penalties = (public_kinds(), KIND) if kinds else (["own", "follow-up"], FOLLOW_UP)
    if options.choose:
        for line in choose([examples[i] for i in taught], vectors[taught], classes):
            print(name, line, flush=True)
        return
    weights = fit([examples[i] for i in taught], vectors[taught], classes, penalties)
    path = WEIGHTS / f"{name}_weights.json"
    path.write_text(json.dumps(weights, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{name}: {len(taught)} taught, {len(weights['words'])} words, {len(weights['named'])} runs and figures")
    outside = [examples[i] for i in held]
    read = read_by(Classifier(weights), outside, vectors[held])
    report(outside, read, ("unseen", "origin", "kind") if kinds else ("follow_up", "unseen"))
    if options.wrong:
        for example, label in zip(outside, read, strict=True):
            if label != example.label:
                print(f"  {example.label} read as {label}: {example.record.get('before', '')} | {example.text}")


def main() -> None:
    """Fit, write, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder for the encoder's weights")
    parser.add_argument("--choose", action="store_true", help="print how penalties do, and fit nothing")
    parser.add_argument("--wrong", action="store_true", help="print what is held out and misread")
    options = parser.parse_args()
    encoder = QueryEncoder(options.home)
    records = list(lines(HERE / "questions.jsonl"))
    _one("kind", questions(records), encoder.encode([r["question"] for r in records]), options)
    pairs = list(lines(HERE / "pairs.jsonl"))
    first, second = (encoder.encode([r[key] for r in pairs]) for key in ("before", "question"))
    near = (first * second).sum(axis=1).tolist()
    _one("follow_up", seconds(pairs, near), np.zeros((len(pairs), 0), np.float32), options)


if __name__ == "__main__":
    main()
