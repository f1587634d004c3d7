"""Checks the texts of the check tab, sentence by sentence. Knows nothing of Gradio."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rag.errors import FootnoteError
from rag.ui.page_context import PageContext
from rag.ui.render_check import checked_html, opened_html, progress_html, summary_html
from rag.ui.render_messages import error_html
from rag.verification.claims import sentences_to_check

if TYPE_CHECKING:
    from rag.verification.claims import CheckedClaim

_PACE_S = 0.3  # all sentences so far are sent each time

Updates = dict[str, Any]  # component name → its new value


class TextChecker:
    """Checks texts for all browser tabs; one at a time in each."""

    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._stops: dict[str, threading.Event] = {}

    def check(self, tab: str, text: str, library: str) -> Iterator[Updates]:
        """The tab while its sentences are checked."""
        stop = threading.Event()
        with self._lock:
            if tab in self._stops:
                return
            self._stops[tab] = stop
        try:
            for updates in self._go_through(stop, text, library):
                if self._stops.get(tab) is not stop:  # forgotten meanwhile: the page shows something else
                    return
                yield updates
        except FootnoteError as error:
            if self._stops.get(tab) is stop:
                yield {"state": error_html(str(error))}
        finally:
            with self._lock:
                if self._stops.get(tab) is stop:
                    del self._stops[tab]

    def stop(self, tab: str) -> None:
        """End the check of ``tab`` after the sentence that it is at."""
        with self._lock:
            if tab in self._stops:
                self._stops[tab].set()

    def forget(self, tab: str) -> None:
        """End the check of ``tab``; nothing more of it is shown."""
        with self._lock:
            if stop := self._stops.pop(tab, None):
                stop.set()

    def open(self, checked: tuple[CheckedClaim, ...], sentence: int, source: int, library: str) -> str:
        """The abstract behind one source of a sentence, its quote marked; '' where there is none (any more)."""
        if not 0 <= sentence < len(checked) or not 0 <= source < len(checked[sentence].citations):
            return ""
        citation = checked[sentence].citations[source]
        try:
            paper = self._context.papers(library).get(citation.paper_id)
        except FootnoteError as error:
            return error_html(str(error))
        if paper is None:
            return error_html("This paper is no longer in the library. Check the text again.")
        return opened_html(paper, citation)

    def _go_through(self, stop: threading.Event, text: str, library: str) -> Iterator[Updates]:
        sentences = sentences_to_check(text)
        checked: tuple[CheckedClaim, ...] = ()
        yield {"result": (), "state": progress_html(0, len(sentences)), "list": "", "paper": ""}
        shown = -_PACE_S
        try:
            for one in self._context.library_service.claims(library, sentences, stop):
                checked = (*checked, one)
                if len(checked) < len(sentences) and time.monotonic() - shown >= _PACE_S:
                    state = progress_html(len(checked), len(sentences))
                    yield {"result": checked, "state": state, "list": checked_html(checked)}
                    shown = time.monotonic()
        except FootnoteError:  # what was checked until then is worth having
            yield {"result": checked, "list": checked_html(checked)}
            raise
        yield {"result": checked, "state": summary_html(checked, len(sentences)), "list": checked_html(checked)}
