"""Sentence compression by deletion: the units of a sentence, and which of them may be deleted together.

Some deletions make a true sentence false, whatever a model thinks of them. Hence these rules:

- a figure, a negation or a limiting word ("only", "about") is deleted only together with its whole clause, or
  with the rest of the sentence: '85% on A and 82% on B' never becomes '85% on B';
- nothing is deleted from two lists that 'respectively' pairs, and no single figure from any list;
- a condition before the main clause ('When trained on A, …') stays;
- a text in brackets is one unit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.text.deletions import loses_governor

_PIECE = re.compile(r"\([^()]*\)\S*|\[[^\[\]]*\]\S*|\S+")  # a text in brackets is one unit
_TRAILING = re.compile(r"(?<=[^\s,;:])([,;:]+)$")
_STOP = re.compile(r"(?<![.!?…。！？؟।])[.!?…。！？؟।]++[\"'”’)\]]*+$")
_PUNCTUATION = re.compile(r"^[,;:–—-]+$")
_DIGIT_OR_PERCENT = re.compile(r"\d|^percent$")
_LIMIT = re.compile(
    r"^(?:not|no|never|nor|neither|without|cannot|none|fail(?:s|ed)?|lack(?:s|ed)?|hardly|barely|only|almost|nearly|about|"
    r"approximately|roughly|may|might|could|unless|except|until|if|when|whenever)$|n['’]t$",
    re.IGNORECASE,
)
_ACRONYM = re.compile(r"^\((?=\w[\w-]*[A-Z0-9]|[A-Z])(\w[\w-]*+)\)$")
# Words that begin a clause which limits the main one behind it: of what, or on which condition, it holds.
_CONDITIONS = frozenset(("if", "when", "whenever", "with", "given", "under", "after", "once", "unless", "without"))
_CLAUSE_STARTS = frozenset(
    ("and", "but", "while", "whereas", "which", "where", "although", "though", "thus", "thereby", "or")
)
# Words that no sentence ends with.
_NOT_LAST = frozenset(
    "a an the and or but nor of in on at to for from with without by into onto upon over under between among through "
    "during that which who whose whom where when while whereas as than if because since although though unless until "
    "is are was were be been being has have had do does did can could may might will would shall should must not no "
    "its their his her our my this these those such both either neither each every very more most less than via using "
    "called named including based compared per about against across within we they it authors' can't don't also "
    "thus".split()
)
CLAUSE = 4  # words: a shorter part that holds a figure is taken for an item of a list, not for a clause
_LETTERS = ("A", "I")  # as the last word of a sentence a name, not the article or the pronoun


@dataclass(frozen=True, slots=True)
class Unit:
    """A word of a sentence, a text in brackets, or the punctuation behind one."""

    text: str
    punctuation: bool
    attached: bool  # to the unit before it, without a blank
    has_figure: bool
    limits_claim: bool  # a negation, or a word such as 'only', 'about', 'if'
    begins_clause: bool
    pairs_lists: bool  # 'respectively'
    needs_continuation: bool  # no sentence ends with it
    unbracketed: str  # the text to use once what stood before it is deleted: an acronym without its brackets


def split_units(sentence: str) -> list[Unit]:
    """The units of one sentence in order, without its full stop; a comma or colon at the end of a word is its own."""
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
        has_figure=not whole and bool(_DIGIT_OR_PERCENT.search(word)),
        limits_claim=not whole and bool(_LIMIT.search(word)),
        begins_clause=word in _CLAUSE_STARTS,
        pairs_lists=word in ("respectively", "correspondingly"),
        needs_continuation=(word in _NOT_LAST and bare not in _LETTERS) or bool(_PUNCTUATION.match(text)),
        unbracketed=_ACRONYM.sub(r"\1", text),
    )


def join_units(kept: Sequence[tuple[int, Unit]]) -> str:
    """The text of the units in ``kept``, each with its index in the sentence; it begins with a capital."""
    text, last = "", -1
    for index, unit in kept:
        word = unit.text if index == last + 1 else unit.unbracketed
        if last < 0:
            word = word if index == 0 else capitalised(word)
        text += word if unit.attached or last < 0 else f" {word}"
        last = index
    return text


def may_delete(parts: Sequence[Unit], last: int, following: int) -> bool:
    """Whether everything between the units ``last`` and ``following`` may be deleted without making the sentence false.

    ``last`` is -1 where the deletion begins the sentence, ``following`` is ``len(parts)`` where it ends it. A deletion
    that begins or ends within a clause may hold neither a figure nor a limiting word, and must not bring a second
    figure next to what was said of the first. A figure may go with everything behind it: then nothing is left that it
    could be attached to.
    """
    deleted = parts[last + 1 : following]
    at_end = following >= len(parts)
    if not deleted:
        return True
    if loses_governor([unit.text for unit in parts], last + 1, following):
        return False
    if any(unit.pairs_lists for unit in parts[last + 1 :]) and not _keeps_paired_lists(deleted, last):
        return False
    if last < 0 and not at_end and _ends_with_condition(deleted):
        return False
    needs = last >= 0 and parts[last].needs_continuation and not (parts[last].begins_clause or parts[last].punctuation)
    if needs and deleted[-1].punctuation:
        return False  # 'With the steps, it wins' would become 'With the it wins'
    limits = any(unit.limits_claim for unit in deleted)
    figures = any(unit.has_figure for unit in deleted) and not at_end
    second = not at_end and parts[following].has_figure and _has_figure_before(parts, last)
    if not (limits or figures or second):
        return True
    if figures and sum(not unit.punctuation for unit in deleted) < CLAUSE:
        return False  # one of a list: 'A, B and C have 1, 2 and 3' would give the figure of B to C
    begins = last < 0 or parts[last].punctuation or deleted[0].punctuation or deleted[0].begins_clause
    ends = at_end or parts[following].punctuation or deleted[-1].punctuation
    return begins and ends


def _ends_with_condition(deleted: Sequence[Unit]) -> bool:
    """Whether the last clause of ``deleted`` is a condition: 'With FunCoder, a small model beats a large one'."""
    clause = deleted[:-1] if deleted[-1].punctuation else deleted
    begin = max((at + 1 for at, unit in enumerate(clause) if unit.punctuation), default=0)
    return deleted[-1].punctuation and begin < len(clause) and clause[begin].text.lower() in _CONDITIONS


def _keeps_paired_lists(deleted: Sequence[Unit], last: int) -> bool:
    """Whether two paired lists ('A and B have 1 and 2, respectively') stay whole: only a lead-in may be deleted."""
    return not any(u.pairs_lists or (last >= 0 and (u.has_figure or u.punctuation or u.begins_clause)) for u in deleted)


def _has_figure_before(parts: Sequence[Unit], last: int) -> bool:
    """Whether a figure stands before or at ``last`` in the same clause."""
    for unit in reversed(parts[: last + 1]):
        if unit.punctuation:
            return False
        if unit.has_figure:
            return True
    return False


def capitalised(text: str) -> str:
    """``text`` with a capital at its beginning, unless it is a name with its own spelling ('iBugMask', 'k-means')."""
    if any(c.isupper() or c.isdigit() for c in text) or re.match(r"[b-z](?![^\W_])", text):
        return text
    return text[:1].upper() + text[1:]
