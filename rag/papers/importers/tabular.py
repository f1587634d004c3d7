"""CSV and TSV with a header, as spreadsheets, Zotero, Scopus and the like export them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from itertools import islice

from rag.datatypes import Paper
from rag.errors import ImportFileError
from rag.papers.importers.field_mapping import Rejected, paper_from
from rag.papers.importers.field_names import ALIASES, FIELD_NAMES, field_key
from rag.papers.importers.source import MAX_RECORD_CHARS, Line, Report, SourceFile
from rag.papers.importers.table_fields import standard
from rag.papers.importers.tabular_rows import is_by_rows, records

_MAX_LINES_OF_A_RECORD = 400  # a quotation mark that is open for longer counts as never closed
_MOST_REMARKS, _FEWEST_NAMED = 8, 3  # lines above the header; names of fields in one that is not the first line
_SEPARATOR = re.compile(r'\A\s*+"?sep=[^"]?"?\s*+', re.I)  # Excel's line before the header
_NEVER_CLOSED = "a quotation mark opens here and is never closed"
_DELIMITERS = {"csv": ",;|", "tsv": "\t"}


def matcher(kind: str) -> Callable[[str], bool]:
    """The function that says whether a text begins with a header; ``kind`` is ``csv`` or ``tsv``."""

    def matches(sample: str) -> bool:
        lines = (Line(number, text) for number, text in enumerate(sample.splitlines(), 1))
        return _table(lines, kind) is not None or _by_rows(sample, kind) is not None

    return matches


def reader(kind: str) -> Callable[[SourceFile, Report], Iterator[Paper]]:
    """The function that reads the papers; ``kind`` is ``csv`` or ``tsv``."""

    def read(source: SourceFile, report: Report) -> Iterator[Paper]:
        return _read(source, report, kind)

    return read


def _read(source: SourceFile, report: Report, kind: str) -> Iterator[Paper]:
    lines = source.lines(report)
    if (delimiter := _by_rows(source.sample(), kind)) is not None:
        for number, fields in records(_rows(lines, delimiter, 0, report)):
            yield from _paper(fields, f"{kind}:{source.name}", number, report)
        return
    header = _table(lines, kind)
    if header is None:
        raise ImportFileError(
            f"{source.path} has no header with a column 'title'. Write the names of the columns into the first line; "
            f"understood are {_understood()}."
        )
    columns, delimiter = header
    for number, cells in _rows(lines, delimiter, len(columns), report):
        if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
            report(number, f"it has {len(cells)} cells, but the header has {len(columns)} columns.")
            continue
        record = {name: cell for name, cell in reversed(list(zip(columns, cells, strict=False))) if name}
        yield from _paper(record, f"{kind}:{source.name}", number, report)


def _paper(record: dict[str, str], name: str, line: int, report: Report) -> Iterator[Paper]:
    try:
        yield paper_from(standard(record), name)
    except Rejected as reason:
        report(line, f"{reason}.")


def _by_rows(sample: str, kind: str) -> str | None:
    """The delimiter of a table whose fields are rows; None where they are columns."""
    return next((delimiter for delimiter in _DELIMITERS[kind] if is_by_rows(sample, delimiter)), None)


def _table(lines: Iterator[Line], kind: str) -> tuple[list[str], str] | None:
    """The names of the columns and the delimiter; remarks of a database on the export may stand above them.

    ``lines`` is then at the first record. None where there is no header.
    """
    told = (line.text for line in lines if line.text.strip() and not _SEPARATOR.fullmatch(line.text))
    for number, text in enumerate(islice(told, _MOST_REMARKS + 1)):
        header = _header(text, kind)
        if header is not None and (number == 0 or _is_sure(header[0])):
            return header
    return None


def _is_sure(names: list[str]) -> bool:
    """Whether a line that is not the first can only be a header: several of its cells are names of fields."""
    return len({FIELD_NAMES[name] for name in names if name in FIELD_NAMES}) >= _FEWEST_NAMED


def _understood() -> str:
    return "; ".join(
        f"{field} (or {', '.join([n for n in names if n != field][:2])})" if len(names) > 1 else field
        for field, names in ALIASES.items()
    )


def _header(line: str, kind: str) -> tuple[list[str], str] | None:
    """Column names and delimiter, or None where no column is called title."""
    for delimiter in sorted(_DELIMITERS[kind], key=line.count, reverse=True):
        try:
            cells = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:  # a line that long is no header
            return None
        names = [field_key(cell) for cell in cells]
        if any(FIELD_NAMES.get(name) == "title" for name in names) and (len(names) > 1 or delimiter == ","):
            return names, delimiter
    return None


def _rows(lines: Iterator[Line], delimiter: str, width: int, report: Report) -> Iterator[tuple[int, list[str]]]:
    """First line number and cells of each record; quoted cells may go over several lines."""
    waiting: list[Line] = []
    while True:
        if not waiting:
            line = next(lines, None)
            if line is None:
                return
            waiting = [line]
        used = 1
        if waiting[0].text.strip():
            try:
                cells, used = _record(waiting, lines, delimiter, width)
                yield waiting[0].number, cells
            except csv.Error as error:
                bare, *after = (line.text.split(delimiter) for line in waiting[:2])
                # Where this line and the next have a cell a column, the quotation mark belongs to a text. At the end
                # of a file it is more likely that the file was cut off.
                if _NEVER_CLOSED in str(error) and after and len(bare) == len(after[0]) == width:
                    yield waiting[0].number, bare
                else:
                    report(waiting[0].number, f"{error}.")  # only this line is lost; those after it are read again
        waiting = waiting[used:]


def _record(waiting: list[Line], lines: Iterator[Line], delimiter: str, width: int) -> tuple[list[str], int]:
    """Cells of the record that begins with ``waiting[0]`` and how many lines it takes; more are fetched as needed.

    Each line is read once: parsing anew for every line that is added would be quadratic. Raises :class:`csv.Error`
    for oversized cells and where a quotation mark is never closed.
    """
    used = 0

    def following() -> Iterator[str]:
        nonlocal used
        length = 0
        while used < _MAX_LINES_OF_A_RECORD and length <= MAX_RECORD_CHARS:
            if used == len(waiting):
                more = next(lines, None)
                if more is None:
                    return
                waiting.append(more)
            used += 1
            length += len(waiting[used - 1].text)
            yield waiting[used - 1].text + "\n"

    try:
        return next(csv.reader(following(), delimiter=delimiter, strict=True)), used
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            raise csv.Error(_NEVER_CLOSED) from None
        amiss = "expected after" in str(error)
    # Quotation marks not to the letter ("a"b): they belong to the text where the line has a cell a column.
    bare = waiting[0].text.split(delimiter)
    if amiss and len(bare) == width:
        return [_unquoted(cell) for cell in bare], 1
    # Else read as spreadsheets do.
    text = "\n".join(line.text for line in waiting[:used])
    return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)), used


def _unquoted(cell: str) -> str:
    """The text of one cell that holds no delimiter; with its quotation marks where they do not enclose it."""
    inside = cell[1:-1]
    quoted = len(cell) > 1 and cell[0] == cell[-1] == '"' and inside.replace('""', "").count('"') == 0
    return inside.replace('""', '"') if quoted else cell
