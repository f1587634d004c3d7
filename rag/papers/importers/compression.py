"""gzip, bzip2 and xz unpacked block by block, within limits: a few bytes can stand for gigabytes.

Lists of papers pack to between a third and a thirtieth. A file that unpacks to more than a hundred times its size holds
hardly anything but repetition, and a dictionary of xz may ask for gigabytes of memory before the first byte comes out.
"""

from __future__ import annotations

import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple, Protocol

ALWAYS_UNPACKED = 4 * 2**20  # bytes; small files may be nothing but repetition
MOST_TIMES = 100  # the size of the file
MOST_UNPACKED = 16 * 2**30  # bytes
MOST_XZ_MEMORY = 160 * 2**20  # bytes; `xz -9` asks for 65 MiB, a dictionary of 128 MiB for 129
_READ_BYTES = 2**16
_BLOCK_BYTES = 2**18


class Damaged(Exception):
    """The packed data are not what they should be; the message says in what way."""


class TooMuch(Exception):
    """Unpacking would take more than a limit allows; the message says which, and what to do."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Gzip:
    """``zlib`` with the interface that ``bz2`` and ``lzma`` share; it verifies checksum and length of each member."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)
        self._waiting = b""
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        block = self._inner.decompress(self._waiting + data, max_length)
        self._waiting = self._inner.unconsumed_tail
        self.needs_input = not self._waiting and len(block) < max_length
        return block


class Codec(NamedTuple):
    """One way of packing: how a file of it begins, the command that unpacks it, and its decompressor."""

    magic: re.Pattern[bytes]
    command: str
    decompressor: Callable[[], _Decompressor]


CODECS = (
    Codec(
        re.compile(rb"\xfd7zXZ\x00"),
        "unxz",
        lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MOST_XZ_MEMORY),
    ),
    Codec(re.compile(rb"\x1f\x8b\x08"), "gunzip", _Gzip),
    # Three letters alone would take a text that begins with a Mr BZhang for packed.
    Codec(re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"), "bunzip2", bz2.BZ2Decompressor),
)
MAGIC_BYTES = 10  # that the longest of them takes


def codec_of(head: bytes) -> Codec | None:
    """The codec of a file that begins with ``head`` (:data:`MAGIC_BYTES`), or None where it is not packed."""
    return next((codec for codec in CODECS if codec.magic.match(head)), None)


def unpacked(raw: IO[bytes], codec: Codec, size: int) -> Iterator[bytes]:
    """The unpacked bytes of ``raw``, a file of ``size`` bytes, in blocks of at most 256 KiB.

    Several members after each other are one text, as for the tools themselves, and NULs at the end are padding.
    Raises :class:`Damaged`, also where the file is cut off or something else follows, and :class:`TooMuch`.
    """
    limit = min(MOST_UNPACKED, max(ALWAYS_UNPACKED, MOST_TIMES * size))
    total = 0
    data = raw.read(_READ_BYTES)
    while data:
        decompressor = codec.decompressor()
        while not decompressor.eof:
            block = _decompress(decompressor, data, codec)
            data = b""
            total += len(block)
            if total > limit:
                raise TooMuch(_more_than(limit, size, codec))
            if block:
                yield block
            if decompressor.needs_input and not decompressor.eof:
                data = raw.read(_READ_BYTES)
                if not data:
                    raise Damaged("it ends in the middle")
        data = _next_member(decompressor.unused_data, raw, codec)


def _decompress(decompressor: _Decompressor, data: bytes, codec: Codec) -> bytes:
    try:
        return decompressor.decompress(data, _BLOCK_BYTES)
    except lzma.LZMAError as error:
        if "memory usage limit" in str(error).lower():
            raise TooMuch(
                f"asks for more than {MOST_XZ_MEMORY >> 20} MiB of memory to be unpacked. If you know where it comes "
                f"from, unpack it with '{codec.command}' and import what comes out"
            ) from error
        raise Damaged(str(error)) from error
    except (zlib.error, OSError, ValueError) as error:  # bz2 calls broken data an OSError
        raise Damaged(str(error)) from error


def _more_than(limit: int, size: int, codec: Codec) -> str:
    times = f", over {MOST_TIMES} times its size," if limit == MOST_TIMES * size else ""
    return (
        f"holds more than {limit / 2**20:,.0f} MiB{times} once it is unpacked, which no list of papers does. If you "
        f"know where it comes from, unpack it with '{codec.command}' and import what comes out"
    )


def _next_member(data: bytes, raw: IO[bytes], codec: Codec) -> bytes:
    """What follows a member, without padding; empty at the end. Raises :class:`Damaged` where it is no member."""
    data = data.lstrip(b"\x00")
    while len(data) < MAGIC_BYTES:
        more = raw.read(_READ_BYTES)
        if not more:
            break
        data = (data + more).lstrip(b"\x00")
    if data and not codec.magic.match(data):
        raise Damaged("something else follows the packed data")
    return data
