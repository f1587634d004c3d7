r"""How well the exported network tells what a source bears out: a table, and the figures as JSON.

    python -m training.checker.measure --model models/checker.onnx --data ../shared/data \
        --out benchmarks/results/checker/DATE.json

On SciFact's development claims beside each abstract that they cite, on the test part of Check-COVID and on that of
our own pairs; ``--truth FILE`` adds claims with the labels 'supported' and 'false'. Every pair is read by itself, as
when the program runs. Nothing here chooses anything: thresholds come with the model.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag.encoding.onnx_encoder import Network
from rag.system.hashing import sha256_of
from rag.verification.entailment import EntailmentNetwork, softmax
from training.checker.public import cited, lines

OWN = Path(__file__).with_name("pairs.jsonl")
LABELS = ("supported", "contradicted", "not_stated")


@dataclass(frozen=True)
class Case:
    """A pair to judge. ``tags`` name the parts of the set that it counts in, beside the whole."""

    claim: str
    source: str
    label: str
    tags: tuple[str, ...] = ()


def opened(path: Path, threads: int = 2) -> EntailmentNetwork:
    """The network in a file that was just made."""
    return EntailmentNetwork(Network(path, sha256_of(path), threads))


def auc(right: Sequence[float], wrong: Sequence[float]) -> float:
    """How often one of ``right`` is greater than one of ``wrong`` (Hanley and McNeil 1982); .5 where one is empty."""
    if not right or not wrong:
        return 0.5
    a, b = np.asarray(right)[:, None], np.asarray(wrong)[None, :]
    return float((a > b).mean() + 0.5 * (a == b).mean())


def sides(scores: Sequence[float], labels: Sequence[str], threshold: float) -> tuple[float, float]:
    """Shares of the supported that reach ``threshold``, and of the others that do not."""
    yes = [x >= threshold for x, label in zip(scores, labels, strict=True) if label == "supported"]
    no = [x < threshold for x, label in zip(scores, labels, strict=True) if label != "supported"]
    return (sum(yes) / max(1, len(yes)), sum(no) / max(1, len(no)))


def figures(odds: Sequence[Sequence[float]], cases: Sequence[Case], thresholds: dict[str, float]) -> dict[str, Any]:
    """Figures of one set; ``odds`` are probabilities in the order of ``LABELS``."""
    scores, labels = [row[0] for row in odds], [c.label for c in cases]
    yes = [x for x, label in zip(scores, labels, strict=True) if label == "supported"]
    no = [x for x, label in zip(scores, labels, strict=True) if label != "supported"]
    found: dict[str, Any] = {"supported": len(yes), "others": len(no), "auc": auc(yes, no)}
    for name in ("supported", "weak"):
        kept, turned = sides(scores, labels, thresholds.get(name, 0.5))
        found[f"at_{name}"] = {"true_kept": kept, "false_refused": turned, "balanced_accuracy": (kept + turned) / 2}
    known = [(row, label) for row, label in zip(odds, labels, strict=True) if label in LABELS]
    if known and {label for _, label in known} == set(LABELS):
        found["three_way"] = sum(LABELS[int(np.argmax(row))] == label for row, label in known) / len(known)
    told = [row[1] >= thresholds.get("contradicted", 2.0) for row in odds]
    hits = [label == "contradicted" for label, is_told in zip(labels, told, strict=True) if is_told]
    found["contradicted"] = {"told": len(hits), "right": sum(hits), "of": labels.count("contradicted")}
    return found


def parts(odds: Sequence[Sequence[float]], cases: Sequence[Case], least: int) -> dict[str, dict[str, Any]]:
    """AUC of every tag that at least ``least`` cases have, where they have both labels."""
    found = {}
    for tag in sorted({t for c in cases for t in c.tags}):
        mine = [(row[0], c.label == "supported") for row, c in zip(odds, cases, strict=True) if tag in c.tags]
        if len(mine) >= least and len({yes for _, yes in mine}) == 2:
            found[tag] = {"n": len(mine), "auc": auc([x for x, yes in mine if yes], [x for x, yes in mine if not yes])}
    return found


def sets(data: Path, truth: Path | None) -> dict[str, list[Case]]:
    """What is measured on."""
    scifact = cited(data / "collections" / "scifact", "scifact", "claims_dev.jsonl", set())
    covid = lines(data / "evidence" / "nli" / "check_covid" / "abstract_test.jsonl")
    own = [r for r in lines(OWN) if r["split"] == "test"]
    found = {
        "scifact_dev": [Case(p.claim, p.source, p.label) for p in scifact],
        "check_covid": [
            Case(r["claim"], r["premise"], "supported" if r["label"] == "supported" else "contradicted") for r in covid
        ],
        "own": [Case(r["claim"], r["source"], r["label"], (f"field: {r['field']}", *kinds(r["kind"]))) for r in own],
    }
    if truth:
        found["truth"] = [
            Case(r["claim"], r["abstract"], "supported" if r["label"] == "supported" else "not_supported")
            for r in lines(truth)
        ]
    return found


_KINDS = {
    "cut": ("cut",), "attribution": ("attribut", "claim", "believ", "reported"), "hedge": ("hedge", "may", "might"),
    "negation": ("negat", "neither", "without", "not "),
    "figures": ("figure", "number", "arithmetic", "percent", "bound", "round"),
    "direction": ("direction", "rose", "fell"), "roles": ("role", "swap", "converse", "donor", "moved"),
    "condition": ("condition", "only", "exception", "unless", "except"),
    "scope": ("scope", "population", "general", "specific"),
    "cause": ("cause", "causal", "associat"), "comparison": ("compar", "superlat", "difference", "equal"),
    "hypothesis": ("hypothes", "aim", "plan", "expect", "predict"), "conjunction": ("conjunct", "both", "and ", "or "),
}  # fmt: skip


def kinds(written: str) -> list[str]:
    """The broad kinds that a writer's own words for a claim fall under."""
    text = f"{written.lower()} "
    return [f"kind: {kind}" for kind, marks in _KINDS.items() if any(mark in text for mark in marks)]


