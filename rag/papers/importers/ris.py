"""RIS, as publishers and reference managers export it: rispy parses, one record at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from rag.datatypes import Paper
from rag.papers.importers.field_mapping import Rejected, paper_from
from rag.papers.importers.source import MAX_RECORD_CHARS, Report, SourceFile

_START = re.compile(r"^\ufeff?TY {1,2}- ?", re.M)
_TAG = re.compile(r"^([A-Z][A-Z0-9]) {1,2}-(?: |$)|^(ER)\s*+$")
_END = re.compile(r"^ER {1,2}-\s*+\S")  # a line of a text that happens to begin so: the end of a record has no value

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


class _Field(NamedTuple):
    """A tag and its lines: the one with the tag, and those that go on with its value."""

    tag: str
    lines: list[str]


def matches(sample: str) -> bool:
    """Whether a line of the text begins a record: ``TY  - JOUR``."""
    return _START.search(sample) is not None


def read(source: SourceFile, report: Report) -> Iterator[Paper]:
    """The papers of ``source``; a record without a title or cut off by the file's end is reported and skipped."""
    for line, fields, complete in _records(source, report):
        try:
            if not complete:
                raise Rejected("the file ends within this record (no line 'ER  - '); export it again")
            yield paper_from(_record(fields), f"ris:{source.name}")
        except Rejected as reason:
            report(line, f"{reason}.")


def _records(source: SourceFile, report: Report) -> Iterator[tuple[int, list[_Field], bool]]:
    """First line number, fields, and whether the record was ended (by ER, or by the next one's TY)."""
    start, length = 0, 0
    fields: list[_Field] = []
    for number, text in source.lines(report):
        tag, name = _tag(text, bool(fields))
        if name in ("TY", "ER") and fields:
            yield start, fields, True
            fields, start = [], -1
        if tag is not None and (fields or name == "TY"):
            if name == "TY":
                start, length = number, 0
            fields.append(_Field(name, [text[tag.end() :].strip()]))
        elif fields and tag is None:
            fields[-1].lines.append(text.strip())
        # Between records databases write numbers, links and their search strategy: no part of any paper.
        length += len(text) + 1
        if fields and length > MAX_RECORD_CHARS:
            report(start, f"this record is longer than {MAX_RECORD_CHARS >> 20} MiB and was passed over.")
            fields, start = [], 0
    if fields:
        yield start, fields, False


def _tag(text: str, within: bool) -> tuple[re.Match[str] | None, str]:
    """The tag that a line begins with, and its name. ``ER - positive`` in an abstract is text, not the end."""
    found = _TAG.match(text)
    if found is None or (within and _END.match(text)):
        return None, ""
    return found, found[1] or found[2]


def _record(fields: list[_Field]) -> dict[str, Any]:
    from rispy import RisParser

    # Not by ';': an address may contain one. First value of repeated tags, as rispy does by default.
    parser = RisParser(skip_unknown_tags=True, delimiter_tags_mapping={})
    lines = [line for field in fields for line in _lines(field, repeated=field.tag in parser.list_tags)]
    parsed = parser.parse_lines(iter([*lines, "ER  - "]))
    if not parsed:
        raise Rejected("it has no fields")
    record = parsed[0]
    chosen: dict[str, Any] = {
        field: next((record[name] for name in names if record.get(name)), None) for field, names in _NAMES.items()
    }
    # Some databases call the first author A1 and the others AU; others write every author under both.
    names = [*(record.get("first_authors") or []), *(record.get("authors") or [])]
    chosen["authors"] = list(dict.fromkeys(names))
    return chosen


def _lines(field: _Field, repeated: bool) -> list[str]:
    """The field as rispy is to read it: on one line, or one line a value where the tag may be repeated.

    rispy would copy a value anew for each of its lines, which takes minutes where there are very many, and would take
    a line such as ``ER  -x`` within it for the end of the record.
    """
    if repeated:
        return [f"{field.tag}  - {line}" for line in field.lines if line]
    return [f"{field.tag}  - {' '.join(line for line in field.lines if line)}"]
