"""Public sets as pairs of a claim and a source: general inference, and claims held against research abstracts."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.text.tokenization import stems
from training.checker.pairs import share

_MARK = re.compile(r"\s*\[?<\|[a-z_]+\|>\]?")
_BLANK_BEFORE = re.compile(r"\s+([.,;)])")
_LABELS = {
    "supported": "supported", "refuted": "contradicted", "neutral": "not_stated", "not_supported": "not_supported",
    "SUPPORT": "supported", "REFUTE": "contradicted",
}  # fmt: skip
# File, pairs at most. What the sets are and where they come from: SOURCE.md in their folders.
GENERAL = {
    "wanli": (("wanli/train",), 4000), "scone": (("scone/train",), 700), "cad_nli": (("cad_nli/train",), 2500),
    "conjnli": (("conjnli/dev", "conjnli/train_automatic"), 900), "hans": (("hans_generated/train",), 500),
    "fm2": (("fm2/dev",), 1000), "gqnli": (("gqnli/test",), 300),
    "menli_paws": (("menli_paws/paws", "menli_paws/pawsx"), 900),
    "negation_nli": (("negation_nli/mnli", "negation_nli/rte", "negation_nli/snli"), 1000),
    "mnli": (("mnli/dev",), 6000), "vitaminc": (("vitaminc_small/train",), 300), "refact": (("refact/single",), 400),
    "factor": (("factor/expert",), 250),
}  # fmt: skip
_VERBATIM = 0.25  # of refact's and factor's true claims, which stand word for word in the source


@dataclass(frozen=True)
class Pair:
    """``group`` tells what must stay on one side of a split; label: supported, contradicted, not_stated or, where the
    set does not tell the last two apart, not_supported."""

    set: str
    label: str
    claim: str
    source: str
    group: str


def lines(path: Path) -> list[dict[str, Any]]:
    """Records of a JSONL file."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def balanced(pairs: Sequence[Pair], most: int, rng: random.Random, supported: float = 0.47) -> list[Pair]:
    """At most ``most`` of ``pairs``, in random order, ``supported`` of them supported where there are enough."""
    order = rng.sample(list(pairs), len(pairs))
    yes = [p for p in order if p.label == "supported"]
    no = [p for p in order if p.label != "supported"]
    size = min(most, int(len(yes) / supported), int(len(no) / (1 - supported)))
    chosen = yes[: round(size * supported)] + no[: size - round(size * supported)]
    return rng.sample(chosen, len(chosen))


def general(folder: Path, rng: random.Random) -> Iterator[Pair]:
    """The sets of ``GENERAL``."""
    for name, (files, most) in GENERAL.items():
        pairs = []
        for file in files:
            kinds = folder / f"{file}.kind"
            marks = kinds.read_text(encoding="utf-8").splitlines() if kinds.exists() else []
            for at, record in enumerate(lines(folder / f"{file}.jsonl")):
                kind = marks[at] if marks else ""
                label = _LABELS[record["label"]]
                skipped = kind == "pron" or (
                    name in ("refact", "factor") and label == "supported" and rng.random() > _VERBATIM
                )
                if not skipped:
                    pairs.append(Pair(name, label, record["claim"], record["premise"], record["premise"]))
        yield from balanced(_even_overlap(pairs, rng) if name == "conjnli" else pairs, most, rng)


def _even_overlap(pairs: Sequence[Pair], rng: random.Random) -> list[Pair]:
    """As many supported pairs as others in every step of the share of the claim's words that the source has."""
    steps: dict[int, tuple[list[Pair], list[Pair]]] = {}
    for pair in pairs:
        words = stems(pair.claim)
        held = set(stems(pair.source))
        step = round(4 * sum(w in held for w in words) / max(1, len(words)))
        steps.setdefault(step, ([], []))[pair.label == "supported"].append(pair)
    kept: list[Pair] = []
    for _, (no, yes) in sorted(steps.items()):
        size = min(len(no), len(yes))
        kept += rng.sample(no, size) + rng.sample(yes, size)
    return kept


def cited(folder: Path, name: str, file: str, barred: set[str]) -> list[Pair]:
    """Claims against the abstracts that they cite (the form of SciFact), without the documents in ``barred``."""
    path = folder / "corpus_sentences.jsonl"
    corpus = {str(r["doc_id"]): r["abstract"] for r in lines(path if path.exists() else folder / "corpus.jsonl")}
    pairs = []
    for record in lines(folder / file):
        claim = _BLANK_BEFORE.sub(r"\1", _MARK.sub("", record["claim"])).strip()
        for doc in map(str, record["cited_doc_ids"]):
            found = record["evidence"].get(doc)
            label = _LABELS[found[0]["label"]] if found else "not_stated"
            if doc in corpus and doc not in barred:
                pairs.append(Pair(name, label, claim, " ".join(corpus[doc]), f"{name}-{doc}"))
    return pairs


