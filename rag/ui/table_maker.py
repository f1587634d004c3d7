"""Makes the tables of the tables tab, row by row. Knows nothing of Gradio."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rag.errors import FootnoteError, QuestionError
from rag.questions.scope import Scope
from rag.survey.tables import MOST_PAPERS, Table, columns
from rag.ui.page_context import PageContext
from rag.ui.render_messages import error_html
from rag.ui.render_tables import progress_html, table_html

SEARCH, TICKED, ALL = "search", "ticked", "all"  # how the papers of a table are chosen
_PACE_S = 0.3  # the whole table is sent each time

Updates = dict[str, Any]  # component name → its new value


@dataclass(frozen=True, slots=True)
class TableOrder:
    """Which table is wanted. ``how`` is ``SEARCH``, ``TICKED`` or ``ALL`` (of the scope).

    ``columns`` are keys of known columns and columns as typed; ``most`` papers are looked for.
    """

    how: str
    search: str
    most: int
    ticked: Sequence[str]
    columns: Sequence[str]
    library: str
    scope: Scope | None


class TableMaker:
    """Makes tables for all browser tabs; one at a time in each."""

    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._stops: dict[str, threading.Event] = {}

    def make(self, tab: str, order: TableOrder) -> Iterator[Updates]:
        """The tab while its table grows."""
        stop = threading.Event()
        with self._lock:
            if tab in self._stops:
                return
            self._stops[tab] = stop
        try:
            yield from self._grow(stop, order)
        except FootnoteError as error:
            yield {"state": error_html(str(error))}
        finally:
            with self._lock:
                self._stops.pop(tab, None)

    def stop(self, tab: str) -> None:
        """End the table of ``tab`` after the row it is at."""
        with self._lock:
            if tab in self._stops:
                self._stops[tab].set()

    def _grow(self, stop: threading.Event, order: TableOrder) -> Iterator[Updates]:
        chosen = columns(order.columns)
        ids = self._papers(order)
        table = Table(chosen, (), len(ids))
        yield {"state": progress_html(table, "running"), "paper": ""}
        shown = time.monotonic()
        for row in self._context.library_service.rows(order.library, ids, chosen, stop):
            table = replace(table, rows=(*table.rows, row))
            if time.monotonic() - shown >= _PACE_S:
                yield {"state": progress_html(table, "running"), "table": table_html(table)}
                shown = time.monotonic()
        state = "stopped" if stop.is_set() and len(table.rows) < table.chosen else "done"
        yield {"result": table, "state": progress_html(table, state), "table": table_html(table)}

    def _papers(self, order: TableOrder) -> Sequence[str]:
        """Ids of the papers that are meant. Raises :class:`QuestionError` where there are none."""
        most = max(1, min(int(order.most or MOST_PAPERS), MOST_PAPERS))
        if order.how == TICKED:
            if not order.ticked:
                raise QuestionError("No paper is ticked. Tick some in the Library tab, or choose papers by a search.")
            return list(order.ticked)[:MOST_PAPERS]
        if order.how == SEARCH and not order.search.strip():
            raise QuestionError("The search is empty. Type what the papers are about.")
        search = order.search if order.how == SEARCH else ""
        ids = self._context.library_service.choose(order.library, search, most, order.scope)
        if not ids:
            raise QuestionError("No paper was found. Search for something else, or widen the scope in the Ask tab.")
        return ids
