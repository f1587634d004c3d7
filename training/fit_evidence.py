"""Fit ``rag/evidence/evidence_weights.json``: which sentence answers, and whether any does.

    python -m training.fit_evidence --data ../shared/data --out rag/evidence/evidence_weights.json

*Sentences*: a softmax over the candidate sentences of a question, its supporting ones as the target (the listwise
loss of Cao et al. 2007, 'Learning to Rank: From Pairwise Approach to Listwise Approach'), L2-regularised, over the
hand-written questions, the three sets of them (see below) counting alike, and, with ``--most``, a little over those
that a language model wrote for arXiv abstracts.

*Refusal*: logistic regression on the figures of the question. Answerable are the questions with their paper in the
library; unanswerable the hand-written ones, questions about other fields, questions about other arXiv papers, and
questions whose own paper was taken out of what retrieval found. The threshold refuses 5% of the answerable
hand-written questions under ten-fold cross-validation, the three sets of them counting alike.

*Doubt*: the same with what the network says of the best papers, and with the hand-written questions once more, over
their library without all the papers that answer them: what is left are the papers nearest to a question that nothing
answers, in every field and of every kind. Below ``refused_below`` it refuses as well, below ``doubtful_below`` an
answer says that it is in doubt, which is so of 10% of the answerable hand-written questions.

Hand-written are the development questions of the data folder and those of ``training.questions``, over the shipped
abstracts and five other libraries. Only their split ``fit`` is fitted on; the others are measured.

Seeded; a few minutes on two cores. What is reported is cross-validated; what is written is fitted on everything.
"""

from __future__ import annotations

import argparse
import json
import pickle
import random
import re
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from rag.config import Settings
from rag.datatypes import Paper, PaperHit, Reading, Turn
from rag.errors import QuestionError
from rag.evidence import ranking
from rag.evidence.features import DOUBT_FEATURES, QUESTION_FEATURES, SENTENCE_FEATURES
from rag.evidence.fitting import fit_features, fit_judge
from rag.evidence.ranking import rank_sentences
from rag.evidence.refusal import share_of_threshold
from rag.factory import open_answerer, prepare_library
from rag.pipeline import Pipeline
from rag.retrieval.ranking import Search
from rag.retrieval.retrievers.fusion import fuse
from training.jsonl import lines
from training.questions import ANSWERABLE, REFUSED, other_libraries, other_library, other_questions

PAPERS = 6  # as the pipeline looks at
SYNTHETIC_WEIGHT = 0.02  # of a synthetic question against a hand-written one
SET = 200.0  # what the questions of one set weigh together in the fit of the sentences
PENALTY = 0.005  # L2, on standardised figures
SPREAD = 3.0  # mean deviation of the scores within a question, so that the margins mean the same after every fit
FOLDS = 10
FALSE_REFUSALS = 0.05
STRENGTH = 0.3  # the less, the smaller the coefficients of the refusal
# Figures that can only speak against an answer.
AGAINST = frozenset({"unknown", "figure_missing", "name_missing", "figure_apart", "proper_missing"})
SMALL = 460  # papers of the arXiv library on which refusal is fitted: the size of a reading list
# How much one question of each kind counts in the fit of the refusal.
REFUSAL_WEIGHTS = {"answerable": 6.0, "unanswerable": 20.0, "in": 1.0, "taken-out": 0.5, "other-paper": 0.5, "off": 1.0}
REFUSED_BELOW, DOUBTED = 0.05, 0.1
# The frequencies of words are those of the whole library, so a question whose papers were taken out has no unknown
# words: what the figure weighs is bounded by what it weighs where that is not so.
UNKNOWN = {"unknown": -3.0}
REFUSAL_WEIGHTS |= {"reworded": 6.0, "elsewhere": 6.0, "broad": 6.0, "off-topic": 24.0, "near-miss": 12.0}  # ours
DOUBT_WEIGHTS = REFUSAL_WEIGHTS | {"emptied": 4.0, "off-topic": 48.0}
ANSWERED = ("answerable", "reworded", "elsewhere", "in", "broad")
HAND_WRITTEN = ("answerable", "reworded", "elsewhere", "unanswerable", "broad", "off-topic", "near-miss")
ASKED = ("answerable", "reworded", "elsewhere")  # sets of answerable questions that count alike


@dataclass(frozen=True)
class Case:
    """One question: figures of its candidate sentences, which of them support the answer, figures of its own."""

    kind: str
    rows: np.ndarray
    gold: np.ndarray
    question: dict[str, float]
    share: float = 1.0  # of the threshold, which the probability must reach
    split: str = "fit"
    weight: float = 1.0  # in the fit of the sentences


