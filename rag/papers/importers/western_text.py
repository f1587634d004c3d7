"""Whether bytes are Western text in Windows-1252 or Mac Roman: by where the signs beyond ASCII stand among letters.

Statistics of letters, by which encodings are guessed else, tell these two apart badly: a list of papers has a handful
of accents. But ``Mźller`` or ``donÕt`` is no word in any language, so each sign votes by its neighbours.
"""

from __future__ import annotations

import re
import unicodedata

_RUN = re.compile(r"[^\x00-\x7f]++")
_FOREIGN = 3  # signs
WESTERN = ("cp1252", "mac_roman")
_FEWEST_GOOD = 0.8  # of the signs beyond ASCII
_OPENING, _CLOSING = "“‘„‚«‹¿¡([{", "”’»›…"
_DASHES = "–—"
_FREE = "•°±×µ§©®™€£¥†‡‰¶·¬\u00a0½¼¾²³¹ºª¨∞≤≥≠≈∑∏π∫∂ΩΔ√÷"  # these stand anywhere
_WORDS = "àáâèéóåöøù"  # of one letter, in some language
_MOST = 2_000  # signs that are looked at


def western_encoding(data: bytes) -> str | None:
    """``cp1252`` or ``mac_roman`` where ``data`` reads well as one of them; None where it reads as neither.

    A byte that Windows-1252 lacks is no reason against it, where the others read well and Mac Roman would not: one bad
    byte must not cost the encoding of a file.
    """
    windows_text = data.decode("cp1252", "replace")
    windows, mac = share_of_good(windows_text), share_of_good(data.decode("mac_roman"))
    if mac < _FEWEST_GOOD and "\ufffd" in windows_text:
        windows = share_of_good(windows_text.replace("\ufffd", " "))
    if max(windows, mac) < _FEWEST_GOOD:
        return None
    return "mac_roman" if mac > windows else "cp1252"


def share_of_good(text: str) -> float:
    """Of the signs beyond ASCII in ``text``, the share that stands where such a sign can; 1 where there is none."""
    good = seen = 0
    for match in _RUN.finditer(text):
        for at in range(match.start(), min(match.end(), match.start() + _MOST)):
            seen += 1
            # Three and more together are a word of another script, misread.
            good += match.end() - match.start() < _FOREIGN and _stands_well(text, at)
        if seen >= _MOST:
            break
    return good / seen if seen else 1.0


def _stands_well(text: str, at: int) -> bool:
    sign, before, after = text[at], text[at - 1] if at else " ", text[at + 1 : at + 2] or " "
    if sign in _FREE:
        return not (before.isalpha() and after.isalpha())
    if sign in _DASHES:
        return True
    if sign in "’":
        return not before.isspace() or after.isalnum()
    if sign in _OPENING:
        return not before.isalnum() and (not after.isspace() or sign == "«")
    if sign in _CLOSING:
        return not before.isspace() or sign == "»"
    if not sign.isalpha() or unicodedata.category(sign) == "Lm":
        return False
    if sign.isupper():
        # Within a word only where all of it is in capitals (MÜLLER).
        return not (before.islower() or (before.isalpha() and after.islower()))
    in_word = before.isalpha() or before in "-'’" or after.isalpha() or sign in _WORDS
    return in_word and not (before.isupper() and after.isupper())
