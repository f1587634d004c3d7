"""Spelling correction of questions with the words of the library.

Only words that neither the library nor the embedder's vocabulary has are corrected, and only where a word of the
library is one or two edits away: a word that is truly unknown must stay unknown, or a refusal would turn into an answer
about something else. A vocabulary maps each stem of the library to the number of papers that have it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from rag.text.tokenization import STOPWORDS, stem, tokens
from rag.text.vocabulary import Vocabulary, as_vocabulary

_SHORTEST = 4  # letters of a stem that may be corrected
_MIDDLE = 6  # letters of a stem from which any one edit is allowed; below it only the commonest slips
_LONG = 9  # letters of a stem from which two edits are allowed
_LONGEST = 40  # letters of a word that may be corrected by trying every slip
_RARE = 3  # papers that a correction must stand in, in a library that is not tiny
_VOWELS = frozenset("aeiouy")
# Letters that sound alike, and neighbours on the keyboard.
_CONFUSABLE = {frozenset(pair) for pair in "cs ck kq sz xz fv gj mn dt bp vw".split()} | {
    frozenset(pair) for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm") for pair in itertools.pairwise(row)
}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_TINY = 50  # papers: a library is tiny where no word stands in more
# British and American spellings of each other, and common typing slips in endings.
_RESPELLINGS = (
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
    """The misspelt words of ``text``, each with its correction, a word whose stem is in ``vocabulary``.

    ``is_word`` says whether a lower-case word is correctly spelt. Names (capitals after the first letter, digits) and
    words with a stem under four letters are left alone.
    """
    names = {t for word in _names(text) for t in tokens(word)}
    known = as_vocabulary(vocabulary)
    found: dict[str, str] = {}
    for token in dict.fromkeys(tokens(text)):
        root = stem(token)
        if token in STOPWORDS or token in names or len(root) < _SHORTEST or not root.isascii():
            continue
        if any(is_word(form) for form in _base_forms(token)):
            continue
        meant = _one_letter_off(token, known, is_word)
        if meant is None and root not in known:
            meant = _respelt(token, known) or _nearest(root, known)
        if meant is not None:
            found[token] = meant
    return found


def apply_corrections(text: str, slips: Mapping[str, str]) -> str:
    """``text`` with the misspelt words replaced; ``slips`` is what :func:`corrections` found."""
    return re.sub(r"[^\W\d_]+", lambda m: slips.get(m.group().lower(), m.group()), text)


def _names(text: str) -> list[str]:
    """Acronyms, words with digits or inner capitals, and capitalised words within a sentence of small letters."""
    found = re.findall(r"(?<!\S)(?=\S*?(?:[a-z0-9][A-Z]|\d))\S+|[A-Z]{2,}\S*", text)
    capitals = re.findall(r"(?<=[a-z,;:)] )[A-Z][a-z]+", text)
    return found if 2 * len(capitals) >= len(text.split()) else found + capitals


def _respelt(token: str, vocabulary: Mapping[str, int]) -> str | None:
    """Another spelling of the same word, where the vocabulary has its stem."""
    for pattern, replacement in _RESPELLINGS:
        respelt = pattern.sub(replacement, token)
        if len(stem(respelt)) >= _SHORTEST and stem(respelt) in vocabulary:
            return respelt
    return None


def written_names(root: str, texts: Iterable[str]) -> list[str]:
    """The name with the stem ``root`` as ``texts`` first write it; [] where there is none.

    A word is a name where ``texts`` never write it without a capital.
    """
    words = (word for text in texts for word in re.findall(r"[^\W\d_]+", text))
    found = [word for word in words if root in map(stem, tokens(word))]
    return found[:1] if all(word[0].isupper() for word in found) else []


_ENDINGS = (("s", ""), ("es", ""), ("ies", "y"), ("ed", ""), ("ed", "e"), ("ing", ""), ("ing", "e"), ("ly", ""))
_LONGER_ENDINGS = tuple((end, base) for end in ("al", "er", "ers", "or", "ors", "ic", "able") for base in ("", "e"))


def _base_forms(token: str) -> Iterator[str]:
    """``token`` and the words it may be inflected from: a word list has 'scar', but not 'scarring'."""
    yield token
    for ending, base in _ENDINGS + _LONGER_ENDINGS:
        root = token.removesuffix(ending)
        if root != token and len(root) >= _SHORTEST + ((ending, base) in _LONGER_ENDINGS):
            yield root + base
            if ending in ("ed", "ing") and root[-1] == root[-2]:
                yield root[:-1]


def _one_letter_off(token: str, vocabulary: Mapping[str, int], is_word: Callable[[str], bool]) -> str | None:
    """The correctly spelt word that is one slip away from ``token``; of several the commonest in the library.

    The library need not have it ('hapens'). It may also have the stem of ``token``, as 'enhancment' has that of
    'enhancement': that word is corrected because the embedder does not know it.
    """
    if not _MIDDLE <= len(token) <= _LONGEST:
        return None
    known = [word for word in _variants(token) if is_word(word)]
    if stem(token) in vocabulary:
        known = [word for word in known if stem(word) == stem(token)]
    return max(known, key=lambda word: (vocabulary.get(stem(word), 0), word), default=None)


def _variants(token: str) -> Iterator[str]:
    """``token`` with one slip undone: a letter inserted, a double one made single, two neighbours swapped."""
    for i in range(1, len(token)):
        head, rest = token[:i], token[i:]
        yield from (head + letter + rest for letter in _LETTERS)
        if rest[0] == head[-1]:
            yield head + rest[1:]
        if len(rest) > 2:
            yield head + rest[1] + rest[0] + rest[2:]


def similar_names(
    text: str, vocabulary: Mapping[str, int], is_word: Callable[[str], bool] = lambda token: False
) -> dict[str, str]:
    """Words of ``text`` that the library lacks, each with a stem of ``vocabulary``, however rare, one edit away.

    What was typed may be another name that the library truly lacks ('SpinNet' for 'SpineNet'), so these are for asking
    the user back ('Did you mean …?'), not for correcting.
    """
    known = as_vocabulary(vocabulary)
    found: dict[str, str] = {}
    for token in dict.fromkeys(tokens(text)):
        root = stem(token)
        if root in known or token in STOPWORDS or len(root) < _MIDDLE or not root.isascii() or is_word(token):
            continue
        one_off = ((-n, w) for w, n in known.near(root, 1) if w.isalpha() and edit_distance(root, w, 1) == 1)
        commonest = min(one_off, default=None)
        if commonest is not None:
            found[token] = commonest[1]
    return found


def _word_with_stem(root: str) -> str:
    """A word with this stem: a stem by itself may lose one more letter when it is stemmed again."""
    return next((root + end for end in ("", "e", "ed", "ing", "ion", "al", "s") if stem(root + end) == root), root)


def _nearest(root: str, vocabulary: Vocabulary) -> str | None:
    """A word whose stem is within the allowed edits of ``root``: of several the nearest, then the commonest."""
    allowed = 2 if len(root) >= _LONG else 1
    rarest = _RARE if vocabulary.most > _TINY else 1
    best: tuple[int, int, str] | None = None
    for word, frequency in vocabulary.near(root, allowed, rarest):
        if not word.isalpha() or len(word) < _SHORTEST or (len(root) < _MIDDLE and not _common_slip(root, word)):
            continue
        slips = edit_distance(root, word, allowed)
        # One that differs in its ending is another word: 'graphene' is not 'graph', 'theorem' not 'theoretical'.
        ending = root[:-1] == word[:-1] or root.startswith(word) or (slips == 2 and word.startswith(root))
        if (
            slips <= allowed
            and not ending
            and _plausible(root, word)
            and (best is None or (slips, -frequency, word) < best)
        ):
            best = (slips, -frequency, word)
    return _word_with_stem(best[2]) if best else None


def _plausible(typed: str, meant: str) -> bool:
    """Whether ``typed`` is a likely misspelling of ``meant``: 'canser' of 'cancer', but not 'hydride' of 'hybrid'.

    The letters that differ must be swapped, both vowels, alike in sound, or neighbours on the keyboard.
    """
    if len(typed) != len(meant):
        return len(typed) - len(meant) < 2
    return sorted(typed) == sorted(meant) or all(
        a == b or {a, b} <= _VOWELS or frozenset((a, b)) in _CONFUSABLE for a, b in zip(typed, meant, strict=True)
    )


def _common_slip(root: str, word: str) -> bool:
    """Whether ``root`` is ``word`` with a letter left out within, doubled, or swapped with its neighbour."""
    if len(root) == len(word):
        return sorted(root) == sorted(word)
    if len(root) < len(word):
        return any(word[:i] + word[i + 1 :] == root for i in range(1, len(word) - 1))
    return any(root[:i] + root[i + 1 :] == word and root[i] == root[i - 1] for i in range(1, len(root)))


def edit_distance(a: str, b: str, limit: int) -> int:
    """Optimal string alignment distance (Damerau 1964): insert, delete, replace, swap neighbours.

    ``limit + 1`` where it is above ``limit``: only what is that near to the diagonal is computed (Ukkonen 1985).
    """
    far = limit + 1
    if abs(len(a) - len(b)) > limit:
        return far
    diagonals = range(-limit, limit + 1)  # j - i
    older: list[int] = []
    before: list[int] = []
    row = [j if 0 <= j <= len(b) else far for j in diagonals]
    for i in range(1, len(a) + 1):
        older, before, row = before, row, []
        for k, j in enumerate(range(i - limit, i + limit + 1)):
            if not 0 <= j <= len(b):
                row.append(far)
                continue
            above = before[k + 1] + 1 if k < 2 * limit else far
            beside = row[k - 1] + 1 if k else far
            cost = min(above, beside, before[k] + (a[i - 1] != b[j - 1]) if j else far, far)
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                cost = min(cost, older[k] + 1)
            row.append(cost)
        if min(row) > limit:
            return far
    return row[len(b) - len(a) + limit]
