"""A paper as the processor of styles reads it: variables of CSL, each of them plain text.

The values are those of the CSL-JSON that is exported. What the processor would stumble over is put right here: names
that have no given name, dates that are none, and the type of a record that nobody has named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rag.datatypes import Paper
from rag.papers.bibliography import to_csl_json, web_address
from rag.papers.divided_names import is_body
from rag.papers.identity import arxiv_id
from rag.text.unseen import one_line

if TYPE_CHECKING:
    from citeproc.source import Date, Name, Reference

_NAMES = ("author", "editor", "translator", "container-author", "collection-editor")
_DATES = ("issued", "accessed", "event-date", "original-date")
_TEXTS = frozenset(
    (
        "title", "title-short", "container-title", "container-title-short", "collection-title", "collection-number",
        "volume", "issue", "number", "number-of-volumes", "number-of-pages", "page", "chapter-number", "edition",
        "publisher", "publisher-place", "event-title", "event-place", "genre", "medium", "version", "archive",
        "DOI", "URL", "ISBN", "ISSN", "PMID", "PMCID",
    )
)  # fmt: skip
_PREPRINT = re.compile(r"arxiv|rxiv|preprint|ssrn|zenodo|research square", re.IGNORECASE)


def to_reference(paper: Paper, key: str) -> Reference:
    """The paper for the processor, to be called ``key``. Lists, unknown variables and empty values are left out."""
    from citeproc.source import Reference
    from citeproc.string import String

    item: dict[str, Any] = json.loads(to_csl_json([paper]))[0]
    custom = item.pop("custom", None)
    item = {**(custom if isinstance(custom, Mapping) else {}), **item}
    values: dict[str, Any] = {}
    for name, value in item.items():
        if name in _TEXTS and isinstance(value, str | int | float) and (text := one_line(str(value))):
            values[name.replace("-", "_")] = String(text)
        elif name in _NAMES and (names := _names(value)):
            values[name.replace("-", "_")] = names
        elif name in _DATES and (date := _date(value)) is not None:
            values[name.replace("-", "_")] = date
    _tidy(values, paper)
    language = item.get("language")
    if isinstance(language, str) and re.fullmatch(r"[A-Za-z]{2}(?:-[A-Za-z]{2,8})?", language.strip()):
        values["language"] = language.strip().lower()
    return Reference(key, kind_of(paper, values), **values)


def kind_of(paper: Paper, values: Mapping[str, Any]) -> str:
    """Its type, as its file names it; else what it must be by where it appeared, and 'document' without that."""
    if paper.kind.strip():
        return one_line(paper.kind).lower()
    venue = one_line(paper.venue)
    if not venue:
        return "article" if arxiv_id(paper) else "document"
    if _PREPRINT.search(venue):
        return "article"
    if re.search(r"\b(proc|proceedings|conference|workshop|symposium)\b", venue, re.IGNORECASE):
        return "paper-conference"
    return "article-journal"


def _tidy(values: dict[str, Any], paper: Paper) -> None:
    """An address for every paper that has one, and for an article's number the name that styles call it by."""
    from citeproc.string import String

    address = web_address(paper)
    if address:
        values["URL"] = String(address)
    else:
        values.pop("URL", None)
    if "volume" in values and "issue" not in values and "number" in values:
        values["issue"] = values.pop("number")


def _names(value: Any) -> list[Name]:
    from citeproc.source import Name

    names = []
    for one in value if isinstance(value, list) else []:
        if not isinstance(one, Mapping):
            continue
        parts = {
            part: text
            for part in ("family", "given", "suffix", "non-dropping-particle", "dropping-particle")
            if isinstance(one.get(part), str) and (text := one_line(one[part]))
        }
        divided = " ".join(parts[part] for part in ("given", "family") if part in parts)
        whole = one_line(str(one.get("literal") or "")) or divided
        if not whole:
            continue
        if "family" in parts and "given" in parts and is_person(whole):
            names.append(Name(**parts))
        else:
            names.append(Name(literal=whole))
    return names


def is_person(name: str) -> bool:
    """Whether a name may be divided and its first part shortened: not a body's, and in letters that have capitals.

    'Wang Xiaoming' in Chinese letters has no initials, and nothing says which part is the family's.
    """
    letters = [letter for letter in name if letter.isalpha()]
    return not is_body(name) and any(letter.isupper() for letter in letters)


def _date(value: Any) -> Date | None:
    """The first date of a CSL date; of parts that are no numbers, or no month or day, only what stands before."""
    from citeproc.source import Date

    try:
        parts = [int(part) for part in value["date-parts"][0]]
    except (TypeError, ValueError, KeyError, IndexError):
        return None
    if not parts or not parts[0]:
        return None
    found = {"year": parts[0]}
    if len(parts) > 1 and 1 <= parts[1] <= 12:
        found["month"] = parts[1]
        if len(parts) > 2 and 1 <= parts[2] <= 31:
            found["day"] = parts[2]
    return Date(**found)
