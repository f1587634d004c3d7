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
from rag.generation.generators.loader import Adapter, ModelFiles
from rag.generation.generators.owner import LoadedModels, SharedModel
from rag.generation.generators.shortening import Shortening
from rag.generation.generators.stopping import AnySignal
from rag.generation.generators.template import opens_thought
from rag.system.threads import CoreMeter


class Engine:
    """A GGUF, loaded when it is used. ``context`` is clipped to what the model was trained for.

    ``threads`` 0 means: from the cores that are free, looked at before every generation. ``chat_template``
    stands in for the file's own; a file without one is refused. ``adapter`` changes the model's weights in memory.
    ``sha256`` tells a file from another at the same path. ``models`` owns what is in memory, for all engines that are
    given it: a model may be freed between two uses, and is loaded again. An engine without one owns its model alone.
    """

    def __init__(
        self,
        path: Path,
        *,
        context: int = 2048,
        threads: int = 0,
        chat_template: str | None = None,
        adapter: Adapter | None = None,
        sha256: str = "",
        models: LoadedModels | None = None,
    ) -> None:
        self.path = path
        self.usage: Usage | None = None
        self._files = ModelFiles(path, adapter, chat_template, sha256)
        self._context = context
        self._threads = threads
        self._meter = CoreMeter()
        self._closing = threading.Event()
        self._alone = models is None
        self._models = LoadedModels() if models is None else models

    @contextmanager
    def held(self, stop: StopSignal | None = None) -> Iterator[SharedModel]:
        """The model, in memory until the block ends: around what must not be interrupted by loading it again.

        Waits where too many others are in use. Raises :class:`ModelError` where it cannot be loaded, and
        :class:`GenerationCancelled` where ``stop`` is set before.
        """
        if self._closing.is_set():
            raise ModelError(f"The model {self.path.name} has been closed. Choose it again to load it.")
        with self._models.hold(self._files, self._context, self._free_threads, stop) as shared:
            yield shared

    def warm(self) -> None:
        """Load the model unless it is loaded. Raises :class:`ModelError` where it cannot be."""
        with self.held():
            pass

    def close(self) -> None:
        """End what is being written, then free the memory. The engine cannot be used afterwards.

        A model that is shared with other engines stays with its owner.
        """
        self._closing.set()
        if self._alone:
            self._models.close()

    @property
    def context(self) -> int:
        """Tokens of prompt and answer together. Loads the model."""
        with self.held() as shared:
            return shared.model.context

    def count(self, messages: Sequence[Message]) -> int:
        """Tokens of the finished prompt, template included. Loads the model."""
        with self.held() as shared, shared.tokenizing:
            return len(shared.model.prompt_tokens(shared.model.prompt(messages, thinking=False)))

    def count_text(self, text: str) -> int:
        """Tokens of ``text`` alone. Loads the model."""
        return len(self.tokens_of(text))

    def tokens_of(self, text: str) -> list[int]:
        """The tokens of ``text`` as it stands within another, none of them a control token. Loads the model."""
        with self.held() as shared, shared.tokenizing:
            return shared.model.text_tokens(text)

    def prompt(self, messages: Sequence[Message], thinking: bool = False) -> str:
        """The finished prompt as text, without control tokens in what the messages say."""
        with self.held() as shared, shared.tokenizing:
            return shared.model.prompt(messages, thinking)

    def prepare(self, messages: Sequence[Message]) -> None:
        """Evaluate what all prompts like this one begin with, so that the first question need not wait for it."""
        with self.held() as shared, shared.turns.take(None), self._abortable(shared, None):
            model = shared.model
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
        with self.held(stop) as shared:
            model = shared.model
            with shared.tokenizing:
                text = model.prompt(messages, thinking)
                tokens = model.prompt_tokens(text)
                prefix = _prefix(model, messages, tokens, thinking)
            if len(tokens) >= model.context:
                raise ModelError(
                    f"The prompt has {len(tokens)} tokens and the context {model.context}. "
                    "Shorten it or raise 'context'."
                )
            ended = self._ended(shared, stop)
            with shared.turns.take(ended):
                _check(ended)
                begun = time.perf_counter()
                model.use_threads(self._free_threads())
                with self._abortable(shared, stop):
                    reused = model.evaluate_prefix(prefix)
                    model.evaluate(tokens[len(prefix) :])
                _check(ended)
                yield EvaluatedPrompt(model, text, len(tokens), reused, begun, lambda: _check(ended))

    def _free_threads(self) -> int:
        return self._threads or self._meter.free()

    def _ended(self, shared: SharedModel, stop: StopSignal | None) -> StopSignal:
        """Set once the caller stops, or the engine or the owner of the model is closed."""
        signals = (self._closing, shared.closing)
        return AnySignal(signals if stop is None else (*signals, stop))

    def _abortable(self, shared: SharedModel, stop: StopSignal | None) -> AbstractContextManager[None]:
        return shared.abort.raised_by(self._ended(shared, stop), shared.model.llama.ctx)


def _check(ended: StopSignal) -> None:
    if ended.is_set():
        raise GenerationCancelled("Stopped.")


def _prefix(model: LoadedModel, messages: Sequence[Message], tokens: list[int], thinking: bool) -> list[int]:
    """The tokens before the text of the last message, the same for every question of one prompt file."""
    probe = [*messages[:-1], Message(messages[-1].role, ".")]
    other = model.prompt_tokens(model.prompt(probe, thinking))
    length = next((i for i, (a, b) in enumerate(zip(tokens, other, strict=False)) if a != b), len(other))
    return tokens[: min(length, len(tokens) - 1)]
