"""How much is taken at once: bytes of a request, as ASGI middleware, and questions that are answered or wait."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from fastapi import HTTPException

from rag.api.problems import refusal
from rag.errors import TooBusy
from rag.ui.bodies import MAX_BODY, counted_body, headers_of
from rag.ui.uploads import MAX_UPLOAD

IMPORTS = "/api/v1/papers"  # POST: files
_TOO_LARGE = "At most {megabytes:,.0f} MB are taken in one request{remedy}."
_COMMAND = "; 'footnote import' on the computer that Footnote runs on reads files of any size"
_BUSY = "Footnote answers as much as it can, and {waiting} more requests wait. Try again in {seconds} seconds."

App = Any  # an ASGI application: its types are those of the dictionaries that servers pass


class LimitedBody:
    """Refuses bodies that are too large, by what they say of themselves and by what comes."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        upload = scope["method"] == "POST" and scope["path"].rstrip("/") == IMPORTS
        limit = MAX_UPLOAD if upload else MAX_BODY
        words = _TOO_LARGE.format(megabytes=limit / 1e6, remedy=_COMMAND if upload else "")
        said = headers_of(scope).get("content-length", "")
        if re.fullmatch("[0-9]+", said) and (len(said) > 18 or int(said) > limit):
            await refusal(scope["path"], 413, words)(scope, receive, send)
            return
        too_much = HTTPException(413, words)  # what reads the body passes this one on
        await self._app(scope, counted_body(receive, limit, too_much), send)


class Admission:
    """``running`` requests at once, ``waiting`` more in the order in which they came, and no others.

    Used from one event loop. ``retry_s``: what whoever is sent away is told to wait.
    """

    def __init__(self, running: int, waiting: int, retry_s: int) -> None:
        self._most, self._waiting, self._retry_s = running + waiting, waiting, retry_s
        self._turn = asyncio.Semaphore(running)
        self._inside = 0

    async def enter(self) -> None:
        """Wait for a turn, to be given back with :meth:`leave`. Raises :class:`TooBusy`."""
        if self._inside >= self._most:
            raise TooBusy(_BUSY.format(waiting=self._waiting, seconds=self._retry_s), self._retry_s)
        self._inside += 1
        try:
            await self._turn.acquire()
        except BaseException:
            self._inside -= 1
            raise

    def leave(self) -> None:
        """Let the next one in."""
        self._inside -= 1
        self._turn.release()
