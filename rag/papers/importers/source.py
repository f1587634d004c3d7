"""A file on disk as lines of text: unpacked, decoded, limited in size, with progress.

It knows no format of papers. Whatever is wrong with the file as a whole is an
:class:`~rag.errors.ImportFileError`; a line that cannot be used is reported and skipped.
"""

from __future__ import annotations

import codecs
import logging
import re
import stat
from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path
from typing import IO, NamedTuple

from rag.datatypes import Paper
from rag.errors import ImportFileError, RecordError
from rag.papers.importers.character_encoding import (
    guessed_encoding,
    is_binary,
    narrow_encoding,
    transcoded,
    utf8_or_none,
    wide_encoding,
    with_stray_bytes,
)
from rag.papers.importers.compression import MAGIC_BYTES, Damaged, TooMuch, codec_of, unpacked
from rag.papers.importers.western_text import WESTERN
from rag.text.plaintext import clean_line, encodable

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
Report = Callable[[int | None, str], None]

MAX_LINE_BYTES = 16 * 2**20  # a longer line is skipped without being held in memory
MAX_RECORD_CHARS = 4 * 2**20  # of a record over many lines; it is held, and parsed, as a whole
MOST_UNUSABLE = 10_000  # records, before those that can be used must outnumber them
_LONGEST_REASON = 300  # characters; a reason may quote the file
_SAMPLE_BYTES = 256 * 2**10
_CHUNK_BYTES = 2**18
_PROBED_BYTES = 2**20  # a packed file up to this size is unpacked once before any of it is used

_EMPTY_LINES = re.compile(rb"\n[\r\n]*\n")

_OTHER_KINDS = {
    b"PK\x03\x04": "a document of an office program; save the table in it as CSV",
    b"\xd0\xcf\x11\xe0": "a document of an old office program; save it as .xlsx or CSV",
    b"SQLite format 3": "an SQLite database; export the papers as BibTeX, RIS or CSV",
    b"GGUF": "a language model; add it with `footnote models add`",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; unpack it",
    b"Rar!\x1a\x07": "a RAR archive; unpack it",
    b"\x28\xb5\x2f\xfd": "packed by zstd, which is not read; unpack it",
}


class Line(NamedTuple):
    """One line without its end; ``number`` counts from 1."""

    number: int
    text: str


