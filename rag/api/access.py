"""Who may use the API, as ASGI middleware: the names that it is asked under, other web sites, and tokens.

As on the page, nobody needs anything where the page asks nobody to sign in and only this computer reaches it. Otherwise
every request brings a token (``footnote tokens add``), which is a reader's or an editor's. What another web site makes
a browser send is refused in any case, and so is a foreign name for this computer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from rag.api.problems import refusal
from rag.errors import ConfigError, LibraryReadOnly, NotAllowed
from rag.system.accounts import EDITOR
from rag.system.tokens_file import TokensFile
from rag.ui.bodies import headers_of
from rag.ui.guards import is_foreign
from rag.ui.roles import Editor

_CALLER = "footnote.caller"  # in the scope of a request
_FOREIGN = "Another web site sent this request, and Footnote answers programs and its own page only."
_NO_TOKEN = "Send a token: 'Authorization: Bearer TOKEN'. 'footnote tokens add NAME' makes one."
_UNREADABLE = "The tokens cannot be read. Whoever runs Footnote finds the reason with 'footnote tokens list'."
_READER = (
    "This token is a reader's: it may ask, search, check and read. To import and delete papers, have one made with "
    "'footnote tokens add NAME --role editor'."
)
_PORT = re.compile(r":[0-9]{1,5}+\Z")
# What says nothing of any library: whether the program runs, and what its API is like.
OPEN_PATHS = frozenset({"/api/v1/health", "/api/v1/docs", "/api/v1/openapi.json"})

App = Any  # an ASGI application: its types are those of the dictionaries that servers pass


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent a request: the name of the token, "" where none is needed."""

    name: str
    role: str
    read_only: bool = False  # nobody changes anything, whoever asks


class Door:
    """Lets requests in.

    ``hosts``: the names that may be asked, None for any; ``open``: nobody needs a token; ``read_only``: nobody changes
    anything.
    """

    def __init__(
        self, app: App, tokens: TokensFile, hosts: list[str] | None, open: bool, read_only: bool = False
    ) -> None:
        self._app, self._tokens, self._hosts, self._open, self._read_only = app, tokens, hosts, open, read_only

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "Footnote has no websockets."})
            return
        refused = self._refused(scope)
        await (self._app if refused is None else refused)(scope, receive, send)

    def _refused(self, scope: Any) -> Response | None:
        headers, path = headers_of(scope), str(scope["path"])
        host = _PORT.sub("", headers.get("host", ""))
        if self._hosts is not None and host.lower() not in self._hosts:
            return refusal(path, 400, f"This computer is not called '{host[:100]}'. Use the address that it prints.")
        if is_foreign(scope):
            return refusal(path, 403, _FOREIGN)
        if self._open or path in OPEN_PATHS:
            scope[_CALLER] = Caller("", EDITOR if self._open else "", self._read_only)
            return None
        given = headers.getlist("authorization")
        kind, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        try:
            known = self._tokens.find(token.strip()) if kind.lower() == "bearer" else None
        except ConfigError:
            return refusal(path, 503, _UNREADABLE)
        if known is None:
            return refusal(path, 401, _NO_TOKEN, {"www-authenticate": 'Bearer realm="footnote"'})
        scope[_CALLER] = Caller(known.name, known.role, self._read_only)
        return None


def caller_of(request: Request) -> Caller:
    """Whoever sent a request that was let in."""
    caller: Caller = request.scope[_CALLER]
    return caller


def require_editor(request: Request) -> Editor:
    """Asked before anything is changed. Raises :class:`NotAllowed` or :class:`LibraryReadOnly`."""
    caller = caller_of(request)
    if caller.read_only:
        raise LibraryReadOnly
    if caller.role != EDITOR:
        raise NotAllowed(_READER)
    return Editor(caller.name)
