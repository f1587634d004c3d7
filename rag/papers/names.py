"""Names of people, as records spell them and as people ask for them."""

from __future__ import annotations

import re

from rag.text.folding import fold

_NAME_PART = re.compile(r"[^\W\d_]+")


def name_parts(name: str) -> tuple[str, ...]:
    """The words and initials of a person's name, comparable."""
    return tuple(_NAME_PART.findall(fold(name)))


def is_called(author: str, typed: str) -> bool:
    """Whether an author may be meant by a name: the family name in full, further names in full or by initials."""
    name, wanted = name_parts(author), name_parts(typed)
    if not wanted:
        return False
    *given, family = wanted
    if family not in name or len(family) == 1:
        return False
    others = [part for part in name if part != family]
    return all(any(one == part or _is_initial(one, part) for part in others) for one in given)


def _is_initial(one: str, other: str) -> bool:
    return one[0] == other[0] and 1 in (len(one), len(other))
