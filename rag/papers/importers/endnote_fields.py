"""What EndNote's two formats have in common: its names of the types of references, and its way with names."""

from __future__ import annotations

from typing import Any

_KINDS = {
    "journal article": "article-journal", "electronic article": "article-journal", "book": "book",
    "edited book": "book", "electronic book": "book", "book section": "chapter", "electronic book section": "chapter",
    "conference paper": "paper-conference", "conference proceedings": "paper-conference", "thesis": "thesis",
    "report": "report", "government document": "report", "magazine article": "article-magazine",
    "newspaper article": "article-newspaper", "web page": "webpage", "blog": "post-weblog", "patent": "patent",
    "dataset": "dataset", "computer program": "software", "manuscript": "manuscript",
    "unpublished work": "manuscript", "generic": "document", "encyclopedia": "entry-encyclopedia", "map": "map",
    "standard": "standard", "case": "legal_case", "bill": "bill", "statute": "legislation", "artwork": "graphic",
    "film or broadcast": "motion_picture", "audiovisual material": "motion_picture", "preprint": "article",
}  # fmt: skip


def kind(name: str) -> str:
    """CSL's type of item for EndNote's name of a type of references; the name itself for others."""
    return _KINDS.get(name.strip().lower(), name.strip())


def author(name: str) -> Any:
    """A name; with a comma at its end, which EndNote wants after the name of an organisation, as one name."""
    name = name.strip()
    return {"literal": name.rstrip(",").strip()} if name.endswith(",") else name


def identifier_name(number: str) -> str:
    """Whether a number of the field for both is an ISSN or an ISBN."""
    return "ISSN" if sum(sign.isalnum() for sign in number.partition("(")[0]) == 8 else "ISBN"
