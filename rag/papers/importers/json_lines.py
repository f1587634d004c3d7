"""JSON text to objects, line by line, with the reason where it is none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rag.papers.importers.source import Report, SourceFile


def objects(source: SourceFile, report: Report) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and object of each line."""
    for number, text in source.lines(report):
        if text.strip(" \t\r\x00"):
            record = parsed(number, text, report)
            if record is not None:
                yield number, record


def parsed(number: int, text: str, report: Report) -> dict[str, Any] | None:
    """The object that ``text`` is; None, and a report for line ``number``, where it is none."""
    try:
        record = json.loads(text.replace("\x00", ""), strict=False)
    except json.JSONDecodeError as error:
        report(number, f"it is not JSON ({error.msg} at column {error.colno}).")
    except (ValueError, RecursionError) as error:  # a number of 10,000 digits; nesting without end
        report(number, f"it is JSON that cannot be read ({error}).")
    else:
        if isinstance(record, dict):
            return record
        kind = {list: "an array", str: "a string", type(None): "null", bool: "true or false"}.get(
            type(record), "a number"
        )
        report(number, f'it is {kind}, not an object like {{"title": …, "abstract": …}}.')
    return None