def main() -> None:
    args = _arguments()
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        shipped = _open(Path(folder), None)
        written, reworded = list(lines(args.data / "questions" / "dev.jsonl")), list(lines(ANSWERABLE))
        elsewhere = list(_elsewhere(Path(folder), args.data))
        synthetic = list(lines(args.data / "synthetic" / "arxiv_questions.jsonl"))
        rng.shuffle(synthetic)
        model = json.loads(args.out.read_text(encoding="utf-8"))
        if not args.refusal_only:
            sets = [
                [_human_case(shipped, r) for r in written],
                [_human_case(shipped, r) for r in reworded if r["split"] == "fit"],
                [_human_case(there, r) for there, r in elsewhere if r["split"] == "fit" and r["evidence"]],
            ]
            human = [case for one in sets for case in _alike(one)]
            generated: list[Case] = []
            if args.most:
                arxiv = _open(Path(folder), _papers(synthetic), "arxiv")
                generated = [c for r in synthetic[: args.most] if (c := _synthetic_case(arxiv, r, "in"))]
            weights = _fit_sentences([c for c in human if c.gold.any()], [c for c in generated if c.gold.any()])
            _report_sentences(human, generated)
            model["sentence"] = {n: round(float(w), 4) for n, w in zip(SENTENCE_FEATURES, weights, strict=True)}
            _write(args.out, model)  # the figures of a question use the scores of its sentences
            ranking.fitted.cache_clear()
        cases = [_human_case(shipped, record) for record in written]
        cases += [replace(_human_case(shipped, r), kind="reworded", split=r["split"]) for r in reworded]
        cases += [replace(_human_case(shipped, r), kind=r["kind"], split=r["split"]) for r in lines(REFUSED)]
        for there, r in elsewhere:
            kind = "elsewhere" if r["kind"] == "answerable" else r["kind"]
            cases.append(replace(_human_case(there, r), kind=kind, split=r["split"]))
            cases += _emptied(there, r)
        for r in (*written, *reworded, *lines(REFUSED)):
            cases += _emptied(shipped, r)
        off_topic = [args.data / "evidence" / name / "qa.jsonl" for name in ("xquad_en", "covid_qa")]
        cases += _refusal_cases(Path(folder), shipped, synthetic, off_topic, rng)
        if args.cases:
            args.cases.write_bytes(pickle.dumps(cases))
        coefficients, bias, threshold = _fit_refusal(
            [c for c in cases if c.split == "fit" and c.kind != "emptied"], args.reliability
        )
        _report_refusal(cases, coefficients, bias, threshold)
        model["question"] = {n: round(float(c), 4) for n, c in zip(QUESTION_FEATURES, coefficients, strict=True)}
        model["scalars"] |= {"bias": round(float(bias), 4), "threshold": round(float(threshold), 4)}
        weights, bias, below = _fit_doubt([c for c in cases if c.split == "fit"])
        model["doubt"] = {n: round(float(c), 4) for n, c in zip(DOUBT_FEATURES, weights, strict=True)}
        model["scalars"] |= {"doubt_bias": round(float(bias), 4), "doubtful_below": round(float(below), 4)}
        _write(args.out, model)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of training data")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cases", type=Path, help="keep the figures of the refusal here, to try other fits")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most", type=int, default=0, help="synthetic questions that the sentences are fitted on too")
    parser.add_argument("--refusal-only", action="store_true", help="leave the weights of the sentences as they are")
    parser.add_argument("--reliability", type=Path, help="draw the reliability of the refusal into this picture")
    return parser.parse_args()


def _alike(cases: Sequence[Case]) -> list[Case]:
    """The questions of one set with weights so that their set counts as much as any other."""
    usable = sum(bool(c.gold.any()) for c in cases)
    return [replace(c, weight=SET / max(usable, 1)) for c in cases]


def _open(folder: Path, papers: Sequence[Paper] | None, name: str = "shipped") -> Pipeline:
    """A pipeline on the shipped abstracts, or on ``papers``."""
    if papers is None:
        settings = Settings(home=folder)
        prepare_library(settings)
        return open_answerer(settings)
    from rag.encoding.paper_encoder import PaperEncoder
    from rag.factory import embedder_id
    from rag.library.library import Library

    with Library.create(folder / name, embedder=embedder_id()) as library:
        library.add(papers, PaperEncoder())
    return open_answerer(Settings(home=folder, library=folder / name))


