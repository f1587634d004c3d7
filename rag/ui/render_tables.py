"""A table of papers as HTML: every filled cell carries the number of its paper as a button."""

from __future__ import annotations

from rag.datatypes import Paper
from rag.output.templating import Template
from rag.papers.bibliography import one_line
from rag.papers.retractions import label
from rag.survey.tables import Table

_TEMPLATE = Template("rag.ui", "tables")
NOTHING_YET = (
    '<p class="fn-tables-hint">Choose papers and columns, and make the table. Every cell is a sentence of the '
    "abstract; the number behind it opens the abstract with the sentence marked. Where the abstract does not say, the "
    "cell stays empty.</p>"
)


def table_html(table: Table) -> str:
    """All rows so far; what opens a cell carries the places of row and column as data."""
    return _TEMPLATE.table(table, [_about(row.paper) for row in table.rows]) if table.rows else NOTHING_YET


def _about(paper: Paper) -> str:
    """Status, first author, year and venue."""
    return " · ".join(filter(None, [label(paper), _authors(paper), str(paper.year or ""), one_line(paper.venue)]))


def _authors(paper: Paper) -> str:
    if not paper.authors:
        return ""
    first = one_line(paper.authors[0])
    return first if len(paper.authors) == 1 else f"{first} and {len(paper.authors) - 1} more"


def progress_html(table: Table, state: str) -> str:
    """How far it is: ``state`` is ``running``, ``stopped`` or ``done``."""
    done, chosen = len(table.rows), table.chosen
    if state == "running":
        return _TEMPLATE.progress(f"{done:,} of {chosen:,} papers read…", (done, chosen))
    filled = sum(1 for row in table.rows for cell in row.cells if cell.text)
    cells = sum(len(row.cells) for row in table.rows)
    share = f" {filled:,} of {cells:,} cells filled; where one is empty, the abstract does not say." if cells else ""
    words = f"Stopped after {done:,} of {chosen:,} papers." if state == "stopped" else f"{done:,} papers."
    return _TEMPLATE.progress(words + share, None)


def file_html(name: str, kind: str, text: str) -> str:
    """A file for the browser to save."""
    return _TEMPLATE.file(name, kind, text)
