"""The door of the page: nothing is served to anybody who has not signed in, beside the form to do so.

Gradio's own ``auth`` is not used: what it asks gets a name and a password only, so that guesses cannot be counted by
address, its tokens never end, and a page that says how long to wait cannot be shown. Here a middleware keeps the door,
and Gradio is told by ``auth_dependency`` who came in.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from rag.errors import FootnoteError
from rag.output.templating import Template
from rag.system.accounts import Account, Accounts, normal_name
from rag.system.throttle import Throttle
from rag.ui.roles import READER_HINT, may_edit
from rag.ui.sessions import Sessions
from rag.ui.tab_owners import LONGEST_BODY, TabOwners, tabs_named

_log = logging.getLogger(__name__)
_TEMPLATE = Template("rag.ui", "sign_in")
_USER = "footnote.user"  # in the scope of a request: the name of whoever signed in
_OPEN = frozenset({"/gradio_api/startup-events"})  # Gradio asks for it when it starts; it shows nothing
_UPLOADS = "/gradio_api/upload"  # only papers to import are uploaded
_LONGEST_FORM = 4096  # bytes
_MOST_WAITING = 20  # passwords that wait to be checked
_WRONG = "The name or the password is wrong."
_BUSY = "Many people are signing in at this moment. Try again in a few seconds."
_UNREADABLE = "The accounts cannot be read. Whoever runs this page finds the reason in its terminal."


class _TooMany(Exception):
    """Too many passwords wait to be checked."""


def signed_in(request: Any) -> str | None:
    """The name of whoever sent a request, for Gradio's ``auth_dependency``."""
    name = request.scope.get(_USER)
    return None if name is None else str(name)


class SignIn:
    """ASGI middleware. Each request is let in, sent to the form, or refused."""

    def __init__(self, app: Any, accounts: Accounts, behind_proxy: bool = False) -> None:
        self._app, self._accounts = app, accounts
        self._sessions, self._throttle = Sessions(accounts), Throttle()
        self._tabs = TabOwners()
        self._cookie = f"footnote-session-{secrets.token_hex(4)}"  # pages on other ports share the cookies of a host
        # One at a time: guesses share one core, and do not keep the others from whoever asks questions.
        self._checking = ThreadPoolExecutor(1, "footnote-password")
        self._waiting = 0
        self._warned_of_proxy = behind_proxy

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan" or scope.get("path") in _OPEN:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":  # the page uses none
            await send({"type": "websocket.close", "code": 1008})
        else:
            request = Request(scope, receive)
            answer = await self._answer(request)
            if answer is None and not request.url.path.startswith(_UPLOADS):
                body = await _body(request, LONGEST_BODY)
                answer = self._tab_refused(request, body)
                receive = _again(body or b"", receive)
            await (self._app if answer is None else answer)(scope, receive, send)

    async def _answer(self, request: Request) -> Response | None:
        """What is said at the door; None where the request may pass, which then has the name of its user."""
        path, token = request.url.path, request.cookies.get(self._cookie, "")
        if path == "/login" and request.method == "POST":
            return await self._sign_in(request)
        if path == "/logout":
            return self._sign_out(request, token)
        try:
            account = self._sessions.account(token) if token else None
        except FootnoteError as error:
            _log.error("%s", error)
            return _page(503, _UNREADABLE)
        if account is None:
            return _page(401) if path in ("/", "/login") else _refusal(401, "Sign in first: open the page anew.")
        if path == "/login":
            return _to_the_page()
        if path.startswith(_UPLOADS) and not may_edit(self._accounts, account.name):
            return _refusal(403, READER_HINT)
        request.scope[_USER] = account.name
        return None

    def _tab_refused(self, request: Request, body: bytes | None) -> Response | None:
        """What is said to a request in the name of somebody else's tab, or with more than any handler takes."""
        if body is None:
            return _refusal(413, f"This is more than {LONGEST_BODY:,} bytes. Send less at a time.")
        tabs = tabs_named(request.url.path, request.query_params, body)
        if all(self._tabs.admit(tab, request.scope[_USER]) for tab in tabs):
            return None
        return _refusal(403, "This browser tab belongs to somebody else. Open the page anew.")

    async def _sign_in(self, request: Request) -> Response:
        name, password = await _form(request)
        address = self._address(request)
        wait = self._throttle.admit(name, address)
        if wait > 0.0:
            return _too_often(wait, name)
        try:
            account = await self._checked(name, password)
        except FootnoteError as error:
            self._throttle.take_back(name, address, right=False)
            _log.error("%s", error)
            return _page(503, _UNREADABLE, name)
        except _TooMany:
            self._throttle.take_back(name, address, right=False)
            return _page(503, _BUSY, name)
        if account is None:
            _log.info("a wrong name or password from %s", address)  # not the name: a password is typed there by mistake
            return _page(401, _WRONG, name)
        self._throttle.take_back(name, address, right=True)
        self._sessions.end(request.cookies.get(self._cookie, ""))
        return self._to_the_page_of(account, secure=request.url.scheme == "https")

    async def _checked(self, name: str, password: str) -> Account | None:
        """The account, if the password is right. Raises :class:`_TooMany`."""
        if self._waiting >= _MOST_WAITING:
            raise _TooMany
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._checking, self._accounts.check, name, password)
        finally:
            self._waiting -= 1

    def _to_the_page_of(self, account: Account, secure: bool) -> Response:
        response = _to_the_page()
        token = self._sessions.begin(account)
        # Without an age: it ends with the browser.
        response.set_cookie(self._cookie, token, httponly=True, secure=secure, samesite="lax")
        return response

    def _sign_out(self, request: Request, token: str) -> Response:
        """Only a form signs out: a link on another site must not."""
        response = _to_the_page()
        if request.method == "POST":
            self._sessions.end(token)
            response.delete_cookie(self._cookie)
        return response

    def _address(self, request: Request) -> str:
        """What guesses are counted by: the peer, or whom a trusted proxy names, which uvicorn puts in its place."""
        address = request.client.host if request.client is not None else ""
        if "x-forwarded-for" in request.headers and not self._warned_of_proxy:
            self._warned_of_proxy = True
            _log.warning(
                "%s passes on what others send. If it is your proxy, set FOOTNOTE_TRUSTED_PROXIES=%s: until then all "
                "who come through it count as one address, and wait for one another's wrong passwords.",
                address,
                address,
            )
        return address


