"""``footnote mcp``: the library as a tool of assistants that speak the Model Context Protocol."""

from __future__ import annotations

import signal
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from rag.cli.options import library_option, model_options, read_only_option
from rag.cli.printing import say
from rag.errors import ConfigError

if TYPE_CHECKING:
    from rag.config import Settings

PORT = 7861
_MISSING = "This installation lacks the package 'mcp'. Install the extra with: pip install 'footnote[mcp]'"


@click.command()
@library_option
@read_only_option
@model_options
@click.option("--http", is_flag=True, help="Serve on a port of this computer instead of stdin and stdout.")
@click.option("--host", help="With --http: address to listen on (default 127.0.0.1: this computer only).")
@click.option("--port", type=click.IntRange(0, 65_535), help=f"With --http: port (default {PORT}; 0 takes a free one).")
def mcp(http: bool, host: str | None, port: int | None, **options: Any) -> None:
    """Let an assistant ask the library by the Model Context Protocol.

    It offers the tools ask, search, check, read_paper and cite. Assistants start this command themselves and speak
    with it over stdin and stdout; docs/mcp.md has their configuration.
    """
    if not http and (host is not None or port is not None):
        raise click.UsageError("--host and --port go with --http.")
    if find_spec("mcp") is None:
        raise ConfigError(_MISSING)
    from rag.assistants.library_tools import LibraryTools
    from rag.assistants.mcp_server import build_server
    from rag.config import load_settings
    from rag.factory import close_all

    settings = load_settings(**options)
    server = build_server(LibraryTools(settings))
    try:
        if http:
            _serve_http(server, settings, host or "127.0.0.1", PORT if port is None else port)
        else:
            # A thread waits for the next line of stdin and cannot be woken, so the way out by exceptions would wait for
            # the assistant. Nothing is open for writing.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            server.run("stdio")
    finally:
        close_all()


def _serve_http(server: Any, settings: Settings, host: str, port: int) -> None:
    from rag.assistants.mcp_http import http_app, is_loopback, serve_http
    from rag.system.auth_setting import asks_for_sign_in
    from rag.system.tokens_file import TokensFile

    is_private = is_loopback(host) and not asks_for_sign_in(settings.auth, settings.home)
    tokens = TokensFile(settings.home)
    asked = not is_private and bool(tokens.read())
    app = http_app(server, host, is_private, (lambda token: tokens.find(token) is not None) if asked else None)
    serve_http(app, host, port, lambda text: say(text, err=True))
