"""Text made comparable: lower case, no accents, plain hyphens."""

from __future__ import annotations

import re
import unicodedata

_HYPHENS = re.compile("[\\u2010\\u2011\\u2012\\u2013\\u00ad]")
_ACCENTS = re.compile("[\\u0300-\\u036f\\u1ab0-\\u1aff\\u1dc0-\\u1dff\\u20d0-\\u20ff]+")


def fold(text: str) -> str:
    """``text`` in lower case, without accents, with plain hyphens."""
    if not text.isascii():
        text = _ACCENTS.sub("", unicodedata.normalize("NFKD", _HYPHENS.sub("-", text)))
    return text.lower()
