"""The key under which a paper is cited: the user's own, else one made of author, year and title."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from rag.datatypes import Paper
from rag.papers.divided_names import divided

# What LaTeX, BibTeX and Pandoc's braces take: no blank, and none of the signs that mean something to them.
_OWN_KEY = re.compile(r"[^\s{},=\"#%~\\\x00-\x1f\x7f]{1,200}")
_PLAIN_KEY = re.compile(r"\w(?:[\w:.+/-]{0,200}\w)?")  # Pandoc ends a key at other characters, and at a last dot
_STOPWORDS = frozenset(
    "a an and at by can do does for from how in is of on or the to towards via what when with".split()
)


def is_usable(key: str) -> bool:
    """Whether every program that reads BibTeX takes ``key`` as it stands."""
    return _OWN_KEY.fullmatch(key) is not None


def citation_keys(papers: Sequence[Paper]) -> list[str]:
    """A key for each paper, all different: the user's own, else from author, year and first telling word of the title.

    Own keys come first: a key that is made, or the second paper of one key, gets a number behind it. A key that BibTeX
    could not read as one is not used.
    """
    own = [paper.key if is_usable(paper.key) else "" for paper in papers]
    taken = set(own)
    keys: list[str] = []
    given: set[str] = set()
    for paper, key in zip(papers, own, strict=True):
        if not key or key in given:
            key = _numbered(key or _made(paper), taken)
        given.add(key)
        taken.add(key)
        keys.append(key)
    return keys


def pandoc_citation(key: str) -> str:
    """``@key`` as Pandoc's Markdown has it, with braces around a key that it would cut short."""
    return f"@{key}" if _PLAIN_KEY.fullmatch(key) else f"@{{{key}}}"


def _numbered(stem: str, taken: set[str]) -> str:
    key, count = stem, 1
    while key in taken:
        count += 1
        key = f"{stem}-{count}"
    return key


def _made(paper: Paper) -> str:
    family = _ascii(divided(paper.authors[0])[1]) if paper.authors else ""
    words = [word for word in re.findall(r"[a-z0-9]+", _ascii(paper.title, " ")) if word not in _STOPWORDS]
    year = "" if paper.year is None else str(paper.year)
    return f"{family}{year}{words[0] if words else ''}" or "paper"


def _ascii(text: str, gap: str = "") -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", gap, plain)
