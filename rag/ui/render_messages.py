"""Sentences of the program to the user as HTML. Each is one paragraph, so no template is needed."""

from __future__ import annotations

from html import escape

from rag.papers.bibliography import clean


def error_html(message: str) -> str:
    """What went wrong, with its remedy; '' for an empty message."""
    return f'<p class="fn-error" role="alert">{escape(clean(message))}</p>' if message else ""


def working_html(message: str) -> str:
    """What is being done; '' for an empty message."""
    return f'<p class="fn-state fn-busy" role="status">{escape(clean(message))}</p>' if message else ""


def open_to_all_html() -> str:
    """The warning of a page that is served beyond this computer without a password."""
    return (
        '<p class="fn-error" role="alert"><strong>Open to your network, without a password.</strong> Everybody who '
        "reaches this address can read the library and the conversations that are kept. Set FOOTNOTE_AUTH, or listen "
        "on 127.0.0.1.</p>"
    )
