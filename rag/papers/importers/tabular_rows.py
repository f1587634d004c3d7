"""Tables whose fields are rows, as Embase exports them: ``"TITLE","Kites"``, ``"AUTHOR NAMES","Lee A.","Roe B."``, …

Each record has its fields below each other; the name that the file begins with begins every record.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import islice

from rag.papers.importers.field_names import FIELD_NAMES, field_key
from rag.papers.importers.source import MAX_RECORD_CHARS

_LOOKED_AT = 60  # rows at the beginning
_FEWEST = 3  # different fields that the first cells of these rows must name


def is_by_rows(sample: str, delimiter: str) -> bool:
    """Whether the first cells of the rows are names of fields, a title's among them."""
    lines = (f"{line}\n" for line in sample.splitlines())
    try:
        rows = list(islice(csv.reader(lines, delimiter=delimiter), _LOOKED_AT))
    except csv.Error:
        return False
    named = [FIELD_NAMES.get(field_key(row[0])) for row in rows if len(row) > 1]
    header = any(sum(field_key(cell) in FIELD_NAMES for cell in row) > 1 for row in rows[:1])
    return not header and "title" in named and len(set(named) - {None}) >= _FEWEST


def records(rows: Iterable[tuple[int, list[str]]]) -> Iterator[tuple[int, dict[str, str]]]:
    """The line and the fields by name of each record; several cells of a field are one list, divided by semicolons."""
    first, start, length = "", 0, 0
    fields: dict[str, list[str]] = {}
    for number, (name, *cells) in rows:
        key = field_key(name)
        if not key:
            continue
        if fields and (key == first or length > MAX_RECORD_CHARS):
            yield start, _joined(fields)
            fields = {}
        if not fields:
            first, start, length = first or key, number, 0
        fields.setdefault(key, []).extend(told := [cell.strip() for cell in cells if cell.strip()])
        length += len(key) + sum(map(len, told))
    if fields:
        yield start, _joined(fields)


def _joined(fields: dict[str, list[str]]) -> dict[str, str]:
    return {name: "; ".join(cells) for name, cells in fields.items()}
