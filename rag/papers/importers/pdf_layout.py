"""The first page of a PDF as lines and blocks, each with the size and the font of its letters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

_GAP = 1.9  # of a letter's size; lines farther apart belong to two paragraphs
_MOST_LINES = 2_000
_WORDS = re.compile(r"[^\W\d_]{2,}")
_LONGEST_TITLE = 400
_SENTENCES = re.compile(r"[a-z)\]%\d][.!?](?=\s|$)")
_PLACE = re.compile(
    r"@|\b(?:Universit|Department|Institute|Laborator|School of|Faculty|Correspond|Received|Accepted)", re.I
)
# What stands above a title in larger letters: the journal's name, the stamp of a repository, the kind of the article.
_BANNER = re.compile(
    r"\A(?:the\s)?(?:(?:\w{1,40}\s){0,3}?(?:journal|annals|proceedings|transactions|archives|acta|bulletin|letters)\s"
    r"(?:of|on|in|for)\b|arxiv:|contents lists|journal homepage|available online|original (?:research|article|paper)|"
    r"research article|review article|https?://|www\.|vol(?:ume|\.)\s|doi\b|issn\b)",
    re.I,
)
_SHORTEST_ABSTRACT, _LONGEST_ABSTRACT = 250, 3_500


class Line(NamedTuple):
    """One line of the page; ``y`` counts from its foot, in points."""

    text: str
    size: float
    font: str
    y: float


class Block(NamedTuple):
    """Lines below each other that are set alike."""

    text: str
    size: float
    font: str


class Visitor:
    """What pypdf is to call with each piece of a page's text."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._pieces: list[Line] = []

    def __call__(self, text: str, matrix: list[float], text_matrix: list[float], font: Any, size: float) -> None:
        if len(self.lines) > _MOST_LINES:
            return
        scale = abs(text_matrix[3] * matrix[3]) or abs(text_matrix[1] * matrix[1]) or 1.0
        name = str(font.get("/BaseFont", "")) if hasattr(font, "get") else ""
        place = text_matrix[5] * matrix[3] + matrix[5]
        for part in text.splitlines(keepends=True):
            self._pieces.append(Line(part, round(size * scale, 1), name, place))
            if part.endswith("\n"):
                self.end()

    def end(self) -> None:
        """The line is at its end: its size and font are those of most of its letters."""
        told = [piece for piece in self._pieces if piece.text.strip()]
        self._pieces = []
        if told:
            letters: Counter[tuple[float, str]] = Counter()
            for piece in told:
                letters[piece.size, piece.font] += len(piece.text.strip())
            (size, font), _ = letters.most_common(1)[0]
            self.lines.append(Line("".join(piece.text for piece in told).strip(), size, font, told[0].y))


def title_of(lines: list[Line]) -> str:
    """What is set largest and can be a title; '' where nothing can."""
    groups = [
        (size, " ".join(line.text for line in group)) for size, group in groupby(lines, key=lambda line: line.size)
    ]
    titles = [(size, text) for size, text in groups if len(text) < _LONGEST_TITLE and not _BANNER.match(text)]
    for fewest in (4, 2):  # a rubric or a name may be larger, but has few words
        able = [(size, text) for size, text in titles if len(_WORDS.findall(text)) >= fewest]
        if able:
            largest = max(size for size, _ in able)
            return next(" ".join(text.split()) for size, text in able if size == largest)
    return ""


def unheaded_abstract(lines: list[Line], title: str, is_end: re.Pattern[str]) -> str:
    """The first paragraph of prose below the title, if it is set unlike the text or a heading follows it; else ''.

    ``is_end`` matches what follows an abstract: key words, the introduction.
    """
    below = _below(lines, title)
    blocks = list(_blocks(below))
    for at, block in enumerate(blocks):
        if is_end.match(f"\n{block.text}"):
            return ""
        if not _is_prose(block.text):
            continue
        after = blocks[at + 1 :]
        heads = after and (is_end.match(f"\n{after[0].text}") or not _is_prose(after[0].text))
        body = next((one for one in after if _is_prose(one.text)), None)
        unlike = body is not None and (body.size, body.font) != (block.size, block.font)
        return block.text if (heads or unlike) and len(block.text) <= _LONGEST_ABSTRACT else ""
    return ""


def _below(lines: list[Line], title: str) -> list[Line]:
    words = "".join(title.lower().split())
    for at in range(len(lines) - 1, -1, -1):
        text = "".join(lines[at].text.lower().split())
        if len(text) > 3 and text in words:
            return lines[at + 1 :]
    return lines


def _blocks(lines: list[Line]) -> Iterator[Block]:
    waiting: list[Line] = []
    for line in lines:
        if waiting and not _goes_on(waiting[-1], line):
            yield _block(waiting)
            waiting = []
        waiting.append(line)
    if waiting:
        yield _block(waiting)


def _goes_on(before: Line, line: Line) -> bool:
    alike = (before.size, before.font) == (line.size, line.font)
    return alike and abs(before.y - line.y) <= _GAP * max(line.size, 1.0)


def _block(lines: list[Line]) -> Block:
    return Block("\n".join(line.text for line in lines), lines[0].size, lines[0].font)


def _is_prose(text: str) -> bool:
    few_places = len(_PLACE.findall(text)) <= len(text) / 400
    return len(text) >= _SHORTEST_ABSTRACT and len(_SENTENCES.findall(text)) >= 2 and few_places
