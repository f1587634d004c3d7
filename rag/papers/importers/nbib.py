"""MEDLINE's tagged records, as PubMed writes them into ``.nbib`` and "PubMed" files.

https://www.nlm.nih.gov/bsd/mms/medlineelements.html describes the tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rag.datatypes import Paper
from rag.papers.importers import medline
from rag.papers.importers.source import Report, SourceFile
from rag.papers.importers.tagged import Layout, Record, joined, papers

_LAYOUT = Layout(re.compile(r"(?=.{4}-)([A-Z][A-Z0-9]{1,3}) {0,2}-(?: |$)"), frozenset({"PMID"}))
_START = re.compile(r"^\ufeff?PMID- *+\d", re.M)
_OTHER_TAG = re.compile(r"^(?:OWN|STAT|DP|TI|JT|TA|AU|FAU|PT) *+- ", re.M)

# CSL's variables and the tags that hold them.
_ONE = {
    "abstract": ("AB", "OAB"), "issued": ("DP", "DEP", "EDAT"), "container-title-short": ("TA",),
    "volume": ("VI", "VOL"), "issue": ("IP",), "page": ("PG",), "language": ("LA",),
    "publisher": ("PB",), "publisher-place": ("PL",),
    "edition": ("EN",), "PMID": ("PMID",), "PMCID": ("PMC",), "collection-title": ("CTI",), "number-of-pages": ("PS",),
}  # fmt: skip
_LISTS = {"ISSN": "IS", "ISBN": "ISBN", "editor": "FED", "publication_types": "PT"}
_USED = {tag for tags in _ONE.values() for tag in tags if tag not in ("DEP", "EDAT", "OAB")} | {
    *_LISTS.values(), "TI", "TT", "BTI", "JT", "FAU", "AU", "CN", "OT", "MH",
}  # fmt: skip


def matches(sample: str) -> bool:
    """Whether a line of the text begins a record: ``PMID- 31452104``."""
    return _START.search(sample) is not None and _OTHER_TAG.search(sample) is not None


def read(source: SourceFile, report: Report) -> Iterator[Paper]:
    """The papers of ``source``; a record without a title is reported and skipped."""
    return papers(source, _LAYOUT, report, _fields, "nbib")


def _fields(record: Record) -> dict[str, Any]:
    title, book = record.value("TI"), record.value("BTI")
    types = record.values("PT")
    fields: dict[str, Any] = {name: record.value(*tags) for name, tags in _ONE.items()}
    fields |= {name: record.values(tag) for name, tag in _LISTS.items()}
    return {
        **record.others(_USED),
        **fields,
        "title": title or book or record.value("TT"),
        "original-title": record.value("TT"),
        "container-title": record.value("JT", "TA") or (book if title else ""),
        "author": _authors(record),
        "DOI": _doi(record),
        "item_type": "chapter" if title and book else "book" if book else medline.kind(types),
        "status": medline.status([*types, *(field.tag for field in record.fields)]),
        "tags": [*record.values("OT"), *(medline.heading(one) for one in record.values("MH"))],
    }


def _authors(record: Record) -> list[Any]:
    """Names in full where the record has them so; the short form of the same name follows the full one."""
    found: list[Any] = []
    before = ""
    for field in record.fields:
        name = joined(field)
        if field.tag == "FAU" or (field.tag == "AU" and before != "FAU"):
            found.append(medline.full_name(name))
        elif field.tag == "CN":
            found.append({"literal": name})
        before = field.tag
    return found


def _doi(record: Record) -> str:
    """``10.5555/lhm.2021.4`` of a line such as ``AID - 10.5555/lhm.2021.4 [doi]``."""
    marked = [value for tag in ("LID", "AID", "DOI") for value in record.values(tag)]
    return next(
        (one.removesuffix("[doi]").strip() for one in marked if one.endswith("[doi]") or one.startswith("10.")), ""
    )
