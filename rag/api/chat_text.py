"""Conversations as chat clients send them → questions with their history; answers → the text that they show.

A client sends back what it was given, so the papers of an answer are known again by its text: 'it' in the next question
is then the paper that was cited. What is forgotten meanwhile is read as text. System messages are data of the client's
own and instruct nobody here.
"""

from __future__ import annotations

import hashlib
import html
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence

from rag.datatypes import Answer, Paper, Turn
from rag.errors import QuestionError
from rag.output.presentation import to_markdown
from rag.output.spoken import turns_of

MOST_TURNS = 20  # of a conversation that are read, the last ones
_REMEMBERED = 1_000  # answers
_NO_QUESTION = "The last message must be the user's and hold text: that is the question."
_REFERENCES = "\n**References**\n"
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


class Remembered:
    """The last answers by the text that they were shown as. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: OrderedDict[str, Turn] = OrderedDict()

    def keep(self, text: str, answer: Answer) -> None:
        """Remember that ``answer`` was shown as ``text``."""
        _, spoken = turns_of(answer.question, answer)
        with self._lock:
            self._turns[_key(text)] = spoken
            if len(self._turns) > _REMEMBERED:
                self._turns.popitem(last=False)

    def turn(self, text: str) -> Turn:
        """The answer behind ``text``, with its papers where it is remembered, else its words alone."""
        with self._lock:
            known = self._turns.get(_key(text))
        return known or Turn("assistant", plain(text))


def shown(answer: Answer, nearest: dict[str, Paper]) -> str:
    """The answer as Markdown: footnoted text with its reference list, or the refusal with the nearest papers."""
    return to_markdown(answer, nearest).rstrip() + "\n"


def plain(text: str) -> str:
    """The words of an answer that was shown as Markdown, without its reference list."""
    return html.unescape(_ESCAPED.sub(r"\1", text.partition(_REFERENCES)[0])).strip()


def conversation(messages: Sequence[tuple[str, str]], remembered: Remembered) -> tuple[str, list[Turn]]:
    """The question and the turns before it, of ``(role, text)`` in order.

    Raises :class:`QuestionError` where the last message is no question.
    """
    spoken = [(role, text) for role, text in messages if role in ("user", "assistant")]
    if not spoken or spoken[-1][0] != "user" or not spoken[-1][1].strip():
        raise QuestionError(_NO_QUESTION)
    history = [
        remembered.turn(text) if role == "assistant" else Turn("user", text)
        for role, text in spoken[:-1][-MOST_TURNS:]
        if text.strip()
    ]
    return spoken[-1][1], history


def _key(text: str) -> str:
    return hashlib.sha256(" ".join(text.split()).encode("utf-8", "replace")).hexdigest()
