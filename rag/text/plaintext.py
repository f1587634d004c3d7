"""What people put into titles and abstracts (LaTeX, HTML, JATS, odd characters) to plain text.

:func:`plain_text` never raises and never loses a figure: ``50\\%`` becomes ``50%``, ``10<sup>5</sup>``
becomes ``10^5``, and a ``%``, ``&``, ``#`` or ``$`` that is no markup stays. LaTeX is parsed by
pylatexenc, and only where a backslash, a brace or a formula shows that there is some: most abstracts
take the quick way. Formulas become text (``$O(n^{1/2})$`` is ``O(n^(1/2))``); macros that nobody knows
keep their name (``\\overfeat`` is ``overfeat``), since it is usually the name of the thing itself.
"""

from __future__ import annotations

import html
import logging
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any

# Beyond these a text is no abstract, and a parser that descends recursively should not see it.
_MAX_LATEX_LENGTH = 200_000
_MAX_BRACE_DEPTH = 40

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
_SUPERSCRIPT = re.compile(rf"<(?:jats:)?sup{_ATTRIBUTES}>\s*([^<>]*?)\s*</(?:jats:)?sup\s*>", re.I)
_INLINE_TAG = re.compile(
    rf"</?(?:(?:jats|mml|xhtml):[\w-]+|sub|sup|i|b|u|em|strong|italic|bold|sc|span|tt|code|a|font|small|big|math|m[ino]|mrow|msub|msup|"
    rf"inline-formula|tex-math|ext-link|xref|alternatives|underline|monospace){_ATTRIBUTES}>",
    re.I,
)
_ORDINAL = re.compile(r"(?:st|nd|rd|th|TM|®|™)$", re.I)

# Some listings lose the backslash of a font macro: texttt{D}ual can be read in no other way.
_LOST_BACKSLASH = re.compile(r"(?<![\\A-Za-z])(?=(?:text(?:tt|bf|it|sc|rm|sf|up)|math(?:bf|cal|rm|bb|sf)|emph)\{)")
# What remains of \href{URL}{text} in such listings.
_LOST_HREF = re.compile(r"(https?://[^\s{}]+)\{([^{}]*)\}")
_URL = re.compile(r"(?:https?|ftp)://[^\s{}\\$<>]+")
_URL_MACRO = re.compile(r"\\(?:url|path|href)\s*\{([^{}]*)\}(\s*\{([^{}]*)\})?")
# A tie binds words (Figure~3, networks~(CNNs)); before a figure on its own it means 'about' and stays.
_TIE = re.compile(r"(?<=[^\W\d_]{2})~|(?<=[:;,.)\]])~(?=\S)")
_SINGLE_QUOTED = re.compile(r"(?<![\\\w])`(\w[^`'\n]{0,80})'")
_SCRIPT_GROUP = re.compile(r"(?<!\\)([_^])\{((?:[^{}]|\{[^{}]*\})*)\}")
_DOLLAR = re.compile(r"(?<!\\)\$")
_DISPLAY = re.compile(r"\$\$([^$]+)\$\$")
_INLINE = re.compile(r"\$((?:[^$\\]|\\.)+)\$", re.S)
_TRACE_OF_LATEX = re.compile(r"[\\{}]|\$[^$]+\$")
_TOKEN = re.compile(r"\\.|[{}$]|[^\\{}$]+|\\", re.S)
_ENVIRONMENT = re.compile(r"\\(?:begin|end|verb)\b|\\[\[\]()]")
_SHORTEST_PROSE = 40
_ACCENT_OR_MACRO = re.compile(r"\\([%&#$_{}])")

# Characters that LaTeX reads as commands though the author meant them: they pass through the parser
# as noncharacters of Unicode, which no text may contain (the input is freed from them first).
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
_TO_SHIELD = str.maketrans(_SHIELD)
_FROM_SHIELD = str.maketrans({shield: char for char, shield in _SHIELD.items()})


def plain_text(text: str) -> str:
    """``text`` without markup, in Unicode NFC, with single blanks and no control characters.

    Never raises: what cannot be parsed as LaTeX keeps its words, without backslashes before signs.
    """
    if not text:
        return ""
    text = _CONTROL.sub(lambda m: "" if m.group() < " " or m.group() > "\x84" else " ", text)
    if "&" in text:
        text = _ENTITY.sub(lambda m: html.unescape(m.group()).replace("\ufffd", ""), text)
        text = _CONTROL.sub("", text)  # &#0; and &#x1b; are entities too
    if "<" in text:
        text = _without_tags(text)
    if "~" in text or "`" in text:
        text = _without_ties_and_quotes(text)
    if "{" in text:
        text = _LOST_HREF.sub(_link_text, _LOST_BACKSLASH.sub(r"\\", text))
    if _TRACE_OF_LATEX.search(text):
        text = _without_latex(text)
    return _SPACE.sub(" ", unicodedata.normalize("NFC", text)).strip()


