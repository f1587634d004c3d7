"""What a paper keeps, as texts that the fields of a format can hold."""

from __future__ import annotations

import re
from typing import Any

from rag.papers.divided_names import divided
from rag.text.plaintext import plain_text

_AND = re.compile(r"(?<!\s)\s++and\s++")
_MONTHS = ("January February March April May June July August September October November December").split()


def text_of(value: Any) -> str:
    """A text or number as text; ``''`` for what is neither."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def texts_of(value: Any) -> list[str]:
    """:func:`text_of` of each of a list, or of the one value."""
    found = map(text_of, value if isinstance(value, list) else [value])
    return [text for text in found if text]


def names_of(value: Any) -> list[str]:
    """Names as one reads them, of a list of CSL's names or of BibTeX's text; none for anything else."""
    if isinstance(value, str):
        return [name for one in _AND.split(value) if (name := _first_name_first(plain_text(one)))]
    listed = value if isinstance(value, list) else []
    return [name for one in listed if (name := _csl_name(one))]


def month_of(value: Any) -> int:
    """The month in CSL's ``{"date-parts": [[2020, 5, 1]]}``; 0 where there is none."""
    try:
        month = int(value["date-parts"][0][1])
    except (TypeError, ValueError, LookupError):
        return 0
    return month if 1 <= month <= 12 else 0


def month_name(month: int) -> str:
    """``May`` for 5."""
    return _MONTHS[month - 1]


def family_first(name: str) -> str:
    """``Doe, Jane``, the way that leaves no doubt which is which."""
    given, family = divided(name)
    return f"{family}, {given}" if given else family


def _first_name_first(name: str) -> str:
    last, comma, first = name.partition(",")
    return f"{first.strip()} {last.strip()}" if comma and "," not in first else name


def _csl_name(name: Any) -> str:
    if not isinstance(name, dict):
        return text_of(name)
    parts = ("given", "dropping-particle", "non-dropping-particle", "family", "suffix")
    return text_of(name.get("literal")) or " ".join(filter(None, (text_of(name.get(part)) for part in parts)))
