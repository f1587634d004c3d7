"""The MCP server on a port of this computer (Streamable HTTP), and who may speak to it.

On loopback it answers requests that name this computer, from programs and from pages of this computer: a web site whose
name is made to point here (DNS rebinding) is refused, and so is every other site. Whoever comes from elsewhere must
bring a token, and so must everybody where the page asks people to sign in.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rag.errors import ConfigError

if TYPE_CHECKING:
    from mcp.server import MCPServer
    from mcp.server.transport_security import TransportSecuritySettings

PATH = "/mcp"
TokenCheck = Callable[[str], bool]  # whether a bearer token is one that may ask; called for every request
_NAMES = ("127.0.0.1", "localhost", "[::1]")

App = Any  # an ASGI application: its types are those of the dictionaries that servers pass


class WithToken:
    """Refuses every request without a bearer token that ``check`` accepts (RFC 6750)."""

    def __init__(self, app: App, check: TokenCheck) -> None:
        self._app, self._check = app, check

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and not await self._may_ask(scope):
            from starlette.responses import JSONResponse

            said = "This server answers requests with a token only: Authorization: Bearer TOKEN"
            refusal = JSONResponse({"error": said}, 401, {"www-authenticate": 'Bearer realm="footnote"'})
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _may_ask(self, scope: Any) -> bool:
        import anyio.to_thread
        from starlette.datastructures import Headers

        given = Headers(scope=scope).getlist("authorization")
        kind, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        # In a thread: a token is compared with a slow hash.
        return kind.lower() == "bearer" and await anyio.to_thread.run_sync(self._check, token.strip())


def http_app(server: MCPServer[Any], host: str, is_private: bool, check: TokenCheck | None) -> App:
    """The server as an ASGI application, to listen on ``host``.

    ``is_private``: only this computer reaches it, and nobody needs to sign in. Otherwise there must be a ``check``;
    raises :class:`ConfigError` where there is none.
    """
    if not is_private and check is None:
        raise ConfigError(
            f"Whoever comes to {host} must bring a token, and none is known here. Let assistants of this computer "
            "start 'footnote mcp' themselves, without --http."
        )
    # Without sessions: nothing is kept between calls, so a client may come back after a restart.
    app = server.streamable_http_app(streamable_http_path=PATH, stateless_http=True, transport_security=_security(host))
    if check is not None:
        app.add_middleware(WithToken, check=check)
    return app


def _security(host: str) -> TransportSecuritySettings:
    """Which names and pages may ask. Beyond loopback the token decides, which no foreign page has."""
    from mcp.server.transport_security import TransportSecuritySettings

    names = dict.fromkeys((*_NAMES, _in_address(host)))
    origins = [f"{scheme}://{name}" for scheme in ("http", "https") for name in names]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=is_loopback(host),
        allowed_hosts=[*names, *(f"{name}:*" for name in names)],
        allowed_origins=[*origins, *(f"{origin}:*" for origin in origins)],
    )


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this computer only."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _in_address(host: str) -> str:
    """The host as it stands in an address: that of IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def serve_http(app: App, host: str, port: int, say: Callable[[str], object]) -> None:
    """Serve until interrupted; ``say`` gets the address once requests are taken. ``port`` 0 takes a free one.

    Raises :class:`ConfigError` where the address cannot be used.
    """
    import uvicorn

    listening = _listen(host, port)
    # Clients keep streams open; whoever ends the server does not wait for them.
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, lifespan="on", timeout_graceful_shutdown=3
    )
    with listening:
        port = listening.getsockname()[1]
        say(f"Footnote's MCP server is at http://{_in_address(host)}:{port}{PATH} (Ctrl+C ends it).")
        uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections from now on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(
            f"The MCP server cannot listen on {host}:{port} ({error.strerror}). End the program that uses it, or give "
            "--port another number (0 takes a free one)."
        ) from error
