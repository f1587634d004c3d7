"""Pairs of questions, and whether the second leans on the first: ``python -m training.reading.follow_ups``.

Writes ``pairs.jsonl`` beside itself, one object a line: ``id``, ``split``, ``field``, ``before``, ``question``,
``follow_up`` and ``phrasing``. Both questions are of one field, often of one topic, so that nearness alone tells
little. The first ones are taken from ``questions.jsonl``, the second ones made from ``turns.tsv``. The same input
gives the same file.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from training.jsonl import lines
from training.reading.make import HELD_OUT, HERE, TAUGHT, fields, filled, rows, typed

_FIELDS_EACH = 4
_SAME_TOPIC = 0.5  # of the pairs have both questions filled from the same choice of topics


def pairs() -> Iterator[dict[str, Any]]:
    """Each second question in several fields."""
    rng = random.Random(5)
    known = fields()
    firsts: dict[str, list[str]] = defaultdict(list)
    templates = []
    for record in lines(HERE / "questions.jsonl"):
        if record["kind"] not in ("talk", "library") and record["origin"] != "collected":
            firsts[record["field"]].append(record["question"])
    for line in rows("turns.tsv"):
        templates.append(line.split("\t"))
    for kind, split, phrasing in templates:
        taught = rng.sample([f for f in known if f.split == TAUGHT], _FIELDS_EACH)
        held = rng.sample([f for f in known if f.split == HELD_OUT], 2)
        for field in (*taught, *held):
            seed = rng.random()
            if rng.random() < _SAME_TOPIC:
                first = filled(rng.choice(_FIRST), {}, field, random.Random(seed))
            else:
                first = (rng.choice(firsts[field.name]), {})
            second = filled(phrasing, {}, field, random.Random(seed))
            if first is None or second is None or first[0].casefold() == second[0].casefold():
                continue
            out = HELD_OUT in (split, field.split)
            unseen = "" if not out else "field" if split == TAUGHT else "phrasing" if field.split == TAUGHT else "both"
            yield {"split": HELD_OUT if out else TAUGHT, "unseen": unseen, "field": field.name, "before": first[0],
                   "question": typed(second[0], rng), "follow_up": kind == "leans", "phrasing": phrasing}  # fmt: skip


_FIRST = (
    "What is {T}?", "What is known about {T}?", "Which papers are about {T}?", "What is the effect of {E1} on {E2}?",
    "Which {M} have been proposed?", "Compare {A} and {B}", "What does {A} do?", "Is it true that {C}?",
    "What causes {T}?",
)  # fmt: skip


def main() -> None:
    """Write the file."""
    with (HERE / "pairs.jsonl").open("w", encoding="utf-8") as file:
        for n, record in enumerate(pairs(), start=1):
            file.write(json.dumps({"id": f"p{n:04}", **record}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
