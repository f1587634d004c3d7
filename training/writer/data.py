"""Training examples for the writer: a question, the sentences that the program chose for it, and the answer.

    python -m training.writer.data --data ../shared/data --out build/writer --preset cpu

Which sentences, and which of their words, says ``shortened.jsonl`` (:mod:`training.writer.shortened`); their texts come
from the data sets of :mod:`training.writer.sources`, the libraries of :mod:`training.questions`, and the arXiv
abstracts that ``asked.jsonl`` has questions about. The prompt is the
program's own. Held-out examples are about other texts. Seeded.

Writes ``heldout.jsonl`` and ``train.jsonl``: ``source``, ``question``, ``prompt`` (chat messages) and ``answer``.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rag.datatypes import Evidence, Message, Paper, Sentence
from rag.generation.prompting import Prompt, load_prompt
from training.jsonl import lines
from training.questions import arxiv_papers, other_libraries, other_library, other_questions
from training.writer.shortened import Example, name, read
from training.writer.sources import SOURCES

PRESETS = {"smoke": 200, "cpu": None, "gpu": None}  # examples; None: all
HELD_OUT = 0.03  # of the texts
UNSEEN = "arxiv-learning"  # the library that nothing is fitted on
# Questions about arXiv abstracts, such as one asks who half remembers a paper, by a large language model that saw one
# abstract at a time: ``question``, ``keyfacts``, the ``paper`` it is about, and the papers of its ``evidence``.
ASKED = Path(__file__).parent / "asked.jsonl"


def everything(data: Path) -> tuple[list[Example], int]:
    """All examples that the data sets in ``data`` bear out, and how many were left out."""
    papers: list[Paper] = []
    questions: dict[tuple[str, str], tuple[str, str]] = {}
    for source, items in SOURCES.items():
        for item in items(data):
            papers.append(item.paper)
            questions[source, name(item.question)] = (item.question, item.group)
    for library in other_libraries():
        if library == UNSEEN:
            continue
        mine = other_library(library, data)
        papers += mine
        for record in other_questions(library, mine):
            group = " ".join(record.get("gold") or (record["id"],))
            questions[library, name(record["question"])] = (record["question"], group)
    asked = list(lines(ASKED))
    wanted = {paper for record in asked for paper in record["evidence"]}
    papers += arxiv_papers(data, wanted)
    questions |= {("asked", name(r["question"])): (r["question"], r["paper"]) for r in asked}
    return read(questions, {p.id: p for p in papers}.values())


def split(made: Sequence[Example], rng: random.Random) -> tuple[list[Example], list[Example]]:
    """For training, and held out: no text is in both."""
    groups = sorted({e.group for e in made})
    out = set(rng.sample(groups, max(8, round(HELD_OUT * len(groups)))))
    return [e for e in made if e.group not in out], [e for e in made if e.group in out]


def messages(prompt: Prompt, made: Example) -> list[Message]:
    """What the model reads, as the program would put it."""
    evidence = [
        Evidence(s.number, Paper("", ""), (Sentence(s.told, 0, len(s.told)),), 0.0) for s in made.needed
    ]  # what is in the third person already stays so
    return list(prompt.render(made.question, evidence))


def main() -> int:
    """Make the examples."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    made, lost = everything(options.data)
    if lost:
        print(f"{lost} examples left out: their question or a sentence of theirs is not in {options.data}")
    made = rng.sample(made, min(len(made), PRESETS[options.preset] or len(made)))
    train, held_out = split(made, rng)
    options.out.mkdir(parents=True, exist_ok=True)
    prompt = load_prompt("write")
    _write(options.out / "heldout.jsonl", prompt, held_out)
    _write(options.out / "train.jsonl", prompt, train)
    return 0


def _write(path: Path, prompt: Prompt, made: Sequence[Example]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for one in made:
            asked = [{"role": m.role, "content": m.content} for m in messages(prompt, one)]
            record = {"source": one.source, "question": one.question, "answer": one.answer, "prompt": asked}
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
    shorter = sum(len(s.kept.split()) for e in made for s in e.needed) / max(
        1, sum(len(s.told.split()) for e in made for s in e.needed)
    )
    print(path.name, len(made), dict(sorted(Counter(e.source for e in made).items())), f"{shorter:.2f} of the words")


if __name__ == "__main__":
    raise SystemExit(main())
