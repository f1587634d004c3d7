"""RIS, as publishers and reference managers export it.

Records are divided here and not by rispy, which writes the format: it takes a line of an abstract such as
'ER  - positive' for the end, and keeps one value of a tag that is repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.datatypes import Paper
from rag.papers.importers.field_mapping import Rejected, paper_from
from rag.papers.importers.ris_fields import record_of
from rag.papers.importers.source import MAX_RECORD_CHARS, Report, SourceFile
from rag.papers.importers.tagged import Field, Record

_START = re.compile(r"^\ufeff?[ \t]{0,4}+TY {1,2}- ?", re.M)
_TAG = re.compile(r"^([A-Z][A-Z0-9]) {1,2}-(?: |$)|^[ \t]{1,4}+([A-Z][A-Z0-9])  - |^[ \t]{0,4}+(ER)(?:  -)?\s*+$")
# Tags of a record that stand before its TY; others that stand between records are a database's own.
_OF_RECORD = frozenset(("TI", "T1", "AU", "A1", "AB", "N2"))
_END = re.compile(r"^ER {1,2}-\s*+\S")  # a line of a text that happens to begin so: the end of a record has no value


def matches(sample: str) -> bool:
    """Whether a line of the text begins a record: ``TY  - JOUR``."""
    return _START.search(sample) is not None


def read(source: SourceFile, report: Report) -> Iterator[Paper]:
    """The papers of ``source``; a record without a title or cut off by the file's end is reported and skipped."""
    ids: set[str] = set()
    for line, fields, complete in _records(source, report):
        try:
            if not complete:
                raise Rejected("the file ends within this record (no line 'ER  - '); export it again")
            record = record_of(Record(line, fields, complete))
            # Another paper under an ID that was used is a paper all the same: its DOI or title tells it.
            if record["id"] in ids:
                record["id"] = ""
            ids.add(record["id"])
            yield paper_from(record, f"ris:{source.name}")
        except Rejected as reason:
            report(line, f"{reason}.")


def _records(source: SourceFile, report: Report) -> Iterator[tuple[int, list[Field], bool]]:
    """First line number, fields, and whether the record was ended (by ER, or by the next one's TY)."""
    start, length = 0, 0
    fields: list[Field] = []
    before: list[Field] = []  # what stands behind an ER or an empty line: some programs write TY in the middle
    for number, text in source.lines(report):
        tag, name = _tag(text, bool(fields))
        if name in ("TY", "ER") and fields:
            yield start, fields, True
            fields, before, length = [], [], 0
        if name == "TY":
            fields = before if any(field.tag in _OF_RECORD for field in before) else []
            start, before = number, []
        if tag is not None and (fields or name == "TY"):
            fields.append(Field(name, [text[tag.end() :].strip()]))
        elif tag is not None and name != "ER":
            before.append(Field(name, [text[tag.end() :].strip()]))
        elif fields or before:
            (fields or before)[-1].lines.append(text.strip())
        # Between records databases write numbers, links and their search strategy: no part of any paper.
        if not fields and not text.strip():
            before, length = [], 0
        length += len(text) + 1
        if length > MAX_RECORD_CHARS:
            if fields:
                report(start, f"this record is longer than {MAX_RECORD_CHARS >> 20} MiB and was passed over.")
            fields, before, length = [], [], 0
    if fields:
        yield start, fields, False


def _tag(text: str, within: bool) -> tuple[re.Match[str] | None, str]:
    """The tag that a line begins with, and its name. ``ER - positive`` in an abstract is text, not the end."""
    found = _TAG.match(text)
    if found is None or (within and _END.match(text)):
        return None, ""
    return found, found[1] or found[2] or found[3]
