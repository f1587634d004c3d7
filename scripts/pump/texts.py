"""Texts that pump a pattern: runs of what anybody may type, and runs of what the pattern itself repeats.

A pattern is slow on a text that lets one of its repetitions go on and on and then fails. So for every repetition in its
parse tree there is a text that satisfies what stands before it, goes on with what it repeats, and ends with a character
that fits nowhere.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

# What a text is built of: one of each kind of character that patterns tell apart.
ALPHABET = " \n0axA.,;:-–_/%'’\"“()[]{}<>=&$\\|+@!?é漢。"
# Runs that need no pattern to be thought of.
PLAIN = (
    *(char for char in " \n\t0aA.,;:-–—_/%'\"()[]{}<>=&~`^$\\|*+#@!?é漢。\u00a0\x1f"),
    "1.", "1,", "1,000", "0.1 ", "1 ", "1-", "[1]", " [1]", "[1,", "a ", "a-", "a.", "a, ", "A ", "Aa", "A-", "aA",
    "A. ", ". ", "? ", "\n\n", "\n ", "- ", "()", "(a) ", "[]", "{}", "<>", "<a ", "</", "&a", "\\a", "\\{", "$a",
    "$$", "\"a", "'a", "“a”", "et al. ", "the ", "and ", "http://a", "a@", "a/", "1a", "1 %", "|-", "<a b='", "( ",
    "é ", "a\n", "we ",
)  # fmt: skip
END = "\x01"  # fits no class of characters but a negated one
_MANY = 8  # repetitions from this number on are worth pumping
_REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
_MOST_WORDS = 24  # of the literal words of a pattern


def units_of(pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    """(beginning, what is repeated behind it) for a pattern, each once."""
    tree = parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    found: dict[tuple[str, str], None] = {}
    for prefer in ALPHABET:
        for some in (True, False):
            for begin, body in _pumps(list(tree), "", prefer, some):
                if body:
                    found[begin, body] = None
                    found["", begin + body] = None
                if begin:
                    found["", begin] = None
    words = _words(list(tree))
    step = max(1, len(words) // _MOST_WORDS)
    found |= {("", unit): None for word in words[::step] for unit in (word, f"{word} ")}
    return list(found)


def text_of(begin: str, body: str, length: int) -> str:
    """The text of about ``length`` characters."""
    return begin + body * max(1, (length - len(begin)) // len(body)) + END


def nested(opening: str, closing: str, length: int) -> str:
    """The text of about ``length`` characters that opens as often as it closes."""
    depth = length // (len(opening) + len(closing))
    return opening * depth + "a" + closing * depth + END


def _pumps(nodes: Sequence[Any], before: str, prefer: str, some: bool) -> Iterator[tuple[str, str]]:
    """For each repetition among ``nodes`` what stands before it and what it repeats."""
    for kind, value in nodes:
        if kind in _REPEATS:
            _, most, body = value
            if most >= _MANY:
                yield before, _text(body, prefer, some)
                yield from ((before, _text(one, prefer, some)) for one in _alternatives(body))
            yield from _pumps(list(body), before, prefer, some)
        elif kind is op.BRANCH:
            for one in value[1]:
                yield from _pumps(list(one), before, prefer, some)
        elif kind is op.SUBPATTERN:
            yield from _pumps(list(value[3]), before, prefer, some)
        elif kind is op.ATOMIC_GROUP:
            yield from _pumps(list(value), before, prefer, some)
        elif kind in (op.ASSERT, op.ASSERT_NOT):
            yield from _pumps(list(value[1]), before, prefer, some)
        before += _text([(kind, value)], prefer, some)


def _alternatives(body: Iterable[Any]) -> Iterator[Any]:
    nodes = list(body)
    while len(nodes) == 1 and nodes[0][0] is op.SUBPATTERN:
        nodes = list(nodes[0][1][3])
    if len(nodes) == 1 and nodes[0][0] is op.BRANCH:
        yield from itertools.islice(nodes[0][1][1], 12)


def _text(nodes: Iterable[Any], prefer: str, some: bool) -> str:
    """A text that ``nodes`` match, of ``prefer`` where that fits; with ``some`` what may be left out is there."""
    found = ""
    for kind, value in nodes:
        if kind is op.LITERAL:
            found += chr(value)
        elif kind is op.NOT_LITERAL:
            found += prefer if ord(prefer) != value else "a" if value != ord("a") else "b"
        elif kind is op.ANY:
            found += prefer if prefer != "\n" else "a"
        elif kind is op.IN:
            found += _member(tuple(value), prefer)
        elif kind in _REPEATS:
            least, most, body = value
            found += _text(body, prefer, some) * min(max(least, int(some)), most)
        elif kind is op.BRANCH:
            found += _text(value[1][0], prefer, some)
        elif kind is op.SUBPATTERN:
            found += _text(value[3], prefer, some)
        elif kind is op.ATOMIC_GROUP:
            found += _text(value, prefer, some)
        elif kind is op.ASSERT and value[0] < 0:
            found += _text(value[1], prefer, some) if not found else ""
    return found


@lru_cache(maxsize=20_000)
def _member(items: tuple[Any, ...], prefer: str) -> str:
    """A character of a class: ``prefer`` where it is one, else the first of the alphabet, else the first of a range."""
    for char in (prefer, *ALPHABET):
        if _holds(items, char):
            return char
    kind, value = items[-1]
    return chr(value if kind is op.LITERAL else value[0]) if kind in (op.LITERAL, op.RANGE) else "ჯ"


def _holds(items: tuple[Any, ...], char: str) -> bool:
    wanted = True
    held = False
    for kind, value in items:
        if kind is op.NEGATE:
            wanted = False
        elif kind is op.LITERAL:
            held = held or ord(char) == value
        elif kind is op.RANGE:
            held = held or value[0] <= ord(char) <= value[1]
        elif kind is op.CATEGORY:
            held = held or _CATEGORIES[value](char)
    return held is wanted


_CATEGORIES = {
    getattr(op, f"CATEGORY_{name}"): lambda char, one=re.compile(text): one.match(char) is not None
    for name, text in {
        "DIGIT": r"\d", "NOT_DIGIT": r"\D", "SPACE": r"\s", "NOT_SPACE": r"\S", "WORD": r"\w", "NOT_WORD": r"\W",
    }.items()
}  # fmt: skip


def _words(nodes: Iterable[Any]) -> list[str]:
    """The runs of literals of a pattern, longest first."""
    found: list[str] = []
    run = ""
    for kind, value in [*nodes, (None, None)]:
        if kind is op.LITERAL:
            run += chr(value)
            continue
        found += [run] if run else []
        run = ""
        if kind in _REPEATS:
            found += _words(value[2])
        elif kind is op.BRANCH:
            found += [word for one in value[1] for word in _words(one)]
        elif kind is op.SUBPATTERN:
            found += _words(value[3])
        elif kind is op.ATOMIC_GROUP:
            found += _words(value)
        elif kind in (op.ASSERT, op.ASSERT_NOT):
            found += _words(value[1])
    return sorted(set(found), key=lambda word: (-len(word), word))
