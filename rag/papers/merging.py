"""Two records of one paper joined, and parted again: what one filled in is known, so that it can go out; pure.

*Additions* are that knowledge, as JSON has it: for a field that one record has whole, ``[before, after]``; for tags,
collections and notes the values that were added; for the kept fields their pairs of name and value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from rag.datatypes import Paper
from rag.papers import kept_fields
from rag.papers.title_marks import is_marked

Additions = Mapping[str, Any]

_FILLED = ("abstract", "authors", "year", "venue", "url", "doi")  # filled from a duplicate where empty
_WHOLE = (*_FILLED, "key", "kind", "title", "status")
_LISTS = ("tags", "collections", "notes", "fields")
_OF_SEVERAL = ("title", "status")  # which a duplicate may change though the paper has them


def filled(paper: Paper, other: Paper) -> Paper:
    """``paper`` with its empty fields filled from ``other``."""
    added = {name: getattr(other, name) for name in _FILLED if not getattr(paper, name)}
    if is_marked(other.title) and not is_marked(paper.title):  # whoever sees the title shall see that
        added["title"] = other.title
    return replace(paper, **added, **kept_fields.joined(paper, other))


def additions(before: Paper, after: Paper) -> dict[str, Any]:
    """What ``after`` has that ``before`` had not; empty where nothing was added."""
    found: dict[str, Any] = {}
    for name in _WHOLE:
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            found[name] = [_thawed(was), _thawed(now)]
    for name in _LISTS:
        had = set(getattr(before, name))
        if new := [_thawed(one) for one in getattr(after, name) if one not in had]:
            found[name] = new
    return found


def without(paper: Paper, added: Additions) -> Paper:
    """``paper`` without ``added``; a field that was changed since stays as it is."""
    changes: dict[str, Any] = {}
    for name in _WHOLE:
        if name in added and getattr(paper, name) == frozen(added[name][1]):
            changes[name] = frozen(added[name][0])
    for name in _LISTS:
        if gone := set(frozen(added.get(name, []))):
            changes[name] = tuple(one for one in getattr(paper, name) if one not in gone)
    return replace(paper, **changes)


def still_added(added: Additions, record: Paper) -> dict[str, Any]:
    """What is left of ``added`` once ``record``, the paper's own, brings fields itself."""
    left: dict[str, Any] = {}
    for name, value in added.items():
        own = getattr(record, name)
        if name in _OF_SEVERAL:
            left[name] = [own, value[1]]
        elif name in _WHOLE:
            if not own:
                left[name] = value
        elif rest := [one for one in value if frozen(one) not in own]:
            left[name] = rest
    return left


def still_there(added: Additions, paper: Paper) -> dict[str, Any]:
    """What of ``added`` is still in ``paper``, as far as lists go; a list of which nothing is left is left out."""
    left = {
        name: [one for one in value if frozen(one) in getattr(paper, name)] if name in _LISTS else value
        for name, value in added.items()
    }
    return {name: value for name, value in left.items() if value}


def together(one: Additions, more: Additions) -> dict[str, Any]:
    """Additions of one record that were made one after the other."""
    found = dict(one)
    for name, value in more.items():
        if name not in found:
            found[name] = value
        elif name in _WHOLE:
            found[name] = [found[name][0], value[1]]
        else:
            found[name] = [*found[name], *(new for new in value if new not in found[name])]
    return found


def to_record(paper: Paper) -> dict[str, Any]:
    """All fields of ``paper`` that are not empty, as JSON has them; :func:`of_record` reads them."""
    values = {field.name: getattr(paper, field.name) for field in fields(paper)}
    return {name: _thawed(value) for name, value in values.items() if value or name in ("id", "title", "abstract")}


def of_record(record: Mapping[str, Any]) -> Paper:
    """The paper that :func:`to_record` wrote; fields that no longer exist are passed over."""
    known = {field.name for field in fields(Paper)}
    return Paper(**{name: frozen(value) for name, value in record.items() if name in known})


def frozen(value: Any) -> Any:
    """Lists of JSON as tuples."""
    return tuple(frozen(one) for one in value) if isinstance(value, list | tuple) else value


def _thawed(value: Any) -> Any:
    return [_thawed(one) for one in value] if isinstance(value, tuple) else value
