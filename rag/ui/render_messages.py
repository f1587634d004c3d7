"""Sentences of the program to the user as HTML. Each is one paragraph, so no template is needed."""

from __future__ import annotations

from html import escape

from rag.papers.bibliography import clean
from rag.ui.roles import READER_HINT


def error_html(message: str) -> str:
    """What went wrong, with its remedy; '' for an empty message."""
    return f'<p class="fn-error" role="alert">{escape(clean(message))}</p>' if message else ""


def working_html(message: str) -> str:
    """What is being done; '' for an empty message."""
    return f'<p class="fn-state fn-busy" role="status">{escape(clean(message))}</p>' if message else ""


def reader_html() -> str:
    """What whoever is signed in as a reader may do, and how to get to do more."""
    return f'<p class="fn-reader">{escape(READER_HINT)}</p>'


def open_to_all_html() -> str:
    """The warning of a page that is served beyond this computer without a password."""
    return (
        '<p class="fn-error" role="alert"><strong>Open to your network, without a password.</strong> Everybody who '
        "reaches this address can read the conversations that are kept, and change the libraries. Add accounts with "
        "<code>footnote users add NAME</code>, or listen on 127.0.0.1.</p>"
    )
