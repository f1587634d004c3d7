"""RefWorks's tagged format: lines such as ``T1 A title``, a record from ``RT`` to the next.

https://www.refworks.com/refworks/help/RefWorks_Tagged_Format.htm describes the tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rag.datatypes import Paper
from rag.papers.importers import endnote_fields
from rag.papers.importers.source import Report, SourceFile
from rag.papers.importers.tagged import Layout, Record, papers

_LAYOUT = Layout(re.compile(r"([A-Z][A-Z0-9])(?: |$)"), frozenset({"RT"}))
_START = re.compile(r"^\ufeff?RT [A-Z]\w+", re.M)
_OTHER_TAG = re.compile(r"^(?:T1|A1|YR|JF|AB|SR) \S", re.M)

# CSL's variables and the tags that hold them; the first that is not empty is used.
_ONE = {
    "title": ("T1", "OT"), "abstract": ("AB",), "container-title": ("JF", "JO", "T2"), "issued": ("YR", "FD"),
    "volume": ("VO",), "issue": ("IS",), "publisher": ("PB",), "publisher-place": ("PP",), "language": ("LA",),
    "edition": ("ED",), "DOI": ("DO",), "accession_number": ("AN",), "container-title-short": ("JO",),
    "title-short": ("ST",),
}  # fmt: skip
_USED = {tags[0] for tags in _ONE.values()} | {"RT", "A1", "A2", "K1", "NO", "SP", "OP", "SN", "UL", "LK"}


def matches(sample: str) -> bool:
    """Whether a line of the text begins a record: ``RT Journal Article``."""
    return _START.search(sample) is not None and _OTHER_TAG.search(sample) is not None


def read(source: SourceFile, report: Report) -> Iterator[Paper]:
    """The papers of ``source``; a record without a title is reported and skipped."""
    return papers(source, _LAYOUT, report, _fields, "refworks")


def _fields(record: Record) -> dict[str, Any]:
    fields: dict[str, Any] = {name: record.value(*tags) for name, tags in _ONE.items()}
    for number in record.values("SN"):
        name = endnote_fields.identifier_name(number)
        fields[name] = [*fields.get(name, []), number]
    return {
        **record.others(_USED),
        **fields,
        "author": record.values("A1"),
        "editor": record.values("A2"),
        "page": "-".join(filter(None, (record.value("SP"), record.value("OP")))),
        "URL": [*record.values("UL"), *record.values("LK")],
        "item_type": endnote_fields.kind(record.value("RT").partition(",")[0]),
        "tags": record.values("K1"),
        "notes": record.values("NO"),
    }
