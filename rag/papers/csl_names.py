"""Names of fields in files of papers, and the variables of CSL 1.0.2 that mean the same.

A kept field stands under CSL's name, whichever format it came from, so that each format can write it back.
"""

from __future__ import annotations

from typing import Any

from rag.papers.carried import NAME

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


NAME_VARIABLES = frozenset(
    "author chair collection-editor compiler composer container-author contributor curator director editor "
    "editorial-director executive-producer guest host interviewer illustrator narrator organizer original-author "
    "performer producer recipient reviewed-author script-writer series-creator translator".split()
)
DATE_VARIABLES = frozenset("accessed available-date event-date issued original-date submitted".split())
TEXT_VARIABLES = frozenset(
    "annote archive archive_collection archive_location archive-place authority call-number chapter-number "
    "collection-number collection-title container-title-short dimensions division edition event event-title "
    "event-place genre ISBN ISSN issue journalAbbreviation jurisdiction medium number number-of-pages "
    "number-of-volumes original-publisher original-publisher-place original-title page page-first part-number "
    "part-title PMCID PMID printing-number publisher publisher-place references reviewed-genre reviewed-title scale "
    "section shortTitle source supplement-number title-short version volume volume-title year-suffix language".split()
)
CSL_VARIABLES = NAME_VARIABLES | DATE_VARIABLES | TEXT_VARIABLES


def from_csl_extras(record: dict[str, Any]) -> None:
    """Put the keywords, notes and ``custom`` of a CSL-JSON item where
    :func:`rag.papers.importers.field_mapping.paper_from` looks for them."""
    custom = dict(record.pop("custom")) if isinstance(record.get("custom"), dict) else {}
    if NAME in custom:
        record["carried"] = custom.pop(NAME)
    for name, value in custom.items():
        record.setdefault(name, value)
    keyword, note = record.get("keyword"), record.get("note")
    if isinstance(keyword, str):
        del record["keyword"]
        record.setdefault("tags", [one.strip() for one in keyword.split(",")])
    if isinstance(note, str):
        del record["note"]
        record.setdefault("notes", note.split("\n\n"))
