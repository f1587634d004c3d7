"""Groups of neighbouring abstracts, to be read and asked about, and the two libraries that are kept for testing.

    python -m training.fit.groups --data ../shared/data --out build/fit

A group is a paper and those nearest to it by BM25, some of them close and some further off, so that a question about
the first is answered by several and not by all. ``groups.jsonl`` has the ids; ``groups.txt`` the papers with their
sentences numbered, as a reader judges them. The libraries of ``several_libraries.json`` (forty such neighbourhoods
each, of arXiv abstracts outside machine learning and of biomedical ones from SciFact's corpus) share no paper with a
group. Seeded.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rag.library.chunking import split_sentences
from training.jsonl import lines
from training.questions import LIBRARIES, SEVERAL_LIBRARIES

SEED = 18
NEAR, FAR, OF = 9, 4, 60  # papers of a group: the nearest, and some of the next up to ``OF``
CORPORA = {"arxiv": 150, "scifact": 60, "pubmedqa": 30}  # groups of each
LEARNING = ("cs.LG", "cs.CL", "cs.CV", "stat.ML", "cs.NE", "cs.AI", "cs.IR")
OTHER = ("cs.HC", "cs.CY", "cs.SI", "cs.DL", "cs.SE", "cs.RO", "cs.CR", "cs.GT", "physics.soc-ph", "cs.NI", "cs.DB")
TOPICS, TOPIC = 40, 10  # of a library that is kept for testing
WORDS = (60, 300)  # of an abstract


def corpus(name: str, data: Path) -> list[dict[str, Any]]:
    """The papers of a corpus that have an abstract of middling length."""
    if name == "arxiv":
        with lzma.open(data / "arxiv" / "cs_abstracts.jsonl.xz", "rt", encoding="utf-8") as file:
            records = [json.loads(line) for line in file]
        records = [r for r in records if r["primary"] in LEARNING + OTHER]
        records = random.Random(SEED).sample(records, 40_000)
    else:
        records = list(lines(data / "collections" / name / "corpus.jsonl"))
    found = []
    for r in records:
        text = " ".join(r["text"].split())
        if WORDS[0] <= len(text.split()) <= WORDS[1]:
            found.append(
                {"id": str(r["id"]), "title": r["title"].strip(), "text": text, "field": r.get("primary", name)}
            )
    return found


class Neighbours:
    """The papers nearest to one of a corpus by BM25."""

    def __init__(self, papers: Sequence[dict[str, Any]]) -> None:
        import bm25s

        self.papers = papers
        texts = [f"{p['title']} {p['title']} {p['text']}" for p in papers]
        self._tokens = bm25s.tokenize(texts, stopwords="en", show_progress=False, return_ids=False)
        self._index = bm25s.BM25()
        self._index.index(self._tokens, show_progress=False)

    def of(self, at: int, k: int) -> list[int]:
        """Their places in the corpus, nearest first, without the paper itself."""
        found, _ = self._index.retrieve([self._tokens[at]], k=k + 1, show_progress=False)
        return [int(one) for one in found[0] if int(one) != at][:k]


def kept_for_testing(
    neighbours: Neighbours, fields: Sequence[str], taken: set[int], random_: random.Random
) -> list[int]:
    """Places of the papers of one library: ``TOPICS`` neighbourhoods that do not overlap."""
    library: list[int] = []
    places = [i for i, p in enumerate(neighbours.papers) if not fields or p["field"] in fields]
    random_.shuffle(places)
    for place in places:
        if len(library) >= TOPICS * TOPIC:
            break
        near = [place, *neighbours.of(place, TOPIC - 1)]
        if not taken & set(near):
            library += near
            taken |= set(near)
    return library


def grouped(neighbours: Neighbours, count: int, taken: set[int], random_: random.Random) -> list[list[int]]:
    """``count`` groups of places, in random order within each."""
    found: list[list[int]] = []
    seeds: set[int] = set()
    by_field: dict[str, list[int]] = {}
    for i, p in enumerate(neighbours.papers):
        by_field.setdefault(p["field"], []).append(i)
    fields = sorted(by_field)
    while len(found) < count:
        place = random_.choice(by_field[fields[len(found) % len(fields)]])
        near = [i for i in neighbours.of(place, OF) if i not in taken]
        if place in taken or place in seeds or len(near) < NEAR + FAR:
            continue
        seeds.add(place)
        group = [place, *near[:NEAR], *random_.sample(near[NEAR:], FAR)]
        random_.shuffle(group)
        found.append(group)
    return found


def told(at: int, group: Sequence[dict[str, Any]]) -> str:
    """A group as a reader sees it."""
    parts = [f"##### GROUP {at}"]
    for number, paper in enumerate(group, start=1):
        sentences = " ".join(f"({i}) {s.text}" for i, s in enumerate(split_sentences(paper["text"]), start=1))
        parts.append(f"[{number}] {paper['title'] or '(no title)'}\n    {sentences}")
    return "\n".join(parts) + "\n"


def main() -> int:
    """Write the groups, and the libraries beside this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    random_ = random.Random(SEED)
    known = {i for one in json.loads(LIBRARIES.read_text(encoding="utf-8")).values() for i in one["ids"]}
    libraries: dict[str, dict[str, Any]] = {}
    told_all, listed = [], []
    for name, count in CORPORA.items():
        papers = corpus(name, options.data)
        neighbours = Neighbours(papers)
        taken = {i for i, p in enumerate(papers) if p["id"] in known}
        if name != "pubmedqa":
            library = kept_for_testing(neighbours, OTHER if name == "arxiv" else (), taken, random_)
            key = {"arxiv": "arxiv-several", "scifact": "biomedical-several"}[name]
            libraries[key] = {"corpus": name, "ids": [papers[i]["id"] for i in library]}
        for group in grouped(neighbours, count, taken, random_):
            listed.append({"group": len(listed), "corpus": name, "ids": [papers[i]["id"] for i in group]})
            told_all.append(told(listed[-1]["group"], [papers[i] for i in group]))
    (Path(__file__).parent / "groups.jsonl").write_text(
        "".join(json.dumps(one) + "\n" for one in listed), encoding="utf-8"
    )
    (options.out / "groups.txt").write_text("\n".join(told_all), encoding="utf-8")
    target = SEVERAL_LIBRARIES
    target.write_text(json.dumps(libraries) + "\n", encoding="utf-8")
    print(f"{len(listed)} groups; libraries of {[len(one['ids']) for one in libraries.values()]} papers")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
