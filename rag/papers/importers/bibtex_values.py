"""The value of a BibTeX field as it stands in the file to its text: braces, quotation marks, ``#``, names of strings.

bibtexparser leaves values as they are written where a field is repeated or joined with ``#``, so they are read here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

_SIGN_OF_VALUE = re.compile(r'(?<!\\)[{}"#]')
_ENTITY = re.compile(r"&#?\w{1,10}\Z")
_MONTHS = (
    "January February March April May June July August September October November December"
).split()  # names that every style defines
MONTHS = {name[:3].lower(): name for name in _MONTHS}
_DASHES = re.compile(r"(?<!-)---?(?!-)")
_TIE = re.compile(r"(?<=[^\s\\/])~(?=[^\s~])")  # none in an address (/~lee), and ' ~5' means 'about'
_OPTION = re.compile(r"(?<=\s)--(?=[a-z])")  # such as --help, of a program


def value_of(raw: str, strings: Mapping[str, str]) -> str:
    """The text of a value as it stands between ``=`` and the comma; ``strings`` holds the texts of those that
    the file defines.

    Its parts (``series # {Water } # "Mills"``) are joined; a name that nobody defines stays as it is.
    """
    parts: list[str] = []
    depth, quoted, begin = 0, False, 0
    for match in _SIGN_OF_VALUE.finditer(raw):
        sign = match[0]
        if sign == "#" and not depth and not quoted:
            parts.append(raw[begin : match.start()])
            begin = match.end()
        elif sign == '"' and not depth:
            quoted = not quoted
        elif sign in "{}":
            depth += 1 if sign == "{" else -1
    parts.append(raw[begin:])
    return "".join(_part(part.strip(), strings) for part in parts)


def _part(part: str, strings: Mapping[str, str]) -> str:
    if len(part) > 1 and (part[0], part[-1]) in (("{", "}"), ('"', '"')):
        return part[1:-1]
    name = part.lower()
    return strings[name] if name in strings else MONTHS.get(name, part)


def typeset(text: str) -> str:
    """``--``, ``---`` and ``~`` as the dashes and blanks that TeX prints; the options of a command line stay."""
    if "~" in text:
        text = _TIE.sub(" ", text)
    if "--" not in text:
        return text
    options = {found.start() for found in _OPTION.finditer(text)}
    return _DASHES.sub(lambda found: found[0] if found.start() in options else "—" if len(found[0]) == 3 else "–", text)


def divided(value: str) -> list[str]:
    """The words of a list such as ``{soil, clay; }``: at semicolons, or else commas, that stand in no braces."""
    sign = ";" if _outside(value, ";") else ","
    at = [-1, *_outside(value, sign), len(value)]
    return [word for begin, end in pairwise(at) if (word := value[begin + 1 : end].strip())]


def _outside(value: str, sign: str) -> list[int]:
    """Where ``sign`` stands outside of braces; behind a backslash (``\\&amp;``) it is no sign of a list."""
    depth, found = 0, []
    for at, one in enumerate(value):
        depth += (one == "{") - (one == "}")
        if one == sign and depth <= 0 and not (sign == ";" and _ENTITY.search(value, max(0, at - 12), at)):
            found.append(at)
    return found
