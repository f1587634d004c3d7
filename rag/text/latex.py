"""LaTeX in titles and abstracts to plain text: formulas, escapes, links.

LaTeX reads ``%``, ``&``, ``#``, ``~`` and ``$`` as commands where the author usually meant the characters. Those pass
through the parser as Unicode noncharacters, which no text may contain; the caller removes these from its input first.
Formulas become text: ``$O(n^{1/2})$`` is ``O(n^(1/2))``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.text.latex_macros import PARSER_FAILURES, macros_to_text

# Beyond these a text is no abstract, and a parser that descends recursively should not see it.
_MAX_LATEX_LENGTH = 200_000
_MAX_BRACE_DEPTH = 40
_MOST_MARKUP = 20_000  # characters of markup: the parser takes some 50 microseconds for each
_MARKUP = re.compile(r"[\\{}$^_]")

# Some listings lose the backslash of a font macro: texttt{D}ual can be read in no other way.
_LOST_BACKSLASH = re.compile(r"(?<![\\A-Za-z])(?=(?:text(?:tt|bf|it|sc|rm|sf|up)|math(?:bf|cal|rm|bb|sf)|emph)\{)")
# What remains of \href{URL}{text} in such listings; {\textasciitilde} is a part of the address.
_LOST_HREF = re.compile(r"(?<![^\s{}])((?>[^\s{}]*?(?=https?://)))(https?://[^\s{}]++)\{(?!\\)([^{}]*)\}")
_URL = re.compile(r"(?:https?|ftp)://[^\s{}\\$<>]+")
_URL_MACRO = re.compile(r"\\(?:url|path|href)\s*\{([^{}]*)\}(\s*\{([^{}]*)\})?")
_SCRIPT_GROUP = re.compile(r"(?<!\\)([_^])\{((?:[^{}]|\{[^{}]*\})*)\}")
_DOLLAR = re.compile(r"(?<!\\)\$")
_DISPLAY = re.compile(r"\$\$([^$]+)\$\$")
_INLINE = re.compile(r"(?<!\\)\$((?:[^$\\]++|\\.)++)\$", re.S)
# Between two dollars, the second of which may be missing: what follows the first is not looked at again.
_BETWEEN_DOLLARS = re.compile(r"\$(?:[^$\\]++|\\.)++(?P<close>\$?)")
_TRACE_OF_LATEX = re.compile(r"[\\{}]|\$[^$]+\$")
_TOKEN = re.compile(r"\\.|[{}$]|[^\\{}$]+|\\", re.S)
_ENVIRONMENT = re.compile(r"\\(?:begin|end|verb)\b|\\[\[\]()]")
_SHORTEST_PROSE = 40  # characters between markup that are worth keeping from the parser
_BRACE = re.compile(r"\\.|[{}]", re.S)
_ESCAPED = re.compile(r"\\(?:([%&#$_])|.)", re.S)
_ESCAPED_SIGN = re.compile(r"\\([%&#$_{}])")

_SHIELD = {
    "%": "\ufdd0",
    "&": "\ufdd1",
    "#": "\ufdd2",
    "~": "\ufdd3",
    "$": "\ufdd4",
    "_": "\ufdd5",
    "^": "\ufdd6",
    "-": "\ufdd7",
    "'": "\ufdd8",
    "`": "\ufdd9",
}
_SIGN_IN_FORMULA = re.compile(r"(?<!\\)[%#]")
_SIGN_IN_PROSE = re.compile(r"(?<!\\)[%&#~$]")
_QUOTE_OR_HYPHEN = re.compile(r"(?<!\\)['`]|-")
_TO_SHIELD = str.maketrans(_SHIELD)
_FROM_SHIELD = str.maketrans({shield: char for char, shield in _SHIELD.items()})


def has_latex(text: str) -> bool:
    """Whether a backslash, a brace or a pair of dollars suggests LaTeX; without one the parser need not be loaded."""
    return _TRACE_OF_LATEX.search(text) is not None


def restore_lost_backslashes(text: str) -> str:
    """``text`` with ``texttt{…}`` as ``\\texttt{…}`` and ``https://…{label}`` as a link with its label."""
    return _LOST_HREF.sub(_link_text, _LOST_BACKSLASH.sub(r"\\", text))


def _link_text(match: re.Match[str]) -> str:
    before, url, label = match.groups()
    same = label.replace("\\", "").rstrip("/") in ("", url.rstrip("/"))
    return f"{before}{url}" if same else f"{before}{url} ({label})"


def latex_to_text(text: str) -> str:
    """``text`` without LaTeX markup. Never raises: what cannot be parsed only loses the backslashes before signs."""
    if len(text) > _MAX_LATEX_LENGTH or _depth(text) > _MAX_BRACE_DEPTH or len(_MARKUP.findall(text)) > _MOST_MARKUP:
        return _without_escapes(text)
    text = _URL_MACRO.sub(_url_macro_text, text)
    text = _URL.sub(lambda m: m.group().translate(_TO_SHIELD), text)
    text = _shield_signs(_without_escaped_signs(_with_formulas(text)))
    text = _SCRIPT_GROUP.sub(_script, text)
    try:
        converted = "".join(macros_to_text(part) if markup else part for markup, part in _islands(text))
    except PARSER_FAILURES:
        converted = _without_escapes(text)
    return converted.translate(_FROM_SHIELD)


