"""Names of fields in files of papers, and the variables of CSL 1.0.2 that mean the same.

A kept field stands under CSL's name, whichever format it came from, so that each format can write it back.
"""

from __future__ import annotations

from typing import Any

from rag.datatypes import Paper
from rag.papers.kept_fields import unpack

# As ``field_key`` writes them. Only what means the same in every format: BibTeX's ``number`` may be an issue, a
# report's number or one in a series, so it is not here.
CSL_NAMES = {
    "volume": "volume",
    "issue": "issue",
    "page": "page",
    "pages": "page",
    "publisher": "publisher",
    "publisher_place": "publisher-place",
    "issn": "ISSN",
    "isbn": "ISBN",
    "pmid": "PMID",
    "pubmed_id": "PMID",
    "pmcid": "PMCID",
    "language": "language",
    "edition": "edition",
    "title_short": "title-short",
    "short_title": "title-short",
    "shorttitle": "title-short",
    "journal_abbreviation": "container-title-short",
    "container_title_short": "container-title-short",
    "number_of_pages": "number-of-pages",
    "number_of_volumes": "number-of-volumes",
    "call_number": "call-number",
    "event_title": "event-title",
    "collection_title": "collection-title",
}


def csl_extras(paper: Paper) -> dict[str, Any]:
    """What ``paper`` keeps, as a CSL-JSON item has it: variables of CSL, keywords, notes, the rest in ``custom``."""
    kept = unpack(paper)
    known = set(CSL_NAMES.values())
    item = {name: value for name, value in kept.items() if name in known}
    custom = {name: value for name, value in kept.items() if name not in known}
    if parts := _date_parts(custom.get("issued"), paper.year):
        item["issued"] = {**custom.pop("issued"), "date-parts": parts}
    if paper.collections:
        custom["collections"] = list(paper.collections)
    # One text cannot say where a tag with a comma ends, nor a note with an empty line.
    if any("," in tag for tag in paper.tags):
        custom["tags"] = list(paper.tags)
    if any("\n\n" in note for note in paper.notes):
        custom["notes"] = list(paper.notes)
    return item | {"keyword": ", ".join(paper.tags), "note": "\n\n".join(paper.notes), "custom": custom}


def from_csl_extras(record: dict[str, Any]) -> None:
    """Put what :func:`csl_extras` wrote into an item back where :func:`rag.papers.importers.field_mapping.paper_from`
    looks for it."""
    custom = record.pop("custom") if isinstance(record.get("custom"), dict) else {}
    for name, value in custom.items():
        record.setdefault(name, value)
    keyword, note = record.get("keyword"), record.get("note")
    if isinstance(keyword, str):
        del record["keyword"]
        record.setdefault("tags", [one.strip() for one in keyword.split(",")])
    if isinstance(note, str):
        del record["note"]
        record.setdefault("notes", note.split("\n\n"))


def _date_parts(issued: Any, year: int | None) -> list[list[int]]:
    """The parts of a date as numbers, as the schema wants them; none where they are not of ``year``."""
    try:
        parts = [[int(one) for one in date] for date in issued["date-parts"]]
    except (TypeError, ValueError, KeyError):
        return []
    return parts if parts and parts[0] and parts[0][0] == year else []