def speed(model: EntailmentNetwork, lengths: Sequence[int] = (100, 160, 256), times: int = 15) -> dict[str, float]:
    """Median milliseconds for one pair of so many tokens."""
    rng = random.Random(0)
    found = {}
    for length in lengths:
        ids = [rng.randrange(1000, 15_000) for _ in range(length)]
        spent = []
        for _ in range(times + 2):
            begun = time.perf_counter()
            model.logits(ids)
            spent.append(1000 * (time.perf_counter() - begun))
        found[str(length)] = float(np.median(spent[2:]))
    return found


def report(
    judge: Callable[[str, str], Sequence[float]], every: dict[str, list[Case]], thresholds: dict[str, float]
) -> dict[str, Any]:
    """Figures of all sets; ``judge`` gives the probabilities of a pair."""
    found: dict[str, Any] = {}
    for name, cases in every.items():
        odds = [judge(c.claim, c.source) for c in cases]
        found[name] = figures(odds, cases, thresholds)
        if any(c.tags for c in cases):
            found[name]["parts"] = parts(odds, cases, 15)
        told = {k: round(v, 3) for k, v in found[name].items() if isinstance(v, float)}
        print(name, found[name]["supported"], "+", found[name]["others"], told, flush=True)
        for threshold in ("supported", "weak"):
            print("   at", threshold, {k: round(v, 3) for k, v in found[name][f"at_{threshold}"].items()})
        print("   contradicted:", found[name]["contradicted"])
    return found


_SETS = {
    "scifact_dev": "SciFact, development claims beside each abstract that they cite",
    "check_covid": "Check-COVID, test, news claims beside abstracts",
    "own": "our own pairs, sources kept for testing",
    "truth": "claims kept apart for the project",
}


def table(found: dict[str, Any]) -> str:
    """The figures as the table of the documentation, in Markdown."""
    lines = [
        "| | supported, others | AUC | balanced accuracy | supported that are certified | others that are not | "
        "called contradicted, and are |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, title in _SETS.items():
        if one := found.get(name):
            at, against = one["at_supported"], one["contradicted"]
            right = f"{against['right']} of {against['told']}" if against["of"] else ""
            shares = (at["balanced_accuracy"], at["true_kept"], at["false_refused"])
            figures = " | ".join(f"{x:.3f}" for x in (one["auc"], *shares))
            lines.append(f"| {title} | {one['supported']}, {one['others']} | {figures} | {right} |")
    return "\n".join(lines)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "data", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    model = opened(options.model, options.threads)

    def judge(claim: str, source: str) -> list[float]:
        return softmax(model.logits(model.reader.read(claim, source)), model.temperature)

    found = report(judge, sets(options.data, options.truth), asdict(model.thresholds))
    found["milliseconds"] = speed(model)
    print("milliseconds by tokens:", found["milliseconds"])
    for name, part in found["own"].get("parts", {}).items():
        print(f"   {name}: {part['n']}, AUC {part['auc']:.3f}")
    found["model_sha256"] = sha256_of(options.model)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(_rounded(found), indent=1) + "\n", encoding="utf-8")
    print(table(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
