"""The words of a sentence, and which of them may be left out.

Some deletions make a true sentence false, whatever a model thinks of them. A figure, a denial or a word that limits a
claim therefore goes only with its clause, a figure also with all behind it: '85% on A and 82% on B' never becomes '85%
on B'. Of two lists that go together ('respectively') nothing goes, and of any list no figure alone. A condition
before the main clause stays. A text in brackets stays whole or goes whole. Nothing goes that decides how the rest is
meant (:mod:`rag.text.deletions`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.text.deletions import loses_governor

_PIECE = re.compile(r"\([^()]*\)\S*|\[[^\[\]]*\]\S*|\S+")  # what stands in brackets is one word
_TRAILING = re.compile(r"(?<=[^\s,;:])([,;:]+)$")
_STOP = re.compile(r"[.!?…。！？؟।]+[\"'”’)\]]*$")
_PUNCTUATION = re.compile(r"^[,;:–—-]+$")
_DIGIT_OR_PERCENT = re.compile(r"\d|^percent$")
_LIMIT = re.compile(
    r"^(?:not|no|never|nor|neither|without|cannot|none|fail(?:s|ed)?|lack(?:s|ed)?|hardly|barely|only|almost|nearly|about|"
    r"approximately|roughly|may|might|could|unless|except|until|if|when|whenever)$|n['’]t$",
    re.IGNORECASE,
)
_ACRONYM = re.compile(r"^\((\w[\w-]*[A-Z0-9][\w-]*|[A-Z][\w-]*)\)$")
# A clause before the main one that begins with one of these says of what, or on which condition, the main one holds.
_CONDITIONS = frozenset(("if", "when", "whenever", "with", "given", "under", "after", "once", "unless", "without"))
_JOINS = frozenset(("and", "but", "while", "whereas", "which", "where", "although", "though", "thus", "thereby", "or"))
# No sentence ends with one of these.
_OPEN = frozenset(
    "a an the and or but nor of in on at to for from with without by into onto upon over under between among through "
    "during that which who whose whom where when while whereas as than if because since although though unless until "
    "is are was were be been being has have had do does did can could may might will would shall should must not no "
    "its their his her our my this these those such both either neither each every very more most less than via using "
    "called named including based compared per about against across within we they it authors' can't don't also "
    "thus".split()
)
CLAUSE = 4  # words that a part with a figure has at least to be more than one of a list
_LETTERS = ("A", "I")  # names, where they end a sentence


@dataclass(frozen=True, slots=True)
class Unit:
    """A word of a sentence, a text in brackets, or the punctuation behind one."""

    text: str
    punctuation: bool
    attached: bool  # to the word before, without a space
    figure: bool
    limit: bool  # denies or limits what is said
    joins: bool  # begins a clause
    pairs: bool  # says that two lists go together
    open: bool  # needs something behind it
    bare: str  # without the brackets around an acronym, where what it stands for has gone; else the same text


def units(sentence: str) -> list[Unit]:
    """The parts of one sentence that may stay or go, without its full stop."""
    found: list[Unit] = []
    for piece in _PIECE.findall(_STOP.sub("", sentence.strip())):
        tail = _TRAILING.search(piece)
        body = piece[: tail.start()] if tail else piece
        found.append(_unit(body))
        if tail:
            found.append(_unit(tail[1], attached=True))
    return found


def _unit(text: str, attached: bool = False) -> Unit:
    bare = text.strip("\"'“”‘’`*()[]")
    word = bare.lower()
    whole = text.startswith(("(", "["))
    return Unit(
        text,
        punctuation=bool(_PUNCTUATION.match(text)),
        attached=attached,
        figure=not whole and bool(_DIGIT_OR_PERCENT.search(word)),
        limit=not whole and bool(_LIMIT.search(word)),
        joins=word in _JOINS,
        pairs=word in ("respectively", "correspondingly"),
        open=(word in _OPEN and bare not in _LETTERS) or bool(_PUNCTUATION.match(text)),
        bare=_ACRONYM.sub(r"\1", text),
    )


def joined(kept: Sequence[tuple[int, Unit]]) -> str:
    """Units as a text, each with its index in the sentence: what did not begin it gets a capital."""
    text, last = "", -1
    for index, unit in kept:
        word = unit.text if index == last + 1 else unit.bare
        if last < 0:
            word = word if index == 0 else capital(word)
        text += word if unit.attached or last < 0 else f" {word}"
        last = index
    return text


def may_skip(parts: Sequence[Unit], last: int, following: int) -> bool:
    """Whether all between two units may go; ``last`` -1 is the beginning, ``following`` the length the end.

    From the middle of a clause to the middle of one nothing goes that holds a figure or limits what is said, nor what
    stands before a second figure; a figure may still go with all that is behind it, for then nothing is left that it
    could be taken for.
    """
    gone = parts[last + 1 : following]
    at_end = following >= len(parts)
    if not gone:
        return True
    if loses_governor([unit.text for unit in parts], last + 1, following):
        return False
    if any(unit.pairs for unit in parts[last + 1 :]) and not _leaves_pairs(gone, last):
        return False
    if last < 0 and not at_end and _ends_in_condition(gone):
        return False
    needs = last >= 0 and parts[last].open and not (parts[last].joins or parts[last].punctuation)
    if needs and gone[-1].punctuation:
        return False  # 'With the steps, it wins' would become 'With the it wins'
    limits = any(unit.limit for unit in gone)
    figures = any(unit.figure for unit in gone) and not at_end
    second = not at_end and parts[following].figure and _has_figure_before(parts, last)
    if not (limits or figures or second):
        return True
    if figures and sum(not unit.punctuation for unit in gone) < CLAUSE:
        return False  # one of a list: 'A, B and C have 1, 2 and 3' would give the figure of B to C
    begins = last < 0 or parts[last].punctuation or gone[0].punctuation or gone[0].joins
    ends = at_end or parts[following].punctuation or gone[-1].punctuation
    return begins and ends


def _ends_in_condition(gone: Sequence[Unit]) -> bool:
    """Whether the last clause of a lead-in is a condition: 'With FunCoder, a small model beats a large one'."""
    clause = gone[:-1] if gone[-1].punctuation else gone
    begin = max((at + 1 for at, unit in enumerate(clause) if unit.punctuation), default=0)
    return gone[-1].punctuation and begin < len(clause) and clause[begin].text.lower() in _CONDITIONS


def _leaves_pairs(gone: Sequence[Unit], last: int) -> bool:
    """Whether two lists that go together ('A and B have 1 and 2, respectively') both stay whole: a lead-in may go."""
    return not any(u.pairs or (last >= 0 and (u.figure or u.punctuation or u.joins)) for u in gone)


def _has_figure_before(parts: Sequence[Unit], last: int) -> bool:
    """Whether the clause that ``last`` stands in has a figure up to there."""
    for unit in reversed(parts[: last + 1]):
        if unit.punctuation:
            return False
        if unit.figure:
            return True
    return False


def capital(text: str) -> str:
    """``text`` with a capital at its beginning, unless it is a name with its own spelling ('iBugMask', 'k-means')."""
    if any(c.isupper() or c.isdigit() for c in text) or re.match(r"[b-z](?![^\W_])", text):
        return text
    return text[:1].upper() + text[1:]
