"""What is measured: the papers and the questions that both sides get, and the ways in which Footnote answers."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAPERS = Path(__file__).parent.parent / "data" / "papers.jsonl"
TEMPLATES = (
    "What does the work on {topic} find?",
    "How is {topic} approached?",
    "Which results are reported for {topic}?",
    "What problem does {topic} solve?",
)


@dataclass(frozen=True, slots=True)
class Way:
    """One way of answering: the name in its figures, the options that choose it, its heading, questions when warm."""

    name: str
    options: tuple[str, ...]
    label: str
    warm_questions: int


# Each by its name, so that a figure means the same whatever the default is.
WAYS = (
    Way("writer", ("--model", "writer"), "`writer`, the default", 12),
    Way("writer_quote", ("--model", "writer", "--mode", "quote"), "`writer` in mode `quote`", 60),
    Way("quote", ("--model", "quote"), "`quote`", 60),
    Way("smollm2", ("--model", "smollm2"), "`smollm2`", 12),
)


def load_papers(path: Path = PAPERS) -> list[dict[str, Any]]:
    """The shipped records, in the order of the file."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def make_questions(papers: list[dict[str, Any]], count: int, seed: int) -> list[str]:
    """``count`` different questions, each about one paper drawn at random from those with an abstract."""
    chance = random.Random(seed)
    drawn = chance.sample([paper for paper in papers if paper.get("abstract")], count)
    return [chance.choice(TEMPLATES).format(topic=_topic(paper["title"])) for paper in drawn]


def _topic(title: str) -> str:
    """A title as it stands inside a sentence; what follows a colon explains it better than a made-up name."""
    name, _, explanation = title.partition(": ")
    topic = (explanation or name).rstrip(".?! ")
    return topic[:1].lower() + topic[1:]
