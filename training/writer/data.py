"""Examples for the writer: a question, the evidence that the program itself would show it, and a short answer.

    python -m training.writer.data --data ../shared/data --out build/writer --preset cpu

All texts go into one library, and every question goes the way of a question of a user: search, ranking, selection.
Which data sets are read says :mod:`training.writer.sources`, what becomes of a question
:mod:`training.writer.answers`. Four tasks: to write an answer or a summary (an example is kept where a sentence that
answers is among the evidence), to say that the sources do not answer (one example in ``REFUSED`` at most), and to
rewrite a follow-up (:mod:`training.writer.followups`, a round trip through the rules that tell one). Some questions are
joined in pairs, misspelt, or cut down to keywords. Questions that a language model wrote are kept where the ranker puts
their sentence among its first two (a round trip, Alberti et al. 2019). Held-out examples are about other texts. Seeded.

Writes ``heldout.jsonl`` and ``train.jsonl``: ``task``, ``source``, ``question``, ``prompt`` (chat messages) and
``answer``.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from rag.config import Settings
from rag.datatypes import Message, Paper
from rag.encoders import PaperEncoder
from rag.factory import embedder_id, open_answerer
from rag.library import Library
from rag.pipeline import Pipeline
from rag.prompting import Prompt, load_prompt
from training.writer.answers import Example, look, refused, written
from training.writer.followups import followups
from training.writer.sources import SOURCES, Item
from training.writer.varied import varied

# Questions of each source that are looked at.
PRESETS = {
    "smoke": {
        "arxiv": 60, "qasper": 40, "xquad": 40, "covid": 40, "pubmedqa": 30, "scitldr": 30, "csabstruct": 20,
        "expertqa": 20, "scifact": 20, "detail": 10,
    },
    "cpu": {
        "arxiv": 1200, "qasper": 450, "xquad": 200, "covid": 200, "pubmedqa": 350, "scitldr": 250, "csabstruct": 220,
        "expertqa": 302, "scifact": 250, "detail": 100,
    },
    "gpu": {
        "arxiv": 4315, "qasper": 1417, "xquad": 1190, "covid": 1380, "pubmedqa": 1000, "scitldr": 1992,
        "csabstruct": 220, "expertqa": 302, "scifact": 367, "detail": 191,
    },
}  # fmt: skip
HELD_OUT = 0.03  # of the texts
REFUSED = 12  # one example in so many at most
REWRITTEN = 12  # likewise


def examples(pipeline: Pipeline, items: Sequence[Item]) -> tuple[list[Example], list[Example]]:
    """Those with an answer, and the near misses, in the order of ``items``."""
    answers: list[Example] = []
    misses: list[Example] = []
    for at, item in enumerate(items, start=1):
        seen = look(pipeline, item)
        if seen is not None:
            answers += filter(None, [written(pipeline, seen)])
            misses += filter(None, [refused(seen)])
        if at % 100 == 0:
            sys.stderr.write(f"{at} of {len(items)} questions: {len(answers)} answers, {len(misses)} near misses\n")
    return answers, misses


def mixed(
    answers: Sequence[Example], misses: Sequence[Example], rewritings: Sequence[Example], rng: random.Random
) -> list[Example]:
    """All answers, and of the other tasks no more than their share of the whole, shuffled."""
    others = 1 - 1 / REFUSED - 1 / REWRITTEN
    total = len(answers) / others
    rest = [
        example
        for made, share in ((misses, REFUSED), (rewritings, REWRITTEN))
        for example in rng.sample(made, min(len(made), int(total / share)))
    ]
    most = (len(answers) + len(rest)) // REFUSED  # where one task falls short, the other's share is of less
    kept = [e for e in rest if e.task == "refuse"][:most] + [e for e in rest if e.task != "refuse"]
    return rng.sample([*answers, *kept], len(answers) + len(kept))


def split(made: Sequence[Example], rng: random.Random) -> tuple[list[Example], list[Example]]:
    """For training, and held out: no text is in both."""
    groups = sorted({e.group for e in made})
    out = set(rng.sample(groups, max(8, round(HELD_OUT * len(groups)))))
    return [e for e in made if e.group not in out], [e for e in made if e.group in out]


def messages(prompts: Mapping[str, Prompt], made: Example) -> list[Message]:
    """What the model reads, as the program would put it."""
    if made.task == "rewrite":
        return list(prompts["rewrite"].render(made.question, history=made.history))
    return list(prompts["write"].render(made.question, made.evidence))


def main() -> int:
    """Make the examples."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    items: list[Item] = []
    rewritings: list[Example] = []
    for name, most in PRESETS[options.preset].items():
        found = list(SOURCES[name](options.data))
        items += random.Random(options.seed).sample(found, len(found))[:most]
        # Two questions about one text are rare in a sample, and no search is needed for these: of all items.
        rewritings += followups(found) if options.preset != "smoke" else followups(found[:most])
    options.out.mkdir(parents=True, exist_ok=True)
    answers, misses = examples(_library(options.out, [item.paper for item in items]), items)
    train, held_out = split(mixed(answers, misses, rewritings, rng), rng)
    prompts = {name: load_prompt(name) for name in ("write", "rewrite")}
    _write(options.out / "heldout.jsonl", prompts, held_out)
    _write(options.out / "train.jsonl", prompts, varied(train, rng))
    return 0


def _library(folder: Path, papers: Sequence[Paper]) -> Pipeline:
    """The program over all the texts; a library that an earlier run has begun is completed."""
    once = list({p.id: p for p in papers}.values())
    sys.stderr.write(f"{len(once)} texts\n")
    path = folder / "texts"
    begun = Library.exists(path)
    opened = Library.open(path, embedder=embedder_id(), read_only=False) if begun else None
    with opened or Library.create(path, embedder=embedder_id()) as library:
        library.add(once, PaperEncoder())
    return open_answerer(Settings(home=folder, library=path))


def _write(path: Path, prompts: Mapping[str, Prompt], made: Sequence[Example]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for one in made:
            record = {
                "task": one.task, "source": one.source, "question": one.question, "answer": one.answer,
                "prompt": [{"role": m.role, "content": m.content} for m in messages(prompts, one)],
            }  # fmt: skip
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
    for told in (Counter(e.task for e in made), Counter(e.source for e in made)):
        print(path.name, len(made), dict(sorted(told.items())))


if __name__ == "__main__":
    raise SystemExit(main())
