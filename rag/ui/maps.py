"""The maps of the libraries, drawn in a thread of their own. Knows nothing of Gradio."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

from rag.errors import ConfigError, FootnoteError
from rag.survey.library_map import drawn_from, library_map
from rag.ui.map_view import DrawnMap
from rag.ui.page_context import PageContext
from rag.ui.recent import Recent

_log = logging.getLogger(__name__)
_MOST_PLACES = 200_000  # papers of all kept maps together, beside the one used last; 150 bytes each
_SEE_TERMINAL = "Choose the tab again; the details stand in the terminal that Footnote was started from."


class Maps:
    """The maps of all libraries that were looked at, drawn one at a time. Shared by all browser tabs."""

    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._drawn: Recent[DrawnMap] = Recent(lambda drawn: len(drawn.library_map.ids), _MOST_PLACES)  # by library

    def draw(self, library: str) -> Iterator[str | DrawnMap | FootnoteError]:
        """Sentences about the progress, and last the map or the error that kept it from being drawn."""
        said: SimpleQueue[str | DrawnMap | FootnoteError] = SimpleQueue()

        def work() -> None:
            try:
                with self._lock:
                    said.put(self._draw(library, said))
            except FootnoteError as error:
                said.put(error)
            except Exception as error:  # the edge: whatever it is, the tab gets a sentence
                _log.exception("A map failed")
                said.put(FootnoteError(f"The map could not be drawn ({type(error).__name__}). {_SEE_TERMINAL}"))

        threading.Thread(target=work, name="footnote-map", daemon=True).start()
        while True:
            word = said.get()
            yield word
            if not isinstance(word, str):
                return

    def drawn(self, library: str) -> DrawnMap | None:
        """The map that was drawn last for this library, unless too much was drawn of others since."""
        return self._drawn.get(library)

    def _draw(self, library: str, said: SimpleQueue[Any]) -> DrawnMap:
        from rag.factory import open_library
        from rag.ui.named import NamedByRequest

        if self._context.settings is None:
            raise ConfigError("There is no library to draw. Start the program with a library.")
        papers = self._context.papers(library)
        found = open_library(NamedByRequest(self._context.settings).library(library))
        kept = self._drawn.get(library)
        if kept is None or kept.library_map.fingerprint != drawn_from(found):
            kept = DrawnMap(library_map(found, said.put), papers)
            self._drawn.keep(library, kept)
        return kept
