"""The tables tab: papers side by side, every cell footnoted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rag.output.footnote_html import paper_html
from rag.survey.column_extraction import KNOWN
from rag.survey.tables import COLUMNS, MOST_PAPERS, Table, to_csv, to_markdown
from rag.ui.components import html
from rag.ui.events import QUIET, UNQUEUED, browser_tab, with_event, with_request
from rag.ui.page_context import PageContext
from rag.ui.render_tables import NOTHING_YET, file_html
from rag.ui.table_maker import ALL, SEARCH, TICKED, TableMaker, TableOrder, Updates

_OUTPUTS = ("result", "state", "table", "paper")
_ORDERED_BY = ("tables.how", "tables.search", "tables.most", "tables.known", "tables.typed")


def build(gr: Any, context: PageContext) -> None:
    """Lay out the tab."""
    parts = context.parts
    parts["tables.result"] = gr.State(Table(()))
    parts["tables.question"] = gr.State("")
    with gr.Column(elem_id="fn-tables", min_width=0):
        _html(gr, "head", '<h2 class="fn-tables-name">Papers side by side</h2>')
        with gr.Row(elem_id="fn-tables-choices"):
            with gr.Column(min_width=0, elem_id="fn-tables-papers"):
                _build_papers(gr, parts)
            with gr.Column(min_width=0, elem_id="fn-tables-columns"):
                _build_columns(gr, parts)
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


def _build_papers(gr: Any, parts: dict[str, Any]) -> None:
    parts["tables.how"] = gr.Radio(
        [("Found by a search", SEARCH), ("Ticked in the library", TICKED), ("All of the scope", ALL)],
        value=SEARCH, label="Papers", elem_id="fn-tables-how", min_width=0,
    )  # fmt: skip
    parts["tables.search"] = gr.Textbox(
        label="Search", placeholder="What the papers are about", max_lines=1, min_width=0, elem_id="fn-tables-search"
    )
    parts["tables.most"] = gr.Number(
        label=f"Papers at most (up to {MOST_PAPERS})", value=20, precision=0, minimum=1, maximum=MOST_PAPERS,
        min_width=0, elem_id="fn-tables-most",
    )  # fmt: skip


def _build_columns(gr: Any, parts: dict[str, Any]) -> None:
    parts["tables.known"] = gr.CheckboxGroup(
        [(KNOWN[key].title, key) for key in COLUMNS], value=list(COLUMNS), label="Columns", min_width=0,
        elem_id="fn-tables-known",
    )  # fmt: skip
    parts["tables.typed"] = gr.Textbox(
        label="Columns of your own, a word or a question a line", lines=2, max_lines=6, min_width=0,
        placeholder="How many parameters does the model have?", elem_id="fn-tables-typed",
    )  # fmt: skip


def _html(gr: Any, name: str, value: str = "", role: str = "") -> Any:
    return html(gr, f"fn-tables-{name}", value, script="tabs/tables.js" if role else "", role=role)


def _button(gr: Any, label: str, name: str, **more: Any) -> Any:
    return gr.Button(label, size="sm", min_width=0, elem_id=f"fn-tables-{name}", **more)


def opened_html(table: Table, row: int, column: int) -> str:
    """The abstract behind one cell, its sentence marked; nothing where there is no such row."""
    if not 0 <= row < len(table.rows):
        return ""
    one = table.rows[row]
    cells = one.cells[column : column + 1] if column >= 0 else ()
    return paper_html(one.paper, marks=[(cell.start, cell.end) for cell in cells if cell.text])


def wire(gr: Any, app: Any, context: PageContext) -> None:
    """Connect the events."""
    TableEvents(gr, context).connect(app)


class TableEvents:
    """What is done on the tables tab. Everything that belongs to one browser tab comes in as an argument."""

    def __init__(self, gr: Any, context: PageContext) -> None:
        self._gr, self._context, self._maker = gr, context, TableMaker(context)
        self._parts = context.parts
        self._outputs = [self._parts[f"tables.{name}"] for name in _OUTPUTS]

    def connect(self, app: Any) -> None:
        """Connect every event of the tab."""
        self._connect_making(app)
        self._connect_reading()
        self._connect_saving()
        self._connect_choices()

    # --- making a table ---

    def _connect_making(self, app: Any) -> None:
        gr, parts = self._gr, self._parts
        ticked = parts.get("library.ticked") or gr.State([])
        inputs = [*(parts[name] for name in _ORDERED_BY), ticked, parts["library"], parts["scope"]]
        events = [parts["tables.make"].click, parts["tables.search"].submit]
        stop = with_request(gr, self._stop)
        gr.on(events, with_request(gr, self._make), inputs, self._outputs, **QUIET)
        parts["tables.stop"].click(stop, **UNQUEUED)
        app.unload(stop)

    def _make(self, request: Any, *fields: Any) -> Iterator[tuple[Any, ...]]:
        """``fields`` are the values of ``_ORDERED_BY``, the papers ticked, the library and the scope."""
        how, search, most, known, typed, ticked, library, scope = fields
        # Gradio gives None for a text that was never touched.
        columns = [*(key for key in COLUMNS if key in known), *(typed or "").splitlines()]
        order = TableOrder(how, search or "", most, ticked, columns, library, scope)
        yield from map(self._values, self._maker.make(browser_tab(request), order))

    def _values(self, updates: Updates) -> tuple[Any, ...]:
        return tuple(updates.get(name, self._gr.skip()) for name in _OUTPUTS)

    def _stop(self, request: Any) -> None:
        self._maker.stop(browser_tab(request))

    # --- reading a cell ---

    def _connect_reading(self) -> None:
        result, paper, question = (self._parts[f"tables.{name}"] for name in ("result", "paper", "question"))
        open_cell = with_event(self._gr, _open_cell)
        self._parts["tables.table"].select(open_cell, [result], [paper], **UNQUEUED)
        paper.clear(lambda: "", None, [paper], **UNQUEUED)
        chosen = paper.example_select(with_event(self._gr, _question), None, [question], **UNQUEUED)
        self._context.ask_from(chosen.then, question)

    # --- saving ---

    def _connect_saving(self) -> None:
        result, file = self._parts["tables.result"], self._parts["tables.file"]
        self._parts["tables.csv"].click(_csv_file, [result], [file], **UNQUEUED)
        self._parts["tables.markdown"].click(_markdown_file, [result], [file], **UNQUEUED)

    # --- choosing what the table is made of ---

    def _connect_choices(self) -> None:
        how, search, most = (self._parts[f"tables.{name}"] for name in ("how", "search", "most"))
        how.change(self._show_fields, [how], [search, most], **UNQUEUED)
        self._parts["library"].change(lambda: (Table(()), "", NOTHING_YET, ""), None, self._outputs, **UNQUEUED)

    def _show_fields(self, how: str) -> tuple[Any, Any]:
        return self._gr.update(visible=how == SEARCH), self._gr.update(visible=how != TICKED)


def _open_cell(event: Any, table: Table) -> str:
    return opened_html(table, int(event.row), int(event.column))


def _question(event: Any) -> str:
    return str(event.question)


def _csv_file(table: Table) -> str:
    return file_html("papers.csv", "text/csv", "\ufeff" + to_csv(table.columns, table.rows))


def _markdown_file(table: Table) -> str:
    return file_html("papers.md", "text/markdown", to_markdown(table.columns, table.rows))
