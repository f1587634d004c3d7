"""Which characters the bytes of a file stand for: UTF-8, UTF-16 and UTF-32, or a guess."""

from __future__ import annotations

import codecs
import logging
import re
from collections.abc import Iterator
from pathlib import Path

from rag.errors import ImportFileError
from rag.papers.importers.western_text import western_encoding

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
_FEW_DAMAGED = 100  # characters
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


def wide_encoding(sample: bytes) -> str | None:
    """UTF-16 or UTF-32, told by the byte order mark or, for UTF-16, by where the NULs stand."""
    for bom, encoding in _BOMS:
        if sample.startswith(bom):
            return encoding
    return _utf16_without_mark(sample[:4096])


def _utf16_without_mark(head: bytes) -> str | None:
    """UTF-16 by its NULs, all in even or all in odd places: half of the bytes in English text, few in Chinese.

    Text of single bytes with NULs strewn in has pairs of letters where UTF-16 has one character of another script.
    """
    half = max(len(head) // 2, 1)
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) < 0.003 * half or min(even, odd) > 0.05 * max(even, odd):
        return None
    encoding = "utf-16-be" if even > odd else "utf-16-le"
    if max(even, odd) > 0.4 * half:
        return encoding
    pairs = sum(0x20 <= one < 0x7F and 0x20 <= other < 0x7F for one, other in zip(head[::2], head[1::2], strict=False))
    text = head[: 2 * half].decode(encoding, "replace")
    readable = sum(one.isprintable() or one in "\t\r\n\ufeff" for one in text) / len(text)
    return encoding if readable > 0.95 and pairs < 0.7 * half else None


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
    if (western := western_encoding(shown)) is not None:
        log.warning("%s is not UTF-8; read as %s", path, western)
        return western
    best = from_bytes(shown, cp_isolation=_ENCODINGS).best()
    if best is None:
        raise ImportFileError(
            f"{path} is not UTF-8 (byte {offset + first} is 0x{data[first]:02x}) and its encoding is not known. "
            "Save it as UTF-8."
        )
    log.warning("%s is not UTF-8; read as %s", path, best.encoding)
    return str(best.encoding)


def utf8_or_none(raw: bytes) -> str | None:
    """``raw`` as UTF-8; None where it is none. Text of another encoding is next to never UTF-8 by chance."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


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
    """Blocks of UTF-16 or UTF-32 as UTF-8. What is damaged costs its own characters, which become U+FFFD.

    Raises :class:`ImportFileError` where hardly anything can be decoded, or nothing before the damage.
    """
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    damaged = done = 0
    for block in blocks:
        text = decoder.decode(block)
        done += len(text)
        damaged += text.count("\ufffd")
        if damaged > _FEW_DAMAGED and damaged > done / 10:
            raise ImportFileError(f"{path} is not valid {encoding.upper()}. Save it as UTF-8.")
        yield text.encode("utf-8", "replace")
    damaged += len(decoder.decode(b"", final=True))  # half of a character, at which the file was cut off
    if damaged:
        log.warning("%s: %d characters are not valid %s", path, damaged, encoding.upper())
