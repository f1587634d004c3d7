"""Zotero's items as papers.

An item comes as Zotero's API writes its ``data`` (https://www.zotero.org/support/dev/web_api/v3/basics), with names of
tags, paths of collections and texts of notes in place of keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rag.datatypes import Paper
from rag.errors import RecordError
from rag.papers import kept_fields
from rag.papers.divided_names import WHOLE_NAMES, whole_names
from rag.papers.importers.field_mapping import Rejected, paper_from
from rag.papers.zotero.item_types import CSL_TYPES
from rag.papers.zotero.place import ITEM_FIELD, is_place

NO_PAPERS = ("attachment", "note", "annotation")
_TITLES = ("title", "caseName", "nameOfAct", "subject")
_VENUES = (
    "publicationTitle", "proceedingsTitle", "bookTitle", "encyclopediaTitle", "dictionaryTitle", "conferenceName",
    "meetingName", "websiteTitle", "blogTitle", "forumTitle", "repository", "university", "institution", "publisher",
)  # fmt: skip
_CSL_NAMES = {
    "pages": "page", "place": "publisher-place", "series": "collection-title", "seriesNumber": "collection-number",
    "journalAbbreviation": "container-title-short", "shortTitle": "title-short", "numPages": "number-of-pages",
    "numberOfVolumes": "number-of-volumes", "accessDate": "accessed", "archiveLocation": "archive_location",
    "callNumber": "call-number", "libraryCatalog": "source", "reportNumber": "number", "patentNumber": "number",
    "conferenceName": "event-title", "extra": "note",
}  # fmt: skip
_CREATORS = {
    "seriesEditor": "collection-editor", "bookAuthor": "container-author", "reviewedAuthor": "reviewed-author",
}  # fmt: skip
_NO_AUTHORS = frozenset(
    {"editor", "seriesEditor", "translator", "contributor", "bookAuthor", "reviewedAuthor", "commenter", "recipient",
     "wordsBy", "counsel", "attorneyAgent", "castMember", "guest", "cosponsor", "producer", "scriptwriter"}
)  # fmt: skip
# What is not part of the record, or stands elsewhere in the paper.
_LEFT_OUT = frozenset(
    {"key", "version", "itemType", "creators", "tags", "collections", "notes", "relations", "deleted", "parentItem",
     "inPublications", "retracted", "abstractNote", "url", "DOI", "citationKey"}
)  # fmt: skip
_DATES = ("accessDate", "dateAdded", "dateModified")
_EXTRA = re.compile(r"^[ \t]*+(citation[ -]?key|DOI|PMID|PMCID|arXiv)[ \t]*+:[ \t]*+(\S.*)$", re.I | re.M)
_BIBTEX = re.compile(r"^[ \t]*+bibtex:[ \t]*+(\S+)", re.I | re.M)  # as older releases of Better BibTeX pin a key
_DAY = re.compile(r"\d{4}-\d\d-\d\d (.+)", re.S)
_TIME = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)Z?")


@dataclass(frozen=True, slots=True)
class ZoteroLibrary:
    """One of Zotero's libraries. ``place`` is ``library`` or ``groups/ID``; ``items`` are those not in its trash."""

    place: str
    name: str
    items: tuple[Mapping[str, Any], ...]


def papers_of(library: ZoteroLibrary, on_error: Callable[[RecordError], None]) -> Iterator[Paper]:
    """A paper for each item that is one, in the order of the keys; ``on_error`` is told of those that cannot be."""
    for item in sorted(library.items, key=lambda item: str(item.get("key"))):
        if item.get("itemType") in NO_PAPERS:
            continue
        try:
            yield paper_of(item, library)
        except Rejected as error:
            on_error(RecordError(f"Zotero, {library.name}, item {item.get('key')}", None, str(error)))


