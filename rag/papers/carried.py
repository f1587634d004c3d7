"""What a format has no place for, carried through a file of it in a field of Footnote's own; pure.

A BibTeX entry has no field for a collection, and no way to say that nothing is known of its type. So an exporter reads
back what it is about to write, as the importer will, and carries where the paper differs. The importer puts that back,
but only where the file still says what it said then: what the user changed in the file since is what counts.

It is written as one line of JSON, a list of ``[name, mark, value]``: the name of an attribute of
:class:`~rag.datatypes.Paper` (``fields.X`` for a kept field X), a mark of what the file says of it, and what it is.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from rag.datatypes import Paper
from rag.papers.identity import normalised_doi
from rag.papers.kept_fields import LONGEST, STATUSES
from rag.text.plaintext import clean_line
from rag.text.unseen import clean, escaped_json

NAME = "footnote-kept"  # of the field that carries, in every format
_FIELD = "fields."
_ORDER = "order"
_LINES = ("id", "title", "venue", "key", "kind")
_LISTS = ("authors", "tags", "collections")
_ATTRIBUTES = (*_LINES, *_LISTS, "abstract", "year", "url", "doi", "status", "notes")
_WEB = re.compile(r"https?://[^\s<>\"']+", re.I)


def carried(paper: Paper, back: Paper, but: Collection[str] = ()) -> str:
    """How ``paper`` differs from ``back``, what an importer makes of it: JSON on one line, ``''`` where it does not.

    ``source`` never counts; ``but`` are names of attributes that are left out on purpose.
    """
    found: list[list[Any]] = [
        [name, _mark(getattr(back, name)), getattr(paper, name)]
        for name in _ATTRIBUTES
        if name not in but and getattr(paper, name) != getattr(back, name)
    ]
    wanted, got = dict(paper.fields), dict(back.fields)
    found += [
        [f"{_FIELD}{name}", _mark(got.get(name)), wanted.get(name)]
        for name in dict.fromkeys((*wanted, *got))
        if wanted.get(name) != got.get(name)
    ]
    if [name for name in got if name in wanted] + [name for name in wanted if name not in got] != list(wanted):
        found.append([_ORDER, "", list(wanted)])
    return escaped_json(json.dumps(found, ensure_ascii=False)) if found else ""


def restored(paper: Paper, text: Any) -> Paper:
    """``paper`` with what ``text`` carries, where the file says what it said when that was written.

    ``text`` comes from a file: what is not of the form that :func:`carried` writes is passed over.
    """
    changes: dict[str, Any] = {}
    fields: dict[str, str | None] = dict(paper.fields)
    for name, mark, value in _entries(text):
        if name in _ATTRIBUTES and mark == _mark(getattr(paper, name)):
            changes |= _checked(name, value)
        elif name.startswith(_FIELD) and mark == _mark(fields.get(name.removeprefix(_FIELD))):
            fields[name.removeprefix(_FIELD)] = value if value is None or _is_stored(value) else None
        elif name == _ORDER and isinstance(value, list):
            order = {one: place for place, one in enumerate(value) if isinstance(one, str)}
            fields = dict(sorted(fields.items(), key=lambda item: order.get(item[0], len(order))))
    kept = tuple((name, value) for name, value in fields.items() if value is not None and name == clean_line(name))
    if sum(len(name) + len(value) for name, value in kept) <= LONGEST:
        changes["fields"] = kept
    return replace(paper, **changes)


def _mark(value: Any) -> str:
    """Eight hexadecimal digits that another value would hardly have; ``''`` for none."""
    if not value:
        return ""
    return hashlib.sha256(json.dumps(value).encode("utf-8")).hexdigest()[:8]


def _entries(text: Any) -> list[tuple[str, str, Any]]:
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return []
    listed = found if isinstance(found, list) else []
    return [
        (one[0], one[1], one[2])
        for one in listed
        if isinstance(one, list) and len(one) == 3 and isinstance(one[0], str) and isinstance(one[1], str)
    ]


def _checked(name: str, value: Any) -> dict[str, Any]:
    """``{name: value}`` as an importer would let it in; nothing where it could not be such a value."""
    if name == "year":
        return {name: value} if value is None or (type(value) is int and 0 < value < 10_000) else {}
    if name in (*_LISTS, "notes"):
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            return {}
        texts = value if name == "notes" else map(clean_line, value)
        return {name: tuple(one for one in texts if one)}
    if not isinstance(value, str):
        return {}
    if name in _LINES:
        line = clean_line(value)
        return {name: line} if line or name not in ("id", "title") else {}
    fits = {
        "abstract": clean(value) == value,
        "url": not value or _WEB.fullmatch(value) is not None,
        "doi": normalised_doi(value) == value,
        "status": value in ("", *STATUSES),
    }
    return {name: value} if fits[name] else {}


def _is_stored(value: Any) -> bool:
    """Whether ``value`` is JSON, as :attr:`Paper.fields` holds it."""
    try:
        return isinstance(value, str) and json.loads(value) is not None and value.encode("utf-8") is not None
    except (ValueError, RecursionError):
        return False
