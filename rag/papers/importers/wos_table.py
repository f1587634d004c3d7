"""The Web of Science's 'tab delimited' export: a table whose columns are called by two letters, a record a line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.datatypes import Paper
from rag.papers.importers.field_mapping import Rejected, paper_from
from rag.papers.importers.source import Report, SourceFile
from rag.papers.importers.wos_fields import record_of

_NAME = re.compile(r"[A-Z][A-Z0-9]")
_FEWEST = 4  # columns that make a header


def matches(sample: str) -> bool:
    """Whether the first line is such a header."""
    return bool(_header(next((line for line in sample.splitlines() if line.strip()), "")))


def read(source: SourceFile, report: Report) -> Iterator[Paper]:
    """The papers of ``source``; a line without a title is reported and skipped.

    Exports that were put behind each other repeat the header, which is passed over.
    """
    names: list[str] = []
    for number, text in source.lines(report):
        if header := _header(text):
            names = header
        elif text.strip() and names:
            cells = dict(zip(names, (cell.strip() for cell in text.split("\t")), strict=False))
            try:
                yield _paper(cells, f"wos-tab:{source.name}")
            except Rejected as reason:
                report(number, f"{reason}.")


def _paper(cells: dict[str, str], source: str) -> Paper:
    def one(name: str) -> str:
        return cells.get(name, "")

    def several(name: str) -> list[str]:
        return [value for cell in one(name).split(";") if (value := cell.strip())]

    return paper_from(record_of([name for name in cells if cells[name]], one, several), source)


def _header(line: str) -> list[str]:
    """The names of the columns; none where the line is no header. A tab ends each line, so the last cell is empty."""
    names = line.lstrip("\ufeff").rstrip("\t \r").split("\t")
    is_header = len(names) >= _FEWEST and "TI" in names and all(_NAME.fullmatch(name) for name in names)
    return names if is_header else []
