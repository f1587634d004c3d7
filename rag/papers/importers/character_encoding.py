"""Which characters the bytes of a file stand for: UTF-8, UTF-16 and UTF-32, or a guess."""

from __future__ import annotations

import codecs
import logging
import re
from collections.abc import Iterator
from pathlib import Path

from rag.errors import ImportFileError

log = logging.getLogger(__name__)

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: it begins with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Plausible for lists of papers. Western before Central European: the two cannot be told apart by a
# handful of accents, and libraries export the former far more often.
_ENCODINGS = ["cp1252", "cp1251", "koi8_r", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr"]
_GUESSED_FROM = 2**16  # bytes
_BEFORE = 1000  # bytes of ASCII that are shown to the guesser before the first other byte
_NOT_TEXT = bytes({*range(9), *range(14, 32)})  # control characters but tab to carriage return
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


def wide_encoding(sample: bytes) -> str | None:
    """UTF-16 or UTF-32, told by the byte order mark or, for UTF-16, by where the NULs stand."""
    for bom, encoding in _BOMS:
        if sample.startswith(bom):
            return encoding
    head = sample[:4096]
    half = max(len(head) // 2, 1)
    even, odd = head[::2].count(0) / half, head[1::2].count(0) / half
    if max(even, odd) > 0.4 and min(even, odd) < 0.05:
        return "utf-16-be" if even > odd else "utf-16-le"
    return None


def is_binary(sample: bytes) -> bool:
    """Whether the bytes are no text: more than a tenth of their beginning are control characters."""
    if wide_encoding(sample) is not None:
        return False
    head = sample[:8192]
    return len(head.translate(None, _NOT_TEXT)) < 0.9 * len(head)


def narrow_encoding(sample: bytes, path: Path) -> str | None:
    """UTF-8, a guess, or None where all is ASCII and a later line must decide.

    Raises :class:`ImportFileError` where it is no encoding that is known.
    """
    if sample.isascii():
        return None
    text = sample.decode("utf-8", "surrogateescape")
    stray = len(text) - len(text.encode("utf-8", "ignore").decode("utf-8"))
    genuine = len(text) - len(text.encode("ascii", "ignore")) - stray
    # A few stray bytes in a UTF-8 file are errors of their lines, no reason to misread all the others.
    return "utf-8" if genuine >= stray else guessed_encoding(sample, path, 0)


def guessed_encoding(data: bytes, path: Path, offset: int) -> str:
    """The likely encoding of ``data``, which stands at ``offset`` of the file and is neither ASCII nor UTF-8.

    Raises :class:`ImportFileError` where it is no encoding that is known.
    """
    from charset_normalizer import from_bytes

    found = _NOT_ASCII.search(data)
    first = found.start() if found else 0
    # All before that byte is ASCII, so no character is cut in two here.
    shown = data[max(0, first - _BEFORE) :][:_GUESSED_FROM]
    best = from_bytes(shown, cp_isolation=_ENCODINGS).best()
    if best is None:
        raise ImportFileError(
            f"{path} is not UTF-8 (byte {offset + first} is 0x{data[first]:02x}) and its encoding is not known. "
            "Save it as UTF-8."
        )
    log.warning("%s is not UTF-8; read as %s", path, best.encoding)
    return str(best.encoding)


def with_stray_bytes(raw: bytes, encoding: str) -> str:
    """``raw`` decoded; single bytes that ``encoding`` does not allow are read as Windows-1252.

    A curly quote that an editor pasted into one abstract must not cost that abstract. Such a byte is nearly always of
    that code page; one that it lacks becomes U+FFFD.
    """
    return raw.decode(encoding, _STRAY)


def _from_windows(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


_STRAY = "footnote-windows-1252"
codecs.register_error(_STRAY, _from_windows)


def transcoded(blocks: Iterator[bytes], encoding: str, path: Path) -> Iterator[bytes]:
    """Blocks of UTF-16 or UTF-32 as UTF-8. Raises :class:`ImportFileError` where they are none."""
    decoder = codecs.getincrementaldecoder(encoding)()
    done = 0
    try:
        for block in blocks:
            yield decoder.decode(block).encode("utf-8", "surrogatepass")
            done += len(block)
        yield decoder.decode(b"", final=True).encode("utf-8")
    except UnicodeDecodeError as error:
        raise ImportFileError(
            f"{path} is not valid {encoding.upper()} near byte {done + error.start}. Save it as UTF-8."
        ) from error
