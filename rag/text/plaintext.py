"""What people put into titles and abstracts (LaTeX, HTML, JATS, odd characters) to plain text.

:func:`plain_text` never raises and never loses a figure: ``50\\%`` becomes ``50%``, ``10<sup>5</sup>``
becomes ``10^5``, and a ``%``, ``&``, ``#`` or ``$`` that is no markup stays. LaTeX (``latex.py``) is parsed
only where a backslash, a brace or a formula suggests it: most abstracts have none.
"""

from __future__ import annotations

import html
import re
import unicodedata

from rag.text.latex import has_latex, latex_to_text, restore_lost_backslashes
from rag.text.unseen import without_hidden

_CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u2060\ufeff\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]"
)
_SPACE = re.compile(r"\s+")

# An entity needs its semicolon: without it `AT&T` and `a&b` would be at risk.
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ATTRIBUTES = r"""(?:\s+[\w:.-]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'))*\s*/?"""
_BLOCK_TAG = re.compile(
    rf"</?(?:(?:jats:)?(?:p|title|sec|label|list|list-item|abstract)|br|div|li|ul|ol|h[1-6]|tr|td){_ATTRIBUTES}>", re.I
)
_SUPERSCRIPT = re.compile(rf"<(?:jats:)?sup{_ATTRIBUTES}>([^<>]*)</(?:jats:)?sup\s*>", re.I)
_INLINE_TAG = re.compile(
    rf"</?(?:(?:jats|mml|xhtml):[\w-]+|sub|sup|i|b|u|em|strong|italic|bold|sc|span|tt|code|a|font|small|big|math|m[ino]|mrow|msub|msup|"
    rf"inline-formula|tex-math|ext-link|xref|alternatives|underline|monospace){_ATTRIBUTES}>",
    re.I,
)
# Signs that reference managers write as macros: they are put back first, for they may spell tags (<i> and the like).
_SIGN_MACRO = re.compile(
    r"\{\\text(less|greater|bar|quotesingle|quotedbl)\s*+(?:\{\})?\}"
    r"|\\text(less|greater|bar|quotesingle|quotedbl)(?![A-Za-z])(?:\{\})?"
)
_SIGNS = {"less": "<", "greater": ">", "bar": "|", "quotesingle": "'", "quotedbl": '"'}
_SIGN_FORMULA = re.compile(r"\$([<>|])\$")
_RAISED_MACRO = re.compile(r"\\textsuperscript\s*+\{((?:[^{}\\]|\{[^{}]*\}|\\.){0,200}+)\}")
_CARET = re.compile(r"\\\^\{\s*+\}|\\textasciicircum(?![A-Za-z])(?:\{\})?")
# They print nothing; Better BibTeX balances braces with them.
_PHANTOM = re.compile(r"\\[vh]?phantom\s*+(?:\{(?:[^{}\\]|\\.)*+\}|\\[{}])")
_MOST_ESCAPES = 3  # times that an entity was escaped again by the programs that it went through
_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}
_ORDINAL = re.compile(r"(?:st|nd|rd|th|TM|®|™)$", re.I)

# A tie binds words (Figure~3, networks~(CNNs)); before a figure on its own it means 'about' and stays.
_TIE = re.compile(r"(?<=[^\W\d_]{2})~|(?<=[:;,.)\]])~(?=\S)")
_TRACE_OF_TEX = re.compile(r"\\[A-Za-z\"'`^~=.%&#_$]|\$[^$]+\$")
_SINGLE_QUOTED = re.compile(r"(?<![\\\w])`(\w[^`'\n]{0,80})'")


def plain_text(text: str, *, tex: bool = True) -> str:
    """``text`` without markup, in Unicode NFC, with single blanks, no control characters and none that is not seen.

    With ``tex=False`` it comes from a format that has nothing to do with TeX: braces, ``~`` and backticks are
    characters, unless a macro or a formula beside them shows that somebody put TeX there all the same.

    Never raises: what cannot be parsed as LaTeX keeps its words, without backslashes before signs.
    """
    if not text:
        return ""
    text = _CONTROL.sub(lambda m: "" if m.group() < " " or m.group() > "\x84" else " ", text)
    if "\\" in text or "$" in text:
        text = _with_signs(text)
    if "&" in text:
        text = _without_entities(text)
    if "<" in text:
        text = _without_tags(text)
    tex = tex or _TRACE_OF_TEX.search(text) is not None
    if tex and ("~" in text or "`" in text):
        text = _without_ties_and_quotes(text)
    if tex and "{" in text:
        text = restore_lost_backslashes(text)
    if tex and has_latex(text):
        text = latex_to_text(text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", without_hidden(text)).translate(_LIGATURES)
    return _SPACE.sub(" ", text).strip()


def clean_line(text: str) -> str:
    """``text`` as it stands, without control characters and with single blanks: for ids and URLs."""
    return _SPACE.sub(" ", without_hidden(_CONTROL.sub("", text))).strip()


def encodable(text: str) -> str:
    """``text`` as UTF-8 can hold it: a lone surrogate, which a browser or a JSON file may send, becomes ``?``."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _with_signs(text: str) -> str:
    """``text`` with ``{\\textless}`` as ``<`` and the like, and without what LaTeX does not print."""
    text = _SIGN_MACRO.sub(lambda m: _SIGNS[m[1] or m[2]], text)
    text = _PHANTOM.sub("", _SIGN_FORMULA.sub(r"\1", text))
    return _CARET.sub("^", _RAISED_MACRO.sub(lambda m: _raised(m[1].strip()), text))


def _without_entities(text: str) -> str:
    """``text`` with entities as their characters, also where ``&amp;lt;`` was escaped twice."""
    for _ in range(_MOST_ESCAPES):
        before = text
        text = _ENTITY.sub(lambda m: html.unescape(m.group()).replace("\ufffd", ""), text)
        if text == before:
            break
    return _CONTROL.sub("", text)  # &#0; and &#x1b; are entities too


def _without_tags(text: str) -> str:
    text = _BLOCK_TAG.sub(" ", text)
    # 10<sup>5</sup> without a sign would read as 105, a wrong figure.
    text = _SUPERSCRIPT.sub(lambda m: _raised(m[1].strip()), text)
    return _INLINE_TAG.sub("", text)


def _raised(text: str) -> str:
    return text if not text or _ORDINAL.match(text) else f"^{text}"


def _without_ties_and_quotes(text: str) -> str:
    if "``" in text:  # '' alone may be a second derivative
        text = text.replace("``", '"').replace("''", '"')
    if "`" in text:
        text = _SINGLE_QUOTED.sub(r"'\1'", text)
    return _TIE.sub(" ", text)
