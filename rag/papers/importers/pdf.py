"""A PDF of one paper: title, abstract and DOI from its first two pages, or a clear statement that it has no text.

Layout is all that a PDF has: the title is what is set largest on the first page, unless the file's own title agrees
with the page; the abstract stands between the word 'Abstract' and the introduction or the key words, or, where there
is no such word, is the first paragraph of prose that is set unlike the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rag.datatypes import Paper
from rag.errors import ImportFileError
from rag.papers.importers.field_mapping import Rejected, paper_from
from rag.papers.importers.pdf_layout import Line, Visitor, title_of, unheaded_abstract
from rag.papers.importers.source import Report
from rag.text.plaintext import encodable

_PAGES = 2
_MOST_BYTES = 200 * 2**20
_MOST_TEXT = 40_000  # characters of the two pages that are looked at
_MOST_STATED = 1_000  # characters of a statement of the file about itself
_DOI = re.compile(r"\b10\.\d{4,9}/[^\s\"<>,;]{1,200}")
_DOI_DIVIDED = re.compile(r"(\b10\.\d{4,9}/(?:[^\s\"<>,;]{0,100}[/-])?)\n(?=[\w(])")  # by the end of a line
_ARXIV = re.compile(r"\barXiv:(\d{4}\.\d{4,5})", re.I)
_START = re.compile(
    r"(?:^|\n)[ \t]*+(?:abstract|a b s t r a c t|summary|s u m m a r y)[ \t]*+(?:[.:—–-]++|\n)[ \t]*+", re.I
)
_RUN_IN = re.compile(r"(?:^|\n)[ \t]*+(?:Abstract|ABSTRACT)[ \t]++(?=[A-Z][\w’'-]*+\s[^A-Z])")
_END = re.compile(
    r"\n[ \t]*+(?:key[ -]?words?\b|k e y ?w o r d s|index terms\b|(?:(?:\d\.?+|I\.?+)[ \t]*+)?+introduction\b|"
    r"i n t r o d u c t i o n|ccs concepts\b|jel class|acm reference|pacs\b|msc\b|highlights\b|article history|"
    r"article info|a r t i c l e  ?i n f o|correspond(?:ing|ence)\b|received:?[ \t]|plain language summary|"
    r"significance statement|abbreviations\b|(?:1|I)\.?[ \t]+[A-Z])", re.I,
)  # fmt: skip
_HYPHENATED = re.compile(r"([^\W\d_]{1,40})[-\u00ad]\n([^\W\d_]{1,40})")
_LONGEST_ABSTRACT = 6_000
_FEWEST_LETTERS = 40
_WORD = re.compile(r"[^\W\d_]{2,}")


class _Contents(NamedTuple):
    """Lines of the first page, the text of the first two, and what the file says of itself."""

    lines: list[Line]
    text: str
    stated: dict[str, str]


def read(path: Path, report: Report) -> Iterator[Paper]:
    """The one paper. Raises :class:`ImportFileError` where the file is damaged, locked or has no text."""
    lines, text, stated = _contents(path)
    if not _is_readable(text):
        raise ImportFileError(
            f"{path} is a PDF without text in its first two pages, probably a scan. Run text recognition on it "
            "(for example 'ocrmypdf'), or import the paper's entry from a reference manager."
        )
    title = _title(lines, stated.get("/Title", ""), text)
    arxiv = _ARXIV.search(text)
    record = {
        "title": title,
        "abstract": _abstract(lines, text, title),
        "doi": _doi(text, stated),
        "url": f"https://arxiv.org/abs/{arxiv[1]}" if arxiv else "",
    }
    try:
        yield paper_from(record, f"pdf:{encodable(path.name)}")
    except Rejected as reason:
        report(None, f"{reason}; the PDF has text, but no line that looks like its title.")


def _contents(path: Path) -> _Contents:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    if path.stat().st_size > _MOST_BYTES:
        raise ImportFileError(f"{path} is a PDF of more than {_MOST_BYTES >> 20} MiB, which no paper is.")
    visitor = Visitor()
    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise ImportFileError(f"{path} is a PDF that asks for a password. Save it without one.")
        pages = [reader.pages[number] for number in range(min(_PAGES, len(reader.pages)))]
        texts = [page.extract_text(visitor_text=visitor if page is pages[0] else None) for page in pages]
        visitor.end()
        stated = {str(name): str(value)[:_MOST_STATED] for name, value in (reader.metadata or {}).items()}
    except ImportFileError:
        raise
    except (PyPdfError, Exception) as error:  # on damaged files pypdf raises errors of a dozen kinds
        raise ImportFileError(
            f"{path} is a PDF that cannot be read ({type(error).__name__}). Download it again, or import the paper's "
            "entry from a reference manager."
        ) from error
    return _Contents(visitor.lines, "\n".join(texts)[:_MOST_TEXT], stated)


def _is_readable(text: str) -> bool:
    """Whether there is text, and not only the numbers of glyphs, as of fonts that do not say what they stand for."""
    letters = sum(character.isalpha() for character in text)
    signs = sum(not character.isspace() for character in text)
    return letters >= _FEWEST_LETTERS and letters > signs / 2 and len(_WORD.findall(text)) >= 5


def _title(lines: list[Line], stated: str, text: str) -> str:
    words = re.findall(r"\w+", stated.lower())
    if len(words) >= 3 and " ".join(words) in " ".join(re.findall(r"\w+", text.lower())):
        return stated
    return _joined(title_of(lines), text)


def _doi(text: str, stated: dict[str, str]) -> str:
    """The first of the two pages, or else one that the file states of itself."""
    places = [_DOI_DIVIDED.sub(r"\1", text), *stated.values()]
    return next((found[0].rstrip(".)]") for place in places if (found := _DOI.search(place))), "")


def _abstract(lines: list[Line], text: str, title: str) -> str:
    start = _START.search(text) or _RUN_IN.search(text)
    if start is None:
        return _joined(unheaded_abstract(lines, title, _END), text)
    rest = text[start.end() :]
    end = _END.search(rest)
    abstract = rest[: end.start() if end else min(len(rest), _LONGEST_ABSTRACT)]
    return _joined(abstract, text) if len(abstract) <= _LONGEST_ABSTRACT else ""


def _joined(part: str, text: str) -> str:
    """``part`` with the words that line ends divide; a hyphen stays that ``text`` has within a line."""

    def word(found: re.Match[str]) -> str:
        first, last = found.groups()
        hyphened = f"{first}-{last}"
        return hyphened if last[0].isupper() or hyphened in text else first + last

    return _HYPHENATED.sub(word, part)
