"""What PubMed's formats have in common: types of publications, notes of retraction, names with initials."""

from __future__ import annotations

import re
from collections.abc import Iterable

_INITIALS = re.compile(r"\A(\S.*) ([A-Z]{1,4})(?: (Jr|Sr|2nd|3rd|4th))?")
_KINDS = {
    "preprint": "article", "book": "book", "book chapter": "chapter", "dataset": "dataset",
    "newspaper article": "article-newspaper", "academic dissertation": "thesis", "patent": "patent",
}  # fmt: skip
# Of what another publication says of this one, in PubMed's words and in the tags of its files.
_STATUSES = {
    "retracted": {"retracted publication", "retractionin", "rin"},
    "concern": {"expressionofconcernin", "ecin", "eci"},
    "corrected": {"erratumin", "correctedandrepublishedin", "updatein", "ein", "crin", "cri"},
}


def kind(types: Iterable[str]) -> str:
    """CSL's type of item for PubMed's types of publications."""
    return next((_KINDS[one.lower()] for one in types if one.lower() in _KINDS), "article-journal")


def status(types_and_links: Iterable[str]) -> str:
    """What became of a paper, from its types of publications and the names of its links to others; ``''`` for most.

    The notice of a retraction is no retracted paper.
    """
    words = {one.lower() for one in types_and_links}
    return next((name for name, signs in _STATUSES.items() if words & signs), "")


def full_name(name: str) -> str:
    """``Wick NB`` as ``Wick, NB``; other notations stay."""
    found = _INITIALS.fullmatch(name) if "," not in name else None
    return f"{found[1]}{' ' + found[3] if found[3] else ''}, {found[2]}" if found else name


def heading(text: str) -> str:
    """A heading of the Medical Subject Headings without the star of a main topic."""
    return text.replace("*", "").strip()
