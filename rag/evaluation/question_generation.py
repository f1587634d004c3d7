"""Questions made from a library by rule, for users without a file of questions. Only the right paper is known.

A title of the form 'NAME: what it is' gives 'What does NAME do?'; any other title gives a question about its topic.
One question in five is about everyday things and should be refused.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from rag.datatypes import Paper
from rag.errors import EvaluationError
from rag.evaluation.datasets import EvalQuestion

OFF_TOPIC = (
    "Which bus goes from the main station to the zoo?",
    "How long do I boil an egg so that the yolk stays soft?",
    "Who won the tennis final last Sunday?",
    "What time does the bakery on the corner open?",
    "Can I return these shoes without the receipt?",
    "Which key is the second movement of that sonata in?",
    "How do I get red wine out of a carpet?",
    "When is the next public holiday?",
)
_SHARE = 5  # every fifth question is off topic
# A name stands before a colon, has at most three words and a capital or figure inside a word: 'BERT', 'wav2vec 2.0'.
_NAME = re.compile(r"(?P<name>[^:]{2,40}): \S")
_CAPITAL_OR_DIGIT = re.compile(r"\w[A-Z0-9]|\d")


def generate(papers: Sequence[Paper], count: int, seed: int) -> tuple[EvalQuestion, ...]:
    """At most ``count`` questions, the same for the same papers and seed.

    Raises :class:`EvaluationError` for a library without abstracts.
    """
    chance = random.Random(seed)
    usable = sorted((p for p in papers if p.abstract and p.title), key=lambda p: p.id)
    if not usable:
        raise EvaluationError("The library has no paper with an abstract, so no questions can be made from it.")
    off = chance.sample(OFF_TOPIC, min(count // _SHARE, len(OFF_TOPIC)))
    drawn = chance.sample(usable, min(count - len(off), len(usable)))
    questions = [_about(paper) for paper in drawn]
    questions += [EvalQuestion(f"off-{n}", "off-topic", text) for n, text in enumerate(off, start=1)]
    return tuple(questions)


def _about(paper: Paper) -> EvalQuestion:
    name = named(paper.title)
    if name:
        return EvalQuestion(f"name-{paper.id}", "name", f"What does {name} do?", gold=(paper.title,))
    topic = paper.title.rstrip(" .?!")
    topic = topic if topic[1:2].isupper() else topic[:1].lower() + topic[1:]
    return EvalQuestion(f"topic-{paper.id}", "topic", f"What is found about {topic}?", gold=(paper.title,))


def named(title: str) -> str:
    """The name that a title gives to its subject before a colon, or ``''``."""
    found = _NAME.match(title)
    if not found:
        return ""
    name = found["name"].strip()
    return name if len(name.split()) <= 3 and _CAPITAL_OR_DIGIT.search(name) else ""
