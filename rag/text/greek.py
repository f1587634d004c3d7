"""Greek letters by name, so that texts find each other whichever way they write them: TGF-β, TGF-beta, TGF-b.

'α' is 'alpha' wherever it stands, within a word too: TNFα is 'TNF alpha', NF-κB is 'NF-kappa B'. A name that is written
together with capitals is taken apart likewise (NF-kappaB, TNFalpha). A Latin letter is taken for the Greek one that it
looks like only where it can hardly be anything else: a small letter behind a hyphen and an acronym (TGF-b1, NF-kB), or
a k between capitals (NFkB).
"""

from __future__ import annotations

import re

_NAMES = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "ο": "omicron", "π": "pi", "ρ": "rho",
    "σ": "sigma", "ς": "sigma", "τ": "tau", "υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
    "ϵ": "epsilon", "ϑ": "theta", "ϰ": "kappa", "ϖ": "pi", "ϱ": "rho", "ϕ": "phi", "µ": "mu",
}  # fmt: skip
_NAMES |= {letter.upper(): name for letter, name in _NAMES.items() if len(letter.upper()) == 1}
_ALL = "".join(_NAMES)
_LOOKALIKES = {"a": "alpha", "b": "beta", "d": "delta", "e": "epsilon", "g": "gamma", "k": "kappa"}
_SCRIPT = r"\u0370-\u03ff\u1f00-\u1fff"
_WORD = re.compile(rf"[{_SCRIPT}]{{4}}")  # Greek as a language, not as symbols
# A micro sign of a unit (µm, µg) is none of a name.
_SYMBOL = re.compile(rf"[μµ](?![A-Za-z]{{1,3}}\b)|(?![μµ])[{_ALL}]")
# 'eta' ends 'beta', and 'mu', 'nu', 'pi', 'chi' are in other words.
_LONG = sorted({name for name in _NAMES.values() if len(name) > 3})
_LONG_NAME = re.compile("|".join(_LONG))
_SMALL = re.compile("[a-z]")
# Patterns that begin with a letter of their own are quick: every abstract and every sentence is read by them.
_BEHIND_HYPHEN = re.compile(r"-(?:([abdeg])(?![a-z])|k(?=[A-Z])|k(?=b(?![a-z]))|k(?![A-Za-z]))")
_BETWEEN = re.compile(r"k(?=[A-Z])(?<=[A-Z]{2}k)")
_ACRONYM = re.compile(r"[A-Z]{2}\d?$")
_TYPED = re.compile(r"(?<![\w-])[aeiou]?[b-df-hj-np-tv-xz]{2,4}$")  # 'tgf-b', 'ifn-g', 'nf-kb'
_LONGEST = 8  # characters of what is typed before the hyphen, and of what precedes that


def with_names(text: str) -> str:
    """``text`` with Greek letters by their names, set off from what stands beside them; Greek words stay."""
    if not text.isascii() and not _WORD.search(text):
        text = _SYMBOL.sub(lambda found: f" {_NAMES[found[0]]} ", text)
    if any(name in text for name in _LONG):
        text = _LONG_NAME.sub(_set_off, text)
    if "-" in text:
        text = _BEHIND_HYPHEN.sub(_looked_like, text)
    return _BETWEEN.sub(" kappa ", text)


def _set_off(found: re.Match[str]) -> str:
    """A name that is written together with capitals, set off from them; any other stays."""
    text, name = found.string, found[0]
    before, behind = text[found.start() - 1 : found.start()], text[found.end() : found.end() + 1]
    joined = (_is_capital(before) and not _SMALL.match(behind)) or (_is_capital(behind) and not before.isalpha())
    return f" {name} " if joined else name


def _looked_like(found: re.Match[str]) -> str:
    """The name of the letter behind a hyphen, where an acronym stands before it."""
    before = found.string[max(0, found.start() - _LONGEST) : found.start()]
    if _ACRONYM.search(before) or _TYPED.search(before):
        return f"-{_LOOKALIKES[found[1] or 'k']} "
    return found[0]


def _is_capital(letter: str) -> bool:
    return "A" <= letter <= "Z"
