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
    issued = custom.get("issued")
    if isinstance(issued, dict) and "date-parts" in issued:
        item["issued"] = custom.pop("issued")
    if paper.collections:
        custom["collections"] = list(paper.collections)
    return item | {"keyword": ", ".join(paper.tags), "note": "\n\n".join(paper.notes), "custom": custom}
