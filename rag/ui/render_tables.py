"""A table of papers as HTML: every filled cell carries the number of its paper as a button."""

from __future__ import annotations

from html import escape

from rag.datatypes import Paper
from rag.papers.bibliography import clean, one_line
from rag.survey.tables import Cell, Row, Table

NOTHING_YET = (
    '<p class="fn-tables-hint">Choose papers and columns, and make the table. Every cell is a sentence of the '
    "abstract; the number behind it opens the abstract with the sentence marked. Where the abstract does not say, the "
    "cell stays empty.</p>"
)


def table_html(table: Table) -> str:
    """All rows so far; what opens a cell carries the places of row and column as data."""
    if not table.rows:
        return NOTHING_YET
    heads = "".join(f'<th scope="col" dir="auto">{escape(one_line(one.title))}</th>' for one in table.columns)
    rows = "".join(_row(table, at, row) for at, row in enumerate(table.rows))
    return (
        '<div class="fn-tables-scroll" role="region" aria-label="Table of papers" tabindex="0">'
        f'<table class="fn-tables-table"><thead><tr><th scope="col">Paper</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _row(table: Table, at: int, row: Row) -> str:
    title = escape(one_line(row.paper.title))
    about = escape(
        " · ".join(filter(None, [_authors(row.paper), str(row.paper.year or ""), one_line(row.paper.venue)]))
    )
    meta = f'<span class="fn-tables-meta">{about}</span>' if about else ""
    head = (
        f'<th scope="row"><span class="fn-tables-number" aria-hidden="true">{row.number}</span>'
        f'<button type="button" class="fn-tables-title" data-row="{at}" data-column="-1" dir="auto">{title}</button>'
        f"{meta}</th>"
    )
    cells = "".join(
        _cell(table.columns[column].title, at, column, row.number, cell) for column, cell in enumerate(row.cells)
    )
    return f"<tr>{head}{cells}</tr>"


def _cell(title: str, row: int, column: int, number: int, cell: Cell) -> str:
    if not cell.text:
        return '<td class="fn-tables-empty"><span aria-label="The abstract does not say">–</span></td>'
    label = escape(f"{one_line(title)}, footnote {number}. Show the sentence in the abstract.")
    return (
        f'<td dir="auto">{escape(one_line(cell.text))}<sup><button type="button" class="fn-cite" data-row="{row}" '
        f'data-column="{column}" aria-label="{label}" title="{label}">{number}</button></sup></td>'
    )


def _authors(paper: Paper) -> str:
    if not paper.authors:
        return ""
    first = one_line(paper.authors[0])
    return first if len(paper.authors) == 1 else f"{first} and {len(paper.authors) - 1} more"


def progress_html(table: Table, state: str) -> str:
    """How far it is: ``state`` is ``running``, ``stopped`` or ``done``."""
    done, chosen = len(table.rows), table.chosen
    filled = sum(1 for row in table.rows for cell in row.cells if cell.text)
    cells = sum(len(row.cells) for row in table.rows)
    share = f" {filled:,} of {cells:,} cells filled; where one is empty, the abstract does not say." if cells else ""
    if state == "running":
        bar = f'<progress max="{chosen}" value="{done}" aria-label="Papers read"></progress>'
        return f'<div role="status" class="fn-tables-state"><p>{done:,} of {chosen:,} papers read…</p>{bar}</div>'
    words = f"Stopped after {done:,} of {chosen:,} papers." if state == "stopped" else f"{done:,} papers."
    return f'<div role="status" class="fn-tables-state"><p>{words}{share}</p></div>'


def error_html(message: str) -> str:
    """What went wrong, with its remedy."""
    return f'<p class="fn-error" role="alert">{escape(clean(message))}</p>'


def file_html(name: str, kind: str, text: str) -> str:
    """A file for the browser to save: tables.js does it as soon as this is shown."""
    return (
        f'<span class="fn-tables-file" hidden data-name="{escape(name)}" data-kind="{escape(kind)}" '
        f'data-text="{escape(text)}"></span>'
    )