def paper_of(item: Mapping[str, Any], library: ZoteroLibrary) -> Paper:
    """The paper of an item. Raises :class:`Rejected` where it has no title or a field of the wrong type."""
    place = f"{library.place}/items/{item.get('key')}"
    if not is_place(place):
        raise Rejected("its key is none of Zotero's")
    values = {name: _plain_date(name, value) for name, value in item.items()}
    extra = _of_extra(values.get("extra"))
    authors, others = _creators(values.get("creators"))
    record = {
        "id": f"zotero:{place}",
        "title": _first(values, _TITLES),
        "abstract": values.get("abstractNote"),
        "authors": authors,
        "year": values.get("date") or _first(values, ("dateDecided", "dateEnacted", "issueDate", "filingDate")),
        "venue": _first(values, _VENUES),
        "url": values.get("url"),
        "doi": values.get("DOI") or extra.get("doi"),
        "citation_key": values.get("citationKey") or extra.get("citation key"),
        "item_type": CSL_TYPES.get(str(values.get("itemType")), "document"),
        "status": "retracted" if values.get("retracted") else "",
        "tags": values.get("tags"),
        "collections": values.get("collections"),
        "notes": values.get("notes"),
    }
    paper = paper_from(record, f"zotero:{library.name}")
    kept = {_CSL_NAMES.get(name, name): value for name, value in values.items() if name not in _LEFT_OUT}
    numbers = {name.upper(): extra[name] for name in ("pmid", "pmcid", "arxiv") if name in extra}
    said = whole_names(paper)
    whole = [name for name in dict.fromkeys(paper.authors) if name in said]
    # Set here, not left to the mapping: there the names of some of Zotero's fields mean fields of a paper.
    return replace(paper, fields=kept_fields.pack({ITEM_FIELD: place, **others, **numbers, **kept, WHOLE_NAMES: whole}))


def _first(values: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((value for name in names if (value := values.get(name))), None)


def _plain_date(name: str, value: Any) -> Any:
    """A date as its writer wrote it (Zotero stores ``2020-03-00 March 2020``), a time in ISO 8601."""
    if not isinstance(value, str):
        return value
    if name in _DATES and (found := _TIME.fullmatch(value)):
        return f"{found[1]}T{found[2]}Z"
    return found[1] if name.lower().endswith("date") and (found := _DAY.fullmatch(value)) else value


def _of_extra(extra: Any) -> dict[str, str]:
    """What the lines of Zotero's field Extra say for which the item's type has no field, names in lower case."""
    if not isinstance(extra, str):
        return {}
    found = {re.sub("[ -]?key", " key", name.lower()): value.strip() for name, value in _EXTRA.findall(extra)}
    if "citation key" not in found and (key := _BIBTEX.search(extra)):
        found["citation key"] = key[1]
    return found


def _creators(creators: Any) -> tuple[list[Any], dict[str, list[str]]]:
    """The authors of an item, and its other creators by role; the editors of a work without authors are its authors."""
    roles: dict[str, list[Mapping[str, Any]]] = {}
    for one in creators if isinstance(creators, list) else []:
        if isinstance(one, Mapping):
            roles.setdefault(str(one.get("creatorType") or "author"), []).append(one)
    leading = [role for role in roles if role not in _NO_AUTHORS]
    chosen = ["author"] if "author" in roles else leading or (["editor"] if "editor" in roles else [])
    others = {
        _CREATORS.get(role, role): [_name(one) for one in ones] for role, ones in roles.items() if role not in chosen
    }
    return [_written(one) for role in chosen for one in roles[role]], others


def _written(creator: Mapping[str, Any]) -> dict[str, Any]:
    """The creator for the mapping of fields; an organisation's name has no parts."""
    return {"literal": creator["name"]} if isinstance(creator.get("name"), str) else dict(creator)


def _name(creator: Mapping[str, Any]) -> str:
    parts = (creator.get("name"), creator.get("firstName"), creator.get("lastName"))
    return " ".join(part for part in parts if isinstance(part, str) and part)
