"""Quotes that a model chooses: it names letters of sentences, the program puts the sentences themselves in their place.

The sentences stand in the prompt behind letters, the model's next token says which of them answers, and a grammar
allows nothing but letters and ``none`` (``labels.py``). So however weak the model is, only sentences of abstracts come
out, and the cost is the evaluation of a prompt and a few tokens.

Small models favour a letter for its place (Zheng et al. 2024, 'Large language models are not robust multiple choice
selectors', https://arxiv.org/abs/2309.03882). The prompt is therefore evaluated twice, once with the sentences in the
reverse order, and the mean of the two probabilities decides which sentence comes first, and whether none answers. Which
others are named, and where the list ends, is decoded behind the first letter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from rag.datatypes import Choice, Message, Option, StopSignal
from rag.errors import QuestionError
from rag.generation.generators import labels
from rag.generation.generators.engine import Engine
from rag.generation.generators.evaluated_prompt import Usage
from rag.generation.generators.quote import QuoteGenerator
from rag.text.citation_format import LABELS

RenderOptions = Callable[[str, Sequence[Option]], Sequence[Message]]
_TOKENS_A_LABEL = 4  # a comma, a blank, a letter, and the end


class ChosenQuotes(QuoteGenerator):
    """Satisfies :class:`rag.datatypes.Generator` and :class:`rag.datatypes.Chooser`.

    ``render`` makes the messages from a question and the sentences. ``engine`` is shared with whoever else uses the
    same file; ``model`` and ``sha256`` are the registry's, for the trace. ``both_orders=False`` evaluates one prompt.
    """

    def __init__(
        self, engine: Engine, render: RenderOptions, *, model: str, sha256: str, both_orders: bool = True
    ) -> None:
        super().__init__(model, sha256)
        self.engine = engine
        self.usage: Usage | None = None
        self._render = render
        self._both_orders = both_orders

    def warm(self) -> None:
        """Load the model and read the fixed part of the prompt, so that the first question is as quick as the next."""
        self.engine.prepare(self._render("?", ()))

    def choose(
        self, question: str, options: Sequence[Option], limit: int, stop: StopSignal, *, may_refuse: bool = True
    ) -> Choice:
        """At most ``limit`` of ``options``, which come best first: those that do not fit the context are left out.

        Raises :class:`QuestionError` where the question leaves room for none, :class:`ModelError` where the model
        cannot be used and :class:`GenerationCancelled` soon after ``stop`` is set.
        """
        if not options:
            return Choice((), (), 1.0)
        with self.engine.held(stop):  # it is asked several times
            return self._chosen(question, options, limit, stop, may_refuse)

    def _chosen(
        self, question: str, options: Sequence[Option], limit: int, stop: StopSignal, may_refuse: bool
    ) -> Choice:
        count = self._fitting(question, options, limit)
        fitting = list(options[:count])
        grammar = labels.label_grammar(count, limit, may_refuse=may_refuse)
        usages: list[Usage] = []
        reverse: tuple[float, ...] | None = None
        if self._both_orders and count > 1:
            with self.engine.evaluated(self._render(question, fitting[::-1]), stop) as prompt:
                found, none = labels.label_probabilities(prompt.next_probabilities(grammar), count)
                usages.append(prompt.usage())
            reverse = (*found[::-1], none)
        with self.engine.evaluated(self._render(question, fitting), stop) as prompt:
            found, none = labels.label_probabilities(prompt.next_probabilities(grammar), count)
            *probabilities, none = labels.mean((*found, none), reverse) if reverse else (*found, none)
            best = max(range(count), key=lambda i: (probabilities[i], -i))
            if may_refuse and none > probabilities[best]:
                taken: tuple[int, ...] = ()
            else:
                rest = labels.label_grammar(count, limit, first=best)
                taken = labels.parse_labels(prompt.write(rest, _TOKENS_A_LABEL * limit), count)
            usages.append(prompt.usage())
        self.usage = _sum(usages)
        left_out = (0.0,) * (len(options) - count)
        return Choice(taken, (*probabilities, *left_out), none)

    def _fitting(self, question: str, options: Sequence[Option], limit: int) -> int:
        """How many of the first options fit the context with the labels behind them; at least 1."""
        room = self.engine.context - _TOKENS_A_LABEL * limit
        for count in range(min(len(options), len(LABELS)), 0, -1):
            tokens = self.engine.count(self._render(question, options[:count]))
            if tokens <= room:
                return count
        raise QuestionError(
            f"The question leaves no room for a sentence: {tokens} tokens of at most {room}. "
            "Ask a shorter question, or raise 'context'."
        )


def _sum(usages: Sequence[Usage]) -> Usage:
    """One usage for several generations, as if they were one."""
    total = usages[0]
    for one in usages[1:]:
        total = replace(
            total,
            prompt_tokens=total.prompt_tokens + one.prompt_tokens,
            reused_tokens=total.reused_tokens + one.reused_tokens,
            written_tokens=total.written_tokens + one.written_tokens,
            prompt_ms=total.prompt_ms + one.prompt_ms,
            first_piece_ms=total.total_ms + one.first_piece_ms,
            total_ms=total.total_ms + one.total_ms,
        )
    return total
