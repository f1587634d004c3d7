"""One GGUF loaded by llama.cpp: messages in, pieces of text out, one caller at a time.

It knows nothing of questions, evidence or citations.

**The same prompt gives the same text**, whatever was asked before. llama-cpp-python keeps the longest common
prefix of two prompts, which makes the size of the remaining batch, and with it the last bits of the numbers,
depend on the question before. Here the prompt is always evaluated in the same two parts: everything that is the
same for all questions (up to the text of the last message), then the rest. The first part is kept between
questions, the second never.

**Stop also stops the evaluation of a prompt**: :class:`rag.generation.generators.stopping.AbortFlag`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from rag.datatypes import Message, StopSignal
from rag.errors import GenerationCancelled, ModelError
from rag.generation.generators.evaluated_prompt import EvaluatedPrompt, Usage
from rag.generation.generators.loaded_model import LoadedModel
from rag.generation.generators.loader import Adapter, ModelFiles, load
from rag.generation.generators.shortening import Shortening
from rag.generation.generators.stopping import AbortFlag, AnySignal, Turns
from rag.generation.generators.template import opens_thought
from rag.system.threads import CoreMeter


class Engine:
    """A GGUF, loaded when first used. ``context`` is clipped to what the model was trained for.

    ``threads`` 0 means: from the cores that are free, looked at before every generation. ``chat_template``
    stands in for the file's own; a file without one is refused. ``adapter`` changes the model's weights in memory.
    """

    def __init__(
        self,
        path: Path,
        *,
        context: int = 2048,
        threads: int = 0,
        chat_template: str | None = None,
        adapter: Adapter | None = None,
    ) -> None:
        self.path = path
        self.usage: Usage | None = None
        self._files = ModelFiles(path, adapter, chat_template)
        self._context = context
        self._threads = threads
        self._meter = CoreMeter()
        self._turns = Turns()
        self._loading = threading.RLock()  # held while the model is loaded, freed, or its tokenizer used
        self._closing = threading.Event()
        self._abort = AbortFlag()
        self._model: LoadedModel | None = None

    def warm(self) -> None:
        """Load the model unless it is loaded. Raises :class:`ModelError` where it cannot be."""
        self.loaded()

    def loaded(self) -> LoadedModel:
        """The model in memory, which is loaded unless it is there; raises as :meth:`warm` does."""
        with self._loading:
            if self._closing.is_set():
                raise ModelError(f"The model {self.path.name} has been closed. Choose it again to load it.")
            if self._model is None:
                self._model = load(self._files, self._context, self._free_threads())
            return self._model

    def close(self) -> None:
        """End what is being written, then free the memory. The engine cannot be used afterwards."""
        self._closing.set()
        with self._turns.take(None), self._loading:
            if self._model is not None:
                self._model.close()
                self._model = None

    @property
    def context(self) -> int:
        """Tokens of prompt and answer together. Loads the model."""
        return self.loaded().context

    def count(self, messages: Sequence[Message]) -> int:
        """Tokens of the finished prompt, template included. Loads the model."""
        with self._loading:
            return len(self.loaded().prompt_tokens(self.prompt(messages)))

    def count_text(self, text: str) -> int:
        """Tokens of ``text`` alone. Loads the model."""
        return len(self.tokens_of(text))

    def tokens_of(self, text: str) -> list[int]:
        """The tokens of ``text`` as it stands within another, none of them a control token. Loads the model."""
        with self._loading:
            return self.loaded().text_tokens(text)

    def prompt(self, messages: Sequence[Message], thinking: bool = False) -> str:
        """The finished prompt as text, without control tokens in what the messages say."""
        with self._loading:
            return self.loaded().prompt(messages, thinking)

    def prepare(self, messages: Sequence[Message]) -> None:
        """Evaluate what all prompts like this one begin with, so that the first question need not wait for it."""
        self.warm()
        with self._turns.take(None), self._abortable(model := self.loaded(), None):
            model.use_threads(self._free_threads())
            tokens = model.prompt_tokens(model.prompt(messages, thinking=False))
            model.evaluate_prefix(_prefix(model, messages, tokens, thinking=False))

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        grammar: str | None = None,
        shortening: Shortening | None = None,
        thinking: bool = False,
        stop: StopSignal | None = None,
    ) -> Generator[str, None, None]:
        """Yield pieces of the answer as they are written, reasoning included. Waits for its turn.

        The prompt must fit: a caller counts first. Close the iterator, or exhaust it, to let the next caller in.
        Raises :class:`GenerationCancelled` within a graph node of ``stop`` being set while the prompt is read,
        and within a token while the answer is written; :class:`ModelError` where the prompt does not fit.
        """
        with self.evaluated(messages, stop, thinking=thinking) as prompt:
            try:
                if opens_thought(prompt.text):
                    yield "<think>"
                for piece in prompt.generate(grammar, max_tokens, temperature, seed, shortening):
                    if piece:
                        yield piece
            finally:
                self.usage = prompt.usage()

    @contextmanager
    def evaluated(
        self, messages: Sequence[Message], stop: StopSignal | None, *, thinking: bool = False
    ) -> Iterator[EvaluatedPrompt]:
        """The prompt once the model has read it, for as long as it is this caller's turn.

        Waits for it, and raises, as :meth:`stream` does.
        """
        with self._loading:
            model = self.loaded()
            text = model.prompt(messages, thinking)
            tokens = model.prompt_tokens(text)
        if len(tokens) >= model.context:
            raise ModelError(
                f"The prompt has {len(tokens)} tokens and the context {model.context}. Shorten it or raise 'context'."
            )
        with self._turns.take(self._stop_or_close(stop)):
            self._check(stop)
            begun = time.perf_counter()
            model.use_threads(self._free_threads())
            prefix = _prefix(model, messages, tokens, thinking)
            with self._abortable(model, stop):
                reused = model.evaluate_prefix(prefix)
                model.evaluate(tokens[len(prefix) :])
            self._check(stop)
            yield EvaluatedPrompt(model, text, len(tokens), reused, begun, lambda: self._check(stop))

    def _free_threads(self) -> int:
        return self._threads or self._meter.free()

    def _check(self, stop: StopSignal | None) -> None:
        if self._stop_or_close(stop).is_set():
            raise GenerationCancelled("Stopped.")

    def _stop_or_close(self, stop: StopSignal | None) -> StopSignal:
        return AnySignal((self._closing,) if stop is None else (self._closing, stop))

    def _abortable(self, model: LoadedModel, stop: StopSignal | None) -> AbstractContextManager[None]:
        return self._abort.raised_by(self._stop_or_close(stop), model.llama.ctx)


def _prefix(model: LoadedModel, messages: Sequence[Message], tokens: list[int], thinking: bool) -> list[int]:
    """The tokens before the text of the last message, the same for every question of one prompt file."""
    probe = [*messages[:-1], Message(messages[-1].role, ".")]
    other = model.prompt_tokens(model.prompt(probe, thinking))
    length = next((i for i, (a, b) in enumerate(zip(tokens, other, strict=False)) if a != b), len(other))
    return tokens[: min(length, len(tokens) - 1)]
