"""Pairs of a claim and the sentences that it is held against, with whether they bear it out.

    python -m training.support.data --data ../shared/data --out build/support

Writes ``general.jsonl`` (made from titles, summaries, questions and abstracts), ``scifact.jsonl`` (training claims for
the fit), ``heldout.jsonl`` (a fifth of their abstracts, for choosing and calibrating) and ``dev.jsonl`` (the
development claims, for measuring). Nothing is made from an abstract that a development claim cites. Seeded.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import bm25s

from rag.library.chunking import split_sentences
from rag.text.tokenization import stems
from rag.verification.support import held_against as _held_against
from training.support.alter import falsify, paraphrase

HELD_OUT = 0.2  # of the abstracts that training claims cite
ARXIV = 1_200  # abstracts
_FINDING = re.compile(
    r"\b(?:is|are|was|were|has|have|can|does|do|may|not|\w+(?:ates|ases|uces|otes|ibits|izes|ises|ves|ires|ects|ents|"
    r"ains|ables|olls|ows|ads|ines|ances|ays|ers|ols|ulates|uses|its|ees|ies|acts|ends|odes|ifies|inds))\b (?!of\b)"
)
_DO = re.compile(r"^(?:Does|Do|Did) (?P<rest>\w.+?)\?$")
_WHAT_IS = re.compile(r"^(?:What|Who|Which) (?P<verb>is|are|was|were) (?P<rest>(?:the|a|an) .+?)\?$", re.IGNORECASE)
_WHO_DID = re.compile(
    r"^(?:Who|What|Which|What \w+|Which \w+) (?P<rest>(?!(?:is|are|was|were|do|does|did|has|have|can|could|would|will|"
    r"should)\b)\w+(?:ed|s|ght|ook|ade|on|an|ave|ew|ot|me|ew)\b .+?)\?$"
)


@dataclass(frozen=True)
class Pair:
    """``label`` is 1 where ``evidence`` bears ``claim`` out; ``group`` is the abstract's id."""

    claim: str
    evidence: str
    label: int
    source: str
    group: str


def evidence_for(claim: str, sentences: Sequence[str]) -> str:
    """What the network reads beside the claim: exactly what it will read when a question is asked."""
    return _held_against(claim, sentences)


