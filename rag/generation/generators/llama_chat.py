"""The same engine as a LangChain chat model, for use in other chains.

>>> model = LlamaChatModel(model_path="model.gguf", context=2048)       # doctest: +SKIP
>>> model.invoke("Say hello.").content                                  # doctest: +SKIP

Apart from ``rag/generation/generators/llama.py`` because importing ``langchain_core``'s chat models takes a second,
which a question on the command line need not pay for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr

from rag.datatypes import Message, StopSignal
from rag.errors import ModelError
from rag.generation.generators.engine import Engine
from rag.generation.generators.filters import until_stop, without_thoughts

_ROLES = {"system": "system", "human": "user", "ai": "assistant"}


class LlamaChatModel(BaseChatModel):
    """A GGUF as a ``BaseChatModel``. Loaded when first used; one caller at a time, the others wait.

    ``max_tokens``, ``temperature``, ``seed`` and ``grammar`` (GBNF) can also be given for a single call, as can
    ``stop_signal``, anything with ``is_set``. Messages are system, human and AI messages of text. Reasoning
    blocks are left out of the answer. Raises :class:`rag.errors.ModelError` for a file that cannot be used or a
    prompt that does not fit, :class:`rag.errors.GenerationCancelled` after ``stop_signal``.
    """

    model_path: Path
    context: int = 2048
    threads: int = 0
    temperature: float = 0.0
    max_tokens: int = 256
    seed: int = 0
    grammar: str | None = None
    chat_template: str | None = None

    _engine: Engine | None = PrivateAttr(default=None)

    @classmethod
    def over(cls, engine: Engine, **settings: Any) -> LlamaChatModel:
        """A chat model that shares an engine which is loaded already, and its queue."""
        model = cls(model_path=engine.path, **settings)
        model._engine = engine
        return model

    def model_post_init(self, context: Any, /) -> None:
        super().model_post_init(context)
        self._engine = Engine(
            self.model_path, context=self.context, threads=self.threads, chat_template=self.chat_template
        )

    @property
    def engine(self) -> Engine:
        """The loaded model behind this object."""
        assert self._engine is not None
        return self._engine

    @property
    def _llm_type(self) -> str:
        return "footnote-llama"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        names = ("context", "temperature", "max_tokens", "seed", "grammar", "chat_template")
        return {"model_path": str(self.model_path)} | {name: getattr(self, name) for name in names}

    def get_num_tokens(self, text: str) -> int:
        """Tokens of ``text`` by the model's own tokenizer."""
        return self.engine.count_text(text)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for piece in self._pieces(messages, stop or (), **kwargs):
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=piece))
            if run_manager is not None:
                run_manager.on_llm_new_token(piece, chunk=chunk)
            yield chunk
        yield ChatGenerationChunk(message=AIMessageChunk(content="", usage_metadata=self._usage()))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        text = "".join(self._pieces(messages, stop or (), **kwargs))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text, usage_metadata=self._usage()))])

    def _pieces(
        self,
        messages: Sequence[BaseMessage],
        stops: Sequence[str],
        *,
        stop_signal: StopSignal | None = None,
        **settings: Any,
    ) -> Iterator[str]:
        options = {
            name: settings.get(name, getattr(self, name)) for name in ("max_tokens", "temperature", "seed", "grammar")
        }
        pieces = self.engine.stream(
            [_message(m) for m in messages], thinking=options["grammar"] is None, stop=stop_signal, **options
        )
        try:
            yield from until_stop(without_thoughts(pieces), stops)
        finally:
            pieces.close()  # a stop string ends the text early: the next caller need not wait for the collector

    def _usage(self) -> UsageMetadata | None:
        usage = self.engine.usage
        if usage is None:
            return None
        read, written = usage.prompt_tokens, usage.written_tokens
        return UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=read + written)


def _message(message: BaseMessage) -> Message:
    if message.type not in _ROLES or not isinstance(message.content, str):
        raise ModelError(f"A message of type '{message.type}' cannot be sent to a GGUF; use system, human or AI text.")
    return Message(_ROLES[message.type], message.content)
