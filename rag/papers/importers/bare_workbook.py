"""An Excel workbook that has its sheets and lacks the list of them: what openpyxl refuses and other programs open.

As much of openpyxl's interface as :mod:`rag.papers.importers.workbook` uses. That module has seen to it that the XML
declares nothing.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_COLUMN = re.compile(r"([A-Z]{1,3})\d+")
_SHARED = "xl/sharedStrings.xml"


class BareWorkbook:
    """The sheets of the file at ``path``, in the order of their names."""

    def __init__(self, path: Path) -> None:
        self._packed = zipfile.ZipFile(path)
        names = self._packed.namelist()
        self._shared = self._strings() if _SHARED in names else []
        self.worksheets = [_Sheet(self, name) for name in sorted(filter(_SHEET.fullmatch, names))]

    def close(self) -> None:
        """Close the file."""
        self._packed.close()

    def rows(self, member: str) -> Iterator[tuple[Any, ...]]:
        """The rows of one sheet, one at a time."""
        with self._packed.open(member) as file:
            for _, element in ElementTree.iterparse(file):
                if element.tag == f"{_MAIN}row":
                    yield self._row(element)
                    element.clear()

    def _row(self, row: Element) -> tuple[Any, ...]:
        cells: list[Any] = []
        for cell in row.findall(f"{_MAIN}c"):
            place = _COLUMN.fullmatch(cell.get("r", ""))
            at = _number(place[1]) if place else len(cells)
            cells += [None] * (at - len(cells))
            cells.append(self._value(cell))
        return tuple(cells)

    def _value(self, cell: Element) -> Any:
        if cell.get("t") == "inlineStr":
            return _text(cell)
        value = cell.findtext(f"{_MAIN}v")
        if value is None:
            return None
        if cell.get("t") == "s":
            return self._shared[int(value)]
        return value

    def _strings(self) -> list[str]:
        with self._packed.open(_SHARED) as file:
            return [_text(one) for one in ElementTree.parse(file).getroot().findall(f"{_MAIN}si")]


class _Sheet:
    def __init__(self, book: BareWorkbook, member: str) -> None:
        self._book, self._member = book, member

    def reset_dimensions(self) -> None:
        """Nothing: what the file says of its size is not looked at."""

    def iter_rows(self, values_only: bool = True) -> Iterator[tuple[Any, ...]]:
        """The values of the cells, row by row."""
        return self._book.rows(self._member)


def _text(element: Element) -> str:
    return "".join(one.text or "" for one in element.iter(f"{_MAIN}t"))


def _number(column: str) -> int:
    number = 0
    for letter in column:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1
