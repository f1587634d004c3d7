"""Sentences of the program to the user as HTML. Each is one paragraph, so no template is needed."""

from __future__ import annotations

from html import escape

from rag.papers.bibliography import clean
from rag.ui.roles import READ_ONLY_HINT, READER_HINT


def error_html(message: str) -> str:
    """What went wrong, with its remedy; '' for an empty message."""
    return f'<p class="fn-error" role="alert">{escape(clean(message))}</p>' if message else ""


def working_html(message: str) -> str:
    """What is being done; '' for an empty message."""
    return f'<p class="fn-state fn-busy" role="status">{escape(clean(message))}</p>' if message else ""


def reader_html(read_only: bool = False) -> str:
    """What whoever may not change anything may do, and how to get to do more; ``read_only``: nobody may."""
    return f'<p class="fn-reader">{escape(READ_ONLY_HINT if read_only else READER_HINT)}</p>'


def open_to_all_html(read_only: bool = False) -> str:
    """The warning of a page that is served beyond this computer without a password."""
    changing = "" if read_only else ", and change the libraries"
    return (
        '<p class="fn-error" role="alert"><strong>Open to your network, without a password.</strong> Everybody who '
        f"reaches this address can read the conversations that are kept{changing}. Add accounts with "
        "<code>footnote users add NAME</code>, or listen on 127.0.0.1.</p>"
    )
