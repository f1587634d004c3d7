"""Questions as people also ask them: two at once, misspelt, as keywords alone."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from rag.words import stems
from training.writer.answers import IDLE, Example

JOINED, MISSPELT, KEYWORDS = 0.12, 0.06, 0.06  # shares


def varied(examples: Sequence[Example], rng: random.Random) -> list[Example]:
    """The examples, some joined, misspelt or cut down to keywords. Rewritings stay as they are."""
    result = []
    pool = [e for e in examples if e.task == "write" and len(e.answer.split()) < 30 and len(_cited(e)) == 1]
    joinable = set(map(id, pool))
    for made in examples:
        draw = rng.random()
        if made.task == "rewrite":
            result.append(made)
        elif draw < JOINED and id(made) in joinable:
            result.append(joined(made, rng.choice(pool)) or made)
        elif draw < JOINED + MISSPELT:
            result.append(replace(made, question=misspelt(made.question, rng)))
        elif draw < JOINED + MISSPELT + KEYWORDS and made.task != "summarise":
            short = keywords(made.question)
            result.append(replace(made, question=short) if len(short.split()) >= 3 else made)
        else:
            result.append(made)
    return result


def joined(one: Example, two: Example) -> Example | None:
    """Both questions at once, answered from two papers; each of the two cites one paper alone."""
    (number_one,), (number_two,) = _cited(one), _cited(two)
    first = next(e for e in one.evidence if e.number == number_one)
    second = next(e for e in two.evidence if e.number == number_two)
    if first.paper.title == second.paper.title:
        return None
    found = (replace(first, number=1), replace(second, number=2))
    answer = f"{one.answer.replace(f'[{number_one}]', '[1]')} {two.answer.replace(f'[{number_two}]', '[2]')}"
    question = f"{one.question} {two.question}"
    return (
        replace(one, source="joined", question=question, evidence=found, answer=answer) if len(question) < 300 else None
    )


def misspelt(question: str, rng: random.Random) -> str:
    """Two neighbouring letters of one long word change places."""
    words = question.split()
    long = [i for i, w in enumerate(words) if len(w) > 5 and w.isalpha() and w.islower()]
    if not long:
        return question
    at = rng.choice(long)
    letter = rng.randrange(1, len(words[at]) - 2)
    word = words[at]
    words[at] = word[:letter] + word[letter + 1] + word[letter] + word[letter + 2 :]
    return " ".join(words)


def keywords(question: str) -> str:
    """The words that carry the question."""
    return " ".join(w.strip("?.,'\"") for w in question.split() if not set(stems(w)) <= IDLE)


def _cited(made: Example) -> set[int]:
    return set(map(int, re.findall(r"\[(\d+)\]", made.answer)))
