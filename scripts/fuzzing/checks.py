"""What reading a file must keep to, whatever the file: kinds of errors, sound papers, time."""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rag.datatypes import Paper
from rag.errors import FootnoteError, RecordError
from rag.papers.importers import FORMATS, detect_format, read_papers
from rag.papers.importers.field_mapping import LONGEST, MOST_AUTHORS

SECONDS = 2.0  # of processor time, for each 100 KB of text
TEXT_BYTES = 100_000
_GROWTH = 100  # times as many characters in all papers as the file has bytes, at most
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
READINGS = ("detected", *FORMATS)


@dataclass(frozen=True, slots=True)
class Reading:
    """A file read once, in the format that was found or in one that was named.

    ``refused``: the file as a whole was; ``fault``: what must not happen, empty where all is well.
    """

    way: str
    format: str
    papers: int
    reported: int
    refused: bool
    seconds: float
    fault: str


def allowed_seconds(text_bytes: int) -> float:
    """Processor time that a file may take in one reading; ``text_bytes`` of it once it is unpacked."""
    return SECONDS * max(1.0, text_bytes / TEXT_BYTES)


def readings(path: Path, text_bytes: int) -> Iterator[Reading]:
    """The file in every way: as a user imports it, and with each other format named."""
    first = read_once(path, READINGS[0], text_bytes)
    yield first
    for way in READINGS[1:]:
        if way != first.format:
            yield read_once(path, way, text_bytes)


def read_once(path: Path, way: str, text_bytes: int) -> Reading:
    """One reading. Never raises: whatever comes out that is no :class:`FootnoteError` is a fault."""
    errors: list[RecordError] = []
    papers = characters = 0
    refused, fault, name = False, "", way
    began = time.process_time()
    try:
        name = detect_format(path) if way == "detected" else way
        for paper in read_papers(path, None if way == "detected" else way, on_error=errors.append):
            papers += 1
            characters += _characters(paper)
            fault = fault or _fault_of_paper(paper)
    except FootnoteError as error:
        refused = True
        fault = fault or fault_of_message(str(error))
        name = "" if way == "detected" and name == way else name
    except Exception as error:
        fault = f"{type(error).__name__}: {str(error)[:200]} ({place(error)})"
    seconds = time.process_time() - began
    fault = fault or next((found for error in errors if (found := fault_of_message(str(error)))), "")
    if not fault and characters > _GROWTH * (text_bytes + 1000):
        fault = f"{text_bytes} bytes became {characters} characters"
    if not fault and seconds > allowed_seconds(text_bytes):
        fault = f"took {seconds:.1f} s"
    return Reading(way, name, papers, len(errors), refused, seconds, fault)


def _characters(paper: Paper) -> int:
    return sum(map(len, (paper.id, paper.title, paper.abstract, paper.venue, paper.url, paper.doi, *paper.authors)))


def _fault_of_paper(paper: Paper) -> str:
    texts = {name: str(getattr(paper, name)) for name in (*LONGEST, "source")}
    texts |= {f"author {i}": name for i, name in enumerate(paper.authors)}
    for name, text in texts.items():
        if (odd := _CONTROL.search(text)) is not None:
            return f"{name} holds the character {ord(odd[0]):#06x}"
    if not paper.title.strip() or not paper.id.strip():
        return "a paper without a title or an id"
    if paper.year is not None and not 1500 <= paper.year <= 2199:
        return f"the year {paper.year}"
    if any(len(texts[name]) > longest for name, longest in LONGEST.items()) or len(paper.authors) > MOST_AUTHORS:
        return "a field beyond its limit"
    if paper.url and not paper.url.lower().startswith(("http://", "https://")):
        return f"the address {paper.url[:40]!r}"
    return "" if all(name.strip() for name in paper.authors) else "an author without a name"


def fault_of_message(message: str) -> str:
    """What is wrong with a message that people are to read; empty where nothing is."""
    if (odd := _CONTROL.search(message)) is not None:
        return f"a message holds the character {ord(odd[0]):#06x}"
    return "a message without end" if len(message) > 2000 else ""


def place(error: Exception) -> str:
    """Where it was raised: the last line of the program's own, and the last of all."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/rag/" in frame.filename]
    return ", ".join(dict.fromkeys(f"{Path(f.filename).name}:{f.lineno}" for f in [*own[-1:], *frames[-1:]]))