def _elsewhere(folder: Path, data: Path) -> Iterator[tuple[Pipeline, dict[str, Any]]]:
    """The questions over other libraries than the shipped one, each with the pipeline on its library."""
    for name in other_libraries():
        papers = other_library(name, data)
        there = _open(folder, papers, f"other-{name}")
        for record in other_questions(name, papers):
            yield there, record


def _papers(records: Iterable[dict[str, Any]]) -> list[Paper]:
    texts = {r["title"]: " ".join(r["sentences"]) for r in records}
    return [Paper(f"a{n}", title, text) for n, (title, text) in enumerate(sorted(texts.items()))]


def _case(pipeline: Pipeline, kind: str, query: Reading, gold: set[str], without: Collection[str] = ()) -> Case:
    """Figures of one question; ``without`` are the titles of papers that the search shall not know."""
    if without:
        pipeline = replace(pipeline, search=_search_without(pipeline, without))
    ranking = pipeline.rank(query, PAPERS)
    ranked = rank_sentences(query, ranking.vector, ranking.hits, pipeline.library)
    rows = np.array([c.features for c in ranked.candidates], dtype=np.float64).reshape(-1, len(SENTENCE_FEATURES))
    marked = np.array([any(_same(c.sentence.text, g) for g in gold) for c in ranked.candidates], dtype=bool)
    figures = {**ranked.features, **fit_features(fit_judge().judge(query, ranked))}
    return Case(kind, rows, marked, figures, share_of_threshold(query))


def _search_without(pipeline: Pipeline, titles: Collection[str]) -> Search:
    """The program's own search over a library that lacks the papers of these titles."""
    library = pipeline.library
    gone = {p.id for p in library.papers() if p.title in titles}

    class Without:
        count = library.count
        document_frequencies = staticmethod(library.document_frequencies)
        entries = staticmethod(library.entries)
        pull_forward = staticmethod(library.pull_forward)

        @staticmethod
        def dense(vector: Any, k: int, within: None = None) -> Any:
            return [(p, s) for p, s in library.dense(vector, k) if p.paper_id not in gone]

        @staticmethod
        def bm25_search(words: Any, k: int, within: None = None) -> Any:
            return [(i, s) for i, s in library.bm25_search(words, k) if i not in gone]

    def search(text: str, vector: Any, k: int) -> list[PaperHit]:
        hits = fuse(Without(), text, vector, k)  # type: ignore[arg-type]
        papers = library.get_papers([h.passage.paper_id for h in hits])
        return [PaperHit(papers[h.passage.paper_id], h.score, h.dense, h.lexical) for h in hits]

    return search


def _human_case(pipeline: Pipeline, record: dict[str, Any], without: Collection[str] = ()) -> Case:
    history = [Turn(t["role"], t["content"]) for t in record.get("history", ())]
    query = pipeline.read(record["question"], history)
    kind = "answerable" if record["gold"] else "unanswerable"
    return _case(pipeline, kind, query, {_key(e["sentence"]) for e in record.get("evidence", ())}, without)


def _emptied(pipeline: Pipeline, record: dict[str, Any]) -> Iterator[Case]:
    """The question over the library without the papers that answer it; a follow-up is about the answer before it."""
    if record["gold"] and record.get("type") != "followup":
        known = pipeline.library.get_papers(record["gold"])  # some files name papers by id, some by title
        gone = [known[one].title if one in known else one for one in record["gold"]]
        split = record.get("split", "fit")
        yield replace(_human_case(pipeline, record, gone), kind="emptied", split=split)


def _synthetic_case(
    pipeline: Pipeline, record: dict[str, Any], kind: str, without: Collection[str] = ()
) -> Case | None:
    try:
        query = pipeline.read(record["question"])
    except QuestionError:
        return None
    gold = {_key(record["sentences"][record["gold"]])} if kind == "in" and "sentences" in record else set()
    return _case(pipeline, kind, query, gold, without)


def _refusal_cases(
    folder: Path, shipped: Pipeline, synthetic: Sequence[dict[str, Any]], off_topic: Sequence[Path], rng: random.Random
) -> Iterator[Case]:
    inside, outside = synthetic[:SMALL], synthetic[SMALL : 2 * SMALL]
    small = _open(folder, _papers(inside), "small")
    titles = {r["title"] for r in inside}
    for record in inside:
        yield from filter(None, [_synthetic_case(small, record, "in")])
        yield from filter(None, [_synthetic_case(small, record, "taken-out", [record["title"]])])
    for record in outside:
        if record["title"] not in titles:
            yield from filter(None, [_synthetic_case(small, record, "other-paper")])
            yield from filter(None, [_synthetic_case(shipped, record, "other-paper")])
    for path in off_topic:
        for record in rng.sample(list(lines(path)), 125):
            yield from filter(None, [_synthetic_case(shipped, record, "off")])


