"""Names of fields in files of papers, and the variables of CSL 1.0.2 that mean the same.

A kept field stands under CSL's name, whichever format it came from, so that each format can write it back.
"""

from __future__ import annotations

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
