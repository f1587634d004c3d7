"""What went wrong with a server, in a sentence that says what to do. No key stands in any of them.

What a server says itself is text of somebody else: one line of it is repeated, at most ``_SAID`` characters.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.errors import ServerError
from rag.generation.servers.replies import error_words
from rag.system.connection_trouble import connection_trouble
from rag.text.unseen import one_line

_SAID = 200
_NAMES = 8  # models that a sentence lists
_PASSING = frozenset({408, 425, 429, 502, 503, 504})
_LONGEST_PAUSE = 10.0  # seconds that a server may ask to wait


@dataclass(frozen=True, slots=True)
class Faults:
    """The sentences about one server: ``place`` is what it is called, ``model`` what is asked of it."""

    place: str
    key: str = ""
    model: str = ""

    @property
    def _server(self) -> str:
        return f"The model server at {self.place}"

    def of_connection(self, error: BaseException) -> ServerError:
        """No connection, or one that broke off."""
        trouble = connection_trouble(error, "model server", self.place, "FOOTNOTE_LLM_URL", self.said)
        return ServerError(trouble.message, passing=trouble.passing, retry_s=trouble.retry_s)

    def of_silence(self, seconds: float) -> ServerError:
        """Nothing came for that long."""
        return ServerError(
            f"{self._server} wrote nothing for {seconds:.0f} seconds. See what it does, give it a smaller model or "
            "less to read (FOOTNOTE_PATIENCE), or let it take longer: FOOTNOTE_LLM_TIMEOUT."
        )

    def of_status(
        self, status: int, headers: Mapping[str, str], body: bytes, offered: Sequence[str] = ()
    ) -> ServerError:
        """An answer other than 200; ``offered`` are the models that the server lists."""
        said, code = _error_in(body)
        if status in (401, 403):
            how = "FOOTNOTE_LLM_KEY is not a key that it takes" if self.key else "Set its key as FOOTNOTE_LLM_KEY"
            return ServerError(f"{self._server} lets nobody in without a key that it knows ({status}). {how}.")
        if _is_unknown_model(status, said, code):
            return self.unknown_model(offered)
        if status in (404, 405) or 300 <= status < 400:
            return self.not_such_a_server(f"it answers {status}")
        if _is_too_long(said, code):
            return ServerError(
                f"{self._server} says that the prompt is too long for its model ({self.said(said)}). "
                "Lower FOOTNOTE_CONTEXT, or start the server with a larger context."
            )
        why = f": {self.said(said)}" if said else ""
        return ServerError(
            f"{self._server} refuses ({status}{why}). {_REMEDY.get(status, 'See what it has written to its log.')}",
            passing=status in _PASSING,
            retry_s=_pause(headers.get("retry-after", "")),
        )

    def unknown_model(self, offered: Sequence[str]) -> ServerError:
        """A model that the server does not have."""
        what = f"has no model '{self.said(self.model)}'" if self.model else "does not know which model is meant"
        return ServerError(f"{self._server} {what}. Set FOOTNOTE_LLM_MODEL{self._one_of(offered)}.")

    def several_models(self, offered: Sequence[str]) -> ServerError:
        """It has several, and none was named."""
        return ServerError(f"{self._server} has several models. Set FOOTNOTE_LLM_MODEL{self._one_of(offered)}.")

    def not_such_a_server(self, why: str) -> ServerError:
        """Something else answers there."""
        return ServerError(
            f"What answers at {self.place} is not a server that speaks as OpenAI's does ({why}). Correct "
            "FOOTNOTE_LLM_URL: with most servers it ends in /v1."
        )

    def of_garbage(self, why: str) -> ServerError:
        """An answer that nobody can read."""
        return ServerError(f"{self._server} wrote {self.said(why)}. See what runs there, and ask again.")

    def of_report(self, words: str) -> ServerError:
        """An error that the server reports in the midst of its answer."""
        said, code = words, ""
        if _is_too_long(said, code):
            return self.of_status(400, {}, json.dumps({"error": words}).encode())
        return ServerError(f"{self._server} broke off: {self.said(words) or 'it does not say why'}. Ask again.")

    def cut_off(self) -> ServerError:
        """The stream ended in the middle."""
        return ServerError(f"{self._server} broke off in the middle of its answer. See its log, and ask again.")

    def said(self, text: str) -> str:
        """One line of a text of the server's, without the key."""
        line = one_line(text.replace(self.key, "…") if self.key else text).rstrip(".")
        return line if len(line) <= _SAID else line[: _SAID - 1] + "…"

    def _one_of(self, offered: Sequence[str]) -> str:
        if not offered:
            return " to one that it has"
        more = f" and {len(offered) - _NAMES} more" if len(offered) > _NAMES else ""
        return f" to one of: {', '.join(self.said(name) for name in offered[:_NAMES])}{more}"


_REMEDY = {
    400: "See what it supports, and what it has written to its log.",
    402: "See to your account there.",
    429: "Ask again in a while.",
    503: "It may still be loading its model: ask again in a while.",
}


def _error_in(body: bytes) -> tuple[str, str]:
    """What an error's body says, and its code."""
    try:
        found = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return "", ""
    error = found.get("error") if isinstance(found, dict) else None
    code = error.get("code") or error.get("type") if isinstance(error, dict) else ""
    return error_words(found), str(code)


def _is_unknown_model(status: int, said: str, code: str) -> bool:
    words = said.lower()
    named = "model" in words and any(word in words for word in ("not found", "does not exist", "no such", "unknown"))
    return code == "model_not_found" or (status in (400, 404, 422) and named)


def _is_too_long(said: str, code: str) -> bool:
    words = said.lower()
    return (
        "context_length" in code
        or "exceed_context" in code
        or ("context" in words and "exceed" in words)
        or ("maximum context length" in words)
    )


def _pause(text: str) -> float | None:
    return min(float(text), _LONGEST_PAUSE) if text.isascii() and text.isdecimal() else None
