"""arXiv's metadata as JSON Lines: id, title, abstract, authors, categories, versions, update_date."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rag.datatypes import Paper
from rag.papers.identity import normalised_arxiv_id
from rag.papers.importers.field_mapping import Rejected, paper_from, year
from rag.papers.importers.json_lines import objects
from rag.papers.importers.source import Report, SourceFile


def matches(sample: str) -> bool:
    """Whether the first line is an object with categories and an arXiv id."""
    first = next((line for line in sample.splitlines() if line.strip()), "")
    try:
        record = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and "categories" in record and bool(normalised_arxiv_id(str(record.get("id", ""))))


def read(source: SourceFile, report: Report) -> Iterator[Paper]:
    """The papers of ``source``; a line that is no object or lacks a title or an arXiv id is reported and skipped."""
    for line, record in objects(source, report):
        try:
            yield paper_from(with_standard_fields(record), f"arxiv:{source.name}")
        except Rejected as reason:
            report(line, f"{reason}.")


def with_standard_fields(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with a list of authors, a link, and the year of its first version.

    Raises :class:`Rejected` where its ``id`` is no arXiv id.
    """
    identifier = str(record.get("id", "")).strip()
    if not normalised_arxiv_id(identifier):
        raise Rejected(f"its id is '{identifier[:40]}', which is no arXiv id")
    adapted = {**record, "url": record.get("url") or f"https://arxiv.org/abs/{identifier}"}
    if record.get("authors_parsed"):
        adapted["authors"] = record["authors_parsed"]
    adapted["year"] = _first_year(record, identifier)
    return adapted


def _first_year(record: Mapping[str, Any], identifier: str) -> int | None:
    """The year of the first version; of ``update_date``, which may be years later, only where nothing else tells it."""
    versions = record.get("versions")
    if isinstance(versions, list) and versions and isinstance(versions[0], Mapping):
        found = year(versions[0].get("created"))
        if found:
            return found
    return year(record.get("created")) or _year_of_id(identifier) or year(record.get("update_date"))


def _year_of_id(identifier: str) -> int | None:
    """2101.00001 is of 2021 and cs/9902027 of 1999: arXiv began in 1991."""
    digits = normalised_arxiv_id(identifier).rpartition("/")[2][:2]
    if not digits.isdigit():
        return None
    return 1900 + int(digits) if int(digits) >= 91 else 2000 + int(digits)