def without_rationale(folder: Path, barred: set[str]) -> list[Pair]:
    """SciFact's decided training claims beside their abstract without the sentences that decide."""
    corpus = {str(r["doc_id"]): r["abstract"] for r in lines(folder / "corpus_sentences.jsonl")}
    pairs = []
    for record in lines(folder / "claims_train.jsonl"):
        for doc, found in sorted(record["evidence"].items()):
            taken = {s for entry in found for s in entry["sentences"]}
            left = [s for i, s in enumerate(corpus[doc]) if i not in taken]
            if doc not in barred and len(left) > 2:
                pairs.append(Pair("scifact_taken", "not_stated", record["claim"], " ".join(left), f"scifact-{doc}"))
    return pairs


def only_rationale(folder: Path, barred: set[str]) -> list[Pair]:
    """SciFact's decided training claims beside the sentences that decide, each with the one before it."""
    corpus = {str(r["doc_id"]): r["abstract"] for r in lines(folder / "corpus_sentences.jsonl")}
    pairs = []
    for record in lines(folder / "claims_train.jsonl"):
        for doc, found in sorted(record["evidence"].items()):
            kept = sorted({at for entry in found for s in entry["sentences"] for at in (s - 1, s) if at >= 0})
            source = " ".join(corpus[doc][at] for at in kept)
            if doc not in barred:
                pairs.append(
                    Pair("scifact_near", _LABELS[found[0]["label"]], record["claim"], source, f"scifact-{doc}")
                )
    return pairs


def covid(folder: Path) -> list[Pair]:
    """Check-COVID's train and dev parts, without the claims and the abstracts of its test parts."""
    tests = [r for name in ("abstract_test", "test") for r in lines(folder / f"{name}.jsonl")]
    claims = {r["claim"].strip().lower() for r in tests}
    abstracts = "\n".join(r["premise"] for r in lines(folder / "abstract_test.jsonl"))
    pairs = []
    for name in ("train", "dev", "abstract_train", "abstract_dev"):
        for r in lines(folder / f"{name}.jsonl"):
            if r["claim"].strip().lower() in claims or r["premise"] in abstracts:
                continue
            if name.startswith("abstract") and share(r["claim"]) >= 50:  # the marked sentences are shorter to read
                continue
            pairs.append(Pair("covid", _LABELS[r["label"]], r["claim"], r["premise"], f"covid-{r['claim']}"))
    return pairs


_HIGHER = (
    "{o} was significantly higher with {i} than with {c}.", "{i} increased {o} compared with {c}.",
    "Compared with {c}, {i} led to a significant increase in {o}.", "{o} was greater in the {i} group than with {c}.",
    "{o} was significantly lower with {c} than with {i}.", "There was more {o} with {i} than with {c}.",
)  # fmt: skip
_LOWER = (
    "{o} was significantly lower with {i} than with {c}.", "{i} reduced {o} compared with {c}.",
    "Compared with {c}, {i} led to a significant decrease in {o}.", "{o} was smaller in the {i} group than with {c}.",
    "{o} was significantly higher with {c} than with {i}.", "There was less {o} with {i} than with {c}.",
)  # fmt: skip
_ALIKE = (
    "{o} did not differ significantly between {i} and {c}.", "{i} did not change {o} significantly compared with {c}.",
    "There was no significant difference in {o} between {i} and {c}.",
    "Compared with {c}, {i} had no significant effect on {o}.",
    "{o} was not significantly affected by {i} as against {c}.", "{i} and {c} did not differ significantly in {o}.",
)  # fmt: skip
_TRIAL = {"significantly increased": _HIGHER, "significantly decreased": _LOWER, "no significant difference": _ALIKE}


def trials(path: Path, rng: random.Random) -> list[Pair]:
    """Evidence Inference as sentences; each wording is true as often as it is false, so that none tells."""
    sides: dict[tuple[int, str], tuple[list[Pair], list[Pair]]] = {}
    for r in lines(path):
        letters = sum(c.isalpha() or c == " " for c in r["evidence"])
        said = (r["intervention"], r["comparator"], r["outcome"])
        if letters < 0.75 * len(r["evidence"]) or max(map(len, said)) > 90 or r["label"] not in _TRIAL:
            continue
        parts = {k: v[0].lower() + v[1:] if v[1:2].islower() else v for k, v in zip("ico", said, strict=True)}
        for kind, wordings in _TRIAL.items():
            at = rng.randrange(len(wordings))
            claim = wordings[at].format(**parts)
            right = kind == r["label"]
            label = "supported" if right else "contradicted"
            pair = Pair("trials", label, claim[0].upper() + claim[1:], r["evidence"], f"trials-{r['pmcid']}")
            sides.setdefault((at, kind), ([], []))[right].append(pair)
    pairs: list[Pair] = []
    for _, (no, yes) in sorted(sides.items()):
        size = min(len(no), len(yes))
        pairs += rng.sample(no, size) + rng.sample(yes, size)
    return pairs
