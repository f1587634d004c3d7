"""Excel workbooks (.xlsx): the sheet that has a column of titles, with the header where it stands.

Read by openpyxl without loading the sheet. An ``.xlsx`` is a ZIP of XML: what it may unpack to is limited, and XML with
definitions of its own (entities that stand for gigabytes) is refused.
"""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag.datatypes import Paper
from rag.errors import ImportFileError
from rag.papers.importers.archive_limits import check_sizes
from rag.papers.importers.bare_workbook import BareWorkbook
from rag.papers.importers.field_mapping import Rejected, paper_from
from rag.papers.importers.field_names import FIELD_NAMES, field_key
from rag.papers.importers.source import Report
from rag.papers.importers.table_fields import standard
from rag.text.plaintext import encodable

_HEADER_ROWS = 30  # at the top of a sheet, of which one may be the header: titles and remarks stand above it
_MOST_COLUMNS = 1_000
_HEAD_BYTES = 4_096  # of an XML part; a document type stands before its first element


def is_workbook(names: list[str]) -> bool:
    """Whether the members of a ZIP make it a workbook."""
    return any(name.startswith("xl/") for name in names)


def read(path: Path, report: Report) -> Iterator[Paper]:
    """The papers of the first sheet that has a column ``title``, and of every other that has one.

    Raises :class:`ImportFileError` where none has, or the workbook is damaged.
    """
    book = _opened(path)
    found = False
    try:
        for sheet in book.worksheets:
            for columns, rows in _table(sheet):
                found = True
                yield from _papers(columns, rows, f"xlsx:{encodable(path.name)}", report)
    except (
        KeyError,
        ValueError,
        TypeError,
        IndexError,
        AttributeError,
        OSError,
        SyntaxError,
        zipfile.BadZipFile,
    ) as error:
        raise _damaged(path, error) from error
    finally:
        book.close()
    if not found:
        raise ImportFileError(
            f"{path} is an Excel workbook in which no sheet has a header with a column 'title'. Write the names of the "
            "columns into a row above the papers, or save the table as CSV."
        )


def _opened(path: Path) -> Any:
    from openpyxl import load_workbook  # type: ignore[import-untyped]

    try:
        with zipfile.ZipFile(path) as packed:
            check_sizes(path, packed)
            for member in packed.infolist():
                if member.filename.endswith((".xml", ".rels")) and b"<!DOCTYPE" in packed.open(member).read(
                    _HEAD_BYTES
                ):
                    raise ImportFileError(
                        f"{path} is an Excel workbook with a document type in its XML, which no spreadsheet program "
                        "writes. Save the table as CSV."
                    )
            if "xl/workbook.xml" not in packed.namelist():
                return BareWorkbook(path)  # some programs write the sheets and nothing else
        return load_workbook(path, read_only=True, data_only=True)
    except ImportFileError:
        raise
    except Exception as error:  # openpyxl's own checks raise errors of a dozen kinds on damaged workbooks
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> ImportFileError:
    return ImportFileError(
        f"{path} is an Excel workbook that cannot be read ({type(error).__name__}). Open it in a spreadsheet program "
        "and save the table as CSV."
    )


def _table(sheet: Any) -> Iterator[tuple[list[str], Iterator[tuple[int, list[Any]]]]]:
    """Names of the columns and the rows below them; nothing for a sheet without a column of titles."""
    sheet.reset_dimensions()  # what a file says of its size may be wrong, either way
    rows = ((number, list(row[:_MOST_COLUMNS])) for number, row in enumerate(sheet.iter_rows(values_only=True), 1))
    for number, row in rows:
        columns = [field_key(cell) if isinstance(cell, str) else "" for cell in row]
        named = [FIELD_NAMES.get(name) for name in columns]
        if "title" in named and sum(1 for cell in row if cell not in (None, "")) == sum(map(bool, columns)):
            yield columns, rows
            return
        if number >= _HEADER_ROWS:
            return


def _papers(columns: list[str], rows: Iterator[tuple[int, list[Any]]], name: str, report: Report) -> Iterator[Paper]:
    for number, row in rows:
        cells = {column: _value(cell) for column, cell in reversed(list(zip(columns, row, strict=False))) if column}
        if not any(cells.values()):
            continue
        try:
            yield paper_from(standard(cells), name)
        except Rejected as reason:
            report(number, f"{reason}.")


def _value(cell: Any) -> Any:
    """Text, as CSV of the same sheet would have it: 2019.0 is 2019, dates are ISO dates, truth values are words."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell)
