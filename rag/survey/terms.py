"""One term of a count as a pattern: a word, a compound or a quoted phrase, in all forms that count as it.

Hyphens within a word do not matter ('pre-training' is 'pretraining'), nor does a space behind a prefix that is no word
of its own ('pre training'). Terms are looked for in text that :func:`rag.text.folding.fold` has made comparable.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby

from rag.text.folding import fold
from rag.text.inflection import forms, spellings

_LETTER = r"[^\W\d_]"
_PIECE = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+[+#]*")
_POSSESSIVE = re.compile(r"['’]s?(?=\s|$)")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_GAP = r"[-\s]{0,3}"  # between the words of a phrase and the parts of a compound
PREFIXES = frozenset(
    """anti auto bio cross geo hyper inter intra macro mega meta micro mini multi nano neuro non post pre pseudo quasi
    self semi spatio sub super trans ultra uni""".split()
)


@dataclass(frozen=True, slots=True)
class Term:
    """What is looked for. ``typed`` is how the question writes it; ``heads`` are what every hit begins with.

    ``heads`` are compared with text without hyphens, which is far quicker than ``pattern`` and rules out most texts.
    """

    typed: str
    pattern: re.Pattern[str]
    heads: tuple[str, ...]

    def may_occur(self, unhyphenated: str) -> bool:
        """Whether a text may have the term, by a quick look at it without its hyphens."""
        return any(head in unhyphenated for head in self.heads)

    def hits(self, folded: str) -> Iterator[str]:
        """The forms in which the term occurs, one for each occurrence."""
        return (match.group() for match in self.pattern.finditer(folded))


def term(typed: str) -> Term | None:
    """The term that a word, compound or phrase means; None where it has neither letter nor digit."""
    pieces = _PIECE.findall(_POSSESSIVE.sub("", fold(typed)))
    if not pieces:
        return None
    *first, last = pieces
    endings = forms(last)
    heads = _heads(endings)
    if _UNSPACED.search(typed):
        return Term(typed, re.compile(re.escape("".join(pieces))), heads)
    choices = [*map(spellings, first), endings]
    pattern = _GAP.join(_any_of(words, starts=not i) for i, words in enumerate(choices))
    return Term(typed, re.compile(pattern + _end(last)), heads)


def _end(piece: str) -> str:
    """What no word and no number goes beyond."""
    return r"(?![.,]?\d)" if piece[-1].isdigit() else f"(?!{_LETTER})" if piece[-1].isalpha() else ""


def _groups(words: Collection[str]) -> list[tuple[str, list[str]]]:
    """The words that begin alike, with what they have in common: 'go', 'goes' and, apart, 'went'."""
    ordered = sorted(words)
    groups = [list(group) for _, group in groupby(ordered, key=lambda word: word[:3])]
    return [(_common_beginning(group[0], group[-1]), group) for group in groups]


def _common_beginning(first: str, last: str) -> str:
    """Of words in order, the first and the last have the beginning in common that all have."""
    size = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:size]


def _heads(words: Collection[str]) -> tuple[str, ...]:
    """What the text must have: the beginnings of the words, without a prefix that may stand apart."""
    return tuple(dict.fromkeys(head[len(_prefix(head)) :] for head, _ in _groups(words)))


def _prefix(head: str) -> str:
    """The prefix that may be followed by a space, empty where there is none or too little follows it."""
    found = (head[:size] for size in range(6, 2, -1) if head[:size] in PREFIXES)
    return next((prefix for prefix in found if len(head) - len(prefix) >= 3), "")


def _any_of(words: Collection[str], starts: bool) -> str:
    """A pattern for these words, with or without hyphens; with ``starts`` none begins within a word or a number.

    That is asked behind the first letter, so that the search leaps from one such letter to the next.
    """
    parts = []
    for head, group in _groups(words):
        prefix = _prefix(head)
        begin = f"{_hyphenable(prefix)}[-\\s]?{_hyphenable(head[len(prefix) :])}" if prefix else _hyphenable(head)
        rest = sorted((word[len(head) :] for word in group), key=lambda ending: (-len(ending), ending))
        endings = "|".join(("-?" if ending and head else "") + _hyphenable(ending) for ending in rest)
        first = re.escape(head[0])
        if starts and head[0].isdigit():
            begin = rf"(?<!\d)(?<!\d[.,]){begin}"
        elif starts:
            begin = f"{first}(?<!{_LETTER}{first}){begin.removeprefix(first)}"
        parts.append(f"{begin}(?:{endings})" if any(rest) else begin)
    return f"(?:{'|'.join(parts)})"


def _hyphenable(text: str) -> str:
    """``text`` as a pattern with a hyphen allowed between any two letters."""
    return "-?".join(re.escape(c) for c in text) if text.isalpha() else re.escape(text)