def clean_line(text: str) -> str:
    """``text`` as it stands, without control characters and with single blanks: for ids and URLs."""
    return _SPACE.sub(" ", _CONTROL.sub("", text)).strip()


def _without_tags(text: str) -> str:
    text = _BLOCK_TAG.sub(" ", text)
    # 10<sup>5</sup> without a sign would read as 105, a wrong figure.
    text = _SUPERSCRIPT.sub(lambda m: m[1] if not m[1] or _ORDINAL.match(m[1]) else f"^{m[1]}", text)
    return _INLINE_TAG.sub("", text)


def _without_ties_and_quotes(text: str) -> str:
    if "``" in text:  # '' alone may be a second derivative
        text = text.replace("``", '"').replace("''", '"')
    if "`" in text:
        text = _SINGLE_QUOTED.sub(r"'\1'", text)
    return _TIE.sub(" ", text)


def _link_text(match: re.Match[str]) -> str:
    url, label = match.groups()
    same = label.replace("\\", "").rstrip("/") in ("", url.rstrip("/"))
    return str(url) if same else f"{url} ({label})"


def _without_latex(text: str) -> str:
    if len(text) > _MAX_LATEX_LENGTH or _depth(text) > _MAX_BRACE_DEPTH:
        return _without_escapes(text)
    text = _URL_MACRO.sub(_url_macro_text, text)
    text = _URL.sub(lambda m: m.group().translate(_TO_SHIELD), text)
    text = _shield_signs(_with_formulas(text))
    text = _SCRIPT_GROUP.sub(_script, text)
    try:
        converted = "".join(_converter().text(part) if markup else part for markup, part in _islands(text))
    except _PARSER_FAILURES:
        converted = _without_escapes(text)
    return converted.translate(_FROM_SHIELD)


def _islands(text: str) -> Iterator[tuple[bool, str]]:
    """Parts of ``text``, each with whether it holds markup. The parser is slow and need not see the prose between."""
    if _ENVIRONMENT.search(text):  # what they enclose belongs to them
        yield True, text
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


# pylatexenc lets errors of its own inner workings through when a macro lacks its arguments.
_PARSER_FAILURES = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RuntimeError)


def _without_escapes(text: str) -> str:
    return _ACCENT_OR_MACRO.sub(r"\1", text)


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
    return inner == inner.strip() and not re.match(r"\d[\d.,]*\s*[A-Za-z]{2,}", inner)


def _shield_signs(text: str) -> str:
    """Shield every %, &, # that is not escaped, every ~ and every dollar that opens no formula."""
    parts = re.split(r"(\$(?:[^$\\]|\\.)+\$)", text)
    for i, part in enumerate(parts):
        signs = "%#" if i % 2 else "%&#~$"
        parts[i] = re.sub(rf"(?<!\\)[{re.escape(signs)}]", lambda m: _SHIELD[m.group()], part)
        if not i % 2:
            # Hyphens and apostrophes stay as typed; an accent (\', \`) or a dash macro is none of these.
            parts[i] = re.sub(r"(?<!\\)['`]|-", lambda m: _SHIELD[m.group()], parts[i])
    return "".join(parts)


def _script(match: re.Match[str]) -> str:
    """``^{1/2}`` keeps what belongs together: ``^(1/2)``; ``_{ij}`` and ``^{-1}`` need no brackets."""
    sign, inner = match.groups()
    plain = re.sub(r"\\[A-Za-z]+|[{}]", "", inner).strip().removeprefix("-")
    return f"{sign}({inner})" if re.search(r"[^\w.*'\\\ufdd8]", plain) else match.group()


