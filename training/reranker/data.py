"""Questions with one sentence that answers and several that do not, from the data beside the project.

    python -m training.reranker.data --data ../shared/data --out build/reranker

Sources and licences: QASPER (CC BY 4.0), COVID-QA, SciTLDR (Apache-2.0), XQuAD (CC BY-SA 4.0), SciFact's training
claims (CC BY 4.0), and questions that SmolLM2-135M-Instruct (Apache-2.0) wrote for sentences of arXiv abstracts
(CC0). The development questions over the shipped abstracts, SciFact's development claims, PubMedQA, Cranfield, MED
and CACM are never read.

Wrong sentences are hard ones: the other sentences of the same text, those that share the most words with the question
first, and for abstracts the most alike sentences of other papers (BM25). A question that a language model wrote stays
only if it finds its way back: its own sentence must be among the first two of its abstract by shared words, weighted
by rarity (a round trip, Alberti et al. 2019, 'Synthetic QA Corpora Generation with Roundtrip Consistency').

Each line of ``lists.jsonl``: ``source``, ``question``, ``right`` (sentences), ``wrong`` (sentences, hardest first).
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bm25s
import numpy as np

from rag.chunking import split_sentences
from rag.words import stems
from training.support.data import lines

MOST_WRONG = 12  # kept per question
SHORTEST = 20  # characters of a sentence worth asking about
NEAR = 6  # sentences of other papers per question


@dataclass(frozen=True)
class Item:
    """One question; ``right`` and ``rest`` are sentences of one text, in no order."""

    source: str
    question: str
    right: tuple[str, ...]
    rest: tuple[str, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--held-out", type=int, default=60, help="questions of each source that are not trained on")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    evidence, collections = args.data / "evidence", args.data / "collections"
    items = [
        *synthetic(args.data / "synthetic" / "arxiv_questions.jsonl"),
        *qasper(evidence / "qasper_evidence"),
        *covid(evidence / "covid_qa"),
        *xquad(evidence / "xquad_en" / "qa.jsonl"),
        *scitldr(evidence / "scitldr" / "train.jsonl"),
        *scifact(collections / "scifact"),
    ]
    lists = [line for line in with_wrong(items) if line["wrong"]]
    rng.shuffle(lists)
    seen: Counter[str] = Counter()
    args.out.mkdir(parents=True, exist_ok=True)
    with (args.out / "train.jsonl").open("w") as train, (args.out / "held_out.jsonl").open("w") as held_out:
        for line in lists:
            seen[line["source"]] += 1
            print(json.dumps(line), file=held_out if seen[line["source"]] <= args.held_out else train)
    print(dict(seen))


def synthetic(path: Path) -> Iterator[Item]:
    """Questions for arXiv sentences that come back to them."""
    records = list(lines(path))
    counts = Counter(w for r in records for s in r["sentences"] for w in set(stems(s)))
    total = sum(len(r["sentences"]) for r in records)
    for record in records:
        sentences, gold = record["sentences"], record["gold"]
        words = set(stems(record["question"]))
        if not words or len(sentences) < 2:
            continue
        shared = [sum(np.log(total / counts[w]) for w in words & set(stems(s))) for s in sentences]
        if shared[gold] > 0 and sum(s > shared[gold] for s in shared) <= 1:
            yield _item("arxiv", record["question"], {gold}, sentences)


def qasper(folder: Path) -> Iterator[Item]:
    """Questions about papers; in the training part the sentence nearest to the answer is taken as the right one."""
    rest: defaultdict[str, list[str]] = defaultdict(list)
    files = (folder / "train_qas.jsonl", folder / "dev_extractive.jsonl")
    records = [(r.get("title") or r["paper"], r) for file in files for r in lines(file)]
    cut = {id(r): [s for c in r["contexts"] for s in _sentences(c)] for _, r in records}
    for paper, record in records:
        rest[paper] += cut[id(record)]
    for paper, record in records:
        marks = [_key(s) for s in record.get("highlighted", ())]
        sentences = list(dict.fromkeys([*cut[id(record)], *rest[paper]]))[:40]
        own = len(set(cut[id(record)]))
        right = {i for i, s in enumerate(sentences[:own]) if any(_key(s) in m or m in _key(s) for m in marks if m)}
        if not marks:
            right = _nearest(record["answers"], sentences[:own])
        if right and len(right) <= 4:
            yield _item("qasper", record["question"], right, sentences)


def covid(folder: Path) -> Iterator[Item]:
    """Questions about articles; the wrong sentences are the fifteen before and after the answer."""
    texts = {r["id"]: list(split_sentences(r["text"])) for r in lines(folder / "contexts.jsonl")}
    for record in lines(folder / "qa.jsonl"):
        sentences = texts[record["context_id"]]
        start = record["answers"][0]["start"]
        at = next((i for i, s in enumerate(sentences) if s.start <= start < s.end), None)
        if at is not None:
            low = max(0, at - 15)
            around = [s.text for s in sentences[low : at + 15]]
            yield _item("covid", record["question"], {at - low}, around)


def xquad(path: Path) -> Iterator[Item]:
    """Questions about paragraphs of an encyclopedia."""
    for record in lines(path):
        sentences = list(split_sentences(record["context"]))
        at = next((i for i, s in enumerate(sentences) if s.start <= record["answer_start"] < s.end), None)
        if at is not None:
            yield _item("xquad", record["question"], {at}, [s.text for s in sentences])


def scitldr(path: Path) -> Iterator[Item]:
    """One-sentence summaries in the place of questions: the sentence that carries the summary is the right one."""
    for record in lines(path):
        labels = record["source_labels"]
        right = {i for i, mark in enumerate(labels) if mark}
        if len(right) == 1:
            yield _item("scitldr", record["tldrs"][0], right, record["sentences"])


def scifact(folder: Path) -> Iterator[Item]:
    """Training claims with the sentences that decide them, for or against."""
    abstracts = {r["doc_id"]: r["abstract"] for r in lines(folder / "corpus_sentences.jsonl")}
    for record in lines(folder / "claims_train.jsonl"):
        for doc, rationales in record["evidence"].items():
            right = {i for r in rationales for i in r["sentences"]}
            if doc in abstracts and right:
                yield _item("scifact", record["claim"], right, abstracts[doc])


def with_wrong(items: Sequence[Item]) -> Iterator[dict[str, Any]]:
    """Each item with its wrong sentences, hardest first, those of other papers mixed in."""
    pool = list(dict.fromkeys(s for item in items if item.source in ("arxiv", "scitldr", "scifact") for s in item.rest))
    index = bm25s.BM25()
    index.index([stems(s) for s in pool], show_progress=False)
    for item in items:
        words = set(stems(item.question))
        own = sorted(item.rest, key=lambda s: -len(words & set(stems(s))) / (5 + len(stems(s))))
        near: list[str] = []
        known = {w for w in words if w in index.vocab_dict}
        if item.source in ("arxiv", "scitldr", "scifact") and known:
            found, _ = index.retrieve([sorted(known)], k=NEAR + 30, show_progress=False)
            text = {*item.right, *item.rest}
            near = [pool[i] for i in found[0] if pool[i] not in text][:NEAR]
        wrong = own[: MOST_WRONG - len(near)]
        for place, sentence in enumerate(near):
            wrong.insert(2 * place + 1, sentence)
        yield {"source": item.source, "question": item.question, "right": list(item.right), "wrong": wrong}


def _item(source: str, question: str, right: Iterable[int], sentences: Sequence[str]) -> Item:
    chosen = set(right)
    good = tuple(sentences[i].strip() for i in sorted(chosen) if i < len(sentences))
    rest = tuple(s.strip() for i, s in enumerate(sentences) if i not in chosen and len(s.strip()) >= SHORTEST)
    return Item(source, question.strip(), good, tuple(s for s in rest if s not in good))


def _nearest(answers: Sequence[str], sentences: Sequence[str]) -> set[int]:
    """The sentence that holds most of the words of an answer in words, where it holds at least half."""
    best, at = 0.5, None
    for answer in answers:
        words = set(stems(answer)) if answer not in ("True", "False") else set()
        for i, sentence in enumerate(sentences):
            share = len(words & set(stems(sentence))) / len(words) if len(words) > 1 else 0.0
            if share > best:
                best, at = share, i
    return set() if at is None else {at}


def _sentences(text: str) -> list[str]:
    return [s.text for s in split_sentences(text)]


def _key(text: str) -> str:
    return re.sub(r"\W+", "", text.lower())


if __name__ == "__main__":
    main()
