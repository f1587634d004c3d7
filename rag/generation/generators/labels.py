"""Letters that stand for sentences: the grammar that allows nothing else, and their probabilities. Pure.

A model that chooses among sentences writes ``B``, ``C, A`` or ``none``; whatever model it is and whatever the
sentences say, the grammar lets nothing else out, no letter twice, and none that stands for no sentence.

GBNF: https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from rag.text.citation_format import LABELS

NONE = "none"
_SEPARATOR = ", "


def label_grammar(count: int, limit: int, *, may_refuse: bool = True, first: int | None = None) -> str:
    """The grammar for ``count`` sentences of which at most ``limit`` are named, each once; or none, if it may be.

    ``first`` is the index of the sentence that must be named first. A rule stands for the set of letters that have
    been named, so there are as many as there are sets of fewer than ``limit`` letters. Raises :class:`ValueError`
    for a count beyond 1..12 or a limit below 1.
    """
    if not 1 <= count <= len(LABELS) or limit < 1:
        raise ValueError(f"{count} sentences and a limit of {limit}; use 1 to {len(LABELS)} and at least 1")
    letters = LABELS[:count]
    begins = letters if first is None else letters[first]
    # A template may leave the blank before its answer to the model.
    choices = [f'" "? "{letter}" {_rule(letter)}' for letter in begins]
    if may_refuse and first is None:
        choices.append(f'" "? "{NONE}"')
    rules = [f"root ::= {' | '.join(choices)}"]
    for size in range(1, min(limit, count) + 1):
        for so_far in map("".join, combinations(letters, size)):
            left = [letter for letter in letters if letter not in so_far] if size < limit else []
            more = " | ".join(f'"{_SEPARATOR}{letter}" {_rule(so_far + letter)}' for letter in left)
            rules.append(f"{_rule(so_far)} ::= " + (f"({more})?" if more else '""'))
    return "\n".join(rules)


def parse_labels(text: str, count: int) -> tuple[int, ...]:
    """The indices that a text under :func:`label_grammar` names, in its order; empty for ``none``.

    A text that was cut off counts as far as it goes.
    """
    letters = (part.strip() for part in text.split(","))
    return tuple(LABELS.index(x) for x in letters if x and x in LABELS[:count])


def label_probabilities(pieces: Mapping[str, float], count: int) -> tuple[tuple[float, ...], float]:
    """The probability of each label to be named first, and of ``none``; together they sum to 1.

    ``pieces`` are the first tokens that the grammar allows, as text, with their probabilities. A token that is a
    blank alone decides nothing and is left out. Where the others have no weight at all, all labels have the same.
    """
    weights = [0.0] * (count + 1)
    for piece, probability in pieces.items():
        begin = piece.strip()[:1]
        if begin in LABELS[:count] and begin:
            weights[LABELS.index(begin)] += probability
        elif begin == NONE[0]:
            weights[count] += probability
    total = sum(weights)
    if total <= 0:
        return (1 / count,) * count, 0.0
    return tuple(w / total for w in weights[:count]), weights[count] / total


def mean(first: Sequence[float], second: Sequence[float]) -> tuple[float, ...]:
    """The mean of the probabilities that two prompts with the same sentences gave."""
    return tuple((a + b) / 2 for a, b in zip(first, second, strict=True))


def _rule(letters: str) -> str:
    return "after-" + "".join(sorted(letters)).lower()
