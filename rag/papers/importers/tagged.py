"""Records of lines that begin with a tag: how PubMed, the Web of Science and Refer write them.

What a tag looks like, and which of them begins or ends a record, is the format's :class:`Layout`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from rag.datatypes import Paper
from rag.papers.importers.field_mapping import Rejected, paper_from
from rag.papers.importers.source import MAX_RECORD_CHARS, Report, SourceFile


class Layout(NamedTuple):
    """How the lines of a format are divided.

    ``tag`` matches at the beginning of a line, its first group is the tag's name and the value follows it. A record
    begins with a tag of ``first``; with ``after_blank`` also with any tag after an empty line. It ends with ``last``.
    """

    tag: re.Pattern[str]
    first: frozenset[str]
    last: str = ""
    after_blank: bool = False


class Field(NamedTuple):
    """A tag and its lines: the one with the tag, and those that go on with its value."""

    tag: str
    lines: list[str]


class Record(NamedTuple):
    """The number of a record's first line, its fields in the order of the file, and whether it came to its end."""

    line: int
    fields: list[Field]
    complete: bool

    def values(self, tag: str) -> list[str]:
        """The values of ``tag``, one for each time that it stands in the record, each as one line."""
        return [value for field in self.fields if field.tag == tag if (value := joined(field))]

    def value(self, *tags: str) -> str:
        """The first value of the first of ``tags`` that has one; ``''`` where none has."""
        return next((values[0] for tag in tags if (values := self.values(tag))), "")

    def lines(self, *tags: str) -> list[str]:
        """The lines of the first of ``tags`` that has any, each a value of its own."""
        return next((lines for tag in tags if (lines := self._lines(tag))), [])

    def _lines(self, tag: str) -> list[str]:
        return [line for field in self.fields if field.tag == tag for line in field.lines if line]

    def others(self, but: Iterable[str]) -> dict[str, str | list[str]]:
        """The fields whose tags are not among ``but``, by their tag: a text, or a list where the tag is repeated."""
        used = set(but)
        names = dict.fromkeys(field.tag for field in self.fields if field.tag not in used)
        found = ((name, self.values(name)) for name in names)
        return {name: values[0] if len(values) == 1 else values for name, values in found if values}


def joined(field: Field) -> str:
    """The lines of ``field`` as one."""
    return " ".join(line for line in field.lines if line)


def records(source: SourceFile, layout: Layout, report: Report) -> Iterator[Record]:
    """The records of ``source``; one that is too long to be one is reported and left out.

    What stands before the first record or between two of them (a heading, the number of hits) is no part of any.
    """
    start, length, blank = 0, 0, True
    fields: list[Field] = []
    for number, text in source.lines(report):
        found = layout.tag.match(text)
        tag = found[1] if found else ""
        begins = tag in layout.first or (layout.after_blank and found is not None and blank)
        if fields and (begins or (tag and tag == layout.last)):
            yield Record(start, fields, True)
            fields = []
        if begins:
            start, length = number, 0
        if found and (begins or fields):
            fields.append(Field(tag, [text[found.end() :].strip()]))
        elif fields:
            fields[-1].lines.append(text.strip())
        blank = not text.strip()
        length += len(text) + 1
        if fields and length > MAX_RECORD_CHARS:
            report(start, f"this record is longer than {MAX_RECORD_CHARS >> 20} MiB and was passed over.")
            fields = []
    if fields:
        yield Record(start, fields, not layout.last)


def papers(
    source: SourceFile, layout: Layout, report: Report, fields: Callable[[Record], dict[str, Any]], format: str
) -> Iterator[Paper]:
    """The papers of ``source``, whose records ``fields`` reads; one without a title is reported and skipped."""
    for record in records(source, layout, report):
        try:
            yield paper_from(fields(record), f"{format}:{source.name}")
        except Rejected as reason:
            report(record.line, f"{reason}.")
