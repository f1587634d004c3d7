"""A prompt that fits the context of a model: where the whole does not, evidence is left out from the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rag.datatypes import Evidence, GenerationRequest, Message
from rag.errors import QuestionError

Render = Callable[[str, Sequence[Evidence]], Sequence[Message]]

_SHORT_ANSWER = 64  # tokens that an answer gets at least, where the context is small


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt that fits the context, with the evidence that stands in it and the tokens left for the answer."""

    messages: tuple[Message, ...]
    evidence: tuple[Evidence, ...]
    prompt_tokens: int
    answer_tokens: int


@dataclass(frozen=True, slots=True)
class Fitter:
    """Prompts for a model with ``context`` tokens for prompt and answer; ``count`` says how many some messages take.

    ``render`` makes the messages anew from less evidence (None: they must fit as they are); ``most`` are the tokens of
    the longest answer.
    """

    count: Callable[[Sequence[Message]], int]
    context: int
    render: Render | None = None
    most: int = 4096

    def fit(self, request: GenerationRequest) -> Fitted:
        """The prompt within the context. Evidence is dropped from the end, sentence by sentence, the question never.

        The answer keeps its tokens, or where the context is small a quarter of it. Raises :class:`QuestionError` where
        no evidence fits.
        """
        wanted = min(request.max_tokens, self.most)
        room = self.context - min(wanted, max(_SHORT_ANSWER, self.context // 4))
        evidence = request.evidence
        messages = tuple(request.messages) or self._rendered(request.question, evidence)
        tokens = self.count(messages)
        if tokens > room and self.render is not None:
            alone = self.count(self._rendered(request.question, ()))
            if alone > room:
                raise QuestionError(
                    f"The question takes {alone} tokens and the model has room for {room}. Ask a shorter question."
                )
            evidence, messages, tokens = self._shrunk(request, room)
        if tokens > room or not evidence:
            raise QuestionError(
                f"The question leaves no room for evidence: {tokens} tokens of at most {room}. "
                "Ask a shorter question, or raise 'context'."
            )
        return Fitted(messages, evidence, tokens, min(wanted, self.context - tokens))

    def _shrunk(self, request: GenerationRequest, room: int) -> tuple[tuple[Evidence, ...], tuple[Message, ...], int]:
        """The longest beginning of the evidence that fits, found by halving; empty where none does."""
        steps = _beginnings(request.evidence)
        low, high = 0, len(steps) - 1  # steps[low] always fits
        while low < high:
            middle = (low + high + 1) // 2
            if self.count(self._rendered(request.question, steps[middle])) <= room:
                low = middle
            else:
                high = middle - 1
        messages = self._rendered(request.question, steps[low])
        return steps[low], messages, self.count(messages)

    def _rendered(self, question: str, evidence: Sequence[Evidence]) -> tuple[Message, ...]:
        if self.render is None:
            raise ValueError("a request without messages needs a generator with 'render'")
        return tuple(self.render(question, evidence))


def _beginnings(evidence: Sequence[Evidence]) -> list[tuple[Evidence, ...]]:
    """Nothing, the best sentence of the first paper, its two best …, all of the evidence."""
    steps: list[tuple[Evidence, ...]] = [()]
    for at, item in enumerate(evidence):
        before = tuple(evidence[:at])
        steps += [(*before, replace(item, sentences=item.sentences[:n])) for n in range(1, len(item.sentences) + 1)]
    return steps
