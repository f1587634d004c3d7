"""Texts to the tokens of a unigram vocabulary (Kudo 2018, 'Subword regularization', https://arxiv.org/abs/1804.10959).

Of the pieces only hashes are kept: 250,000 of them take 4 MB and load in milliseconds, where the tokenizer libraries
build a trie of more than a hundred megabytes. Two pieces of one vocabulary never have the same hash (that is looked at
when they are written), and another string has that of a piece once in 10**14.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_OFFSET, _PRIME = 0xCBF29CE484222325, 0x100000001B3  # FNV-1a, 64 bits
SPACE = "\u2581"  # what stands for a space in the pieces
_SPACES = re.compile(" ++")
_UNKNOWN_BELOW = 10.0  # how much less likely than the rarest piece an unknown character is, as SentencePiece has it


@dataclass(frozen=True, slots=True)
class Pieces:
    """A vocabulary: ``hashes`` ascending (uint64), with the id and the log probability of the piece of each.

    ``longest`` is the length of the longest piece in bytes, ``unknown`` the id of what is none, ``replaced`` what
    stands for characters before a text is cut.
    """

    hashes: npt.NDArray[np.uint64]
    ids: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float32]
    longest: int
    unknown: int
    replaced: Mapping[int, str]

    def encode(self, text: str) -> list[int]:
        """The ids of the likeliest cut of ``text`` into pieces (Viterbi), without the marks around it."""
        return [piece for piece, _ in self._cut(text)]

    def cut(self, text: str) -> list[str]:
        """The pieces themselves, without the marks of spaces; none that is such a mark alone."""
        return [shown for _, piece in self._cut(text) if (shown := piece.replace(SPACE, ""))]

    def _cut(self, text: str) -> list[tuple[int, str]]:
        text = _SPACES.sub(" ", text.translate(self.replaced))
        text = (text if text.startswith(" ") else " " + text).replace(" ", SPACE)
        encoded = [c.encode("utf-8", "replace") for c in text]
        best, cut = [0.0] + [float("-inf")] * len(encoded), [(0, self.unknown)] * (len(encoded) + 1)
        unknown = float(self.scores.min()) - _UNKNOWN_BELOW
        for begin, starting in enumerate(self._found(encoded)):
            for end, piece, score in ((begin + 1, self.unknown, unknown), *starting):
                if best[begin] + score > best[end]:
                    best[end], cut[end] = best[begin] + score, (begin, piece)
        found, at = [], len(encoded)
        while at:
            end = at
            at, piece = cut[end]
            found.append((piece, text[at:end]))
        return found[::-1]

    def _found(self, encoded: Sequence[bytes]) -> list[list[tuple[int, int, float]]]:
        """For each character the pieces that begin there: where each ends, its id and its log probability."""
        import numpy as np

        data = np.frombuffer(b"".join(encoded), np.uint8)
        starts = np.cumsum([0, *map(len, encoded)])
        character = np.full(len(data) + 1, -1)  # which character begins at a byte
        character[starts] = np.arange(len(starts))
        found: list[list[tuple[int, int, float]]] = [[] for _ in encoded]
        begins, hashes = starts[:-1], np.full(len(encoded), _OFFSET, np.uint64)
        for length in range(1, self.longest + 1):
            inside = begins + length <= len(data)
            begins, hashes = begins[inside], hashes[inside]
            hashes = (hashes ^ data[begins + (length - 1)]) * np.uint64(_PRIME)
            at = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
            for one in np.flatnonzero((self.hashes[at] == hashes) & (character[begins + length] >= 0)).tolist():
                place = at[one]
                begin, end = character[begins[one]], character[begins[one] + length]
                found[begin].append((int(end), int(self.ids[place]), float(self.scores[place])))
        return found


def hash_of(piece: bytes) -> int:
    """The hash under which a piece is found: FNV-1a, 64 bits."""
    value = _OFFSET
    for byte in piece:
        value = ((value ^ byte) * _PRIME) & 0xFFFFFFFFFFFFFFFF
    return value
