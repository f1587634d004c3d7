"""MODS, version 3, which catalogues and bibutils write; elements in a default name space or with a prefix.

https://www.loc.gov/standards/mods/ describes the elements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from rag.datatypes import Paper
from rag.papers.importers import endnote_fields
from rag.papers.importers.field_mapping import Rejected, paper_from
from rag.papers.importers.source import Report, SourceFile
from rag.papers.importers.xml_records import elements, local_name, text_of

_START = re.compile(r"<(?:\w{1,20}:)?mods[\s>]")
_EDITORS = ("editor", "edt", "ed")
_NO_AUTHORS = (
    *_EDITORS,
    "translator",
    "trl",
    "advisor",
    "ths",
    "degree supervisor",
    "thesis advisor",
    "publisher",
    "pbl",
)
_KINDS = {
    "article": "article-journal", "academic journal": "article-journal", "conference publication": "paper-conference",
    "conference contribution": "paper-conference", "book chapter": "chapter", "doctoral thesis": "thesis",
    "dissertation": "thesis", "working paper": "report", "technical report": "report",
}  # fmt: skip


def matches(sample: str) -> bool:
    """Whether the text is XML with a ``mods`` element."""
    return sample.lstrip().startswith("<") and _START.search(sample) is not None


def read(source: SourceFile, report: Report) -> Iterator[Paper]:
    """The papers of ``source``; a record without a title or that is not XML is reported and skipped.

    Raises :class:`rag.errors.ImportFileError` where the file declares entities.
    """
    for line, element in elements(source, r"(?:\w{1,20}:)?mods", report):
        try:
            yield paper_from(_record(element), f"mods:{source.name}")
        except Rejected as reason:
            report(line, f"{reason}.")


def _record(mods: Element) -> dict[str, Any]:
    host = next((one for one in _all(mods, "relatedItem") if one.get("type") == "host"), None)
    places = [mods] if host is None else [mods, host]
    people = [(name, {text_of(one).lower() for one in _all(name, "role", "roleTerm")}) for name in _all(mods, "name")]
    identifiers = [(one.get("type", "").lower(), text_of(one)) for place in places for one in _all(place, "identifier")]
    genres = [text_of(one).lower() for one in _all(mods, "genre")]
    return {
        "title": _title(mods),
        "abstract": "\n".join(_texts(mods, "abstract")),
        "author": [_name(name) for name, roles in people if not roles & set(_NO_AUTHORS)],
        "editor": [_name(name) for name, roles in people if roles & set(_EDITORS)],
        "issued": _first(_dates(places)),
        "container-title": "" if host is None else _title(host),
        "publisher": _first(text for place in places for text in _texts(place, "originInfo", "publisher")),
        "publisher-place": _first(one for place in places for one in _texts(place, "originInfo", "place", "placeTerm")),
        "DOI": _first(text for kind, text in identifiers if kind == "doi"),
        **{kind.upper(): [text for one, text in identifiers if one == kind] for kind in ("issn", "isbn")},
        "URL": [*_texts(mods, "location", "url"), *(text for kind, text in identifiers if kind == "uri")],
        **{name: _first(_part(place, name) for place in places) for name in ("volume", "issue")},
        "page": _first(_pages(place) for place in places),
        "language": _first(_texts(mods, "language", "languageTerm")),
        "item_type": _first(_kind(genre) for genre in genres),
        "genre": genres,
        "citation_key": mods.get("ID", ""),
        "note": _texts(mods, "note"),
        "tags": [*_texts(mods, "subject", "topic"), *_texts(mods, "subject", "geographic")],
    }  # fmt: skip


def _all(element: Element, *path: str) -> list[Element]:
    """The elements that a path of names leads to, whatever name space they are in."""
    found = [element]
    for name in path:
        found = [child for one in found for child in one if local_name(child) == name]
    return found


def _texts(element: Element, *path: str) -> list[str]:
    return [text for one in _all(element, *path) if (text := text_of(one))]


def _first(texts: Any) -> str:
    return next((text for text in texts if text), "")


def _title(element: Element) -> str:
    """``The kite: a history``, of the first title that is no other form of it."""
    titles = _all(element, "titleInfo")
    main = next((one for one in titles if not one.get("type")), titles[0] if titles else None)
    if main is None:
        return ""
    lead, title, under = (_first(_texts(main, name)) for name in ("nonSort", "title", "subTitle"))
    return f"{lead} {title}".strip() + (f": {under}" if under else "")


def _name(name: Element) -> Any:
    parts = {one.get("type", ""): text_of(one) for one in reversed(_all(name, "namePart"))}
    given = " ".join(text_of(one) for one in _all(name, "namePart") if one.get("type") == "given")
    if parts.get("family"):
        return {"given": given, "family": parts["family"]}
    whole = parts.get("", "") or _first(_texts(name, "displayForm"))
    return {"literal": whole} if name.get("type") in ("corporate", "conference") else whole


def _dates(places: list[Element]) -> Iterator[str]:
    for place in places:
        for path in (("originInfo", "dateIssued"), ("part", "date"), ("originInfo", "copyrightDate"),
                     ("originInfo", "dateCreated")):  # fmt: skip
            yield from _texts(place, *path)


def _part(place: Element, name: str) -> str:
    return _first(
        text for one in _all(place, "part", "detail") if one.get("type") == name for text in _texts(one, "number")
    )


def _pages(place: Element) -> str:
    for extent in _all(place, "part", "extent"):
        if extent.get("unit", "page").startswith("page"):
            return "-".join([*_texts(extent, "start"), *_texts(extent, "end")]) or _first(_texts(extent, "list"))
    return ""


def _kind(genre: str) -> str:
    known = _KINDS.get(genre) or endnote_fields.kind(genre)
    return "" if known == genre and known not in ("book", "thesis", "report", "patent", "map", "dataset") else known