_FONTS = (
    "em it bf rm sc sf tt sl cal itshape bfseries scshape rmfamily ttfamily sffamily upshape normalfont small large "
    "Large LARGE huge Huge tiny scriptsize footnotesize normalsize centering noindent displaystyle textstyle limits "
    "nolimits left right big Big bigg Bigg bigl bigr Bigl Bigr xspace protect"
).split()
_SHORTHANDS = {
    "ie": "i.e.", "eg": "e.g.", "etc": "etc.", "etal": "et al.", "wrt": "w.r.t.", "cf": "cf.", "vs": "vs.",
    "textpm": "±", "degree": "°", "textdegree": "°", "eps": "ε",
}  # fmt: skip
_CITING = [f"cite{suffix}" for suffix in ("", "t", "p", "alt", "alp", "author", "year", "yearpar", "num")]
_POINTING = ["ref", "eqref", "autoref", "cref", "Cref", "label"]


@cache
def _converter() -> _Converter:
    return _Converter()


class _Converter:
    """pylatexenc with our grammar and our replacements. Loaded when the first text needs it."""

    def __init__(self) -> None:
        from pylatexenc import latex2text, latexwalker, macrospec

        logging.getLogger("pylatexenc").setLevel(logging.ERROR)  # it reports every odd brace
        self.grammar = latexwalker.get_default_latex_context_db()
        self.grammar.add_context_category(
            "footnote",
            prepend=True,
            macros=[macrospec.std_macro(name, "{") for name in (*_POINTING, "citenum", "textsf")]
            + [macrospec.std_macro(name, "{{") for name in ("dfrac", "tfrac", "nicefrac", "sfrac", "binom")],
        )
        self.replacements = latex2text.get_default_latex_context_db()
        replaced = {
            **dict.fromkeys(_FONTS, ""),
            **{name: _constant(text) for name, text in _SHORTHANDS.items()},
            # The parser's own replacements look like tags (<cit.>, <ref>): the key says more.
            **dict.fromkeys([*_CITING, "footnote"], _last_argument_in_brackets),
            **dict.fromkeys(_POINTING, _last_argument),
            **dict.fromkeys(["frac", "dfrac", "tfrac", "nicefrac", "sfrac"], _fraction),
            "binom": _binomial,
            # Abstracts never include files, and must not be able to ask for one.
            "input": "",
            "include": "",
        }
        self.replacements.add_context_category(
            "footnote",
            prepend=True,
            macros=[latex2text.MacroTextSpec(name, simplify_repl=repl) for name, repl in replaced.items()],
        )
        self.replacements.set_unknown_macro_spec(latex2text.MacroTextSpec("", simplify_repl=_unknown_macro))
        self._renderer = latex2text.LatexNodes2Text(
            self.replacements, math_mode="text", keep_comments=True, strict_latex_spaces=False
        )

    def text(self, latex: str) -> str:
        latex = re.sub(r"\\([A-Za-z]+)(?=\{)", self._without_unknown, latex)
        return str(self._renderer.latex_to_text(latex, latex_context=self.grammar, tolerant_parsing=True))

    def _without_unknown(self, match: re.Match[str]) -> str:
        """``\\mymacro{words}`` is ``words``; without an argument the macro's name is kept."""
        name = match[1]
        known = name in ("begin", "end", "verb") or any(
            getattr(db.get_macro_spec(name), "macroname", None) == name for db in (self.grammar, self.replacements)
        )
        return match.group() if known else ""


def _constant(text: str) -> Any:
    return lambda node: text + str(node.macro_post_space or "")


def _fraction(node: Any, l2tobj: Any) -> str:
    """``a/b``; what is more than one term gets brackets, or ``\\frac{n+1}{2}`` would read ``n+1/2``."""
    parts = [str(l2tobj.nodelist_to_text([a])).strip() for a in (node.nodeargd.argnlist if node.nodeargd else ()) if a]
    return "/".join(f"({part})" if re.search(r"[-+*/ ·×]", part) else part for part in parts)


def _binomial(node: Any, l2tobj: Any) -> str:
    parts = [str(l2tobj.nodelist_to_text([a])).strip() for a in (node.nodeargd.argnlist if node.nodeargd else ()) if a]
    return f"({' choose '.join(parts)})"


def _last_argument(node: Any, l2tobj: Any) -> str:
    arguments = [a for a in (node.nodeargd.argnlist if node.nodeargd else ()) if a is not None]
    return str(l2tobj.nodelist_to_text([arguments[-1]])) if arguments else ""


def _last_argument_in_brackets(node: Any, l2tobj: Any) -> str:
    inner = _last_argument(node, l2tobj).strip()
    return f" ({inner})" if inner else ""


def _unknown_macro(node: Any, l2tobj: Any) -> str:
    if node.nodeargd and node.nodeargd.argnlist:
        return _last_argument(node, l2tobj)
    return f"{node.macroname}{node.macro_post_space or ''}"
