"""The records of a JSON document of any size, cut out of it one at a time: arrays, and arrays within an envelope.

Files of papers are arrays over several lines or in one, answers of web services (``{"message": {"items": […]}}``),
or objects one after the other. No parser of the whole document is used: a record that is damaged costs no other, each
keeps the line that it stands on, and memory is bounded by the longest record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rag.papers.importers.source import MAX_RECORD_CHARS

# Under these names envelopes hold their records, or a further envelope; a paper has no array of objects called so
# before its title.
ENVELOPES = frozenset({
    "data", "docs", "documents", "entries", "entry", "feed", "hits", "items", "message", "notes", "papers",
    "publications", "recommendedpapers", "records", "response", "result", "resultlist", "results",
    "works", "articles",
})  # fmt: skip
_TITLES = frozenset(
    {"title", "titles", "display_name", "doi", "abstract", "itemtype", "paperid"}
)  # an object with one of them is a record
_IN_STRING = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+', re.S)
_MARK = re.compile(r'["{}\[\]]')
_LONGEST_NAME = 60  # characters of a name of a field that may be one of the above
_DEEPEST = 200  # brackets within brackets of one record; JSON's own reader gives up at about a thousand


class Cut(NamedTuple):
    """One record as it stands; ``text`` is None where it is too long or too deep, ``whole`` false at the file's end."""

    line: int
    text: str | None
    whole: bool = True


class _Frame(NamedTuple):
    """A bracket that is open outside of records: which, and whether only names of envelopes lead to it."""

    bracket: str
    envelope: bool


class _Record:
    """The text of the record that is being read, as long as it may be kept."""

    def __init__(self, line: int, root: bool) -> None:
        self.line, self.depth, self.root = line, 0, root  # a root object may turn out to be an envelope
        self._parts: list[str] = []
        self._length, self.too_deep = 0, False

    def add(self, text: str) -> None:
        self._length += len(text)
        if self._length <= MAX_RECORD_CHARS:
            self._parts.append(text)
        else:
            self._parts.clear()

    def cut(self, whole: bool = True) -> Cut:
        kept = self._length <= MAX_RECORD_CHARS and not self.too_deep
        return Cut(self.line, "".join(self._parts) if kept else None, whole)


def records(blocks: Iterable[str]) -> Iterator[Cut]:
    """The objects that are papers or might be, from blocks of text, in the order of the file."""
    return _Scanner().records(blocks)


class _Scanner:
    """Follows brackets and strings; nothing else of JSON's grammar matters for where a record begins and ends."""

    def __init__(self) -> None:
        self._record: _Record | None = None
        self._open: list[_Frame] = []
        self._titled = False  # whether the root object has shown a field of a paper
        self._in_string, self._string = False, ""
        self._line = 1

    def records(self, blocks: Iterable[str]) -> Iterator[Cut]:
        carried = ""
        for block in blocks:
            text = carried + block
            backslashes = len(text) - len(text.rstrip("\\"))
            carried = "\\" if backslashes % 2 else ""  # what it escapes stands in the next block
            yield from self._scan(text[: len(text) - len(carried)])
        if self._record is not None:
            yield self._record.cut(whole=False)

    def _scan(self, text: str) -> Iterator[Cut]:
        position = kept = counted = 0  # kept: up to where the text is in the record
        while position < len(text):
            if self._in_string:
                position = self._end_of_string(text, position)
                continue
            mark = _MARK.search(text, position)
            if mark is None:
                break
            at, position = mark.start(), mark.end()
            sign = text[at]
            if sign == '"':
                self._in_string, self._string = True, ""
            elif sign in "{[":
                self._line, counted = self._line + text.count("\n", counted, at), at
                if self._opens(sign, self._string_is_name(text, at)):
                    kept = at
            elif self._closes(sign) and self._record is not None:
                self._record.add(text[kept:position])
                yield self._record.cut()
                self._record, self._titled, kept = None, False, position
        if self._record is not None:
            self._record.add(text[kept:])
        self._line += text.count("\n", counted)

    def _end_of_string(self, text: str, position: int) -> int:
        rest = _IN_STRING.match(text, position)
        end = rest.end() if rest else position
        if len(self._string) <= _LONGEST_NAME:
            self._string += text[position : min(end, position + _LONGEST_NAME + 1)]
        if end < len(text):
            self._in_string = False
            if self._record is not None and self._record.root and self._record.depth == 1:
                self._titled = self._titled or self._string.lower() in _TITLES
            return end + 1
        return end

    def _string_is_name(self, text: str, at: int) -> bool:
        return text[max(0, at - 40) : at].rstrip().endswith(":")

    def _opens(self, sign: str, named: bool) -> bool:
        """Take a bracket in; whether a record begins with it."""
        record = self._record
        if record is not None and not (record.root and self._may_be_envelope(sign, named)):
            record.depth += 1
            record.too_deep = record.too_deep or record.depth > _DEEPEST
            return False
        if record is not None:  # an envelope: what was kept of it is no paper
            if sign == "[":
                self._record = None
                self._open += [_Frame("{", True)] * record.depth + [_Frame("[", True)]
            else:
                record.depth += 1
                self._path_depth = record.depth
            return False
        if sign == "[":
            self._open.append(_Frame(sign, not self._open or (self._open[-1].envelope and self._is_envelope(named))))
            return False
        inside = self._open[-1] if self._open else None
        if (inside is not None and inside.bracket == "{") or (inside is not None and not inside.envelope):
            self._open.append(_Frame(sign, inside.envelope and self._is_envelope(named)))
            return False
        self._record = _Record(self._line, root=inside is None)
        self._record.depth, self._path_depth, self._titled = 1, 1, False
        return True

    def _may_be_envelope(self, sign: str, named: bool) -> bool:
        record = self._record
        assert record is not None
        return not self._titled and record.depth == self._path_depth and self._is_envelope(named)

    def _is_envelope(self, named: bool) -> bool:
        return named and self._string.lower() in ENVELOPES

    def _closes(self, sign: str) -> bool:
        """Take a bracket in; whether the record ends with it."""
        if self._record is not None:
            self._record.depth -= 1
            self._path_depth = min(self._path_depth, max(1, self._record.depth))
            return self._record.depth == 0
        if self._open:
            self._open.pop()
        return False
