"""All pairs that the entailment network learns from: ``train.jsonl`` and ``heldout.jsonl``. Seeded.

    python -m training.checker.data --data ../shared/data --out build/checker

Held out are, for looks during training and for the choice of thresholds, an eighth of our own training sources and of
the abstracts that SciFact's training claims cite. Nothing here touches SciFact's development claims or the abstracts
that they cite, the test part of Check-COVID, or the sources of our own test part.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from training.checker import made, public
from training.checker.pairs import TEST, share
from training.checker.public import Pair, balanced, lines

OWN = Path(__file__).with_name("pairs.jsonl")
HELD_OUT = 13  # of a hundred sources, beside the test part
MOST = {"citint": 700, "trials": 1000, "turned": 1600, "cut": 1200, "pubmedqa": 300, "scitldr": 350, "covid": 1500}
ARXIV, STEP = 9000, 19  # abstracts, and one in how many


def own(path: Path) -> list[Pair]:
    """The training part of our own pairs."""
    records = [r for r in lines(path) if r["split"] == "train"]
    return [Pair("own", r["label"], r["claim"], r["source"], r["source"]) for r in records]


def held_out(pair: Pair) -> bool:
    """Whether ``pair`` is for choosing, not for learning."""
    if pair.set == "own":
        return TEST <= share(pair.source) < TEST + HELD_OUT
    return pair.set.startswith("scifact") and share(pair.group) < HELD_OUT


def science(data: Path, rng: random.Random) -> list[Pair]:
    """Claims against research abstracts, by people."""
    folder = data / "collections" / "scifact"
    barred = {str(d) for r in lines(folder / "claims_dev.jsonl") for d in r["cited_doc_ids"]}
    taken = public.without_rationale(folder, barred)
    near = public.only_rationale(folder, barred)
    return [
        *public.cited(folder, "scifact", "claims_train.jsonl", barred),
        *rng.sample(taken, len(taken) // 3),
        *rng.sample(near, len(near) // 2),
        *balanced(
            public.cited(data / "evidence" / "citint", "citint", "claims_train.jsonl", set()), MOST["citint"], rng
        ),
        *balanced(public.covid(data / "evidence" / "nli" / "check_covid"), MOST["covid"], rng),
        *balanced(public.trials(data / "evidence" / "evidence_inference" / "pairs.jsonl", rng), MOST["trials"], rng),
    ]


def by_rule(data: Path, barred: set[str], rng: random.Random) -> list[Pair]:
    """Pairs made from abstracts."""
    every = made.abstracts(data / "arxiv" / "cs_abstracts.jsonl.xz", barred, STEP, ARXIV)
    sets = {
        "turned": list(made.turned(rng.sample(every, len(every) // 2), rng)),
        "cut": made.cut(every, rng),
        "pubmedqa": list(made.conclusions(data / "collections" / "pubmedqa" / "qa.jsonl", barred, rng)),
        "scitldr": list(made.summaries(data / "evidence" / "scitldr" / "train.jsonl", rng)),
    }
    return [pair for name, pairs in sets.items() for pair in balanced(pairs, MOST[name], rng)]


def main() -> int:
    """Write both files and say what is in them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--own", type=Path, default=OWN)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    ours = lines(options.own)
    # Their ids are in no file of ours, so what was written about is recognised by its first words.
    begins = {r["source"][:60] for r in ours}
    every = [
        *science(options.data, rng),
        *by_rule(options.data, set(), rng),
        *public.general(options.data / "evidence" / "nli", rng),
    ]
    every = own(options.own) + [p for p in every if p.source[:60] not in begins]
    options.out.mkdir(parents=True, exist_ok=True)
    parts = {"train": [p for p in every if not held_out(p)], "heldout": [p for p in every if held_out(p)]}
    for name, pairs in parts.items():
        with (options.out / f"{name}.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(p), ensure_ascii=False) + "\n" for p in pairs)
        print(name, len(pairs), "pairs")
        for one in sorted({p.set for p in pairs}):
            print(f"  {one}: {dict(sorted(Counter(p.label for p in pairs if p.set == one).items()))}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
