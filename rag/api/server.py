"""The page with the API beside it, at one address and in one process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from rag.config import Settings
from rag.system.auth_setting import asks_for_sign_in
from rag.system.tokens_file import TokensFile
from rag.ui.server import is_loopback, names_of
from rag.ui.server import launch as launch_page
from rag.ui.server import serve as serve_page

_API = ("/api", "/v1")


def serve(settings: Settings, say: Callable[[str], object] = sys.stderr.write) -> None:
    """Serve page and API until interrupted; see :func:`rag.ui.server.serve`."""
    serve_page(settings, say, beside(settings))


def launch(settings: Settings) -> Any:
    """Page and API in the background; see :func:`rag.ui.server.launch`."""
    return launch_page(settings, beside(settings))


def beside(settings: Settings) -> list[Any]:
    """The middlewares that answer the API's requests before the page sees them. Raises :class:`ConfigError`."""
    from starlette.middleware import Middleware

    return [Middleware(Beside, settings=settings)]


class Beside:
    """Hands what is for the API to it, behind its own guards, and everything else to the page.

    The page makes its middlewares anew when its server starts; the API is made when it is first asked.
    """

    def __init__(self, app: Any, settings: Settings) -> None:
        self._app, self._settings, self._api = app, settings, None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] in ("http", "websocket") and any(path == p or path.startswith(f"{p}/") for p in _API):
            await self._opened()(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _opened(self) -> Any:
        if self._api is None:
            self._api = guarded_api(self._settings)
        return self._api


def guarded_api(settings: Settings) -> Any:
    """The API as an ASGI application, with its guards. Raises :class:`rag.errors.ConfigError`."""
    from rag.api.access import Door
    from rag.api.app import create_api
    from rag.api.limits import LimitedBody
    from rag.api.service import Service
    from rag.factory import at_close
    from rag.ui.uploads import uploads_of_this_process

    service = Service(settings, uploads_of_this_process())
    at_close(service.close)
    open_to_all = is_loopback(settings.host) and not asks_for_sign_in(settings.auth, settings.home)
    api, tokens = LimitedBody(create_api(service)), TokensFile(settings.home)
    return Door(api, tokens, names_of(settings.host), open_to_all, settings.read_only)
