"""Misspelt words of a question, put right from the words of the library itself.

Only words that neither the library nor the embedder's vocabulary has are looked at, and only when
one of the library is a slip or two away: a word that is truly unknown must stay unknown, or a
refusal would turn into an answer about something else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from rag.words import STOPWORDS, stem, tokens

_SHORTEST = 4  # letters of a stem that may be corrected
_MIDDLE = 6  # letters from which any one slip is allowed; below it only the commonest kinds
_LONG = 9  # letters from which two slips are allowed
_RARE = 3  # papers that a word must stand in to be taken for what was meant, in a library that is not tiny
_TINY = 50  # a library in which no word stands in more papers
# Spellings of the other side of the ocean, and endings as they come out of hurried fingers.
_VARIANTS = (
    (re.compile(r"is(e|es|ed|er|ers|ing|ation|ations)$"), r"iz\1"),
    (re.compile(r"iz(e|es|ed|er|ers|ing|ation|ations)$"), r"is\1"),
    (re.compile(r"ys(e|ed|ing)$"), r"yz\1"),
    (re.compile(r"our"), "or"),
    (re.compile(r"(?:ig|ign|igng)$"), "ing"),
    (re.compile(r"(?:toin|tino|tiom|sion|cion|shon|i?ton|tin)$"), "tion"),
    (re.compile(r"(?<=[st])(?:ve|iev)$"), "ive"),
    (re.compile(r"(?<=[^\W\daeiou])([rdnl]s?)$"), r"e\1"),
)


def corrections(
    text: str, vocabulary: Mapping[str, int], is_word: Callable[[str], bool] = lambda token: False
) -> dict[str, str]:
    """Misspelt words of ``text`` and what is meant: a word whose stem ``vocabulary`` has (stem to papers with it).

    ``is_word`` says of a lower-case word that it is spelt as it should be. Names (capitals after the
    first letter, digits) and words under four letters are left alone.
    """
    names = {t for word in _names(text) for t in tokens(word)}
    found: dict[str, str] = {}
    for token in dict.fromkeys(tokens(text)):
        root = stem(token)
        if token in STOPWORDS or token in names or root in vocabulary or len(root) < _SHORTEST or not root.isascii():
            continue
        if is_word(token):
            continue
        meant = _respelt(token, vocabulary) or _nearest(root, vocabulary)
        if meant is not None:
            found[token] = meant
    return found


def corrected(text: str, slips: Mapping[str, str]) -> str:
    """``text`` with the misspelt words replaced."""
    return re.sub(r"[^\W\d_]+", lambda m: slips.get(m.group().lower(), m.group()), text)


def _names(text: str) -> list[str]:
    """Acronyms, words with digits or inner capitals, and capitalised words within a sentence of small letters."""
    found = re.findall(r"\S*[a-z0-9][A-Z]\S*|\S*\d\S*|[A-Z]{2,}\S*", text)
    capitals = re.findall(r"(?<=[a-z,;:)] )[A-Z][a-z]+", text)
    return found if 2 * len(capitals) >= len(text.split()) else found + capitals


def _respelt(token: str, vocabulary: Mapping[str, int]) -> str | None:
    """Another spelling of the same word, where the vocabulary has its stem."""
    for pattern, replacement in _VARIANTS:
        respelt = pattern.sub(replacement, token)
        if len(stem(respelt)) >= _SHORTEST and stem(respelt) in vocabulary:
            return respelt
    return None


def _word(root: str) -> str:
    """A word with this stem: a stem by itself may lose one more letter when it is stemmed again."""
    return next((root + end for end in ("", "e", "ed", "ing", "ion", "al", "s") if stem(root + end) == root), root)


def _nearest(root: str, vocabulary: Mapping[str, int]) -> str | None:
    """The vocabulary word within the allowed slips; fewest slips first, then the commoner, then by alphabet."""
    allowed = 2 if len(root) >= _LONG else 1
    rarest = _RARE if max(vocabulary.values(), default=0) > _TINY else 1
    best: tuple[int, int, str] | None = None
    for word, frequency in vocabulary.items():
        if abs(len(word) - len(root)) > allowed or word[:1] != root[:1] or not word.isalpha() or len(word) < _SHORTEST:
            continue
        if frequency < rarest or (len(root) < _MIDDLE and not _common_slip(root, word)):
            continue
        slips = distance(root, word, allowed)
        # With another ending it is a word of its own: 'graphene' is no 'graph', 'theorem' not 'theoretical'.
        ending = root[:-1] == word[:-1] or root.startswith(word) or (slips == 2 and word.startswith(root))
        if slips <= allowed and not ending and (best is None or (slips, -frequency, word) < best):
            best = (slips, -frequency, word)
    return _word(best[2]) if best else None


def _common_slip(root: str, word: str) -> bool:
    """Whether ``root`` is ``word`` with a letter left out within, doubled, or swapped with its neighbour."""
    if len(root) == len(word):
        return sorted(root) == sorted(word)
    if len(root) < len(word):
        return any(word[:i] + word[i + 1 :] == root for i in range(1, len(word) - 1))
    return any(root[:i] + root[i + 1 :] == word and root[i] == root[i - 1] for i in range(1, len(root)))


def distance(a: str, b: str, limit: int) -> int:
    """Optimal string alignment distance (Damerau 1964): insert, delete, replace, swap neighbours.

    Stops early and returns ``limit + 1`` when it is certain to be above ``limit``.
    """
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        older, before, row = before, row, [i]
        for j, y in enumerate(b, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return row[-1]
