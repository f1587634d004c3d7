r"""Text to values of BibTeX: Unicode as it is, and only what TeX or BibTeX would take for a command written otherwise.

Files are UTF-8, as biber and every reference manager read them: ``α`` stays ``α``, and ``"`` within braces is ``"``.
"""

from __future__ import annotations

import re

from rag.text.unseen import one_line

_SIGNS = {
    "\\": r"{\textbackslash}",
    # BibTeX counts braces even behind a backslash, so a lone one would swallow the rest of the file.
    "{": r"\ensuremath{\lbrace}", "}": r"\ensuremath{\rbrace}",
    "~": r"{\textasciitilde}", "^": r"{\textasciicircum}", "`": r"{\textasciigrave}",
    "%": r"\%", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_",
}  # fmt: skip
_TO_TEX = str.maketrans(_SIGNS)
_DASHES = re.compile(r"-(?=-)")  # which TeX would join
_LINE_WITH_AT = re.compile(r"\n[^\S\n]*+@")
_MARKUP = re.compile(r"[\\{}]")


def escaped(text: str) -> str:
    """``text`` on one line, such that TeX prints it as it stands."""
    return _DASHES.sub("-{}", one_line(text).translate(_TO_TEX))


def as_it_came(value: str) -> bool:
    """Whether ``value`` can stand between braces unchanged: its own braces are closed, whoever counts them."""
    if _LINE_WITH_AT.search(value) or value.endswith("\\") or value != value.strip():
        return False
    return _closed(re.findall(r"[{}]", value)) and _closed(re.findall(r"(?<!\\)[{}]", value))


def is_markup(value: str) -> bool:
    """Whether ``value`` looks as if it was written for TeX."""
    return _MARKUP.search(value) is not None


def _closed(braces: list[str]) -> bool:
    depth = 0
    for brace in braces:
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return not depth
