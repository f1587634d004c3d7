"""LaTeX macros to Unicode text: pylatexenc with the macros that titles and abstracts use, and rules for the others.

Macros that nobody knows keep their name (``\\overfeat`` is ``overfeat``), since it is usually the name of the thing
itself.
"""

from __future__ import annotations

import logging
import re
from functools import cache
from typing import Any

# pylatexenc lets errors of its own inner workings through when a macro lacks its arguments.
PARSER_FAILURES = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RuntimeError)

_MOST_READINGS = 8  # of each character of a text by the parser
_FONTS = (
    "em it bf rm sc sf tt sl cal itshape bfseries scshape rmfamily ttfamily sffamily upshape normalfont small large "
    "Large LARGE huge Huge tiny scriptsize footnotesize normalsize centering noindent displaystyle textstyle limits "
    "nolimits left right big Big bigg Bigg bigl bigr Bigl Bigr xspace protect"
).split()
_SHORTHANDS = {
    "ie": "i.e.", "eg": "e.g.", "etc": "etc.", "etal": "et al.", "wrt": "w.r.t.", "cf": "cf.", "vs": "vs.",
    "textpm": "±", "degree": "°", "textdegree": "°", "eps": "ε",
    "textbraceleft": "{", "textbraceright": "}",
}  # fmt: skip
_CITATIONS = [f"cite{suffix}" for suffix in ("", "t", "p", "alt", "alp", "author", "year", "yearpar", "num")]
_REFERENCES = ["ref", "eqref", "autoref", "cref", "Cref", "label"]


@cache
def _converter() -> _Converter:
    return _Converter()


def macros_to_text(latex: str) -> str:
    """``latex`` with its macros replaced by what they print. Raises one of :data:`PARSER_FAILURES` for broken LaTeX."""
    return _converter().text(latex)


class _Converter:
    """pylatexenc with our grammar and our replacements. Loaded when the first text needs it."""

    def __init__(self) -> None:
        from pylatexenc import latex2text, latexwalker, macrospec

        logging.getLogger("pylatexenc").setLevel(logging.ERROR)  # it reports every odd brace
        self.grammar = latexwalker.get_default_latex_context_db()
        self.grammar.add_context_category(
            "footnote",
            prepend=True,
            macros=[macrospec.std_macro(name, "{") for name in (*_REFERENCES, "citenum", "textsf")]
            + [macrospec.std_macro(name, "{{") for name in ("dfrac", "tfrac", "nicefrac", "sfrac", "binom")],
        )
        self.replacements = latex2text.get_default_latex_context_db()
        replaced = {
            **dict.fromkeys(_FONTS, ""),
            **{name: _constant(text) for name, text in _SHORTHANDS.items()},
            # The parser's own replacements look like tags (<cit.>, <ref>): the key says more.
            **dict.fromkeys([*_CITATIONS, "footnote"], _last_argument_in_brackets),
            **dict.fromkeys(_REFERENCES, _last_argument),
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
        self._walker = _bounded(latexwalker.LatexWalker)
        self._renderer = latex2text.LatexNodes2Text(
            self.replacements, math_mode="text", keep_comments=True, strict_latex_spaces=False
        )

    def text(self, latex: str) -> str:
        latex = re.sub(r"\\([A-Za-z]+)(?=\{)", self._without_unknown, latex)
        walker = self._walker(latex, latex_context=self.grammar, tolerant_parsing=True)
        return str(self._renderer.nodelist_to_text(walker.get_latex_nodes()[0]))

    def _without_unknown(self, match: re.Match[str]) -> str:
        """``\\mymacro{words}`` is ``words``; without an argument the macro's name is kept."""
        name = match[1]
        known = name in ("begin", "end", "verb") or any(
            getattr(db.get_macro_spec(name), "macroname", None) == name for db in (self.grammar, self.replacements)
        )
        return match.group() if known else ""


def _bounded(walker: type) -> Any:
    """The parser, which gives up on a text that it reads over and over: for each fault it tries a group again, and for
    faults in groups within groups the times multiply."""

    class Bounded(walker):  # type: ignore[misc]
        def get_token(self, *given: Any, **named: Any) -> Any:
            self.tokens_read = getattr(self, "tokens_read", 0) + 1
            if self.tokens_read > _MOST_READINGS * len(self.s) + 1_000:
                raise RuntimeError("this LaTeX has faults in too many groups within groups")
            return super().get_token(*given, **named)

    return Bounded


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
