"""The stems of a library with the number of papers that have each, and which of them are spelt nearly like a word.

Stems lie in the order of their first letter and their length, each with its letters as bits: one bit says that a letter
occurs, another that it occurs again. One edit of a word changes its length by one and two bits at most, so the few that
can be near are found by comparing numbers, without reading the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]

_FIRST, _LAST = ord("a"), ord("z")
_AGAIN = 32  # the bits of letters that occur again lie so much higher


class WordTable:
    """Stems that begin with a letter from a to z. ``most``: papers that have the commonest stem of all, those or not.

    ``text`` is the UTF-8 of all stems one after the other, ``ends`` (n,) where each ends, ``frequencies`` (n,).
    """

    def __init__(self, text: npt.NDArray[np.uint8], ends: Array, frequencies: Array) -> None:
        import numpy as np

        ends = ends.astype(np.int64)
        starts = np.concatenate([[0], ends[:-1]]).astype(np.int64) if len(ends) else ends
        self.most = int(frequencies.max(initial=0))
        firsts = text[starts] if len(starts) else np.zeros(0, np.uint8)
        kept = np.flatnonzero((firsts >= _FIRST) & (firsts <= _LAST))
        lengths = np.add.reduceat((text & 0xC0) != 0x80, starts, dtype=np.int64) if len(starts) else ends  # characters
        kept = kept[np.lexsort((lengths[kept], firsts[kept]))]
        self._text = text
        self._starts, self._ends, self._frequencies = starts[kept], ends[kept], frequencies[kept]
        self._letters = _letter_bits(text, ends - starts)[kept]
        # First letter and length in one ascending number.
        self._places = firsts[kept].astype(np.int64) << 32 | lengths[kept]

    def near(self, word: str, edits: int, least: int) -> Iterator[tuple[str, int]]:
        """As :meth:`Vocabulary.near`."""
        import numpy as np

        first = ord(word[0]) if word else 0
        if not _FIRST <= first <= _LAST:
            return
        encoded = np.frombuffer(word.encode("utf-8", "surrogatepass"), dtype=np.uint8)
        letters = _letter_bits(encoded, np.array([len(encoded)]))[0]
        lengths = max(len(word) - edits, 1), len(word) + edits + 1
        begin, end = (int(at) for at in np.searchsorted(self._places, [first << 32 | one for one in lengths]))
        different = np.bitwise_count(self._letters[begin:end] ^ letters)
        for place in np.flatnonzero((different <= 2 * edits) & (self._frequencies[begin:end] >= least)) + begin:
            text = bytes(self._text[self._starts[place] : self._ends[place]])
            yield text.decode("utf-8", "surrogatepass"), int(self._frequencies[place])


def _letter_bits(text: npt.NDArray[np.uint8], lengths: Array) -> npt.NDArray[np.uint64]:
    """Of each word in the UTF-8 ``text``, given their lengths in bytes: which letters it has, and which repeatedly."""
    import numpy as np

    letters = np.flatnonzero((text >= _FIRST) & (text <= _LAST))
    words = np.repeat(np.arange(len(lengths)), lengths)[letters]
    pairs = words << 6 | (text[letters] - _FIRST)
    pairs.sort()
    again = pairs[1:][pairs[1:] == pairs[:-1]] | _AGAIN
    found = np.zeros(len(lengths), dtype=np.uint64)
    for some in (pairs, again):
        if len(some):
            firsts = np.flatnonzero(np.diff(some >> 6, prepend=-1))
            bits = np.bitwise_or.reduceat(np.uint64(1) << (some & 63).astype(np.uint64), firsts)
            found[some[firsts] >> 6] |= bits
    return found


class Vocabulary(Mapping[str, int]):
    """Stems with the number of papers that have them. What is near to a word is looked up, not searched for."""

    def __init__(self, frequencies: Mapping[str, int]) -> None:
        self._known = frequencies

    def __getitem__(self, stem: str) -> int:
        if stem not in self._known:  # a Counter would say 0
            raise KeyError(stem)
        return self._known[stem]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    @cached_property
    def table(self) -> WordTable:
        """Made when first needed: most questions have no word that the library lacks."""
        import numpy as np

        encoded = [stem.encode("utf-8", "surrogatepass") for stem in self._known if stem]
        frequencies = np.array([n for stem, n in self._known.items() if stem], dtype=np.int64)
        ends = np.cumsum([len(one) for one in encoded], dtype=np.int64)
        return WordTable(np.frombuffer(b"".join(encoded), dtype=np.uint8), ends, frequencies)

    @property
    def most(self) -> int:
        """In how many papers the commonest stem stands; 0 without any."""
        return self.table.most

    def near(self, word: str, edits: int, least: int = 0) -> Iterator[tuple[str, int]]:
        """All stems with the first letter of ``word`` that are up to ``edits`` edits away, and some that are further.

        Each with the number of papers that have it, ``least`` or more. An edit inserts, deletes or replaces a
        character, or swaps two neighbours. Only for a ``word`` that begins with a letter from a to z.
        """
        return self.table.near(word, edits, least)


def as_vocabulary(frequencies: Mapping[str, int]) -> Vocabulary:
    """``frequencies`` as a vocabulary, itself if it is one."""
    return frequencies if isinstance(frequencies, Vocabulary) else Vocabulary(frequencies)
