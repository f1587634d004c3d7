"""JSON Lines: one object a line, with the field names of :data:`rag.papers.importers.field_mapping.ALIASES`.

Also the corpora of BEIR (``_id``, ``title``, ``text``) and most dumps of paper metadata.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rag.datatypes import Paper
from rag.errors import ImportFileError
from rag.papers.importers.field_mapping import Rejected, paper_from
from rag.papers.importers.source import Report, SourceFile


def matches(sample: str) -> bool:
    """Whether the text begins like JSON."""
    return sample.lstrip()[:1] in ("{", "[")


def read(source: SourceFile, report: Report) -> Iterator[Paper]:
    """The papers of ``source``; lines that are no object or have no title are reported and skipped."""
    for line, record in objects(source, report):
        try:
            yield paper_from(record, f"jsonl:{source.name}")
        except Rejected as reason:
            report(line, f"{reason}.")


def objects(source: SourceFile, report: Report) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and object of each line.

    Raises :class:`ImportFileError` for one JSON document over several lines, which is another format.
    """
    first = True
    for number, text in source.lines(report):
        if not text.strip(" \t\r\x00"):
            continue
        if first and text.strip() in ("[", "{"):
            raise ImportFileError(
                f"{source.path} is one JSON document over several lines. Write one object a line, for example with "
                f"`jq -c '.[]' {source.name} > papers.jsonl`."
            )
        first = False
        record = _parse(number, text, report)
        if record is not None:
            yield number, record


def _parse(number: int, text: str, report: Report) -> dict[str, Any] | None:
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
