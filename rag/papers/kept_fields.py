"""What a record holds beyond the fields that the program uses: kept as it came, so that it can be written back.

In ``Paper.fields`` each is a pair of its name and its value as JSON. Names are CSL's variables where the format's field
means the same (``volume``, ``page``, ``ISSN``); what only one format knows stands under its own name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from rag.datatypes import Paper
from rag.text.unseen import without_hidden

# Names under which an importer hands over what a paper keeps; no file's own field is called so.
RESERVED = ("citation_key", "item_type", "status", "tags", "collections", "notes", "carried")
NOTICE = "notice"  # the status of what is about another paper: a retraction notice, an erratum
STATUSES = ("retracted", "concern", "corrected", NOTICE)  # the first that applies counts
LONGEST = 1_000_000  # characters of all kept fields together; a record with more is damaged, or holds a whole file
_LONGEST_NAME = 100  # characters of a name in the list of what was left out
_MOST_NAMES = 100


LEFT_OUT = "footnote-left-out"  # the name of a list: fields that were too long to be kept
_SURROGATE = re.compile("[\ud800-\udfff]")


def pack(values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """``values`` as :attr:`Paper.fields`, in the order of the file, empty ones left out.

    Characters that nobody sees go, as they do from titles: exports are read by other programs and by models.
    Fields are kept up to a million characters; the names of those beyond stand in the list :data:`LEFT_OUT`.
    """
    kept: list[tuple[str, str]] = []
    left_out: list[str] = []
    room = LONGEST
    for name, value in ((without_hidden(name), value) for name, value in values.items()):
        if value in (None, "", [], {}):
            continue
        text = _as_json(value)
        if text is None or len(name) + len(text) > room:
            left_out.append(name[:_LONGEST_NAME])
            continue
        room -= len(name) + len(text)
        kept.append((name, text))
    if left_out:
        kept.append((LEFT_OUT, json.dumps(left_out[:_MOST_NAMES], ensure_ascii=False)))
    return tuple(kept)


def _as_json(value: Any) -> str | None:
    """``value`` as JSON, a date or the like as its text; None where it is nested too deeply to be written."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
        # Half of a pair of surrogates cannot be stored as UTF-8; its escape can, and is none of the hidden characters.
        return without_hidden(_SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text))
    except (RecursionError, ValueError, TypeError):
        return None


def unpack(paper: Paper) -> dict[str, Any]:
    """The values of :attr:`Paper.fields` by name."""
    return {name: json.loads(value) for name, value in paper.fields}


def strongest(*statuses: str) -> str:
    """Of several statuses the one that counts; empty where all are."""
    return next((one for one in STATUSES if one in statuses), "")


def joined(one: Paper, other: Paper) -> dict[str, Any]:
    """What ``one`` keeps once ``other``, the same paper from another file, is merged into it, by name of the field.

    Tags, collections and notes of both; other fields of ``other`` where ``one`` has none of that name. A paper that one
    of them calls retracted is retracted.
    """
    fields = dict(other.fields) | dict(one.fields)
    return {
        "key": one.key or other.key,
        "kind": one.kind or other.kind,
        "status": strongest(one.status, other.status),
        **{
            name: tuple(dict.fromkeys((*getattr(one, name), *getattr(other, name))))
            for name in ("tags", "collections", "notes")
        },
        "fields": tuple(fields.items()),
    }
