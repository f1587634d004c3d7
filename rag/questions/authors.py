"""Authors that a question names: 'papers by Hinton', 'what did Hinton show about …'.

A name in explicit wording is an author whoever is in the library; elsewhere only where the library has such an author.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rag.papers.names import is_called

_PAPERS = r"(?:papers?|works?|articles?|publications?|stud(?:ies|y)|preprints?|everything|anything|something)"
_CAPITAL = r"(?:[A-Z]\.|[A-ZÀ-Þ]\w*+(?:[-'’][A-ZÀ-Þ]\w*+)?)"
_PARTICLES = r"(?:(?:van|von|de|der|den|del|da|di|la|le|el|al|bin|ten|ter) ){0,2}"
_NAME = rf"{_PARTICLES}{_CAPITAL}(?: {_PARTICLES}{_CAPITAL}){{0,4}}"
_NAMES = rf"{_NAME}(?: et al\b\.?)?(?:(?:,| and| or| &) {_NAME}){{0,3}}"
_BEHIND = (
    r"(?= ?(?:$|[?.!,;:]|"
    r"\b(?:about|on|in|since|before|after|from|between|that|which|until|are|is|do|did|at|published|treat|use)\b))"
)
# 'papers by X', 'articles written by X and Y': explicit
_BY = re.compile(
    rf"\b(?i:{_PAPERS}(?: (?:that |which )?(?:were |was |are )?(?:written|authored|published|co-authored))?|written|"
    rf"authored)(?P<cut> (?i:by) (?P<names>{_NAMES})){_BEHIND}"
)
_WROTE = re.compile(
    rf"\b(?i:papers|works|articles|publications|studies) (?i:did|has|have) (?P<names>{_NAMES}) (?i:write|written|"
    rf"publish|published)\b"
)
_OF_KNOWN = (
    # 'what did X show about …', 'what has X written on …'
    re.compile(
        rf"\b(?i:what|how|where|when|why|\w+) (?i:did|does|do|has|have) (?P<cut>(?P<names>{_NAMES})) (?i:ever )?"
        r"(?i:show|shown|find|found|write|written|say|said|argue|argued|propose|proposed|report|reported|publish|published|"
        r"think|claim|claimed|conclude|concluded|study|studied|measure|measured|contribute|contributed)\b"
    ),
    re.compile(rf"\b(?P<cut>(?i:according to) (?P<names>{_NAMES})),?{_BEHIND}"),
    re.compile(
        rf"(?<![\w'’.-])(?P<cut>(?P<names>{_NAME})['’]s?) (?i:papers?|work|works|articles|publications|studies|"
        rf"views?|findings|results)\b"
    ),
    re.compile(rf"(?P<cut> (?i:by) (?P<names>{_NAMES}))(?= ?[?.!]*$)"),
)
_SPLIT = re.compile(r",? (?:and|or|&) |, ")
_MAY_NAME = re.compile(r"\bby [^\W\d_]|\b(?:did|does|do|has|have) [A-Z]|\bto [A-Z]|['’]", re.IGNORECASE)
_SMALL = re.compile(rf"\b(?i:{_PAPERS})(?P<cut> by (?P<names>[a-z][\w'’-]+)){_BEHIND}")


@dataclass(frozen=True, slots=True)
class NamedAuthors:
    """``typed``: as the question names them; ``authors``: as records spell them, or as typed where none has such."""

    typed: str
    authors: tuple[str, ...]
    rest: str


def read_authors(text: str, authors: Callable[[], Iterable[str]]) -> NamedAuthors | None:
    """The authors whose papers are asked for, None where none are named. ``authors`` is asked only where some may
    be."""
    if not _MAY_NAME.search(text):
        return None
    match = _BY.search(text) or _WROTE.search(text)
    if match:
        names, _ = _meant(match["names"], authors())
        return NamedAuthors(match["names"], names, _without(text, match))
    for pattern in (*_OF_KNOWN, _SMALL):
        match = pattern.search(text)
        if match:
            names, known = _meant(match["names"], authors())
            if known:
                return NamedAuthors(match["names"], names, _without(text, match))
    return None


def _meant(typed: str, authors: Iterable[str]) -> tuple[tuple[str, ...], bool]:
    """The authors of the library that are meant, sorted, and whether there are some; else the names as typed."""
    wanted = [re.sub(r" et al\b\.?", "", one) for one in _SPLIT.split(typed)]
    found = sorted({author for author in authors if any(is_called(author, one) for one in wanted)})
    return tuple(found or wanted), bool(found)


def _without(text: str, match: re.Match[str]) -> str:
    """The question without the name; where it is the subject of the clause, 'the authors' stand for it."""
    if "cut" not in match.re.groupindex:
        return text
    subject = match["cut"] == match["names"]
    rest = f"{text[: match.start('cut')]}{'the authors' if subject else ''}{text[match.end('cut') :]}"
    return " ".join(rest.split()).strip(" ,")