class _DamagedFile(ImportFileError):
    """What is packed in the file cannot be unpacked to its end."""


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
        self._wide = wide_encoding(self._sample)
        self._encoding = self._wide or narrow_encoding(self._sample, self.path)

    @property
    def name(self) -> str:
        """The file's name without its folder, as UTF-8 can hold it."""
        return encodable(self.path.name)

    def sample(self) -> str:
        """The first 256 KiB as text, for telling the format; an incomplete last character is left out."""
        return (
            self._sample.decode(self._encoding or "utf-8", errors="ignore")
            .lstrip("\ufeff")
            .replace("\r\n", "\n")
            .replace("\r", "\n")
        )

    def aside(self) -> SourceFile:
        """The same file, for reading it in advance: its progress is not told."""
        same = copy(self)
        same._on_progress = None
        return same

    def lines(self, report: Report) -> Iterator[Line]:
        """The lines, one at a time, and of empty ones after each other not all.

        A line above 16 MiB or in no known encoding is reported and left out.
        """
        for number, offset, raw in _split(self._text_chunks()):
            if raw is None:
                report(number, f"the line is longer than {MAX_LINE_BYTES >> 20} MiB and was passed over")
                continue
            text = self._decode(raw.rstrip(b"\r").replace(b"\r", b" "), number, offset, report)
            if text is not None:
                yield Line(number, text.removeprefix("\ufeff") if number == 1 else text)

    def blocks(self) -> Iterator[str]:
        """The text in blocks of about 256 KiB, however long its lines are; a byte that is no character is U+FFFD."""
        decoder = codecs.getincrementaldecoder("utf-8" if self._wide else self._encoding or "utf-8")("replace")
        for raw in self._text_chunks():
            yield decoder.decode(raw).replace("\r\n", "\n").removeprefix("\ufeff")
        yield decoder.decode(b"", final=True)

    def _check_path(self) -> None:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            raise ImportFileError(f"{self.path} does not exist. Check the name and the folder.") from None
        except OSError as error:
            raise ImportFileError(f"{self.path} cannot be read ({error.strerror}). Check its permissions.") from error
        if stat.S_ISDIR(status.st_mode):
            raise ImportFileError(f"{self.path} is a folder. Name the files in it, for example {self.path}/*.bib.")
        if not stat.S_ISREG(status.st_mode):  # opening a pipe may wait for ever, and it cannot be read twice
            raise ImportFileError(f"{self.path} is a pipe or a device. Write what it holds into a file, and name that.")
        self._size = status.st_size

    def _read_sample(self) -> bytes:
        """The beginning; of a packed file of moderate size all is unpacked, so that a bomb is known at once."""
        sample = b""
        try:
            for chunk in self._chunks():
                if len(sample) < _SAMPLE_BYTES:
                    sample += chunk
                elif self._size > _PROBED_BYTES or not self._packed:
                    break
        except _DamagedFile:
            if not sample:
                raise
            # What stands before the damage can be used; lines() comes upon it again.
        return sample

    def _check_content(self) -> None:
        if not self._sample.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00"):
            raise ImportFileError(f"{self.path} is empty. There is nothing to import.")
        kind = next((kind for magic, kind in _OTHER_KINDS.items() if self._sample.startswith(magic)), None)
        if codec_of(self._sample[:MAGIC_BYTES]) is not None:
            kind = "packed twice; unpack it once"
        if self._sample[257:262] == b"ustar":
            kind = "a tar archive; unpack it"
        if kind is None and is_binary(self._sample):
            kind = "a binary file, not text; Footnote imports BibTeX, RIS, CSV, JSONL and listing pages"
        if kind is not None:
            raise ImportFileError(f"{self.path} is {kind}.")

    def _chunks(self, report_progress: bool = False) -> Iterator[bytes]:
        """The unpacked bytes. Raises :class:`ImportFileError`."""
        try:
            with self.path.open("rb") as raw:
                for block in self._blocks(raw):
                    yield block
                    if report_progress:
                        self._progress(raw.tell())
                if report_progress:
                    self._progress(raw.tell())  # what packed files end with holds no text
        except Damaged as error:
            raise _DamagedFile(f"{self.path} is damaged or cut off ({error}). Download or export it again.") from error
        except TooMuch as limit:
            raise ImportFileError(f"{self.path} {limit}.") from limit
        except OSError as error:
            raise ImportFileError(
                f"{self.path} cannot be read ({error.strerror or error}). Check its permissions."
            ) from error

    def _blocks(self, raw: IO[bytes]) -> Iterator[bytes]:
        codec = codec_of(raw.read(MAGIC_BYTES))
        raw.seek(0)
        self._packed = codec is not None
        if codec is not None:
            yield from unpacked(raw, codec, self._size)
        else:
            while block := raw.read(_CHUNK_BYTES):
                yield block

    def _progress(self, done: int) -> None:
        if self._on_progress is not None:
            self._on_progress(done, self._size)

    def _text_chunks(self) -> Iterator[bytes]:
        """The bytes with UTF-16 and UTF-32 as UTF-8 and old Macintosh line ends as new ones."""
        blocks = self._chunks(report_progress=True)
        if self._wide is not None:
            blocks = transcoded(blocks, self._wide, self.path)
        sample = self._sample
        if b"\r" in sample and b"\n" not in sample:
            return (block.replace(b"\r", b"\n") for block in blocks)
        return blocks

    def _decode(self, raw: bytes, number: int, offset: int, report: Report) -> str | None:
        encoding = "utf-8" if self._wide else self._encoding
        try:
            if encoding in WESTERN and (mixed := utf8_or_none(raw)) is not None:
                return mixed  # files that were put behind each other
            text = raw.decode(encoding or "utf-8")
        except UnicodeDecodeError as error:
            if encoding is None:  # only ASCII so far: this line decides
                self._encoding = guessed_encoding(raw, self.path, offset)
                return self._decode(raw, number, offset, report)
            log.warning(
                "%s: byte %d (0x%02x) of line %d is not valid %s; such bytes are read as Windows-1252",
                self.path, offset + error.start, raw[error.start], number, encoding.upper(),
            )  # fmt: skip
            return with_stray_bytes(raw, encoding)
        if encoding is None and not text.isascii():
            self._encoding = "utf-8"
        return text


class Reporter:
    """Turns what a reader reports into :class:`RecordError`: raised (strict) or handed to ``on_error``."""

    def __init__(self, path: Path, on_error: Callable[[RecordError], None] | None) -> None:
        self._path = path
        self._on_error = on_error
        self._usable = self._unusable = 0

    def __call__(self, line: int | None, reason: str) -> None:
        reason = encodable(clean_line(reason))
        error = RecordError(self._path, line, _shortened(reason))
        if self._on_error is None:
            raise error
        self._on_error(error)
        self._unusable += 1
        if self._unusable >= MOST_UNUSABLE and self._usable < self._unusable:
            raise ImportFileError(
                f"{self._path} seems to be no list of papers in this format: {self._unusable:,} of its records cannot "
                f"be used (the last in line {line}: {error.reason.rstrip('.')}) and {self._usable:,} can. Check the "
                "file, or name its format with --format."
            )

    def counted(self, papers: Iterator[Paper]) -> Iterator[Paper]:
        """``papers``, each weighed against the records that cannot be used.

        Raises :class:`ImportFileError` once those are many, and more.
        """
        for paper in papers:
            self._usable += 1
            yield paper


def _shortened(reason: str) -> str:
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]} …"


def _split(chunks: Iterator[bytes]) -> Iterator[tuple[int, int, bytes | None]]:
    """Number, byte offset and content of each line; None for a line above the limit, which is not kept.

    Of empty lines after each other most are left out: they mean no more than one does, and there may be millions.
    """
    number, offset, length = 1, 0, 0
    parts: list[bytes] = []
    for chunk in chunks:
        start = 0
        while (end := chunk.find(b"\n", start)) != -1:
            if (
                not length
                and chunk[start:end] in (b"", b"\r")
                and (empty := _EMPTY_LINES.match(chunk, end)) is not None
            ):
                end = empty.end() - 1
                number, offset, start = number + chunk.count(b"\n", start, end), offset + end - start, end
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
