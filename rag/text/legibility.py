"""Words that a network with an English vocabulary cannot read, and would pass over as if they were not there."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W\d_]+")
# Blocks of Unicode with letters of the Latin and the Greek alphabet, phonetic and mathematical ones with them.
_LEGIBLE = (
    (0x0000, 0x03FF),
    (0x1D00, 0x2BFF),
    (0x2C60, 0x2C7F),
    (0xA720, 0xA7FF),
    (0xFB00, 0xFB06),
    (0xFF21, 0xFF5A),
    (0x1D400, 0x1D7FF),
)
_LONGEST = 28  # letters; 'dichlorodiphenyltrichloroethane' is rarer than words that were glued together


def illegible_words(text: str, source: str) -> list[str]:
    """Words of ``text`` that are neither Latin nor Greek, or too long for a word, and that ``source`` does not have."""
    there: set[str] | None = None
    found = []
    for word in _WORD.findall(text):
        if len(word) <= _LONGEST and (word.isascii() or all(map(_is_legible, word))):
            continue
        there = there if there is not None else set(_WORD.findall(source))
        if word not in there:
            found.append(word)
    return found


def _is_legible(letter: str) -> bool:
    return any(first <= ord(letter) <= last for first, last in _LEGIBLE)
