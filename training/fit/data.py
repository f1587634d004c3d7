"""Training examples for the judgement of papers: a question, a paper, whether it fits, and which sentences say so.

Three sources. ``judged.jsonl`` beside this file: questions over the groups of :mod:`training.fit.groups`, each paper
judged by a large language model that read the whole group (``fits``, ``partly``, and the sentences that hold what is
asked); a partly fitting paper counts .5. The questions of :mod:`training.writer.data`, whose sentences were judged one
by one: a paper fits as far as one of its sentences answers. And the questions after one paper of
:mod:`training.questions` that are fitted on: the paper with the answer fits, those nearest by words do not; to a near
miss none does.

A network of the program reads a few sentences of a paper, which its ranker chose. Here they are chosen by shared words,
with some chance, and mostly with those that hold what is asked among them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.datatypes import Paper
from rag.evidence.fitting import MOST_READ, Encoded, encode
from rag.library.chunking import split_sentences
from rag.text.tokenization import stems
from training.fit.groups import corpus
from training.jsonl import lines
from training.questions import ANSWERABLE, OTHER, REFUSED, SHIPPED, other_libraries, other_library
from training.writer.data import UNSEEN, everything

JUDGED = Path(__file__).parent / "judged.jsonl"
HELD_OUT = 0.12  # of the groups
NOT_FITTING = 6  # papers of a group that do not fit, for each question
_NONE = -1.0


@dataclass(frozen=True)
class Judged:
    """One question with one paper: ``fit`` in 0..1; ``holds`` of each sentence in ``texts``, ``_NONE`` where unknown.

    ``group`` and ``question`` tell what belongs together; ``source`` is one of the three.
    """

    question: str
    title: str
    texts: tuple[str, ...]
    holds: tuple[float, ...]
    fit: float
    source: str
    group: str

    @property
    def read(self) -> Encoded:
        return encode(self.question, self.title, self.texts)


def chosen(
    question: str, sentences: Sequence[str], holding: Sequence[int], rng: random.Random, most: int = MOST_READ
) -> list[int]:
    """Places of the sentences that are read: those with most of the question's words, nine times in ten ``holding``."""
    words = set(stems(question))
    scores = []
    for at, text in enumerate(sentences):
        shared = len(words & set(stems(text))) / max(1, len(words))
        near = 0.15 * (at == 0) + 0.15 * (at >= len(sentences) - 2)
        scores.append(shared + near + rng.random() * 0.3 + (1.0 if at in holding and rng.random() < 0.9 else 0.0))
    best = sorted(range(len(sentences)), key=lambda at: -scores[at])[:most]
    return sorted(best)


def of_groups(data: Path, groups: Path, seed: int = 0) -> Iterator[Judged]:
    """From ``judged.jsonl``; ``groups`` is the file of ids that :mod:`training.fit.groups` wrote."""
    rng = random.Random(seed)
    listed = {one["group"]: one for one in lines(groups)}
    papers = {name: {p["id"]: p for p in corpus(name, data)} for name in {one["corpus"] for one in listed.values()}}
    for record in lines(JUDGED):
        group = listed[record["group"]]
        members = [papers[group["corpus"]][one] for one in group["ids"]]
        judged: list[tuple[int, float, list[int]]] = []
        for key, worth in (("fits", 1.0), ("partly", 0.5)):
            judged += [(int(n) - 1, worth, [at - 1 for at in places]) for n, places in record[key].items()]
        others = [at for at in range(len(members)) if at not in {place for place, _, _ in judged}]
        judged += [(at, 0.0, []) for at in rng.sample(others, min(NOT_FITTING, len(others)))]
        for place, fit, holding in judged:
            texts = [s.text for s in split_sentences(members[place]["text"])]
            read = chosen(record["question"], texts, holding, rng)
            holds = tuple((1.0 if at in holding else 0.0) if fit else 0.0 for at in read)
            yield Judged(
                record["question"], members[place]["title"], tuple(texts[at] for at in read), holds, fit, "groups",
                str(record["group"]),
            )  # fmt: skip


def of_sentences(data: Path) -> Iterator[Judged]:
    """From the questions whose sentences were judged for the writer; titles are not known there."""
    worths = {"+": 1.0, "~": 0.5, "-": 0.0}
    for example in everything(data)[0]:
        for number in dict.fromkeys(s.number for s in example.sentences):
            mine = [s for s in example.sentences if s.number == number]
            holds = tuple(worths[s.worth] for s in mine)
            yield Judged(
                example.question, "", tuple(s.told for s in mine), holds, max(holds), "sentences", example.group
            )


def of_one_paper(data: Path, seed: int = 0) -> Iterator[Judged]:
    """From questions after one paper: its paper, and the three nearest by words of the same library."""
    rng = random.Random(seed)
    shipped = [Paper(r["id"], r["title"], r["abstract"]) for r in lines(SHIPPED)]
    libraries = {"shipped": shipped}
    libraries |= {name: other_library(name, data) for name in other_libraries() if name != UNSEEN}
    records: list[tuple[str, dict[str, Any]]] = [("shipped", r) for r in (*lines(ANSWERABLE), *lines(REFUSED))]
    records += [(r["library"], r) for r in lines(OTHER)]
    nearest = {name: _Nearest(papers) for name, papers in libraries.items()}
    for library, record in records:
        several = record.get("type") == "multi" or record.get("kind") in ("broad", "off-topic")
        if record["split"] != "fit" or library not in libraries or several or record.get("history"):
            continue
        gold = set(record.get("gold", ())) if record.get("kind") != "near-miss" else set()
        known = {p.id for p in libraries[library] if p.id in gold or p.title in gold}
        papers = [p for p in libraries[library] if p.id in known]
        papers += [p for p in nearest[library].to(record["question"], 4) if p.id not in known][:3]
        for paper in papers:
            texts = [s.text for s in split_sentences(paper.abstract)]
            read = chosen(record["question"], texts, [], rng)
            holds = (0.0 if paper.id not in known else _NONE,) * len(read)
            yield Judged(
                record["question"], paper.title, tuple(texts[at] for at in read), holds, float(paper.id in known),
                "one", f"{library} {record['id']}",
            )  # fmt: skip


class _Nearest:
    """The papers of a list that share most words with a text, by BM25."""

    def __init__(self, papers: Sequence[Paper]) -> None:
        import bm25s

        self._papers = [p for p in papers if p.abstract]
        self._index = bm25s.BM25()
        self._index.index([_words(f"{p.title} {p.abstract}") for p in self._papers], show_progress=False)

    def to(self, text: str, k: int) -> list[Paper]:
        found, _ = self._index.retrieve([_words(text)], k=k, show_progress=False)
        return [self._papers[int(at)] for at in found[0]]


def _words(text: str) -> list[str]:
    return stems(text) or re.findall(r"\w+", text.lower()) or ["-"]


def split(made: Sequence[Judged], seed: int = 0) -> tuple[list[Judged], list[Judged]]:
    """For training, and held out: whole groups of ``judged.jsonl``."""
    groups = sorted({one.group for one in made if one.source == "groups"})
    out = set(random.Random(seed).sample(groups, round(HELD_OUT * len(groups))))
    held = [one for one in made if one.source == "groups" and one.group in out]
    return [one for one in made if not (one.source == "groups" and one.group in out)], held
