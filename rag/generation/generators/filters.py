"""What of a model's text is not shown: reasoning blocks, and whatever follows a stop string.

Pure and safe for streaming: a mark that is split over two pieces is held back until it is whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

_OPEN = ("<think>", "<thinking>")
_CLOSE = ("</think>", "</thinking>")


class ThinkFilter:
    """Takes ``<think>…</think>`` out of a stream. ``inside`` says that the prompt has opened a block already.

    A block that is never closed is not shown at all: it is no answer.
    """

    def __init__(self, inside: bool = False) -> None:
        self._inside = inside
        self._held = ""

    def feed(self, piece: str) -> str:
        """What of ``piece``, and of what was held back before, can be shown."""
        text = self._held + piece
        shown: list[str] = []
        while True:
            marks = _CLOSE if self._inside else _OPEN
            at, mark = _first(text, marks)
            if at < 0:
                break
            if not self._inside:
                shown.append(text[:at])
            text = text[at + len(mark) :]
            self._inside = not self._inside
        keep = held_back(text, marks)
        self._held = text[len(text) - keep :]
        if not self._inside:
            shown.append(text[: len(text) - keep])
        return "".join(shown)

    def finish(self) -> str:
        """The rest, once nothing more comes: what only began like a mark."""
        rest, self._held = ("" if self._inside else self._held), ""
        return rest


def without_thoughts(pieces: Iterable[str], inside: bool = False) -> Iterator[str]:
    """``pieces`` without reasoning blocks and without blank space before the first word."""
    block, begun = ThinkFilter(inside), False
    for piece in _fed(block, pieces):
        shown = piece if begun else piece.lstrip()
        begun = begun or bool(shown)
        if shown:
            yield shown


def until_stop(pieces: Iterable[str], stops: Sequence[str]) -> Iterator[str]:
    """``pieces`` up to the first of the stop strings, which is itself left out."""
    held = ""
    for piece in pieces:
        text = held + piece
        at, _ = _first(text, stops)
        if at >= 0:
            if at:
                yield text[:at]
            return
        keep = held_back(text, stops)
        held = text[len(text) - keep :]
        if keep < len(text):
            yield text[: len(text) - keep]
    if held:
        yield held


def held_back(text: str, marks: Sequence[str]) -> int:
    """The length of the longest end of ``text`` that may be the beginning of one of ``marks``."""
    longest = max((len(mark) for mark in marks), default=0)
    for length in range(min(len(text), longest - 1), 0, -1):
        if any(mark.startswith(text[-length:]) for mark in marks):
            return length
    return 0


def _fed(block: ThinkFilter, pieces: Iterable[str]) -> Iterator[str]:
    for piece in pieces:
        yield block.feed(piece)
    yield block.finish()


def _first(text: str, marks: Sequence[str]) -> tuple[int, str]:
    """Where the first of ``marks`` stands in ``text``, and which; -1 where none does."""
    found = [(text.find(mark), mark) for mark in marks if mark in text]
    return min(found, default=(-1, ""))
