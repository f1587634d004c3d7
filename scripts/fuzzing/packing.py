"""Packed files: sound, cut off, with something after them, twice packed, and bombs."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from random import Random

from scripts.fuzzing.mutations import cut, flip, insert
from scripts.fuzzing.samples import MOST_BYTES

_PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda data: gzip.compress(data, 6, mtime=0),
    "bz2": bz2.compress,
    "xz": lambda data: lzma.compress(data, preset=0),
}
_MEMBER_BYTES, _MEMBERS = 2**20, 16  # of a bomb; packing all at once takes longer


def packed(rng: Random, data: bytes) -> tuple[str, bytes, int]:
    """``data`` in one of these ways, how, and how many bytes of text come out at most."""
    name, pack = rng.choice(list(_PACK.items()))
    way = rng.choice(
        ("sound", "sound", "cut", "flipped", "members", "empty members", "padded", "rubbish", "twice", "bomb")
    )
    if way == "members":
        half = len(data) // 2
        return f"{name} {way}", pack(data[:half]) + pack(data[half:]), len(data)
    if way == "empty members":
        return f"{name} {way}", (pack(b"") * 5_000)[: MOST_BYTES // 2] + pack(data), len(data)
    if way == "bomb":
        content = (data or b"\n") * (_MEMBER_BYTES // max(len(data), 1))
        bomb = pack(content) * _MEMBERS
        # What is larger than a file may be here is cut off, and holds so much less.
        held = MOST_BYTES if len(bomb) <= MOST_BYTES else _MEMBERS * len(content) * MOST_BYTES // len(bomb)
        return f"{name} {way}", bomb[:MOST_BYTES], held
    whole = pack(data)
    changed = {
        "cut": lambda: cut(rng, whole, ()),
        "flipped": lambda: flip(rng, whole, ()),
        "padded": lambda: whole + bytes(rng.choice((4, 512, 40_000))),
        "rubbish": lambda: insert(rng, whole + b"\x01" * rng.choice((1, 9, 3_000)), ()),
        "twice": lambda: rng.choice(list(_PACK.values()))(whole),
    }
    return f"{name} {way}", changed[way]() if way in changed else whole, len(data)
