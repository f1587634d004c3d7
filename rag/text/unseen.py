"""Characters that are not seen: they drive terminals, reorder a line, or hide words from everybody but a program.

What Unicode calls 'default ignorable' (DerivedCoreProperties.txt: zero-width characters, bidirectional marks, tags,
variation selectors) can carry a whole message beside a text that looks like any other. Two kinds of them are letters'
business and stay where they are: the joiners of Persian and of the scripts of India, and one variation selector.
"""

from __future__ import annotations

import re

_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_JOINERS = "\u200c\u200d"
_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f"
_IGNORABLE = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
_NO_CHARACTERS = "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
_HIDDEN = re.compile(f"[{_IGNORABLE}{_NO_CHARACTERS}]")
_CONTROL = re.compile(f"[{_CONTROLS}]")
# Joiners stand behind a letter of a script that has them, never behind a Latin one, nor two in a row.
_STRAY = re.compile(rf"(?<![\u0600-\U0010ffff])[{_JOINERS}{_SELECTORS}]+|(?<=[{_JOINERS}{_SELECTORS}])[{_SELECTORS}]+")
_DOUBLE = re.compile(rf"([{_JOINERS}])[{_JOINERS}]+")
_ANY = re.compile(f"[{_CONTROLS}{_IGNORABLE}{_NO_CHARACTERS}{_JOINERS}{_SELECTORS}\u2028\u2029]")


def without_hidden(text: str) -> str:
    """``text`` without characters that are not seen; controls and white space stay as they are."""
    if text.isascii():
        return text
    return _DOUBLE.sub(r"\1", _STRAY.sub("", _HIDDEN.sub("", text)))


def clean(text: str) -> str:
    """``text`` without what is not seen: of all controls tab and line feed stay, every end of a line is a line feed."""
    for end in ("\r\n", "\r", "\u2028", "\u2029"):
        text = text.replace(end, "\n")
    return without_hidden(_CONTROL.sub("", text))


def one_line(text: str) -> str:
    """:func:`clean`, with every run of white space made one space."""
    return " ".join(clean(text).split())


def escaped_json(text: str) -> str:
    r"""JSON ``text`` with such characters as ``\u`` escapes: the same value, and nothing that a terminal would do."""
    return _ANY.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    pairs = [units[at : at + 2].hex() for at in range(0, len(units), 2)]
    return "".join(f"\\u{pair}" for pair in pairs)
