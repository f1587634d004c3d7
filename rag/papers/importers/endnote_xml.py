"""EndNote's XML, which other reference managers and screening tools write as well.

Its DTD: https://support.clarivate.com/Endnote (RSXML.dtd); each text may stand in ``style`` elements, or on its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from rag.datatypes import Paper
from rag.papers.importers import endnote_fields
from rag.papers.importers.field_mapping import Rejected, paper_from
from rag.papers.importers.source import Report, SourceFile
from rag.papers.importers.xml_records import elements, text_of, texts_of

_START = re.compile(r"<records[\s>]\s*+<record[\s>]|<(?:ref-type|electronic-resource-num|secondary-title)[\s>]")

# CSL's variables and where their values are; the first that is not empty is used.
_ONE = {
    "title": ("titles/title",),
    "container-title": (
        "titles/secondary-title",
        "periodical/full-title",
        "alt-periodical/full-title",
        "titles/alt-title",
    ),
    "container-title-short": ("periodical/abbr-1", "alt-periodical/abbr-1"),
    "collection-title": ("titles/tertiary-title",),
    "title-short": ("titles/short-title",),
    "original-title": ("titles/translated-title",),
    "abstract": ("abstract",),
    "issued": ("dates/year", "dates/pub-dates/date"),
    "volume": ("volume",),
    "issue": ("number", "issue"),
    "page": ("pages",),
    "publisher": ("publisher",),
    "publisher-place": ("pub-location",),
    "language": ("language",),
    "edition": ("edition",),
    "section": ("section",),
    "genre": ("work-type",),
    "call-number": ("call-num",),
    "accessed": ("access-date",),
    "database": ("remote-database-name",),
    "database_provider": ("remote-database-provider",),
    "accession_number": ("accession-num",),
}
_USED = {path for paths in _ONE.values() for path in paths} | {
    "contributors", "titles", "periodical", "alt-periodical", "dates", "urls", "keywords", "notes", "research-notes",
    "isbn", "electronic-resource-num", "ref-type", "source-app", "foreign-keys", "rec-number",
}  # fmt: skip
_DOI = re.compile(r"10\.\d{4,9}/\S+")


def matches(sample: str) -> bool:
    """Whether the text is XML with such a list of records."""
    return sample.lstrip().startswith("<") and "<record" in sample and _START.search(sample) is not None


def read(source: SourceFile, report: Report) -> Iterator[Paper]:
    """The papers of ``source``; a record without a title or that is not XML is reported and skipped."""
    for line, element in elements(source, "record", report):
        try:
            yield paper_from(_fields(element), f"endnote-xml:{source.name}")
        except Rejected as reason:
            report(line, f"{reason}.")


def _fields(element: Element) -> dict[str, Any]:
    fields: dict[str, Any] = {
        name: next((text for path in paths if (text := text_of(element.find(path)))), "")
        for name, paths in _ONE.items()
    }
    rest = {f"endnote_{one.tag}": text_of(one) for one in element if one.tag not in _USED}
    for number in re.split(r"[\n\r;]++", text_of(element.find("isbn"))):
        if number.strip():
            name = endnote_fields.identifier_name(number)
            fields[name] = [*fields.get(name, []), number.strip()]
    number = text_of(element.find("electronic-resource-num"))
    doi = _DOI.search(number)
    return {
        **rest,
        **fields,
        "DOI": doi[0] if doi else "",
        "electronic_resource_number": "" if doi else number,
        "author": _names(element, "authors"),
        "editor": [text_of(one) for one in element.findall("contributors/secondary-authors/author")],
        "collection-editor": texts_of(element.findall("contributors/tertiary-authors/author")),
        "translator": texts_of(element.findall("contributors/translated-authors/author")),
        "URL": texts_of(element.findall("urls/web-urls/url") + element.findall("urls/related-urls/url")),
        "files": texts_of(element.findall("urls/pdf-urls/url")),
        "item_type": _kind(element.find("ref-type")),
        "endnote_pub-date": text_of(element.find("dates/pub-dates/date")),
        "tags": [word.strip() for text in texts_of(element.findall("keywords/keyword")) for word in text.splitlines()],
        "notes": texts_of(element.findall("notes") + element.findall("research-notes")),
    }


def _kind(element: Element | None) -> str:
    return endnote_fields.kind(element.get("name", "")) if element is not None else ""


def _names(element: Element, group: str) -> list[Any]:
    return [endnote_fields.author(name) for name in texts_of(element.findall(f"contributors/{group}/author"))]
