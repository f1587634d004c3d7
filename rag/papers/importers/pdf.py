"""A PDF of one paper: title, abstract and DOI from its first two pages, or a clear statement that it has no text.

Layout is all that a PDF has: the title is what is set largest on the first page, unless the file's own title agrees
with the page; the abstract stands between the word 'Abstract' and the introduction or the key words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from rag.datatypes import Paper
from rag.errors import ImportFileError
from rag.papers.importers.field_mapping import Rejected, paper_from
from rag.papers.importers.source import Report
from rag.text.plaintext import encodable

_PAGES = 2
_MOST_BYTES = 200 * 2**20
_MOST_TEXT = 40_000  # characters of the two pages that are looked at
_DOI = re.compile(r"\b10\.\d{4,9}/[^\s\"<>,;]{1,200}")
_ARXIV = re.compile(r"\barXiv:(\d{4}\.\d{4,5})", re.I)
_START = re.compile(r"(?:^|\n)[ \t]*(?:abstract|a b s t r a c t|summary)[ \t]*(?:[.:—–-]+|\n)[ \t]*", re.I)
_END = re.compile(
    r"\n[ \t]*+(?:key[ -]?words?\b|index terms\b|(?:(?:\d\.?+|I\.?+)[ \t]*+)?+introduction\b|ccs concepts\b|jel class|"
    r"(?:1|I)\.?[ \t]+[A-Z])", re.I,
)  # fmt: skip
_HYPHENATED = re.compile(r"(?<=[a-z])-\n(?=[a-z])")
_LONGEST_ABSTRACT = 6_000


class _Run(NamedTuple):
    """Text of one size, in the order of the page."""

    size: float
    text: str


def read(path: Path, report: Report) -> Iterator[Paper]:
    """The one paper. Raises :class:`ImportFileError` where the file is damaged, locked or has no text."""
    runs, text, stated = _contents(path)
    if sum(character.isalpha() for character in text) < 40:
        raise ImportFileError(
            f"{path} is a PDF without text in its first two pages, probably a scan. Run text recognition on it "
            "(for example 'ocrmypdf'), or import the paper's entry from a reference manager."
        )
    title = _title(runs, stated, text)
    doi = next((found[0].rstrip(".)]") for found in _DOI.finditer(text)), "")
    arxiv = _ARXIV.search(text)
    try:
        yield paper_from(
            {
                "title": title,
                "abstract": _abstract(text),
                "doi": doi,
                "url": f"https://arxiv.org/abs/{arxiv[1]}" if arxiv else "",
            },
            f"pdf:{encodable(path.name)}",
        )
    except Rejected as reason:
        report(None, f"{reason}; the PDF has text, but no line that looks like its title.")


def _contents(path: Path) -> tuple[list[_Run], str, str]:
    """Runs of the first page, the text of the first two, and the title that the file states."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    if path.stat().st_size > _MOST_BYTES:
        raise ImportFileError(f"{path} is a PDF of more than {_MOST_BYTES >> 20} MiB, which no paper is.")
    runs: list[_Run] = []

    def visit(text: str, matrix: list[float], text_matrix: list[float], font: Any, size: float) -> None:
        if text.strip():
            scale = abs(text_matrix[3] * matrix[3]) or abs(text_matrix[1] * matrix[1]) or 1.0
            runs.append(_Run(round(size * scale, 1), text))

    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise ImportFileError(f"{path} is a PDF that asks for a password. Save it without one.")
        pages = [reader.pages[number] for number in range(min(_PAGES, len(reader.pages)))]
        texts = [page.extract_text(visitor_text=visit if page is pages[0] else None) for page in pages]
        stated = str((reader.metadata and reader.metadata.title) or "")
    except ImportFileError:
        raise
    except (PyPdfError, Exception) as error:  # on damaged files pypdf raises errors of a dozen kinds
        raise ImportFileError(
            f"{path} is a PDF that cannot be read ({type(error).__name__}). Download it again, or import the paper's "
            "entry from a reference manager."
        ) from error
    return runs, "\n".join(texts)[:_MOST_TEXT], stated


def _title(runs: list[_Run], stated: str, text: str) -> str:
    words = re.findall(r"\w+", stated.lower())
    if len(words) >= 3 and " ".join(words) in " ".join(re.findall(r"\w+", text.lower())):
        return stated
    blocks = [(size, " ".join(run.text for run in group)) for size, group in groupby(runs, key=lambda run: run.size)]
    titles = [(size, one) for size, one in blocks if len(re.findall(r"[^\W\d_]{2,}", one)) >= 2 and len(one) < 400]
    largest = max((size for size, _ in titles), default=0.0)
    return next((" ".join(one.split()) for size, one in titles if size == largest), "")


def _abstract(text: str) -> str:
    start = _START.search(text)
    if start is None:
        return ""
    rest = text[start.end() :]
    end = _END.search(rest)
    abstract = rest[: end.start() if end else min(len(rest), _LONGEST_ABSTRACT)]
    return _HYPHENATED.sub("", abstract) if len(abstract) <= _LONGEST_ABSTRACT else ""
