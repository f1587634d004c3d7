"""Zotero RDF, the first choice of Zotero's export dialog: items, and beside them their journals, notes and collections.

What an item points to may stand before or behind it, so the file is read twice: first what is pointed to, then items.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element

from rag.datatypes import Paper, collection_path
from rag.papers.importers.field_mapping import Rejected, paper_from
from rag.papers.importers.source import Report, SourceFile
from rag.papers.importers.xml_records import elements, text_of
from rag.papers.zotero.item_types import CSL_TYPES

_ITEMS = (
    "bib:Article|bib:Book|bib:BookSection|bib:Document|bib:Thesis|bib:Report|bib:Manuscript|bib:Patent|bib:Legislation|"
    "bib:ConferenceProceedings|bib:Letter|bib:Interview|bib:Recording|bib:MotionPicture|bib:Illustration|bib:Image|"
    "rdf:Description"
)
_POINTED_TO = "bib:Journal|bib:Series|bib:Book|bib:Memo|z:Collection"
_FIELDS = {
    "prism.volume": "volume", "prism.number": "issue", "bib.pages": "page", "z.language": "language",
    "z.citationKey": "citation_key", "dc.publisher": "publisher", "z.libraryCatalog": "library_catalog",
    "dcterms.dateSubmitted": "accessed", "dc.description": "extra", "z.shortTitle": "title-short",
}  # fmt: skip
_ADDRESS = re.compile(r"https?://\S+")
_MOST_NOTE = 100_000  # characters


def matches(sample: str) -> bool:
    """Whether the text names RDF and Zotero's own vocabulary."""
    return "<rdf:RDF" in sample and "http://www.zotero.org/namespaces/export#" in sample


def read(source: SourceFile, report: Report) -> Iterator[Paper]:
    """The papers of ``source``; attachments and loose notes are no papers, an item without a title is reported.

    Raises :class:`rag.errors.ImportFileError` where the file declares entities.
    """
    known = _Known.of(source)
    for line, element in elements(source, _ITEMS, report, nests=True):
        item_type = text_of(element.find("z.itemType"))
        if item_type in ("attachment", "note", "annotation") or (not item_type and element.tag == "rdf.Description"):
            continue
        try:
            yield paper_from(_record(element, item_type, known), f"zotero-rdf:{source.name}")
        except Rejected as reason:
            report(line, f"{reason}.")


@dataclass
class _Known:
    """What items point to, by its name in the file."""

    parents: dict[str, Element] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    collections: dict[str, list[str]] = field(default_factory=dict)  # by item, the names of those that hold it

    @classmethod
    def of(cls, source: SourceFile) -> _Known:
        known = cls()
        for _, element in elements(source.aside(), _POINTED_TO, lambda line, reason: None, nests=True):
            name = element.get("rdf.about", "")
            if element.tag == "bib.Memo":
                known.notes[name] = text_of(element.find("rdf.value"))[:_MOST_NOTE]
            elif element.tag == "z.Collection":
                path = collection_path([text_of(element.find("dc.title"))])
                for part in element.findall("dcterms.hasPart"):
                    known.collections.setdefault(part.get("rdf.resource", ""), []).append(path)
            else:
                known.parents[name] = element
        return known


def _record(element: Element, item_type: str, known: _Known) -> dict[str, Any]:
    name = element.get("rdf.about", "")
    parents = [*_parents(element, known)]
    everything = [element, *parents]
    identifiers = [text_of(one) for place in everything for one in place.findall("dc.identifier")]
    uris = [text_of(one) for one in element.iter("rdf.value")]
    pointed = (one.get("rdf.resource", "") for one in element.findall("dcterms.isReferencedBy"))
    record: dict[str, Any] = {
        "title": text_of(element.find("dc.title")),
        "abstract": text_of(element.find("dcterms.abstract")),
        "author": _people(element, "bib.authors"),
        "editor": _people(element, "bib.editors"),
        "issued": text_of(element.find("dc.date")),
        "container-title": next((title for one in parents if (title := text_of(one.find("dc.title")))), ""),
        "DOI": next((one.removeprefix("DOI ") for one in identifiers if one.startswith("DOI ")), ""),
        "ISSN": next((one.removeprefix("ISSN ") for one in identifiers if one.startswith("ISSN ")), ""),
        "ISBN": next((one.removeprefix("ISBN ") for one in identifiers if one.startswith("ISBN ")), ""),
        "URL": next((one for one in [*uris, name] if _ADDRESS.fullmatch(one)), ""),
        "item_type": CSL_TYPES.get(item_type, ""),
        "tags": [tag for one in element.findall("dc.subject") if (tag := text_of(one))],
        "collections": known.collections.get(name, []),
        "notes": [note for one in pointed if (note := known.notes.get(one, ""))],
    }
    for tag, field_name in _FIELDS.items():
        record[field_name] = next((text for place in everything if (text := text_of(place.find(tag)))), "")
    return record


def _parents(element: Element, known: _Known) -> Iterator[Element]:
    """The journal, book or series of an item: within it, or named."""
    for part in element.findall("dcterms.isPartOf"):
        if (parent := known.parents.get(part.get("rdf.resource", ""))) is not None:
            yield parent
        yield from part


def _people(element: Element, role: str) -> list[dict[str, str]]:
    return [
        {"family": text_of(one.find("foaf.surname")), "given": text_of(one.find("foaf.givenName"))}
        for place in element.findall(role)
        for one in place.iter("foaf.Person")
    ]
