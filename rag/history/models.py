"""What is kept of conversations, as values."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from rag.datatypes import Answer
from rag.questions.scope import Scope


@dataclass(frozen=True, slots=True)
class KeptTurn:
    """One question and what came of it: an answer, an error, or a stop with the draft so far.

    ``id`` is its own for ever; ``library`` and ``scope`` say where the answer was looked for; ``asked`` is in seconds
    since 1970, ``seconds`` how long it took. ``rating`` is 1 for good, -1 for bad, 0 for none.
    """

    question: str
    model: str = ""
    mode: str = ""
    answer: Answer | None = None
    error: str = ""
    stopped: bool = False
    draft: str = ""
    seconds: float = 0.0
    library: str = ""
    scope: Scope | None = None
    asked: float = 0.0
    rating: int = 0
    note: str = ""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True, slots=True)
class LibraryMark:
    """Which library a conversation is about: its folder, its name, and its fingerprint at the last answer."""

    path: str = ""
    name: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class ConversationInfo:
    """A conversation as a list shows it. Times are in seconds since 1970."""

    id: str
    title: str
    library: LibraryMark
    created: float
    changed: float
    turns: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """A whole conversation."""

    info: ConversationInfo
    turns: tuple[KeptTurn, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """What a browser tab knows of the conversation that it shows: its id, and those of its turns."""

    id: str = ""
    turns: tuple[str, ...] = ()