def _islands(text: str) -> Iterator[tuple[bool, str]]:
    """Parts of ``text``, each with whether it holds markup. The parser is slow and need not see the prose between."""
    if _ENVIRONMENT.search(text):  # what they enclose belongs to them
        yield True, text
        return
    if text.startswith("{") and _closing(text) == len(text) - 1:  # a title, whose braces keep its capitals
        yield from _islands(text[1:-1])
        return
    island, depth, formula = "", 0, False
    for token in _TOKEN.findall(text):
        if len(token) > _SHORTEST_PROSE and depth <= 0 and not formula and token[0] not in "\\{}$":
            # A macro's argument may follow it unbraced: the first word stays with the markup.
            words = token.split(" ", 2)
            prose = f" {words[2]}" if island and len(words) > 2 else "" if island else token
            island += token[: len(token) - len(prose)]
            if prose:
                yield True, island
                yield False, prose
                island = ""
            continue
        depth += {"{": 1, "}": -1}.get(token, 0)
        formula ^= token == "$"
        island += token
    yield True, island


def _closing(text: str) -> int:
    """Where the brace that ``text`` begins with is closed; -1 where it is not."""
    depth = 0
    for match in _BRACE.finditer(text):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if not depth:
            return match.start()
    return -1


def _without_escaped_signs(text: str) -> str:
    r"""``\%`` and the like as what they print, which spares the parser most of the macros of an abstract."""
    if _ENVIRONMENT.search(text):  # within ``\verb`` they are what they are
        return text
    return _ESCAPED.sub(lambda match: match[0] if match[1] is None else _SHIELD[match[1]], text)


def _without_escapes(text: str) -> str:
    return _ESCAPED_SIGN.sub(r"\1", text)


def _depth(text: str) -> int:
    depth = deepest = 0
    for char in re.findall(r"[{}\[\]]", text):
        depth += 1 if char in "{[" else -1
        deepest = max(deepest, depth)
    return deepest


def _url_macro_text(match: re.Match[str]) -> str:
    url, label = match[1].replace("\\", ""), match[3]
    shielded = url.translate(_TO_SHIELD)
    if not label:
        return shielded
    return shielded if label.replace("\\", "") == url else f"{label} ({shielded})"


def _with_formulas(text: str) -> str:
    """Mark what is a formula (``$…$``, trimmed) and shield every dollar that is money."""
    pieces: list[str] = []
    at = 0
    while (dollar := _DOLLAR.search(text, at)) is not None:
        pieces.append(text[at : dollar.start()])
        found = _DISPLAY.match(text, dollar.start()) or _INLINE.match(text, dollar.start())
        if found is not None and _is_formula(found):
            pieces.append(f"${found[1].strip()}$")
            at = found.end()
        else:
            pieces.append(_SHIELD["$"])
            at = dollar.end()
    return "".join([*pieces, text[at:]])


def _is_formula(found: re.Match[str]) -> bool:
    """Whether the dollars enclose a formula; '$5 and $10', '$3-$4' and '$2 million … $x' do not."""
    inner = found[1]
    if found.group().startswith("$$") or re.search(r"[\\^_=]", inner):
        return True
    if found.string[found.end() : found.end() + 1].isdigit():
        return False
    return inner == inner.strip() and not re.match(r"\A\d[\d.,]*+\s*+[A-Za-z]{2}", inner)


def _shield_signs(text: str) -> str:
    """Shield every %, &, # that is not escaped, every ~ and every dollar that opens no formula."""
    parts: list[str] = []
    at = 0
    for match in _BETWEEN_DOLLARS.finditer(text):
        if match["close"]:
            parts += [_shielded_prose(text[at : match.start()]), _SIGN_IN_FORMULA.sub(_shielded, match.group())]
            at = match.end()
    return "".join([*parts, _shielded_prose(text[at:])])


def _shielded_prose(text: str) -> str:
    """Hyphens and apostrophes stay as typed; an accent (\\', \\`) or a dash macro is none of these."""
    return _QUOTE_OR_HYPHEN.sub(_shielded, _SIGN_IN_PROSE.sub(_shielded, text))


def _shielded(match: re.Match[str]) -> str:
    return _SHIELD[match.group()]


def _script(match: re.Match[str]) -> str:
    """``^{1/2}`` keeps what belongs together: ``^(1/2)``; ``_{ij}`` and ``^{-1}`` need no brackets."""
    sign, inner = match.groups()
    plain = re.sub(r"\\[A-Za-z]+|[{}]", "", inner).strip().removeprefix("-")
    return f"{sign}({inner})" if re.search(r"[^\w.*'\\\ufdd8]", plain) else match.group()
