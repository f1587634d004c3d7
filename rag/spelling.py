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
_LONG = 7  # letters from which two slips are allowed


def corrections(
    text: str, vocabulary: Mapping[str, int], is_word: Callable[[str], bool] = lambda token: False
) -> dict[str, str]:
    """Misspelt words of ``text`` and the stem in ``vocabulary`` (stem to document frequency) that is meant.

    ``is_word`` says of a lower-case word that it is spelt as it should be. Names (capitals after the
    first letter, digits) and words under four letters are left alone.
    """
    names = {t for word in re.findall(r"\S*[a-z0-9][A-Z]\S*|\S*\d\S*|[A-Z]{2,}\S*", text) for t in tokens(word)}
    found: dict[str, str] = {}
    for token in dict.fromkeys(tokens(text)):
        root = stem(token)
        if token in STOPWORDS or token in names or root in vocabulary or len(root) < _SHORTEST or not root.isascii():
            continue
        if is_word(token):
            continue
        nearest = _nearest(root, vocabulary)
        if nearest is not None:
            found[token] = nearest
    return found


def corrected(text: str, slips: Mapping[str, str]) -> str:
    """``text`` with the misspelt words replaced."""
    return re.sub(r"[^\W\d_]+", lambda m: slips.get(m.group().lower(), m.group()), text)


def _nearest(root: str, vocabulary: Mapping[str, int]) -> str | None:
    """The vocabulary word within the allowed slips; fewest slips first, then the commoner, then by alphabet."""
    allowed = 2 if len(root) >= _LONG else 1
    best: tuple[int, int, str] | None = None
    for word, frequency in vocabulary.items():
        if abs(len(word) - len(root)) > allowed or word[:1] != root[:1] or not word.isalpha() or len(word) < _SHORTEST:
            continue
        slips = distance(root, word, allowed)
        if slips <= allowed and (best is None or (slips, -frequency, word) < best):
            best = (slips, -frequency, word)
    return best[2] if best else None


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