def _fit_sentences(human: Sequence[Case], generated: Sequence[Case]) -> np.ndarray:
    """Weights on the raw figures."""
    cases = [(c, c.weight) for c in human] + [(c, SYNTHETIC_WEIGHT) for c in generated]
    scale = np.concatenate([c.rows for c, _ in cases]).std(axis=0) + 1e-6
    total = sum(weight for _, weight in cases)

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = PENALTY * float(w @ w), 2 * PENALTY * w
        for case, weight in cases:
            x = case.rows / scale
            p = _softmax(x @ w)
            right = p * case.gold
            value -= weight / total * float(np.log(right.sum() + 1e-12))
            slope -= weight / total * ((right / (right.sum() + 1e-12) - p) @ x)
        return value, slope

    found = minimize(loss, np.zeros(len(SENTENCE_FEATURES)), jac=True, method="L-BFGS-B")
    weights = np.asarray(found.x) / scale
    return weights * SPREAD / float(np.mean([(c.rows @ weights).std() for c in human]))


def _report_sentences(human: Sequence[Case], generated: Sequence[Case]) -> None:
    """Cross-validated: how often a supporting sentence is among the first one, two, five."""
    usable = [c for c in generated if c.gold.any()]
    ranks = []
    for fold in range(FOLDS):
        rest = [c for i, c in enumerate(human) if i % FOLDS != fold and c.gold.any()]
        weights = _fit_sentences(rest, usable)
        for i, case in enumerate(human):
            if i % FOLDS == fold and case.kind == "answerable":
                order = np.argsort(-(case.rows @ weights), kind="stable")
                found = np.flatnonzero(case.gold[order])
                ranks.append(int(found[0]) if len(found) else 10**6)
    shares = {k: round(float(np.mean([r < k for r in ranks])), 3) for k in (1, 2, 5)}
    print(f"supporting sentence among the first (cross-validated, {len(ranks)} questions): {shares}")


def _fit_refusal(cases: Sequence[Case], picture: Path | None = None) -> tuple[np.ndarray, float, float]:
    """Coefficients on the raw figures, bias, and the threshold on the probability."""
    x = np.array([[c.question[n] for n in QUESTION_FEATURES] for c in cases])
    y = np.array([c.kind in ANSWERED for c in cases])
    kinds = np.array([c.kind for c in cases])
    weight = np.array([REFUSAL_WEIGHTS[k] for k in kinds])
    human = np.flatnonzero(np.isin(kinds, HAND_WRITTEN))
    held_out = np.zeros(len(cases))
    for fold in range(FOLDS):
        test = human[human % FOLDS == fold]
        train = np.setdiff1d(np.arange(len(cases)), test)
        held_out[test] = _Logistic(x[train], y[train], weight[train]).probability(x[test])
    shares = np.array([c.share for c in cases])
    threshold = _threshold([held_out[kinds == k] / shares[kinds == k] for k in ASKED])
    refused = held_out < threshold * shares
    print(f"threshold {threshold:.3f}; refused under cross-validation:")
    for kind in dict.fromkeys(kinds[human]):
        print(f"  {kind}: {np.sum(refused[kinds == kind])} of {np.sum(kinds == kind)}")
    if picture is not None:
        _draw_reliability(x, y, weight, kinds, picture)
    model = _Logistic(x, y, weight)
    return model.coefficients, model.bias, threshold


def _fit_doubt(cases: Sequence[Case]) -> tuple[np.ndarray, float, float]:
    """Coefficients on the raw figures with those of the best papers, bias, and below what an answer is in doubt."""
    x = np.array([[c.question[n] for n in DOUBT_FEATURES] for c in cases])
    y = np.array([c.kind in ANSWERED for c in cases])
    kinds = np.array([c.kind for c in cases])
    weight = np.array([DOUBT_WEIGHTS[k] for k in kinds])
    held_out = np.zeros(len(cases))
    for fold in range(FOLDS):
        test = np.arange(len(cases)) % FOLDS == fold
        model = _Logistic(x[~test], y[~test], weight[~test], DOUBT_FEATURES)
        held_out[test] = model.probability(x[test])
    below = _threshold([held_out[kinds == k] for k in ASKED], DOUBTED)
    for kind in ("emptied", "near-miss", "off-topic", "broad", *ASKED):
        mine = held_out[kinds == kind]
        print(f"  {kind}: refused {np.mean(mine < REFUSED_BELOW):.3f}, in doubt {np.mean(mine < below):.3f}")
    model = _Logistic(x, y, weight, DOUBT_FEATURES)
    return model.coefficients, model.bias, below


