"""What a user types about one paper to a revised :class:`~rag.datatypes.Paper`, cleaned as an import would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rag.datatypes import Paper
from rag.errors import ImportFileError
from rag.papers.importers.field_mapping import Rejected, paper_from

FIELDS = ("title", "authors", "year", "venue", "url", "doi", "abstract")
_EXPECTED = {
    "year": "a year such as 2019",
    "url": "a web address that begins with http:// or https://",
    "doi": "a DOI such as 10.1000/182",
}


def revised(paper: Paper, typed: Mapping[str, str]) -> Paper:
    """``paper`` with the fields that were typed, one author a line; a field that is not in ``typed`` stays.

    Raises :class:`ImportFileError` for a title that is missing or a field that cannot be what it should be.
    """
    before = fields_of(paper)
    # What was not touched stays as it is: cleaning again would change, and embed again, what looks like markup.
    now = {name: text for name, text in typed.items() if _as_typed(text) != _as_typed(before[name])}
    record = before | now
    try:
        found = paper_from(record | {"id": paper.id, "authors": record["authors"].splitlines()}, paper.source)
    except Rejected as error:
        raise ImportFileError(f"The paper cannot be saved: {error}. Fill it in.") from error
    for name, expected in _EXPECTED.items():
        text = now.get(name, "").strip()
        if text and (not getattr(found, name) or (name == "year" and str(found.year) != text)):
            raise ImportFileError(f"'{text}' is not {expected}. Correct it or leave it empty.")
    return replace(paper, **{name: getattr(found, name) for name in now})


def _as_typed(text: str) -> str:
    """``text`` as a form field holds it: line feeds alone, no white space around it."""
    return text.replace("\r\n", "\n").strip()


def fields_of(paper: Paper) -> dict[str, str]:
    """The fields as they are typed."""
    return {
        "title": paper.title,
        "authors": "\n".join(paper.authors),
        "year": "" if paper.year is None else str(paper.year),
        "venue": paper.venue,
        "url": paper.url,
        "doi": paper.doi,
        "abstract": paper.abstract,
    }
