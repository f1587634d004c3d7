"""What the writer may say: the sentences of the evidence one after another, with words left out, each with its number.

A small model that is free to write attaches a figure to the wrong thing, invents a name or runs in a loop. Trained to
shorten, it does well what needs no knowledge: it leaves out what a question does not ask for, and does nothing else. At
each step it may write only a later word of the current sentence, or end that; among those its own probabilities decide.

This is compression by deletion (Knight and Marcu 2002, 'Summarization beyond sentence extraction'; Filippova et al.
2015, 'Sentence compression by deletion with LSTMs') with a language model as the judge.

Deletions that make a true sentence false are not allowed (:mod:`rag.text.sentence_compression`). An encoder, which sees
the whole sentence at once, gives each word log-odds to stay (:mod:`rag.evidence.pruning`); they are added to the
model's logits. The encoder knows better what a question asks for, the language model which words make a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rag.evidence.pruning import Judged
from rag.text.sentence_compression import capitalised, may_delete, split_units

SHORTEST = 3  # words of a sentence


@dataclass(frozen=True, slots=True)
class _Parse:
    """One way to read the tokens written so far: the first ``at`` of ``tokens``, those of unit ``index``, are there.

    ``index`` is the number of units at the sentence's end. ``gone`` units were left out before this one, at ``cost``.
    """

    index: int
    tokens: tuple[int, ...]
    at: int
    gone: int
    cost: float

    @property
    def whole(self) -> bool:
        return self.at == len(self.tokens)


@dataclass(frozen=True, slots=True)
class Costs:
    """What a cut (a run of words left out) costs, in nats of log-probability: the higher, the more stays."""

    cut: float  # each cut
    stay: float = 0.0  # times the log-odds, in nats, that a word should stay; for each word left out
    word: float = 0.0  # each word left out, besides these


class Shortening:
    """The tokens that may come next, for one sentence after another.

    ``tokenize`` gives the tokens of a text that stands somewhere within another. The sentences are given with their
    numbers, in the order of the answer; ``judged`` holds the encoder's judgement of each, or nothing at all.
    """

    def __init__(
        self,
        sentences: Sequence[tuple[int, str]],
        tokenize: Callable[[str], Sequence[int]],
        costs: Costs,
        judged: Sequence[Judged] = (),
    ) -> None:
        known = [one.keep_logits for one in judged] or [()] * len(sentences)
        given = [
            (n, parts, stay) for (n, text), stay in zip(sentences, known, strict=True) if (parts := split_units(text))
        ]
        self._sentences = [(number, parts) for number, parts, _ in given]
        self._stay = [stay or (0.0,) * len(parts) for _, parts, stay in given]
        self._tokenize, self._costs = tokenize, costs
        self._sentence = -1
        # For each token that may come next: how many words are left out by it (0: the next word follows), what that
        # costs, and the ways to read the text with it.
        self._options: dict[int, tuple[int, float, list[_Parse]]] = {}
        self._next_sentence()

    @property
    def done(self) -> bool:
        """Whether every sentence has been given."""
        return self._sentence >= len(self._sentences)

    def choose(self, logits: npt.NDArray[np.float32]) -> int:
        """The token that comes next, given the model's logits (vocabulary,). It is taken.

        Whether to go on with the next word is decided first, against all else together: what is likeliest as a whole
        may consist of many things that are each less likely.
        """
        liked = {t: float(logits[t]) - cost for t, (_, cost, _) in sorted(self._options.items())}
        on = [t for t in liked if self._options[t][0] == 0]
        off = [t for t in liked if self._options[t][0] > 0]
        goes_on = on and (not off or _mass([liked[t] for t in on]) >= _mass([liked[t] for t in off]))
        token = max(on if goes_on else off, key=liked.__getitem__)  # of equals the lowest
        self.accept(token)
        return token

    def take_forced(self) -> list[int]:
        """Accept the tokens that must come next, whatever the model says, and return them."""
        run: list[int] = []
        while not self.done and len(allowed := self.allowed()) == 1:
            run += allowed
            self.accept(run[-1])
        return run

    def allowed(self) -> list[int]:
        """Every token that may come next, in ascending order."""
        return sorted(self._options)

    def accept(self, token: int) -> None:
        """Go on behind ``token``. Raises ``ValueError`` for one that is not allowed."""
        if token not in self._options:
            raise ValueError(f"token {token} is not allowed")
        self._parses = self._options[token][2]
        self._words += any(r.whole for r in self._parses)
        end = len(self._sentences[self._sentence][1])
        if any(r.whole and r.index == end for r in self._parses):
            self._next_sentence()
        else:
            self._options = self._following()

    def _next_sentence(self) -> None:
        self._sentence += 1
        self._words = 0
        self._parses = [_Parse(-1, (), 0, 0, 0.0)]
        if not self.done:
            number, parts = self._sentences[self._sentence]
            lead = "" if self._sentence == 0 else " "
            self._inner = [tuple(self._tokenize(unit.text if unit.attached else f" {unit.text}")) for unit in parts]
            self._bare = [tuple(self._tokenize(f" {u.unbracketed}")) if u.unbracketed != u.text else () for u in parts]
            self._first = [
                tuple(self._tokenize(lead + (unit.text if at == 0 else capitalised(unit.unbracketed))))
                for at, unit in enumerate(parts)
            ]
            self._close = tuple(self._tokenize(f" [{number}]."))
            # How many words there are from each unit on, to the end.
            self._left = [sum(not unit.punctuation for unit in parts[at:]) for at in range(len(parts))]
        self._options = {} if self.done else self._following()

    def _following(self) -> dict[int, tuple[int, float, list[_Parse]]]:
        """What ``_options`` should be, by how the text is read up to here."""
        found: dict[int, tuple[int, float, list[_Parse]]] = {}

        def add(parse: _Parse, gone: int, cost: float) -> None:
            token = parse.tokens[parse.at]
            before, least_cost, parses = found.get(token, (gone, cost, []))
            further = replace(parse, at=parse.at + 1)
            if further not in parses:
                parses = [*parses, further]
            found[token] = (min(before, gone), min(least_cost, cost), parses)

        # Words that begin alike are told apart only here: what a cut costs is paid where they part.
        within = [r for r in self._parses if not r.whole]
        paid = min((r.gone for r in within), default=0), min((r.cost for r in within), default=0.0)

        for parse in self._parses:
            if not parse.whole:
                add(parse, parse.gone - paid[0], parse.cost - paid[1])
                continue
            for index, tokens in self._after(parse.index):
                gone = index - parse.index - 1
                cost = self._cost(parse.index + 1, index) if gone else 0.0
                add(_Parse(index, tokens, 0, gone, cost), gone, cost)
        return found

    def _cost(self, begin: int, end: int) -> float:
        """Of a cut that takes these units."""
        costs, stay = self._costs, self._stay[self._sentence][begin:end]
        return costs.cut + sum(costs.stay * one + costs.word for one in stay)

    def _after(self, last: int) -> list[tuple[int, tuple[int, ...]]]:
        parts = self._sentences[self._sentence][1]
        found = []
        least = min(SHORTEST, self._left[0]) - self._words
        for index, unit in enumerate(parts[last + 1 :], start=last + 1):
            if last < 0 and unit.punctuation:
                continue
            if self._left[index] >= least and may_delete(parts, last, index):
                inner = (index > last + 1 and self._bare[index]) or self._inner[index]
                found.append((index, self._first[index] if last < 0 else inner))
        if last >= 0 and least <= 0 and not parts[last].needs_continuation and may_delete(parts, last, len(parts)):
            found.append((len(parts), self._close))
        # Nothing allowed is left only behind the last word: there the sentence ends, whatever that word is.
        return found or [(len(parts), self._close)]


def _mass(logits: npt.ArrayLike) -> float:
    """The logarithm of the sum of their exponentials."""
    values = np.asarray(logits, np.float64)
    top = float(values.max())
    return top + float(np.log(np.exp(values - top).sum()))
