"""Dublin Core in XML, as repositories hand it out (OAI-PMH's ``oai_dc``, DSpace, OJS) and as plain RDF.

https://www.dublincore.org/specifications/dublin-core/dcmi-terms/ describes the terms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from rag.datatypes import Paper
from rag.papers.importers.field_mapping import Rejected, paper_from, year
from rag.papers.importers.source import Report, SourceFile
from rag.papers.importers.xml_records import elements, local_name, text_of

_NAMES = r"(?:oai_dc|srw_dc|dc|dim|qdc|oai_qdc):(?:dc|qualifieddc)|simpledc|qualifieddc|dc|rdf:Description"
_START = re.compile(rf"<(?:{_NAMES})[\s>]")
_VOCABULARY = re.compile(r"purl\.org/dc/|openarchives\.org/OAI/2\.0/oai_dc|<dc:title[\s>]")
_DOI = re.compile(r"(?:doi:|info:doi/|https?://(?:dx\.)?doi\.org/)?10\.\d{4,9}/\S+", re.I)
_ADDRESS = re.compile(r"https?://\S+", re.I)
_KINDS = {
    "article": "article-journal", "journal article": "article-journal", "conference": "paper-conference",
    "conference paper": "paper-conference", "conferenceobject": "paper-conference", "book": "book",
    "book part": "chapter", "bookpart": "chapter", "book chapter": "chapter", "thesis": "thesis", "doctoralthesis":
    "thesis", "masterthesis": "thesis", "bachelorthesis": "thesis", "report": "report", "preprint": "article",
    "dataset": "dataset", "software": "software", "patent": "patent", "workingpaper": "report",
}  # fmt: skip


def matches(sample: str) -> bool:
    """Whether the text is XML with a record of Dublin Core."""
    begins = sample.lstrip().startswith("<")
    return begins and _VOCABULARY.search(sample) is not None and _START.search(sample) is not None


def read(source: SourceFile, report: Report) -> Iterator[Paper]:
    """The papers of ``source``; a record without a title or that is not XML is reported and skipped.

    Raises :class:`rag.errors.ImportFileError` where the file declares entities.
    """
    for line, element in elements(source, _NAMES, report):
        try:
            yield paper_from(_record(element), f"dublin-core:{source.name}")
        except Rejected as reason:
            report(line, f"{reason}.")


def _record(element: Element) -> dict[str, Any]:
    found: dict[str, list[str]] = {}
    for one in element:
        if text := text_of(one):
            found.setdefault(local_name(one), []).append(text)
    descriptions = found.pop("abstract", []) or sorted(found.pop("description", []), key=len, reverse=True)
    numbers = found.pop("identifier", [])
    doi = next((one for one in [*numbers, *found.get("relation", [])] if _DOI.fullmatch(one)), "")
    dates = [*found.pop("issued", []), *found.pop("date", [])]
    types = [one.rpartition("/")[2] for one in found.pop("type", [])]
    where = [*found.pop("bibliographicCitation", []), *found.pop("isPartOf", []), *found.pop("source", [])]
    title, *other_titles = found.pop("title", []) or [""]
    return {
        **{name: values[0] if len(values) == 1 else values for name, values in found.items()},
        "title": title,
        "other_titles": other_titles,
        "abstract": descriptions[0] if descriptions else "",
        "description": descriptions[1:],
        "author": found.pop("creator", []),
        "creator": "",
        "issued": next((one for one in dates if year(one)), ""),
        "container-title": where[0] if where else "",
        "dc_source": where[1:],
        "DOI": doi,
        "URL": [one for one in numbers if _ADDRESS.fullmatch(one)],
        "identifier": [one for one in numbers if one != doi and not _ADDRESS.fullmatch(one)],
        "item_type": next((kind for one in types if (kind := _kind(one))), ""),
        "genre": types,
        "tags": [word for one in found.pop("subject", []) for word in re.split(r";\s*+", one) if word],
        "subject": "",
    }


def _kind(word: str) -> str:
    return _KINDS.get(word.lower().strip(), "") or _KINDS.get(word.rpartition(":")[2].lower(), "")
