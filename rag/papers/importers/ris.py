"""RIS, as publishers and reference managers export it: rispy parses, one record at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rag.datatypes import Paper
from rag.papers.importers.field_mapping import Rejected, paper_from
from rag.papers.importers.source import Report, SourceFile

_START = re.compile(r"^\ufeff?TY {1,2}- ?", re.M)
_TAG = re.compile(r"^([A-Z][A-Z0-9]) {1,2}-(?: |$)")

# Our fields, and rispy's names of the tags that hold them; the first that is not empty is used.
_NAMES: dict[str, tuple[str, ...]] = {
    "id": ("id",),
    "title": ("title", "primary_title", "translated_title", "short_title"),
    "abstract": ("abstract", "notes_abstract"),
    "authors": ("authors", "first_authors"),
    "year": ("year", "publication_year", "date"),
    "venue": ("journal_name", "alternate_title3", "secondary_title", "alternate_title2", "alternate_title1"),
    "doi": ("doi",),
    "url": ("urls",),
}


def matches(sample: str) -> bool:
    """Whether a line of the text begins a record: ``TY  - JOUR``."""
    return _START.search(sample) is not None


def read(source: SourceFile, report: Report) -> Iterator[Paper]:
    """The papers of ``source``; a record without a title or cut off by the file's end is reported and skipped."""
    for line, lines, complete in _records(source, report):
        try:
            if not complete:
                raise Rejected("the file ends within this record (no line 'ER  - '); export it again")
            yield paper_from(_fields(lines), f"ris:{source.name}")
        except Rejected as reason:
            report(line, f"{reason}.")


def _records(source: SourceFile, report: Report) -> Iterator[tuple[int, list[str], bool]]:
    """First line number, lines, and whether the record was ended (by ER, or by the next one's TY)."""
    start, lines = 0, list[str]()
    for number, text in source.lines(report):
        tag = _TAG.match(text)
        if tag is None:
            if lines:
                lines.append(text)
            elif text.strip() and start == -1:
                report(number, "this line stands outside of any record.")
            continue
        if tag[1] in ("TY", "ER") and lines:
            yield start, lines, True
            lines, start = [], -1
        if tag[1] == "TY":
            start, lines = number, []
        if lines or tag[1] == "TY":
            lines.append(f"{tag[1]}  - {text[tag.end() :]}")  # some programs write one blank where two belong
    if lines:
        yield start, lines, False


def _fields(lines: list[str]) -> dict[str, Any]:
    from rispy import RisParser

    # Not by ';': an address may contain one. First value of repeated tags, as rispy does by default.
    parser = RisParser(skip_unknown_tags=True, delimiter_tags_mapping={})
    parsed = parser.parse_lines(iter([*lines, "ER  - "]))
    if not parsed:
        raise Rejected("it has no fields")
    record = parsed[0]
    return {field: next((record[name] for name in names if record.get(name)), None) for field, names in _NAMES.items()}
