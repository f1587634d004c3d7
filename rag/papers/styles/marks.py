"""The text of the processor with its italics and the like, and what becomes of them in plain text, Markdown and HTML.

While a reference is made, its formatting stands as control characters, which no text of a paper holds (``one_line``
takes them out). So everything else is known to be text when it is escaped at the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

# Each is a pair of characters: where the formatting begins, where it ends.
_ITALIC, _BOLD, _UNDERLINED = "\x0e\x0f", "\x10\x11", "\x12\x13"
_CAPITALS, _RAISED, _LOWERED = "\x14\x15", "\x16\x17", "\x18\x19"
_MARK = re.compile("[\x0e-\x19]")
_PIECES = re.compile("([\x0e-\x19])")
_DOUBLE_STOP = re.compile("([.?!…])([\x0e-\x19]++)\\.|([?!])\\.(?=[\x0e-\x19 ]|$)")
_STRAY_STOP = re.compile("([.,;]) [.,](?=[ \x0e-\x19]|$)")
_STOP_BEHIND_QUOTE = re.compile("(?<![\x0e-\x19])([\x0e-\x19]*+)([”’])([.,])")
_TAGS = {
    _ITALIC: ("<i>", "</i>"),
    _BOLD: ("<b>", "</b>"),
    _UNDERLINED: ("<u>", "</u>"),
    _CAPITALS: ('<span style="font-variant:small-caps">', "</span>"),
    _RAISED: ("<sup>", "</sup>"),
    _LOWERED: ("<sub>", "</sub>"),
}
_MARKDOWN = {_ITALIC: "*", _BOLD: "**"}  # CommonMark has no others


class Formatter:
    """What citeproc-py calls a formatter: its names are the library's."""

    @staticmethod
    def preformat(text: object) -> str:
        return str(text)

    @staticmethod
    def _within(pair: str) -> Callable[[object], str]:
        return lambda text: f"{pair[0]}{text}{pair[1]}" if str(text) else ""

    Italic = Oblique = staticmethod(_within(_ITALIC))
    Bold = staticmethod(_within(_BOLD))
    Light = staticmethod(str)
    Underline = staticmethod(_within(_UNDERLINED))
    SmallCaps = staticmethod(_within(_CAPITALS))
    Superscript = staticmethod(_within(_RAISED))
    Subscript = staticmethod(_within(_LOWERED))


def without_marks(text: str) -> str:
    """The letters alone."""
    return _MARK.sub("", text)


def mended(text: str, stops_in_quotes: bool) -> str:
    """What the processor leaves to do: one full stop where two meet, and in American styles those within quotes."""
    text = " ".join(text.split()).lstrip(" .,;")  # what stood before a part that is not there
    text = _STRAY_STOP.sub(r"\1", text)
    text = _DOUBLE_STOP.sub(lambda found: f"{found[1] or ''}{found[2] or ''}{found[3] or ''}", text)
    if stops_in_quotes:
        text = _STOP_BEHIND_QUOTE.sub(_stop_within, text)
    return text


def _stop_within(match: re.Match[str]) -> str:
    marks, quote, stop = match.groups()
    ended = match.start() > 0 and match.string[match.start() - 1] in ".?!,"
    return f"{marks}{quote}" if ended else f"{stop}{marks}{quote}"


def to_plain(text: str) -> str:
    """``text`` without formatting."""
    return without_marks(text)


def to_html(text: str) -> str:
    """``text`` as HTML: only tags of formatting, always closed."""
    return _written(text, escape, lambda pair: _TAGS[pair])


def to_markdown(text: str, plain: Callable[[str], str]) -> str:
    """``text`` in Markdown; ``plain`` escapes what lies between the formatting."""
    return _written(text, plain, lambda pair: (_MARKDOWN.get(pair, ""),) * 2)


def _written(text: str, plain: Callable[[str], str], tags: Callable[[str], tuple[str, ...]]) -> str:
    written: list[str] = []
    open_pairs: list[str] = []
    for piece in _PIECES.split(text):
        if not _MARK.fullmatch(piece):
            written.append(plain(piece) if piece else "")
            continue
        pair = next(one for one in _TAGS if piece in one)
        if piece == pair[0]:
            if pair not in open_pairs:
                open_pairs.append(pair)
                written.append(tags(pair)[0])
        elif open_pairs and open_pairs[-1] == pair:
            written.append(tags(pair)[1])
            open_pairs.pop()
    written += [tags(pair)[1] for pair in reversed(open_pairs)]
    return "".join(written)
