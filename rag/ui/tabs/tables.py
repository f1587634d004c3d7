"""The tables tab: papers side by side, every cell footnoted.

Gradio finds out from annotations that a handler wants the request or the event, so the annotations of the inner
functions are real classes: this module does without postponed evaluation.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.resources import files
from typing import Any

from rag.errors import FootnoteError, QuestionError
from rag.output.footnote_html import paper_html
from rag.questions.scope import Scope
from rag.survey.column_extraction import KNOWN
from rag.survey.tables import COLUMNS, MOST_PAPERS, Table, columns, to_csv, to_markdown
from rag.ui.page_context import PageContext
from rag.ui.render_tables import NOTHING_YET, error_html, file_html, progress_html, table_html

_QUIET = {"show_progress": "hidden", "api_visibility": "private"}
_PACE_S = 0.3  # the whole table is sent each time
_SEARCH, _TICKED, _ALL = "search", "ticked", "all"
_OUTPUTS = ("result", "state", "table", "paper")

Updates = dict[str, Any]


def build(gr: Any, context: PageContext) -> None:
    """Lay out the tab."""
    parts = context.parts
    parts["tables.result"] = gr.State(Table(()))
    parts["tables.question"] = gr.State("")
    with gr.Column(elem_id="fn-tables", min_width=0):
        _html(gr, "head", '<h2 class="fn-tables-name">Papers side by side</h2>')
        with gr.Row(elem_id="fn-tables-choices"):
            with gr.Column(min_width=0, elem_id="fn-tables-papers"):
                parts["tables.how"] = gr.Radio(
                    [("Found by a search", _SEARCH), ("Ticked in the library", _TICKED), ("All of the scope", _ALL)],
                    value=_SEARCH, label="Papers", elem_id="fn-tables-how", min_width=0,
                )  # fmt: skip
                parts["tables.search"] = gr.Textbox(
                    label="Search", placeholder="What the papers are about", max_lines=1, min_width=0,
                    elem_id="fn-tables-search",
                )  # fmt: skip
                parts["tables.most"] = gr.Number(
                    label=f"Papers at most (up to {MOST_PAPERS})", value=20, precision=0, minimum=1,
                    maximum=MOST_PAPERS, min_width=0, elem_id="fn-tables-most",
                )  # fmt: skip
            with gr.Column(min_width=0, elem_id="fn-tables-columns"):
                parts["tables.known"] = gr.CheckboxGroup(
                    [(KNOWN[key].title, key) for key in COLUMNS], value=list(COLUMNS), label="Columns", min_width=0,
                    elem_id="fn-tables-known",
                )  # fmt: skip
                parts["tables.typed"] = gr.Textbox(
                    label="Columns of your own, a word or a question a line", lines=2, max_lines=6, min_width=0,
                    placeholder="How many parameters does the model have?", elem_id="fn-tables-typed",
                )  # fmt: skip
        with gr.Row(elem_id="fn-tables-tools"):
            parts["tables.make"] = _button(gr, "Make the table", "make", variant="primary")
            parts["tables.stop"] = _button(gr, "Stop", "stop", variant="stop")
            parts["tables.csv"] = _button(gr, "Save as CSV", "csv")
            parts["tables.markdown"] = _button(gr, "Save as Markdown", "markdown")
        parts["tables.state"] = _html(gr, "state")
        with gr.Row(elem_id="fn-tables-body"):
            parts["tables.table"] = _html(gr, "table", NOTHING_YET, "table")
            parts["tables.paper"] = _html(gr, "paper", "", "paper")
        parts["tables.file"] = _html(gr, "file", "", "file")


def _html(gr: Any, name: str, value: str = "", role: str = "") -> Any:
    script = files("rag.ui.tabs").joinpath("tables.js").read_text(encoding="utf-8") if role else ""
    start = f"({script})({{role: '{role}', element, trigger, watch}});" if role else None
    return gr.HTML(value, elem_id=f"fn-tables-{name}", apply_default_css=False, js_on_load=start)


def _button(gr: Any, label: str, name: str, **more: Any) -> Any:
    return gr.Button(label, size="sm", min_width=0, elem_id=f"fn-tables-{name}", **more)


class Maker:
    """Makes tables for all browser tabs; one at a time in each."""

    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._stops: dict[str, threading.Event] = {}

    def make(
        self, tab: str, how: str, search: str, most: int, ticked: Sequence[str], wanted: Sequence[str], library: str,
        scope: Scope | None,
    ) -> Iterator[Updates]:  # fmt: skip
        """The tab while its table grows."""
        stop = threading.Event()
        with self._lock:
            if tab in self._stops:
                return
            self._stops[tab] = stop
        try:
            yield from self._grow(stop, how, search, most, ticked, wanted, library, scope)
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

    def _grow(
        self, stop: threading.Event, how: str, search: str, most: int, ticked: Sequence[str], wanted: Sequence[str],
        library: str, scope: Scope | None,
    ) -> Iterator[Updates]:  # fmt: skip
        chosen = columns(wanted)
        ids = self._papers(how, search, most, ticked, library, scope)
        table = Table(chosen, (), len(ids))
        yield {"state": progress_html(table, "running"), "paper": ""}
        shown = time.monotonic()
        for row in self._context.shelf.rows(library, ids, chosen, stop):
            table = replace(table, rows=(*table.rows, row))
            if time.monotonic() - shown >= _PACE_S:
                yield {"state": progress_html(table, "running"), "table": table_html(table)}
                shown = time.monotonic()
        state = "stopped" if stop.is_set() and len(table.rows) < table.chosen else "done"
        yield {"result": table, "state": progress_html(table, state), "table": table_html(table)}

    def _papers(
        self, how: str, search: str, most: int, ticked: Sequence[str], library: str, scope: Scope | None
    ) -> Sequence[str]:
        """Ids of the papers that are meant. Raises :class:`QuestionError` where there are none."""
        most = max(1, min(int(most or MOST_PAPERS), MOST_PAPERS))
        if how == _TICKED:
            if not ticked:
                raise QuestionError("No paper is ticked. Tick some in the Library tab, or choose papers by a search.")
            return list(ticked)[:MOST_PAPERS]
        if how == _SEARCH and not search.strip():
            raise QuestionError("The search is empty. Type what the papers are about.")
        ids = self._context.shelf.choose(library, search if how == _SEARCH else "", most, scope)
        if not ids:
            raise QuestionError("No paper was found. Search for something else, or widen the scope in the Ask tab.")
        return ids


def opened_html(table: Table, row: int, column: int) -> str:
    """The abstract behind one cell, its sentence marked; nothing where there is no such row."""
    if not 0 <= row < len(table.rows):
        return ""
    one = table.rows[row]
    cells = one.cells[column : column + 1] if column >= 0 else ()
    return paper_html(one.paper, marks=[(cell.start, cell.end) for cell in cells if cell.text])


def wire(gr: Any, app: Any, context: PageContext) -> None:
    """Connect the events."""
    parts, maker = context.parts, Maker(context)
    outputs = [parts[f"tables.{name}"] for name in _OUTPUTS]
    ticked = parts.get("library.ticked") or gr.State([])

    def updates(values: Updates) -> tuple[Any, ...]:
        return tuple(values.get(name, gr.skip()) for name in _OUTPUTS)

    def make(
        how: str, search: str | None, most: int, known: list[str], typed: str | None, ticked: list[str], library: str,
        scope: Any, request: gr.Request,
    ) -> Iterator[tuple[Any, ...]]:  # fmt: skip
        wanted = [
            *(key for key in COLUMNS if key in known),
            *(typed or "").splitlines(),
        ]  # Gradio gives None for a field that was never touched
        steps = maker.make(str(request.session_hash), how, search or "", most, ticked, wanted, library, scope)
        yield from map(updates, steps)

    def stop(request: gr.Request) -> None:
        maker.stop(str(request.session_hash))

    def opened(table: Table, event: gr.EventData) -> str:
        return opened_html(table, int(event.row), int(event.column))

    def asked(event: gr.EventData) -> str:
        return str(event.question)

    def saved_csv(table: Table) -> str:
        return file_html("papers.csv", "text/csv", "\ufeff" + to_csv(table.columns, table.rows))

    def saved_markdown(table: Table) -> str:
        return file_html("papers.md", "text/markdown", to_markdown(table.columns, table.rows))

    names = ("how", "search", "most", "known", "typed")
    inputs = [*(parts[f"tables.{name}"] for name in names), ticked, parts["library"], parts["scope"]]
    gr.on([parts["tables.make"].click, parts["tables.search"].submit], make, inputs, outputs, **_QUIET)
    parts["tables.stop"].click(stop, queue=False, **_QUIET)
    result, paper, file = parts["tables.result"], parts["tables.paper"], parts["tables.file"]
    parts["tables.table"].select(opened, [result], [paper], queue=False, **_QUIET)
    paper.clear(lambda: "", None, [paper], queue=False, **_QUIET)
    question = parts["tables.question"]
    context.ask_from(paper.example_select(asked, None, [question], queue=False, **_QUIET).then, question)
    parts["tables.csv"].click(saved_csv, [result], [file], queue=False, **_QUIET)
    parts["tables.markdown"].click(saved_markdown, [result], [file], queue=False, **_QUIET)
    parts["tables.how"].change(
        lambda how: (gr.update(visible=how == _SEARCH), gr.update(visible=how != _TICKED)),
        [parts["tables.how"]], [parts["tables.search"], parts["tables.most"]], queue=False, **_QUIET,
    )  # fmt: skip
    cleared = (Table(()), "", NOTHING_YET, "")
    shown = [parts[f"tables.{name}"] for name in ("result", "state", "table", "paper")]
    parts["library"].change(lambda: cleared, None, shown, queue=False, **_QUIET)
    app.unload(stop)
