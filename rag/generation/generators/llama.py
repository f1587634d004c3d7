"""A GGUF of the user's writes the answer, through llama.cpp.

``cite``: under a grammar that allows only numbers of evidence and asks for one behind every sentence.
``shorten``, of the writer, which was taught that: nothing but words of the evidence in their order.
``free``: without a grammar; the check that follows decides what stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.datatypes import GenerationRequest, Message, StopSignal
from rag.errors import ModelError, QuestionError
from rag.evidence.pruning import Pruner
from rag.evidence.third_person import in_third_person
from rag.generation.generators.engine import Engine
from rag.generation.generators.evaluated_prompt import Usage
from rag.generation.generators.filters import without_thoughts
from rag.generation.generators.fitting import Fitted, Fitter, Render
from rag.generation.generators.grammar import cite_grammar, normalise
from rag.generation.generators.shortening import Costs, Shortening
from rag.system.hashing import sha256_of


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are sampled: at ``temperature`` 0 always the likeliest. ``max_tokens`` bounds what a request gets."""

    temperature: float = 0.0
    max_tokens: int = 220


@dataclass(frozen=True, slots=True)
class Shortener:
    """For a model that was taught to shorten: what a deletion costs, and the network that judges each word."""

    costs: Costs
    pruner: Pruner

    def shortening(self, question: str, sentences: Sequence[tuple[int, str]], engine: Engine) -> Shortening:
        """What the model may write of ``sentences``, which come with the numbers of their papers."""
        judged = self.pruner.judge(question, sentences)
        return Shortening(sentences, engine.tokens_of, self.costs, judged)


class LlamaGenerator:
    """Satisfies :class:`rag.datatypes.Generator`. Loads its model when first used, or with :meth:`warm`.

    ``render`` makes the messages anew from less evidence where the whole does not fit the context (the method
    ``render`` of a loaded prompt); without it a request's messages must fit as they are. ``model`` and ``sha256`` are
    the registry's name and hash; the file's own are used where they are not given. ``sha256`` should stand for the
    adapter as well, where ``engine`` has one. With a ``shortener`` the model shortens the evidence in mode ``shorten``
    and does nothing else there (:mod:`rag.generation.generators.shortening`).
    """

    name = "llama"

    def __init__(
        self,
        engine: Engine,
        *,
        render: Render | None = None,
        model: str | None = None,
        sha256: str | None = None,
        sampling: Sampling | None = None,
        shortener: Shortener | None = None,
    ) -> None:
        self.model = model or engine.path.stem
        self.engine = engine
        self._render = render
        self._sha256 = sha256
        self._sampling = sampling or Sampling()
        self._shortener = shortener

    @property
    def model_sha256(self) -> str:
        """The file's hash; computed once where it was not given."""
        if self._sha256 is None:
            self._sha256 = sha256_of(self.engine.path)
        return self._sha256

    @property
    def usage(self) -> Usage | None:
        """Tokens and times of the last answer."""
        return self.engine.usage

    def warm(self) -> None:
        """Load the model and read the fixed part of the prompt, so that the first question is as quick as the next."""
        with self.engine.held():
            if self._render is not None:
                self.engine.prepare(self._render("?", ()))

    def close(self) -> None:
        """Free the memory, unless it is shared; what is being written ends with ``GenerationCancelled``."""
        self.engine.close()

    def stream(self, request: GenerationRequest, stop: StopSignal) -> Iterator[str]:
        """Yield pieces of the answer, every ``[n]`` before its full stop in ``cite`` and ``shorten`` mode.

        Raises :class:`QuestionError` where the question alone fills the context, :class:`ModelError` where the
        model cannot be used and :class:`GenerationCancelled` soon after ``stop`` is set.
        """
        modes = ("cite" if self._shortener is None else "shorten", "free")
        if request.mode not in modes:
            raise ModelError(f"This model writes nothing in mode '{request.mode}'; use {' or '.join(modes)}.")
        with self.engine.held(stop):  # from the first count of tokens to the last word
            yield from self._written(request, stop)

    def _written(self, request: GenerationRequest, stop: StopSignal) -> Iterator[str]:
        fitted = self.fit(request)
        cite = request.mode == "cite"
        if request.mode == "shorten" and self._shortener is not None:
            yield from self._shortened(request.question, fitted, self._shortener, stop)
            return
        pieces = without_thoughts(
            self.engine.stream(
                fitted.messages,
                max_tokens=fitted.answer_tokens,
                temperature=self._sampling.temperature,
                seed=request.seed,
                grammar=cite_grammar([e.number for e in fitted.evidence], request.sentences) if cite else None,
                # A grammar leaves no room for reasoning; without one the block is written and not shown.
                thinking=not cite,
                stop=stop,
            )
        )
        yield from normalise(pieces) if cite else pieces

    def _shortened(self, question: str, fitted: Fitted, shortener: Shortener, stop: StopSignal) -> Iterator[str]:
        """The evidence, shortened. It is no longer than its sources, so ``max_tokens`` does not cut it."""
        shortening = shortener.shortening(question, list(in_third_person(fitted.evidence)), self.engine)
        room = self.engine.context - fitted.prompt_tokens
        yield from self.engine.stream(fitted.messages, max_tokens=room, shortening=shortening, stop=stop)

    def complete(
        self, messages: Sequence[Message], stop: StopSignal | None = None, *, max_tokens: int = 64, seed: int = 0
    ) -> str:
        """A short text without citations, such as a rewritten question: its first line, at temperature 0.

        Raises as :meth:`stream` does.
        """
        with self.engine.held(stop):
            if self.engine.count(messages) + max_tokens > self.engine.context:
                raise QuestionError(
                    "The conversation and the question are too long for the model. Ask a shorter question."
                )
            pieces = self.engine.stream(messages, max_tokens=max_tokens, seed=seed, stop=stop)
            return "".join(without_thoughts(pieces)).strip().split("\n")[0].strip()

    def fit(self, request: GenerationRequest) -> Fitted:
        """The prompt within the context, counted with the model's own tokenizer: see :class:`Fitter`. Loads the model.

        Raises :class:`QuestionError` where no evidence fits.
        """
        return Fitter(self.engine.count, self.engine.context, self._render, self._sampling.max_tokens).fit(request)
