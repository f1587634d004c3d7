"""The records of an XML file, one at a time: each is cut out of the text and parsed on its own.

So a file of any size is read in little memory, a damaged record costs no other, and files that were put behind each
other are one. An element that is parsed on its own can define no entities, and a file that declares any is refused:
nothing that it says is ever expanded or fetched.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from html.entities import html5
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from rag.errors import ImportFileError
from rag.papers.importers.source import MAX_RECORD_CHARS, Report, SourceFile

_DECLARES = re.compile(r"<!(?:ENTITY|DOCTYPE[^<>\[]{0,2000}\[)", re.I)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_ENTITY = re.compile(r"&(#?[A-Za-z0-9]{1,32};)?")
_PREFIXED = re.compile(r'<[^<>:"]*+:[^<>]*+>')  # a tag with a colon in it
_PREFIX = re.compile(r"(?<=[<\s/])([\w.-]++):(?=[\w.-]++[\s=/>])")
_CUT_OFF = "the file ends within this record; download or export it again."
_LONGEST_TAG = 100_000  # characters of one tag with its attributes
_KEPT_BACK = 200  # characters at the end of a block, which may be the first half of a name


class Cut(NamedTuple):
    """The text of one record, and the line that it begins in; None for a record that is too long."""

    line: int
    text: str | None
    whole: bool


def elements(source: SourceFile, names: str, report: Report, nests: bool = False) -> Iterator[tuple[int, Element]]:
    """The elements of ``source`` that are called one of ``names`` (a pattern), each with the line it begins in.

    With ``nests`` an element may hold others of its own name. Elements that cannot be parsed are reported. Prefixes
    of names become part of them: ``dc:title`` is ``dc.title``.

    Raises :class:`ImportFileError` where the file declares entities.
    """
    for line, text, whole in _Cutter(source, names, nests).cuts():
        if text is None:
            report(line, f"this record is longer than {MAX_RECORD_CHARS >> 20} MiB and was passed over.")
        elif not whole:
            report(line, _CUT_OFF)
        elif (element := _parsed(line, text, report)) is not None:
            yield line, element


def text_of(element: Element | None) -> str:
    """The text of an element and of those in it; raised and lowered figures keep their tags."""
    if element is None:
        return ""
    if not len(element):
        return (element.text or "").strip()
    return "".join(_texts(element)).strip()


def local_name(element: Element) -> str:
    """The name of an element without its name space or prefix."""
    return element.tag.rpartition("}")[2].rpartition(".")[2]


def texts_of(found: Iterable[Element]) -> list[str]:
    """The texts of ``found``, empty ones left out."""
    return [text for one in found if (text := text_of(one))]


def _texts(element: Element) -> Iterator[str]:
    # Not recursive: what nests may nest deep.
    waiting: list[Element | str] = [element]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
            continue
        raised = one.tag in ("sup", "sub") or one.get("face") in ("superscript", "subscript")
        name = ("sup" if one.tag == "sup" or one.get("face") == "superscript" else "sub") if raised else ""
        yield f"<{name}>" if name else ""
        yield one.text or ""
        if name:
            waiting.append(f"</{name}>")
        for child in reversed(one):
            waiting += [child.tail or "", child]


def _parsed(line: int, text: str, report: Report) -> Element | None:
    text = _PREFIXED.sub(lambda tag: _PREFIX.sub(r"\1.", tag[0]), _CONTROL.sub("", text))
    reason = ""
    for mend in (str, _mended):
        try:
            return ElementTree.fromstring(mend(text))
        except (ElementTree.ParseError, ValueError) as error:
            reason = str(error).partition(":")[0]
    report(line, f"this record is not well-formed XML ({reason}).")
    return None


def _mended(text: str) -> str:
    """``text`` with HTML's names of characters as these, and with ampersands that begin no name as such."""

    def mended(found: re.Match[str]) -> str:
        name = found[1] or ""
        if name.startswith("#") or name in ("amp;", "lt;", "gt;", "quot;", "apos;"):
            return found[0]
        return html.escape(html5[name]) if name in html5 else f"&amp;{name}"

    return _ENTITY.sub(mended, text)


class _Cutter:
    """Cuts records out of the blocks of a file."""

    def __init__(self, source: SourceFile, names: str, nests: bool) -> None:
        self._source = source
        self._first = re.compile(rf"<({names})(?=[\s/>])")
        self._nests = nests
        self._blocks = source.blocks()
        self._text = ""
        self._from = 0  # what stands before has been used
        self._line = 1

    def cuts(self) -> Iterator[Cut]:
        while (name := self._to_record()) is not None:
            yield self._record(name)

    def _more(self) -> bool:
        """Whether there was another block; it is appended, and what has been used is dropped."""
        block = next(self._blocks, None)
        self._text = self._text[self._from :] + (block or "")
        self._from = 0
        return block is not None

    def _use(self, end: int) -> str:
        """The text up to ``end``, which has been used then."""
        text = self._text[self._from : end]
        self._line += text.count("\n")
        self._from = end
        return text

    def _to_record(self) -> str | None:
        """The name of the next record, which the text then begins with."""
        while True:
            found = self._first.search(self._text, self._from)
            end = found.start() if found else len(self._text)
            if _DECLARES.search(self._text, self._from, end):
                raise ImportFileError(
                    f"{self._source.path} declares entities of its own, which are not read. Export it again, or remove "
                    "what stands between '[' and ']' in its DOCTYPE."
                )
            if found is not None:
                self._use(end)
                return found[1]
            self._use(max(self._from, end - _KEPT_BACK))
            if not self._more():
                return None

    def _record(self, name: str) -> Cut:
        """The record that the text begins with."""
        tag = re.compile(rf"<(/?){re.escape(name)}(?=[\s/>])[^<>]{{0,{_LONGEST_TAG}}}>")
        line, depth, done = self._line, 0, 0
        while True:
            for found in tag.finditer(self._text, self._from + done):
                begins = not found[1] and not found[0].endswith("/>")
                damaged = (depth == 0 and found.start() > self._from) or (begins and depth and not self._nests)
                if damaged:  # this one has no end, and the next begins
                    return Cut(line, self._use(found.start()), whole=False)
                depth += 1 if begins else -1 if found[1] else 0
                done = found.end() - self._from
                if depth <= 0:
                    return Cut(line, self._use(found.end()), whole=True)
            length = len(self._text) - self._from
            if depth:
                done = max(done, length - _KEPT_BACK)
            if length > MAX_RECORD_CHARS:
                self._use(len(self._text) - _KEPT_BACK)
                return Cut(line, None, whole=False)
            if not self._more():
                return Cut(line, self._use(len(self._text)), whole=False)
