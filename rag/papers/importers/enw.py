"""EndNote's ``.enw`` files, and the older Refer: lines such as ``%T A title``.

The meaning of the tags is that of EndNote's filter "Refer/BibIX"; publishers and the ACL Anthology write the format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rag.datatypes import Paper
from rag.papers.importers import endnote_fields
from rag.papers.importers.source import Report, SourceFile
from rag.papers.importers.tagged import Layout, Record, papers

_TAG = re.compile(r"%([0-9A-Z@!#$&*+^<>()~?\[\]|=:])(?: |\t|$)")
_ENDNOTE = Layout(_TAG, frozenset("0"))
_REFER = Layout(_TAG, frozenset(), after_blank=True)
_FIRST = re.compile(r"\A\s*+\ufeff?%[0-9A-Z@!] ")
_TYPE = re.compile(r"^\ufeff?%0 \S", re.M)
_TITLE = re.compile(r"^\ufeff?%T \S", re.M)

# CSL's variables and the tags that hold them; the first that is not empty is used.
_ONE = {
    "title": ("T", "!"), "abstract": ("X",), "container-title": ("J", "B", "S"), "issued": ("D", "8"),
    "volume": ("V",), "issue": ("N",), "page": ("P",), "publisher": ("I",), "publisher-place": ("C",),
    "language": ("G",), "edition": ("7",), "call-number": ("L",), "title-short": ("!",), "genre": ("9",),
    "accession_number": ("M",), "database": ("~", "W"), "section": ("&",), "original-title": ("Q",),
}  # fmt: skip
_USED = {*(tags[0] for tags in _ONE.values()), *"0AERUKZ@F"}
_DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:?\s*+)?10\.\d{4,9}/\S+", re.I)


def matches(sample: str) -> bool:
    """Whether the text begins with such a tag, or has a line with the type of a reference, and has a title."""
    return _TITLE.search(sample) is not None and (_FIRST.match(sample) or _TYPE.search(sample)) is not None


def read(source: SourceFile, report: Report) -> Iterator[Paper]:
    """The papers of ``source``; a record without a title is reported and skipped."""
    layout = _ENDNOTE if _TYPE.search(source.sample()) else _REFER
    return papers(source, layout, report, _fields, "enw")


def _fields(record: Record) -> dict[str, Any]:
    fields: dict[str, Any] = {name: record.value(*tags) for name, tags in _ONE.items()}
    container = next(tag for tag in ("J", "B", "S", "") if not tag or record.value(tag))
    rest = {f"%{tag}": value for tag, value in record.others(_USED | {container}).items()}
    if container != "S":
        fields["collection-title"] = rest.pop("%S", "")
    for number in record.values("@"):
        name = endnote_fields.identifier_name(number)
        fields[name] = [*fields.get(name, []), number]
    dois = [value for value in record.values("R") if _DOI.fullmatch(value)]
    label = record.value("F")
    return {
        **rest,
        **fields,
        "%R": [value for value in record.values("R") if value not in dois],
        "%F": label if " " in label else "",
        "author": [endnote_fields.author(name) for name in record.values("A")],
        "editor": record.values("E"),
        "DOI": dois[0] if dois else "",
        "URL": record.values("U"),
        "item_type": endnote_fields.kind(record.value("0")),
        "citation_key": "" if " " in label else label,
        "tags": _keywords(record),
        "notes": record.values("Z"),
    }


def _keywords(record: Record) -> list[str]:
    """One a line; in a single line they are divided by semicolons, or else by commas."""
    lines = record.lines("K")
    if len(lines) != 1:
        return lines
    return [word.strip() for word in lines[0].split(";" if ";" in lines[0] else ",")]
