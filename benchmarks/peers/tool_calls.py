"""What a small model writes when it means to call a tool, as the calls that clients expect; pure text.

``llama_cpp.server`` shows a model the tools, in the words of the model's own template, but gives back what it wrote as
text. Servers that people use behind such clients (Ollama, llama.cpp's own) read the calls out of it. So does this,
generously: within ``<tool_call>``, in a fenced block, or as the whole text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_TAGGED = re.compile(r"<tool_call>(.*?)(?:</tool_call>|$)", re.DOTALL)
_FENCED = re.compile(r"```(?:json|xml)?\n(.*?)(?:```|$)", re.DOTALL)


def calls_in(text: str, offered: Iterable[str]) -> list[dict[str, Any]]:
    """``{"name", "arguments"}`` for every call of an offered tool in the text, in order; none where it is an answer."""
    names = frozenset(offered)
    for pattern in (_TAGGED, _FENCED):
        found = [call for body in pattern.findall(text) for call in _objects(body) if call["name"] in names]
        if found:
            return found
    whole = text.strip()
    return [call for call in _objects(whole) if call["name"] in names] if whole.startswith("{") else []


def without_calls(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message of the assistant with its calls as the text that it was, the way the model's template writes them."""
    calls = message.get("tool_calls") or []
    bodies = [
        json.dumps({"name": one["function"]["name"], "arguments": _decoded(one["function"].get("arguments"))})
        for one in calls
    ]
    written = "\n".join(f"<tool_call>\n{body}\n</tool_call>" for body in bodies)
    content = message.get("content") or ""
    return {"role": message["role"], "content": "\n".join(part for part in (content, written) if part)}


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Every JSON object in a row that looks like a call."""
    decoder, place = json.JSONDecoder(strict=False), text.find("{")
    while place >= 0:
        try:
            found, place = decoder.raw_decode(text, place)
        except (json.JSONDecodeError, RecursionError):
            return
        if isinstance(found, dict) and isinstance(found.get("name"), str):
            yield {"name": found["name"], "arguments": _decoded(found.get("arguments", found.get("parameters")))}
        place = text.find("{", place)


def _decoded(arguments: Any) -> dict[str, Any]:
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except json.JSONDecodeError:
            return {}
    return arguments if isinstance(arguments, dict) else {}
