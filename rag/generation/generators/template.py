"""Chat messages into the one text that a model was trained on: its own chat template, out of its GGUF."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rag.datatypes import Message
from rag.errors import ModelError

# Some templates print today's date. The same question must give the same answer tomorrow.
_DATE = datetime(2025, 1, 1)
_CONTENT = "contentofamessage"  # a word that no template has
_OPENED = re.compile(r"<think(?:ing)?>\s*\Z")


class ChatTemplate:
    """A Jinja chat template in a sandbox (it comes with the file, so it is not trusted).

    Raises :class:`ModelError` when the template is not valid Jinja.
    """

    def __init__(self, source: str, bos: str, eos: str) -> None:
        import jinja2
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        try:
            formatter = Jinja2ChatFormatter(template=source, bos_token=bos, eos_token=eos)
        except jinja2.TemplateError as error:
            raise ModelError(
                f"The model's chat template is broken ({error}). Use another GGUF of this model."
            ) from error
        # Looked up on the instance at every rendering.
        formatter.strftime_now = lambda form: _DATE.strftime(form)
        self._formatter: Any = formatter
        self._merges_system = False

    def render(self, messages: Sequence[Message], thinking: bool = False) -> str:
        """The prompt up to where the model begins to write.

        ``thinking=False`` asks a reasoning model not to reason: by the template's own switch, or else by closing
        the block that the template has opened. A template that knows no system role (Gemma 2, Mistral) gets the
        system message at the head of the first user message.
        """
        try:
            text = self._apply(_merged(messages) if self._merges_system else messages, thinking)
        except Exception as error:  # a program of other people: what it raises is not ours to foresee
            if self._merges_system or not any(m.role == "system" for m in messages):
                raise ModelError(
                    f"The model's chat template refuses the prompt ({error}). Use another model."
                ) from error
            self._merges_system = True
            return self.render(messages, thinking)
        if not thinking and opens_thought(text):
            text = text.rstrip() + "\n\n</think>\n\n"
        return text

    def marks(self) -> tuple[str, ...]:
        """The lines that the template itself writes around messages, such as '### Response:' or 'USER:'.

        Many are no control tokens but plain text, which within a message would pass for its end. A line without a
        letter, or of letters alone, is none: it may stand in any text.
        """
        roles = ("system", "user", "assistant", "user")
        text = self.render([Message(role, _CONTENT) for role in roles])
        lines = (line.strip() for piece in text.split(_CONTENT) for line in piece.splitlines())
        return tuple(dict.fromkeys(x for x in lines if any(map(str.isalpha, x)) and not x.isalnum()))

    def _apply(self, messages: Sequence[Message], thinking: bool) -> str:
        dicts = [{"role": m.role, "content": m.content} for m in messages]
        return str(self._formatter(messages=dicts, enable_thinking=thinking).prompt)


def opens_thought(prompt: str) -> bool:
    """Whether the prompt ends inside a reasoning block."""
    return _OPENED.search(prompt) is not None


def _merged(messages: Sequence[Message]) -> list[Message]:
    system = "\n\n".join(m.content for m in messages if m.role == "system")
    rest = [m for m in messages if m.role != "system"]
    return [Message(rest[0].role, f"{system}\n\n{rest[0].content}"), *rest[1:]] if rest else [Message("user", system)]
