"""The components of the library tab, registered in ``context.parts`` as ``library.<name>``."""

from __future__ import annotations

from typing import Any

from rag.papers.revision import FIELDS
from rag.ui.components import html
from rag.ui.render_library import NO_PAPER, export_html


def lay_out(gr: Any, parts: dict[str, Any]) -> None:
    """The whole tab."""
    with gr.Column(elem_id="fn-library", min_width=0):
        _lay_out_summary(gr, parts)
        _lay_out_import(gr, parts)
        with gr.Row(elem_id="fn-library-body"):
            with gr.Column(elem_id="fn-library-main", min_width=0):
                _lay_out_table(gr, parts)
            with gr.Column(elem_id="fn-library-side", min_width=0):
                _lay_out_paper(gr, parts)


def _html(gr: Any, name: str, value: str = "", role: str = "") -> Any:
    return html(gr, f"fn-library-{name}", value, script="tabs/library.js" if role else "", role=role)


def _button(gr: Any, label: str, name: str, **more: Any) -> Any:
    return gr.Button(label, size="sm", min_width=0, elem_id=f"fn-library-{name}", **more)


def _lay_out_summary(gr: Any, parts: dict[str, Any]) -> None:
    with gr.Row(elem_id="fn-library-head"):
        with gr.Column(min_width=0, elem_id="fn-library-about"):
            parts["library.summary"] = _html(gr, "summary")
            parts["library.reader"] = _html(gr, "reader")
        with gr.Row(elem_id="fn-library-tools"):
            parts["library.new"] = _button(gr, "New library", "new")
            parts["library.copy"] = _button(gr, "Make a copy", "copy")
            parts["library.rename"] = _button(gr, "Rename", "rename")
            parts["library.delete"] = _button(gr, "Delete library", "delete")
    with gr.Row(elem_id="fn-library-form", visible=False) as parts["library.form_row"]:
        parts["library.name"] = gr.Textbox(label="Name", max_lines=1, min_width=0, elem_id="fn-library-name-box")
        parts["library.ok"] = _button(gr, "Make it", "ok", variant="primary")
        parts["library.cancel"] = _button(gr, "Cancel", "cancel")
    parts["library.message"] = _html(gr, "message")


def _lay_out_import(gr: Any, parts: dict[str, Any]) -> None:
    with gr.Column(elem_id="fn-library-import", min_width=0, visible=False) as parts["library.import"]:
        parts["library.files"] = gr.File(
            label="BibTeX, RIS, CSV, TSV, JSON lines, arXiv metadata or listing pages; also .gz, .bz2, .xz",
            file_count="multiple", elem_id="fn-library-files", height=140,
        )  # fmt: skip
        parts["library.zotero"] = _button(gr, "Zotero", "zotero", visible=False)
        with gr.Column(elem_id="fn-library-zotero-panel", min_width=0, visible=False) as parts["library.zotero_panel"]:
            parts["library.zotero_found"] = _html(gr, "zotero-found")
            parts["library.zotero_delete"] = gr.Checkbox(
                label="Delete papers that Zotero no longer has", min_width=0, visible=False
            )
            with gr.Row(elem_id="fn-library-zotero-tools"):
                parts["library.zotero_import"] = _button(gr, "Import from Zotero", "zotero-import", variant="primary")
                parts["library.zotero_close"] = _button(gr, "Close", "zotero-close")
    parts["library.progress"] = _html(gr, "progress")
    with gr.Row(elem_id="fn-library-import-tools"):
        parts["library.stop"] = _button(gr, "Stop the import", "stop", variant="stop", visible=False)
        parts["library.report"] = _button(gr, "Report as CSV", "report", visible=False)
        parts["library.dismiss"] = _button(gr, "Close the report", "dismiss", visible=False)
    parts["library.report_file"] = html(gr, "fn-library-report-file", script="tabs/history.js", role="download")


def _lay_out_table(gr: Any, parts: dict[str, Any]) -> None:
    parts["library.years"] = _html(gr, "years")
    with gr.Row(elem_id="fn-library-filters"):
        parts["library.text"] = gr.Textbox(
            label="Search", placeholder="Words of title, abstract, authors, venue or id", max_lines=1, min_width=0,
            elem_id="fn-library-text",
        )  # fmt: skip
        parts["library.since"] = gr.Number(label="From year", value=None, precision=0, min_width=0)
        parts["library.until"] = gr.Number(label="To year", value=None, precision=0, min_width=0)
        parts["library.venues"] = gr.Dropdown([], label="Venues", multiselect=True, min_width=0)
        parts["library.sources"] = gr.Dropdown([], label="Sources", multiselect=True, min_width=0)
        for name in ("tags", "collections"):  # shown where the library has any
            parts[f"library.{name}"] = gr.Dropdown(
                [], label=name.capitalize(), multiselect=True, min_width=0, visible=False
            )
        parts["library.abstract"] = gr.Dropdown(
            [("any", ""), ("with abstract", "with"), ("without abstract", "without")],
            value="", label="Abstract", filterable=False, min_width=0,
        )  # fmt: skip
        parts["library.clear"] = _button(gr, "Clear filters", "clear")
    with gr.Row(elem_id="fn-library-counts"):
        parts["library.found"] = _html(gr, "found")
        parts["library.ticks"] = _html(gr, "ticks", role="ticks")
        parts["library.export"] = _html(gr, "export", export_html(), role="export")
    parts["library.table"] = _html(gr, "table", role="table")
    with gr.Row(elem_id="fn-library-merges-tools"):
        parts["library.merges_open"] = _button(gr, "Merged records", "merges-open")
    parts["library.merges"] = _html(gr, "merges", role="merges")


def _lay_out_paper(gr: Any, parts: dict[str, Any]) -> None:
    parts["library.paper"] = _html(gr, "paper", NO_PAPER, role="paper")
    with gr.Row(elem_id="fn-library-paper-tools", visible=False) as parts["library.paper_tools"]:
        parts["library.ask"] = _button(gr, "Summarise", "ask")
        parts["library.edit"] = _button(gr, "Edit", "edit")
        parts["library.remove"] = _button(gr, "Delete paper", "remove")
    with gr.Row(elem_id="fn-library-sure", visible=False) as parts["library.sure"]:
        _html(gr, "sure-text", "<p>Delete this paper from the library? Importing its file again brings it back.</p>")
        parts["library.remove_yes"] = _button(gr, "Delete it", "remove-yes", variant="stop")
        parts["library.remove_no"] = _button(gr, "Keep it", "remove-no")
    with gr.Column(elem_id="fn-library-editor", min_width=0, visible=False) as parts["library.editor"]:
        labels = {"authors": "Authors, one a line", "url": "Web address", "doi": "DOI"}
        for name in FIELDS:
            lines = {"title": 2, "authors": 4, "abstract": 12}.get(name, 1)
            parts[f"library.field_{name}"] = gr.Textbox(
                label=labels.get(name, name.capitalize()), lines=lines, max_lines=max(2 * lines, 1), min_width=0
            )
        with gr.Row(elem_id="fn-library-editor-tools"):
            parts["library.save"] = _button(gr, "Save", "save", variant="primary")
            parts["library.discard"] = _button(gr, "Discard", "discard")
