"""JSON: one object a line, or one document with an array of them, bare or in the envelope of a web service.

Fields have the names of :data:`rag.papers.importers.field_mapping.ALIASES` or are those of a service that
``json_shapes.py`` knows. Also the corpora of BEIR (``_id``, ``title``, ``text``) and most dumps of paper metadata.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rag.datatypes import Paper
from rag.papers.importers.field_mapping import Rejected, paper_from
from rag.papers.importers.json_lines import objects, parsed
from rag.papers.importers.json_shapes import papers_in, standard
from rag.papers.importers.json_stream import records
from rag.papers.importers.source import MAX_RECORD_CHARS, Report, SourceFile


def matches(sample: str) -> bool:
    """Whether the text begins like JSON."""
    return sample.lstrip()[:1] in ("{", "[")


def matches_document(sample: str) -> bool:
    """Whether the text begins like JSON that is not one object a line."""
    lines = [line.strip() for line in sample.splitlines() if line.strip()][:2]
    if not matches(sample) or not lines:
        return False
    try:
        value = json.loads(lines[0], strict=False)
    except (ValueError, RecursionError):
        if lines[0][:1] == "[":
            return lines[0][1:].strip()[:1] in ("", "{", "[")
        return len(lines) == 1 or not lines[1].startswith('{"')  # else a line of JSON Lines that is damaged
    return isinstance(value, list) and (not value or any(isinstance(one, dict) for one in value))


def read(source: SourceFile, report: Report) -> Iterator[Paper]:
    """The papers of ``source``; lines that are no object or have no title are reported and skipped."""
    return _papers(objects(source, report), f"jsonl:{source.name}", report)


def read_document(source: SourceFile, report: Report) -> Iterator[Paper]:
    """The papers of a document; records that cannot be read or have no title are reported and skipped."""
    return _papers(_objects_of_document(source, report), f"json:{source.name}", report)


def _papers(found: Iterator[tuple[int, dict[str, Any]]], name: str, report: Report) -> Iterator[Paper]:
    for line, value in found:
        for record in papers_in(value):
            try:
                yield paper_from(standard(record), name)
            except Rejected as reason:
                report(line, f"{reason}.")


def _objects_of_document(source: SourceFile, report: Report) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, text, whole in records(source.blocks()):
        if not whole:
            report(line, "the file ends within this record; download or export it again.")
        elif text is None:
            report(line, f"the record is nested too deep or has more than {MAX_RECORD_CHARS:,} characters.")
        elif (record := parsed(line, text, report)) is not None:
            yield line, record
