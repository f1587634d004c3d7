"""Where a paper is in Zotero: ``library/items/KEY`` or ``groups/ID/items/KEY``, as zotero:// addresses have it."""

from __future__ import annotations

import re

from rag.datatypes import Paper

ITEM_FIELD = "zotero:item"  # in Paper.fields
_PLACE = re.compile(r"(?:library|groups/[1-9][0-9]{0,11})/items/[A-Z0-9]{8}")


def is_place(text: str) -> bool:
    """Whether ``text`` is the place of one of Zotero's items, and nothing else."""
    return _PLACE.fullmatch(text) is not None


def select_address(paper: Paper) -> str:
    """The address that shows the paper's item in Zotero, '' where it has none or the field holds something else."""
    for name, value in paper.fields:
        if name == ITEM_FIELD:
            # Any file may bring a field of this name: only what looks like one of Zotero's places becomes a link.
            place = value[1:-1] if value.startswith('"') else ""
            return f"zotero://select/{place}" if is_place(place) else ""
    return ""