async def _form(request: Request) -> tuple[str, str]:
    """Name and password as they were sent; empty where the form is not ours."""
    try:
        body = await _body(request, _LONGEST_FORM) or b""
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=10)
    except ValueError:
        return "", ""
    return normal_name(fields.get("username", [""])[0])[:256], fields.get("password", [""])[0]


async def _body(request: Request, longest: int) -> bytes | None:
    """All that a request sends; None where it is more than ``longest`` bytes, or ends before its end."""
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > longest:
                return None
            parts.append(part)
    except ClientDisconnect:
        return None
    return b"".join(parts)


def _again(body: bytes, receive: Any) -> Any:
    """``receive`` for whoever comes next: first the body, which was read already."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Any:
        return waiting.pop() if waiting else await receive()

    return replayed


def _to_the_page() -> Response:
    return RedirectResponse("./", status_code=303)


def _refusal(status: int, words: str) -> Response:
    return JSONResponse({"detail": words, "error": words}, status_code=status, headers={"cache-control": "no-store"})


def _page(status: int, problem: str = "", name: str = "") -> Response:
    return HTMLResponse(
        f"<!doctype html>{_TEMPLATE.page(problem, name)}", status_code=status, headers={"cache-control": "no-store"}
    )


def _too_often(wait: float, name: str) -> Response:
    seconds = math.ceil(wait)
    response = _page(429, f"Too many wrong passwords were tried. Try again in {_duration(seconds)}.", name)
    response.headers["retry-after"] = str(seconds)
    return response


def _duration(seconds: int) -> str:
    if seconds == 1:
        return "1 second"
    return f"{seconds} seconds" if seconds < 120 else f"{math.ceil(seconds / 60)} minutes"
