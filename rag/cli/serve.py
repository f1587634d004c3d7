"""``footnote serve``: the chat as a page for a browser."""

from __future__ import annotations

from typing import Any

import click

from rag.cli.options import library_option, model_options, read_only_option
from rag.cli.printing import say


@click.command()
@library_option
@read_only_option
@model_options
@click.option("--host", help="Address to listen on (default 127.0.0.1: this computer only).")
@click.option("--port", type=int, help="Port (default 7860; 0 takes a free one).")
def serve(**options: Any) -> None:
    """Serve the chat for a browser, and the HTTP API for programs (docs/api.md)."""
    from rag.api.server import serve as serve_page
    from rag.config import load_settings

    serve_page(load_settings(**options), lambda text: say(text, nl=False, err=True))
