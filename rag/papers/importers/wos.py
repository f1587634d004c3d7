"""The Web of Science's plain text: ``FN``, ``VR``, records from ``PT`` to ``ER``, ``EF``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.datatypes import Paper
from rag.papers.importers.field_mapping import Rejected, paper_from
from rag.papers.importers.source import Report, SourceFile
from rag.papers.importers.tagged import Layout, records
from rag.papers.importers.wos_fields import record_of

_LAYOUT = Layout(re.compile(r"([A-Z][A-Z0-9])(?: |$)"), frozenset({"PT"}), "ER")
_HEADING = re.compile(r"^\ufeff?FN (?:Clarivate|Thomson|ISI|Web of)", re.M)
_START = re.compile(r"^\ufeff?PT [JBSCPD][^\S\n]*+$", re.M)
_OTHER_TAG = re.compile(r"^(?:AU|TI|SO|UT) \S", re.M)


def matches(sample: str) -> bool:
    """Whether the text has the heading of such a file, or a line that begins a record: ``PT J``."""
    start = _START.search(sample) or _HEADING.search(sample)
    return start is not None and _OTHER_TAG.search(sample) is not None


def read(source: SourceFile, report: Report) -> Iterator[Paper]:
    """The papers of ``source``; a record without a title or cut off by the file's end is reported and skipped."""
    for record in records(source, _LAYOUT, report):
        names = list(dict.fromkeys(field.tag for field in record.fields))
        try:
            if not record.complete:
                raise Rejected("this record does not end (no line 'ER'); export it again")
            yield paper_from(record_of(names, record.value, record.lines), f"wos:{source.name}")
        except Rejected as reason:
            report(record.line, f"{reason}.")
