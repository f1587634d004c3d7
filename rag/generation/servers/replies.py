"""What a server writes, read: events of a stream, or the one object of a server that does not stream.

Form: https://platform.openai.com/docs/api-reference/chat-streaming. What comes is data of somebody else: it is bounded,
and whatever has another form is a :class:`Garbage`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST = 2**20  # bytes of one event; one token takes some hundred
DONE = "[DONE]"


class Garbage(Exception):
    """What came is not what a server of this kind writes; the text says how."""


class Reported(Exception):
    """The server says in the midst of an answer that something went wrong; the text is its own."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One event. ``thought`` is reasoning that is not part of the answer; ``finish`` says why it ended, '' before.

    ``prompt_tokens``, ``cached_tokens`` and ``written_tokens`` are 0 where the server does not say.
    """

    text: str = ""
    thought: str = ""
    finish: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    written_tokens: int = 0


def events(chunks: Iterable[bytes]) -> Iterator[str]:
    """The ``data`` of each server-sent event, one line each. Raises :class:`Garbage`."""
    held = b""
    for chunk in chunks:
        *lines, held = (held + chunk).split(b"\n")
        if len(held) > _LONGEST:
            raise Garbage("a line without an end")
        for line in lines:
            yield from _data(line)
    yield from _data(held)


def _data(line: bytes) -> Iterator[str]:
    if line.startswith(b"data:"):
        yield line[5:].strip().decode("utf-8", "replace")


def piece_of(data: str) -> Piece:
    """One event of a stream. Raises :class:`Garbage` and :class:`Reported`."""
    return _piece(_object(data), "delta")


def whole_of(body: bytes) -> Piece:
    """The answer of a server that does not stream. Raises :class:`Garbage` and :class:`Reported`."""
    return _piece(_object(body.decode("utf-8", "replace")), "message")


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise Garbage("text that is no JSON") from None
    if not isinstance(found, dict):
        raise Garbage("JSON of another form")
    if found.get("error"):
        raise Reported(error_words(found))
    return found


def _piece(event: Mapping[str, Any], part: str) -> Piece:
    choices, usage = event.get("choices"), event.get("usage")
    if not isinstance(choices, list) or (choices and not isinstance(choices[0], dict)):
        raise Garbage("JSON without 'choices'")
    choice = choices[0] if choices else {}
    said = choice.get(part) or {}
    if not isinstance(said, dict):
        raise Garbage(f"JSON whose '{part}' has another form")
    usage = usage if isinstance(usage, dict) else {}
    details = usage.get("prompt_tokens_details")
    return Piece(
        _text(said.get("content")),
        _text(said.get("reasoning_content")) or _text(said.get("reasoning")),
        str(choice.get("finish_reason") or ""),
        _count(usage.get("prompt_tokens")),
        _count(details.get("cached_tokens")) if isinstance(details, dict) else 0,
        _count(usage.get("completion_tokens")),
    )


def _text(content: object) -> str:
    """The text of a content, which some servers send in parts."""
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content if isinstance(part, dict))
    if content is None:
        return ""
    if not isinstance(content, str):
        raise Garbage("JSON whose text is none")
    return content.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair cannot be shown or kept


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def error_words(body: object) -> str:
    """What a server says of an error, '' where it has another form than those that are known."""
    if isinstance(body, dict):
        for name in ("error", "message", "detail"):
            if found := error_words(body.get(name)):
                return found
        return ""
    if isinstance(body, list):
        return error_words({"message": body[0].get("msg")}) if body and isinstance(body[0], dict) else ""
    return body if isinstance(body, str) else ""
