"""What stands before the page, as ASGI middleware: who may ask, and for what; ``bodies.py`` says what may be sent.

A browser lets any web site send requests to this computer, also with the user's cookie. So a request that another site
caused is refused whatever it asks for, except opening the page itself: a link may lead there. Of the routes that Gradio
has, only those that the page uses are there.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from rag.system.accounts import NOBODY, Accounts
from rag.ui.bodies import API, LimitedBody, UploadedFilesOnly, headers_of, refuse
from rag.ui.uploads import Uploads

# The page may speak to nobody but the server that it came from; the browser enforces it. Gradio runs its
# templates with eval and styles itself inline.
_CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",  # signing in and out
        "frame-ancestors 'self'",
    )
)
_HEADERS = {
    b"content-security-policy": _CONTENT_POLICY.encode(),
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}

_ROUTES = re.compile(
    r"/|/(config|theme\.css|favicon\.ico|manifest\.json|robots\.txt|login|logout)/?"
    r"|/(assets|static|svelte)/.+"
    rf"|{API}/(info|user|login_check|app_id|startup-events|theme\.css|upload|upload_progress|cancel|reset)/?"
    rf"|{API}/queue/(join|data|status)"
    rf"|{API}/(run|api)/[^/]+/?"
    rf"|{API}/heartbeat/[^/]+"
)

_FOREIGN = (
    "Refused: another web site sent this request, and Footnote answers its own page only. Open the page by its address."
)
_NOT_HERE = "There is nothing at this address. The page is at /."

App = Any  # an ASGI application: its types are those of the dictionaries that servers pass


class SecurityHeaders:
    """Puts the headers above on every response."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS.items()]
            await send(message)

        await self._app(scope, receive, send_with_headers)


class OwnPageOnly:
    """Refuses what another site makes a browser send, on every route, and websockets, of which the page has none."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "Footnote has no websockets."})
        elif scope["type"] == "http" and is_foreign(scope):
            await refuse(scope, receive, send, 403, _FOREIGN)
        else:
            await self._app(scope, receive, send)


class OwnRoutesOnly:
    """Refuses every route of Gradio that the page does not use, among them those that read and write files."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and not _ROUTES.fullmatch(scope["path"]):
            await refuse(scope, receive, send, 404, _NOT_HERE)
        else:
            await self._app(scope, receive, send)


def is_foreign(scope: Any) -> bool:
    """Whether another web site made a browser send this request.

    Browsers say so in ``Sec-Fetch-Site``, which no page can set. They leave it out for addresses that are neither
    loopback nor HTTPS; there, ``Origin`` must name the host that was asked. Programs that are no browsers send neither.
    (The rules of Go's ``http.CrossOriginProtection``, here for reading too.)
    """
    headers = headers_of(scope)
    sites, origins = headers.getlist("sec-fetch-site"), headers.getlist("origin")
    if sites:
        own = all(site in ("same-origin", "none") for site in sites)
        return not own and not _opens_the_page(scope, headers)
    hosts = [host.split(",")[0].strip() for name in ("host", "x-forwarded-host") for host in headers.getlist(name)]
    return any(all(not _is_at(origin, host) for host in hosts) for origin in origins)


def _opens_the_page(scope: Any, headers: Any) -> bool:
    """Whether somebody follows a link to the page. It opens in a window of its own: frames are another destination."""
    return (
        scope["method"] == "GET"
        and scope["path"] == "/"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
        and "origin" not in headers
    )


def _is_at(origin: str, host: str) -> bool:
    """Whether ``origin`` is that of the server that was asked as ``host``.

    The scheme may differ, for a proxy may speak HTTPS to the browser; a port that is left out is that of the scheme.
    """
    try:
        there, here = urlsplit(origin), urlsplit(f"//{host}")
        usual = {"http": 80, "https": 443}[there.scheme]
        return there.hostname == here.hostname and (there.port or usual) == (here.port or usual)
    except (ValueError, KeyError):  # 'null' among them: a sandboxed frame, a file
        return False


def guards(
    uploads: Uploads,
    hosts: list[str] | None,
    accounts: Accounts = NOBODY,
    behind_proxy: bool = False,
    beside: Sequence[Any] = (),
) -> list[Any]:
    """All guards, the outermost first. ``hosts``: the names that the page may be asked under, None for any.

    ``beside`` are middlewares that answer what is none of the page's, and guard it themselves. With ``accounts`` one of
    the guards asks everybody to sign in; ``behind_proxy`` where addresses come from a trusted proxy.
    """
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    # A foreign site whose name is made to point here (DNS rebinding) must not read the library.
    named = [] if hosts is None else [Middleware(TrustedHostMiddleware, allowed_hosts=hosts)]
    own = [Middleware(OwnPageOnly), Middleware(OwnRoutesOnly), Middleware(LimitedBody, uploads=uploads)]
    door = []
    if accounts:
        from rag.ui.sign_in import SignIn

        door.append(Middleware(SignIn, accounts, behind_proxy))
    return [Middleware(SecurityHeaders), *beside, *named, *own, *door, Middleware(UploadedFilesOnly, uploads=uploads)]


def standing_outermost(mine: list[Any]) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """What the server runs before its first request: it puts the guards ``mine`` before all that Gradio adds.

    Gradio's own rules for other sites go: on any host but loopback they let every site read.
    """

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        from gradio.route_utils import CustomCORSMiddleware

        own = [one.cls for one in mine]
        others = [one for one in app.user_middleware if one.cls not in (*own, CustomCORSMiddleware)]
        app.user_middleware = [*mine, *others]
        app.middleware_stack = app.build_middleware_stack()
        yield

    return lifespan