class Neighbours:
    """The abstract nearest to a claim by words, other than its own."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._index = bm25s.BM25()
        self._index.index([stems(t) or ["-"] for t in texts], show_progress=False)

    def near(self, claim: str, own: int, rng: random.Random) -> int:
        """The position of one of the four nearest."""
        found, _ = self._index.retrieve([stems(claim) or ["-"]], k=5, show_progress=False)
        return int(rng.choice([i for i in found[0] if i != own][:4]))


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Records of a JSONL file."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


# --- SciFact ---


def scifact(folder: Path, name: str) -> list[Pair]:
    """Every (claim, cited abstract): supported, or not (refuted, or no word of it)."""
    corpus = {r["doc_id"]: r["abstract"] for r in lines(folder / "corpus_sentences.jsonl")}
    pairs = []
    for record in lines(folder / f"claims_{name}.jsonl"):
        for doc in map(str, record["cited_doc_ids"]):
            found = record["evidence"].get(doc)
            kind = found[0]["label"] if found else "NONE"
            sentences = corpus[doc]
            source = f"scifact-{kind.lower()}"
            claim = record["claim"]
            pairs.append(Pair(claim, evidence_for(claim, sentences), int(kind == "SUPPORT"), source, doc))
    return pairs


def without_rationale(folder: Path, rng: random.Random) -> list[Pair]:
    """Supported training claims against their abstract with the supporting sentences taken out."""
    corpus = {r["doc_id"]: r["abstract"] for r in lines(folder / "corpus_sentences.jsonl")}
    pairs = []
    for record in lines(folder / "claims_train.jsonl"):
        for doc, found in sorted(record["evidence"].items()):
            taken = {s for entry in found for s in entry["sentences"]}
            left = [s for i, s in enumerate(corpus[doc]) if i not in taken]
            if found[0]["label"] == "SUPPORT" and len(left) > 2 and rng.random() < 0.3:
                evidence = evidence_for(record["claim"], left)
                pairs.append(Pair(record["claim"], evidence, 0, "scifact-taken-out", doc))
    return pairs


# --- made pairs ---


def from_titles(folder: Path, cited: set[str], rng: random.Random) -> Iterator[Pair]:
    """Titles that state a finding: borne out by their abstract; turned round, or beside a near abstract, not."""
    records = [r for r in lines(folder / "corpus_sentences.jsonl") if r["doc_id"] not in cited]
    records = [r for r in records if len(r["abstract"]) >= 4]
    near = Neighbours([" ".join(r["abstract"]) for r in records])
    for own, record in enumerate(records):
        title = record["title"].strip().rstrip(".")
        if ":" in title or "?" in title or not 5 <= len(title.split()) <= 25 or not _FINDING.search(title):
            continue
        yield from _three(f"{title}.", own, [r["abstract"] for r in records], near, "title", rng)


def from_summaries(folder: Path, rng: random.Random) -> Iterator[Pair]:
    """SciTLDR: one-sentence summaries."""
    records = list(lines(folder / "train.jsonl"))
    near = Neighbours([" ".join(r["sentences"]) for r in records])
    for own, record in enumerate(records):
        summary = paraphrase(record["tldrs"][0], rng)
        if len(record["sentences"]) >= 3 and 6 <= len(summary.split()) <= 45:
            yield from _three(summary, own, [r["sentences"] for r in records], near, "summary", rng)


def from_conclusions(path: Path, rng: random.Random) -> Iterator[Pair]:
    """PubMedQA: the conclusion of an abstract against its other sections, and its question as a statement."""
    records = list(lines(path))
    bodies = [[s.text for c in r["contexts"] for s in split_sentences(c)] for r in records]
    near = Neighbours([" ".join(b) for b in bodies])
    for own, record in enumerate(records):
        first = split_sentences(record["long_answer"])[0].text
        if 6 <= len(first.split()) <= 45:
            yield from _three(paraphrase(first, rng), own, bodies, near, "conclusion", rng)
        if match := _DO.match(record["question"]):
            claim = f"{match['rest'][0].upper()}{match['rest'][1:]}."
            label = int(record["answer"] == "yes")
            yield Pair(claim, evidence_for(claim, bodies[own]), label, "question-yes-no", f"pubmedqa-{record['id']}")


def from_answers(path: Path) -> Iterator[Pair]:
    """XQuAD: question and answer as a statement; with another answer from the same paragraph it is not borne out."""
    records = list(lines(path))
    others: dict[str, list[str]] = {}
    for record in records:
        others.setdefault(record["context"], []).append(record["answers"][0])
    for record in records:
        answer = record["answers"][0]
        sentences = [s.text for s in split_sentences(record["context"])]
        for said, label in [(answer, 1), *[(o, 0) for o in others[record["context"]] if o != answer][:1]]:
            claim = statement(record["question"], said)
            if claim and len(sentences) > 2:
                yield Pair(claim, evidence_for(claim, sentences), label, "answer", f"xquad-{record['id']}")


def statement(question: str, answer: str) -> str | None:
    """Question and answer as one sentence, where a rule can tell how; None otherwise."""
    if match := _WHAT_IS.match(question.strip()):
        text = f"{match['rest']} {match['verb']} {answer}"
    elif match := _WHO_DID.match(question.strip()):
        text = f"{answer} {match['rest']}"
    else:
        return None
    return f"{text[0].upper()}{text[1:].rstrip('.')}."


def from_abstracts(path: Path, rng: random.Random) -> Iterator[Pair]:
    """arXiv: a sentence said otherwise. Where it is turned round on one side it is not borne out; on both it is."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        every = [json.loads(line) for line in islice(file, 0, 120_000, 100)]
    for record in every[:ARXIV]:
        sentences = [s.text for s in split_sentences(record["text"])]
        usable = [i for i, s in enumerate(sentences) if 8 <= len(s.split()) <= 40 and i > 0]
        if len(sentences) < 4 or not usable:
            continue
        i = rng.choice(usable)
        turned = falsify(sentences[i], record["text"], rng)
        if turned is None:
            continue
        # The chance to see a turned claim is the same with both labels, so that 'not' alone tells nothing.
        for said, held, label in ((0, 0, 1), (1, 0, 0), (0, 1, 0), (1, 1, 1)):
            if rng.random() < 0.6:
                source = list(sentences)
                source[i] = turned if held else sentences[i]
                claim = paraphrase(turned if said else sentences[i], rng)
                yield Pair(claim, evidence_for(claim, source), label, "abstract", f"arxiv-{record['id']}")
        if rng.random() < 0.3:  # a sentence of the paper whose own sentence is missing
            claim = paraphrase(sentences[i], rng)
            left = [s for j, s in enumerate(sentences) if j != i]
            yield Pair(claim, evidence_for(claim, left), 0, "abstract-taken-out", f"arxiv-{record['id']}")


def _three(
    claim: str, own: int, bodies: Sequence[Sequence[str]], near: Neighbours, source: str, rng: random.Random
) -> Iterator[Pair]:
    """The claim with its own abstract; turned round; with a near abstract."""
    body = bodies[own]
    group = f"{source}-{own}"
    yield Pair(claim, evidence_for(claim, body), 1, source, group)
    if turned := falsify(claim, " ".join(body), rng):
        yield Pair(turned, evidence_for(turned, body), 0, f"{source}-turned", group)
    if rng.random() < 0.6:
        other = bodies[near.near(claim, own, rng)]
        yield Pair(claim, evidence_for(claim, other), 0, f"{source}-near", group)


def main() -> int:
    """Make the four files and say what is in them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    folder, evidence = options.data / "collections" / "scifact", options.data / "evidence"
    dev, train = scifact(folder, "dev"), scifact(folder, "train")
    cited = {p.group for p in dev} | {p.group for p in train}
    general = [
        *from_titles(folder, cited, rng),
        *from_summaries(evidence / "scitldr", rng),
        *from_conclusions(options.data / "collections" / "pubmedqa" / "qa.jsonl", rng),
        *from_answers(evidence / "xquad_en" / "qa.jsonl"),
        *from_abstracts(options.data / "arxiv" / "cs_abstracts.jsonl.xz", rng),
    ]
    documents = sorted({p.group for p in train})
    held = set(rng.sample(documents, round(HELD_OUT * len(documents))))
    rng.shuffle(general)
    extra = [p for p in without_rationale(folder, rng) if p.group not in held]
    sets = {
        "general": general,
        "scifact": [*(p for p in train if p.group not in held), *extra],
        "heldout": [p for p in train if p.group in held],
        "dev": dev,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    for name, pairs in sets.items():
        with (options.out / f"{name}.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(p), ensure_ascii=False) + "\n" for p in pairs)
        counts = {s: [0, 0] for s in sorted({p.source for p in pairs})}
        for pair in pairs:
            counts[pair.source][pair.label] += 1
        print(f"{name}: {len(pairs)} pairs; not borne out, borne out: {counts}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
