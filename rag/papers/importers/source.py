"""A file on disk as lines of text: decompressed, decoded, limited in size, with progress.

It knows no format of papers. Whatever is wrong with the file as a whole is an
:class:`~rag.errors.ImportFileError`; a line that cannot be used is reported and skipped.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import logging
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from rag.errors import ImportFileError, RecordError

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
Report = Callable[[int | None, str], None]

MAX_LINE_BYTES = 16 * 2**20  # a longer line is skipped without being held in memory
MAX_TEXT_BYTES = 256 * 2**20  # of a file in a format that is parsed as a whole
_SAMPLE_BYTES = 256 * 2**10
_CHUNK_BYTES = 2**18

_COMPRESSED: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    b"\x1f\x8b": lambda raw: gzip.GzipFile(fileobj=raw),
    b"BZh": bz2.BZ2File,
}
_DAMAGED = (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error)
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: it begins with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_KINDS = {
    b"%PDF": "a PDF; Footnote imports lists of abstracts, for example the BibTeX or RIS export of a reference manager",
    b"PK\x03\x04": "a ZIP archive or an office document; unpack it, or save the table as CSV",
    b"SQLite format 3": "an SQLite database; export the papers as BibTeX, RIS or CSV",
    b"GGUF": "a language model; add it with `footnote models add`",
}
# Plausible for lists of papers. Western before Central European: the two cannot be told apart by a
# handful of accents, and libraries export the former far more often.
_ENCODINGS = ["cp1252", "cp1251", "koi8_r", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr"]


class Line(NamedTuple):
    """One line without its end; ``number`` counts from 1."""

    number: int
    text: str


class SourceFile:
    """A file to import.

    Raises :class:`ImportFileError` when made for a path that is missing, a folder, empty, unreadable or binary.
    """

    def __init__(self, path: str | Path, on_progress: Progress | None = None) -> None:
        self.path = Path(path)
        self._on_progress = on_progress
        self._check_path()
        self._sample = self._read_sample()
        self._check_content()
        self._wide = _wide_encoding(self._sample)
        self._encoding = self._wide or _encoding_of(self._sample, self.path)

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return self.path.name

    def sample(self) -> str:
        """The first 256 KiB as text, for telling the format; an incomplete last character is left out."""
        return (
            self._sample.decode(self._encoding or "utf-8", errors="ignore")
            .lstrip("\ufeff")
            .replace("\r\n", "\n")
            .replace("\r", "\n")
        )

    def lines(self, report: Report) -> Iterator[Line]:
        """The lines, one at a time. One above 16 MiB or in no known encoding is reported and left out."""
        for number, offset, raw in _split(self._chunks()):
            if raw is None:
                report(number, f"the line is longer than {MAX_LINE_BYTES >> 20} MiB and was passed over")
                continue
            text = self._decode(raw.rstrip(b"\r").replace(b"\r", b" "), number, offset, report)
            if text is not None:
                yield Line(number, text.removeprefix("\ufeff") if number == 1 else text)

    def text(self, report: Report) -> str:
        """The whole file; lines that were reported are empty, so that line numbers hold.

        Raises :class:`ImportFileError` above 256 MiB.
        """
        lines: list[str] = []
        length = 0
        for line in self.lines(report):
            length += len(line.text)
            if length > MAX_TEXT_BYTES:
                raise ImportFileError(
                    f"{self.path} holds more than {MAX_TEXT_BYTES >> 20} MiB of text. Split it into smaller files."
                )
            lines += [""] * (line.number - 1 - len(lines)) + [line.text]
        return "\n".join(lines)

    def _check_path(self) -> None:
        if self.path.is_dir():
            raise ImportFileError(f"{self.path} is a folder. Name the files in it, for example {self.path}/*.bib.")
        try:
            self._size = self.path.stat().st_size
        except FileNotFoundError:
            raise ImportFileError(f"{self.path} does not exist. Check the name and the folder.") from None
        except OSError as error:
            raise ImportFileError(f"{self.path} cannot be read ({error.strerror}). Check its permissions.") from error

    def _read_sample(self) -> bytes:
        sample = b""
        for chunk in self._chunks(quiet=True):
            sample += chunk
            if len(sample) >= _SAMPLE_BYTES:
                break
        return sample

    def _check_content(self) -> None:
        if not self._sample.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00"):
            raise ImportFileError(f"{self.path} is empty. There is nothing to import.")
        kind = next((kind for magic, kind in _OTHER_KINDS.items() if self._sample.startswith(magic)), None)
        if kind is None and _is_binary(self._sample):
            kind = "a binary file, not text; Footnote imports BibTeX, RIS, CSV, JSONL and listing pages"
        if kind is not None:
            raise ImportFileError(f"{self.path} is {kind}.")

    def _chunks(self, quiet: bool = False) -> Iterator[bytes]:
        """The decompressed bytes, UTF-16 and UTF-32 as UTF-8, old Macintosh line ends as new ones."""
        try:
            with self.path.open("rb") as raw:
                head = raw.read(8)
                raw.seek(0)
                opener = next((opener for magic, opener in _COMPRESSED.items() if head.startswith(magic)), None)
                stream = opener(raw) if opener else raw
                yield from (
                    self._convert(self._blocks(stream, raw, quiet)) if not quiet else self._blocks(stream, raw, quiet)
                )
        except _DAMAGED as error:
            raise ImportFileError(
                f"{self.path} is damaged or cut off ({error}). Download or export it again."
            ) from error
        except OSError as error:
            raise ImportFileError(
                f"{self.path} cannot be read ({error.strerror or error}). Check its permissions."
            ) from error

    def _blocks(self, stream: IO[bytes], raw: IO[bytes], quiet: bool) -> Iterator[bytes]:
        while block := stream.read(_CHUNK_BYTES):
            yield block
            if self._on_progress is not None and not quiet:
                self._on_progress(raw.tell(), self._size)

    def _convert(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        if self._wide is not None:
            blocks = _transcode(blocks, self._wide, self.path)
        sample = self._sample
        if b"\r" in sample and b"\n" not in sample:
            return (block.replace(b"\r", b"\n") for block in blocks)
        return blocks

    def _decode(self, raw: bytes, number: int, offset: int, report: Report) -> str | None:
        encoding = "utf-8" if self._wide else self._encoding
        try:
            text = raw.decode(encoding or "utf-8")
        except UnicodeDecodeError as error:
            if encoding is None:  # only ASCII so far: this line decides
                self._encoding = _guess(raw, self.path, offset)
                return self._decode(raw, number, offset, report)
            report(
                number,
                f"byte {offset + error.start} (0x{raw[error.start]:02x}) is not valid {encoding.upper()}; "
                "save the file as UTF-8",
            )
            return None
        if encoding is None and not text.isascii():
            self._encoding = "utf-8"
        return text


class Reporter:
    """Turns what a reader reports into :class:`RecordError`: raised (strict) or handed to ``on_error``."""

    def __init__(self, path: Path, on_error: Callable[[RecordError], None] | None) -> None:
        self._path = path
        self._on_error = on_error

    def __call__(self, line: int | None, reason: str) -> None:
        error = RecordError(self._path, line, reason)
        if self._on_error is None:
            raise error
        self._on_error(error)


def _split(chunks: Iterator[bytes]) -> Iterator[tuple[int, int, bytes | None]]:
    """Number, byte offset and content of each line; None for a line above the limit, which is not kept."""
    number, offset, length = 1, 0, 0
    parts: list[bytes] = []
    for chunk in chunks:
        start = 0
        while (end := chunk.find(b"\n", start)) != -1:
            length += end - start
            parts.append(chunk[start:end])
            yield number, offset, b"".join(parts) if length <= MAX_LINE_BYTES else None
            number, offset, length, start = number + 1, offset + length + 1, 0, end + 1
            parts = []
        length += len(chunk) - start
        if length <= MAX_LINE_BYTES:
            parts.append(chunk[start:])
        else:
            parts = []
    if length:
        yield number, offset, b"".join(parts) if length <= MAX_LINE_BYTES else None


def _transcode(blocks: Iterator[bytes], encoding: str, path: Path) -> Iterator[bytes]:
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


def _wide_encoding(sample: bytes) -> str | None:
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


def _is_binary(sample: bytes) -> bool:
    if _wide_encoding(sample) is not None:
        return False
    head = sample[:8192]
    odd = sum(byte < 9 or 13 < byte < 32 for byte in head)  # tab to carriage return are text
    return odd > 0.1 * len(head)


def _encoding_of(sample: bytes, path: Path) -> str | None:
    """UTF-8, a guess, or None where all is ASCII and a later line must decide."""
    if sample.isascii():
        return None
    text = sample.decode("utf-8", "surrogateescape")
    stray = sum("\udc80" <= char <= "\udcff" for char in text)
    genuine = sum(char > "\x7f" for char in text) - stray
    # A few stray bytes in a UTF-8 file are errors of their lines, no reason to misread all the others.
    return "utf-8" if genuine >= stray else _guess(sample, path, 0)


def _guess(data: bytes, path: Path, offset: int) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(data[:65536], cp_isolation=_ENCODINGS).best()
    if best is None:
        position = next((i for i, byte in enumerate(data) if byte > 0x7F), 0)
        raise ImportFileError(
            f"{path} is not UTF-8 (byte {offset + position} is 0x{data[position]:02x}) and its encoding is not known. "
            "Save it as UTF-8."
        )
    log.warning("%s is not UTF-8; read as %s", path, best.encoding)
    return str(best.encoding)
