"""How fast a model reads and writes on this machine: measured when asked for, kept in ``<home>/models/speeds.json``.

Kept by the file's SHA-256, so that a renamed model keeps its figures and a changed file has none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from rag.datatypes import Message
from rag.errors import ModelError
from rag.generation.models.json_store import replacing

_FORMAT = 1
_PROMPT = 384  # tokens to read: about what the evidence of a question takes
_ANSWER = 64  # tokens to write
_ENOUGH = 12  # with fewer of them written, their rate is chance
_TRIES = 3
_QUESTION = 40  # tokens of a question with the end of the prompt
_LEAST = 200  # tokens of evidence: the best sentence of two or three papers
_STORY = "The keeper of the lighthouse wrote down the weather, the ships and the birds of every single day. "


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens a second, reading a prompt and writing an answer, and what they were measured on.

    ``load`` is the machine's load average of the minute before; ``measured`` a date such as ``2026-11-21``.
    """

    reading: float
    writing: float
    prompt_tokens: int
    written_tokens: int
    threads: int
    processor: str
    cores: int
    load: float
    measured: str


class Usage(Protocol):
    """What :class:`rag.generation.generators.evaluated_prompt.Usage` offers. Times in milliseconds."""

    @property
    def prompt_tokens(self) -> int: ...
    @property
    def reused_tokens(self) -> int: ...
    @property
    def written_tokens(self) -> int: ...
    @property
    def prompt_ms(self) -> float: ...
    @property
    def first_piece_ms(self) -> float: ...
    @property
    def total_ms(self) -> float: ...
    @property
    def threads(self) -> int: ...


class Engine(Protocol):
    """What :class:`rag.generation.generators.engine.Engine` offers."""

    @property
    def usage(self) -> Usage | None: ...
    @property
    def context(self) -> int: ...
    def warm(self) -> None: ...
    def count(self, messages: Sequence[Message]) -> int: ...
    def stream(
        self, messages: Sequence[Message], *, max_tokens: int, temperature: float = 0.0, seed: int = 0
    ) -> Iterator[str]: ...


def measure(
    engine: Engine,
    *,
    processor: str,
    cores: int,
    load: float,
    today: str,
    say: Callable[[str], object] = lambda word: None,
    mark: str = "",
) -> Speed:
    """Let the model read a prompt of some 400 tokens and continue it. Waits for its turn; loads the model.

    The prompt begins with ``mark``: another one each time for an engine that keeps what it has read, however long ago.

    Raises :class:`ModelError` where the model cannot be used, or writes too little to tell.
    """
    say("Loading the model…")
    engine.warm()
    messages = _prompt(engine, mark)
    say("Reading and writing…")
    first = usage = _continued(engine, messages, seed=1)
    for seed in range(2, _TRIES + 1):
        if _written(usage) >= _ENOUGH:
            break
        say("Writing once more, the first text was too short…")
        usage = _continued(engine, messages, seed)
    if _written(usage) < _ENOUGH:
        raise ModelError(f"The model wrote fewer than {_ENOUGH} tokens, too few to measure. Ask it a question instead.")
    read = first.prompt_tokens - first.reused_tokens  # only the first time: afterwards the prompt is in the cache
    return Speed(
        reading=_rate(read, first.prompt_ms),
        writing=_rate(_written(usage), usage.total_ms - usage.first_piece_ms),
        prompt_tokens=read,
        written_tokens=_written(usage),
        threads=usage.threads,
        processor=processor,
        cores=cores,
        load=load,
        measured=today,
    )


def _continued(engine: Engine, messages: Sequence[Message], seed: int) -> Usage:
    """Let the model continue the prompt; what that took."""
    for _ in engine.stream(messages, max_tokens=_ANSWER, temperature=0.8, seed=seed):
        pass
    assert engine.usage is not None
    return engine.usage


def _written(usage: Usage) -> int:
    """Tokens to count: the last piece closes the text and is no token, the first one's time belongs to the reading."""
    return usage.written_tokens - 2


def _rate(tokens: int, ms: float) -> float:
    """Tokens a second."""
    return round(1000 * tokens / max(ms, 1e-3), 1)


def readable_tokens(speed: Speed, seconds: float, room: int) -> int:
    """Tokens of evidence that a model of that ``speed`` reads in ``seconds``: at least ``_LEAST``, at most ``room``.

    ``room`` is what the context leaves to evidence and question. The fixed part of a prompt costs no time: it is read
    once and kept.
    """
    return max(_LEAST, min(round(speed.reading * seconds), room) - _QUESTION)


def speeds(home: Path) -> dict[str, Speed]:
    """What was measured, by the SHA-256 of the model's file. A damaged list counts as none: it can be measured anew."""
    try:
        kept = json.loads(_file(home).read_text(encoding="utf-8"))
        if kept["format"] != _FORMAT:
            return {}
        return {str(sha256): Speed(**values) for sha256, values in kept["speeds"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def keep_speed(home: Path, sha256: str, speed: Speed) -> None:
    """Remember what was measured. Raises :class:`ModelError` where the folder cannot be written to."""
    with replacing(_file(home)) as write:
        kept = {name: asdict(value) for name, value in (speeds(home) | {sha256: speed}).items()}
        write({"format": _FORMAT, "speeds": kept})


def _prompt(engine: Engine, mark: str) -> list[Message]:
    """Messages of some ``_PROMPT`` tokens, fewer where the context is small."""
    room = min(_PROMPT, engine.context - _ANSWER - 8)
    longer = _report(1, mark)
    for days in range(2, _PROMPT):
        messages, longer = longer, _report(days, mark)
        if engine.count(longer) > room:
            break
    return messages


def _report(days: int, mark: str) -> list[Message]:
    # Nothing that the prompt of a question begins with: what the model has read once, it keeps.
    text = f"{mark}{_STORY * days}Continue this report for another month, one long sentence for each day."
    return [Message("user", text)]


def _file(home: Path) -> Path:
    return home / "models" / "speeds.json"