def _threshold(groups: Sequence[np.ndarray], most: float = FALSE_REFUSALS) -> float:
    """The highest that refuses ``most`` of the answerable questions at most, every group counting alike."""
    places = np.unique(np.concatenate(groups))
    refused = [float(np.mean([np.mean(group < place) for group in groups])) for place in places]
    return float(places[np.searchsorted(refused, most, side="right") - 1])


def _report_refusal(cases: Sequence[Case], coefficients: np.ndarray, bias: float, threshold: float) -> None:
    """How many of each kind are refused, those that the fit has seen and those that it has not."""
    print("refused:")
    for split, kind in sorted({(c.split, c.kind) for c in cases}):
        mine = [c for c in cases if (c.split, c.kind) == (split, kind)]
        figures = np.array([[c.question[n] for n in QUESTION_FEATURES] for c in mine])
        refused = expit(figures @ coefficients + bias) < threshold * np.array([c.share for c in mine])
        print(f"  {split} {kind}: {np.sum(refused)} of {len(mine)}")


def _draw_reliability(x: np.ndarray, y: np.ndarray, weight: np.ndarray, kinds: np.ndarray, picture: Path) -> None:
    """Share of questions with an answer against the probability they were given, ten-fold cross-validated."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    held_out = np.zeros(len(y))
    places = np.random.default_rng(0).permutation(len(y)) % FOLDS
    for fold in range(FOLDS):
        test, train = places == fold, places != fold
        held_out[test] = _Logistic(x[train], y[train], weight[train]).probability(x[test])
    edges = np.quantile(held_out, np.linspace(0, 1, 11))
    bins = np.clip(np.searchsorted(edges, held_out, side="right") - 1, 0, 9)
    shown = [b for b in range(10) if (bins == b).any()]
    said = [float(np.average(held_out[bins == b], weights=weight[bins == b])) for b in shown]
    true = [float(np.average(y[bins == b], weights=weight[bins == b])) for b in shown]
    figure, axes = pyplot.subplots(figsize=(4.5, 4.5), layout="constrained")
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.plot(said, true, marker="o", color="#1f4e8c")
    axes.set(xlabel="probability that the library answers it", ylabel="share that it does answer", title="Refusal")
    figure.savefig(picture, dpi=110)
    error = float(np.mean([abs(a - b) for a, b in zip(said, true, strict=True)]))
    print(f"reliability, cross-validated, ten bins of like size: mean gap {error:.3f}; {len(kinds)} questions")


class _Logistic:
    """L2-regularised logistic regression on standardised figures, ``AGAINST`` held at or below zero.

    Without that bound a figure that only a few hand-written questions set comes out speaking for an answer.
    """

    def __init__(
        self, x: np.ndarray, y: np.ndarray, weight: np.ndarray, names: Sequence[str] = QUESTION_FEATURES
    ) -> None:
        mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-9
        z, sign = (x - mean) / scale, np.where(y, 1.0, -1.0)

        def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
            margin = sign * (z @ w[:-1] + w[-1])
            pull = -weight * sign * expit(-margin)
            value = float(weight @ np.logaddexp(0, -margin) + w[:-1] @ w[:-1] / (2 * STRENGTH))
            return value, np.append(pull @ z + w[:-1] / STRENGTH, pull.sum())

        highest = dict.fromkeys(AGAINST, 0.0) | ({} if names == QUESTION_FEATURES else UNKNOWN)
        bounds = [(None, highest[n] * s if n in highest else None) for n, s in zip(names, scale, strict=True)]
        found = minimize(loss, np.zeros(len(bounds) + 1), jac=True, method="L-BFGS-B", bounds=[*bounds, (None, None)])
        self.coefficients = np.asarray(found.x[:-1]) / scale
        self.bias = float(found.x[-1] - self.coefficients @ mean)

    def probability(self, x: np.ndarray) -> np.ndarray:
        """That the library answers, for each row of figures."""
        return np.asarray(expit(x @ self.coefficients + self.bias))


def _softmax(scores: np.ndarray) -> np.ndarray:
    exponent = np.exp(scores - scores.max())
    return exponent / exponent.sum()


def _key(text: str) -> str:
    return re.sub(r"\W+", "", text.lower())


def _same(sentence: str, gold: str) -> bool:
    key = _key(sentence)
    return bool(key) and (key in gold or gold in key)


def _write(path: Path, model: dict[str, Any]) -> None:
    path.write_text(json.dumps(model, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
