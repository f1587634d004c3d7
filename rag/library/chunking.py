"""Segment an abstract into sentences, and group sentences into passages that fit the encoder. Pure functions.

Offsets are exact: ``abstract[s.start:s.end] == s.text`` for every sentence and passage, and every
non-blank character lies in exactly one of them. The rules for sentence ends were made for abstracts and measured
against manual segmentations of SciFact and CSAbstruct.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from rag.datatypes import Paper, Passage, Sentence

# Part of a library's manifest: change it with every change of what these functions return.
CHUNKER_VERSION = "1"

_CLOSERS = r"[\"'”’»)\]}）」』】]*"
# A sentence mark with closing quotes and brackets, and a citation that some journals put behind it: 'results.[12]'.
_STOP = re.compile(rf"(?:[.!?…]+|[。！？؟।｡]+){_CLOSERS}(?: ?[”’]+)?(?:\[\d+(?:[-–, ]+\d+)*\])?|\n\s*\n")
_FULL_WIDTH = "。！？؟।｡"

# Abbreviations whose full stop never ends a sentence.
_NEVER = frozenset(
    "e.g i.e eg ie cf vs viz resp approx ca fig figs eq eqs eqn eqns ref refs dept univ proc incl esp aka et".split()
)
# Forms of address, case-sensitive: MS, ms and st mean something else.
_TITLES = frozenset("Dr Prof Mr Mrs Ms St Mt Gov Gen Sen Rep Hon Drs".split())
# Abbreviations whose full stop does not end a sentence before a figure.
_BEFORE_FIGURE = frozenset(
    "no nos nr sec sect ch chap app alg tab suppl vol vols p pp art thm lem def prop cor ex jan feb mar apr jun jul "
    "aug sep sept oct nov dec v ver".split()
)
# Abbreviations whose full stop may end a sentence: the next word decides.
_PERHAPS = frozenset("etc al inc ltd corp co jr sr sp spp subsp var dept bros max min avg".split())
_EXCLAMATIONS = frozenset(("yahoo", "jeopardy"))  # names that are written with an exclamation mark

# Words that begin sentences of abstracts and are hardly ever surnames.
_STARTERS = frozenset(
    "A According Additionally After All Also Although Among An And Another Applying As At Based Because "
    "Besides Both But By Code Codes Compared Consequently Contrary Conversely Current Data Despite Due During "
    "Each Empirical Empirically Ensuring Even Existing Experimental Experiments Extensive Finally First "
    "Firstly Following For From Further Furthermore Given Hence Here How However If Importantly In Indeed "
    "Instead Interestingly It Its Last Lastly Many Meanwhile Moreover Most Motivated Nevertheless Next No Not "
    "Notably Numerical Of On Once One Only Our Overall Previous Project Recent Recently Results Second "
    "Secondly Several Similarly Since So Some Source Specifically Subsequently Such Surprisingly That The "
    "Their Then There Therefore These They Third This Those Though Through Thus To Together Traditional Two "
    "Typically Under Unfortunately Unlike Until Use Using We What When Where Whereas Whether Which While Why "
    "With Within Without Yet You".split()
)
_HEADING = re.compile(
    r"(?:BACKGROUND|OBJECTIVES?|AIMS?|PURPOSE|METHODS?|DESIGN|SETTING|PARTICIPANTS|PATIENTS|MEASUREMENTS|INTERVENTIONS?|"
    r"MATERIALS?|RESULTS?|FINDINGS|CONCLUSIONS?|SIGNIFICANCE|INTERPRETATION|FUNDING|IMPORTANCE|DATA|MAIN|LIMITATIONS?|"
    r"PRINCIPAL|RATIONALE|CONTEXT|INTRODUCTION)\b"
)
_NEXT_WORD = re.compile(r"\s*([^\s,;:]{0,80})")  # no more of it is looked at
_NOTHING_MORE = re.compile(r"(?<!\s)\s*+\Z")
_WORD_BEFORE = re.compile(r"([^\s(\[“\"‘]{1,40})\s?$")  # tokenised text has a blank before the stop
_ITEM = re.compile(r"\(?(?:\d{1,2}|[a-zA-Z]|[ivx]{1,4})\)")
_MIXED_NAME = re.compile(r"\A(?:[a-z]+-?[A-Z0-9]|[a-z]-[a-z]|[a-z]{1,3}[α-ω]|[α-ω]-|(?:alpha|beta|gamma|delta|kappa)-)")
_BRACKETS = {"(": ")", "[": "]"}
_MAX_BRACKETED = 250  # characters in brackets that are never divided between sentences
_WORD_WINDOW = 40  # characters looked at before a stop

_CLAUSE_END = re.compile(r"[,;:]\s+|\s[-–—]+\s+|—|[，、；：]")


def split_sentences(text: str) -> list[Sentence]:
    """The sentences of ``text`` in order, stripped of blanks."""
    spans: list[tuple[int, int]] = []
    begin = 0
    for end in (*_ends(text), len(text)):
        span = _trimmed(text, begin, end)
        if span is None:
            continue
        if spans and not any(char.isalnum() for char in text[span[0] : span[1]]):
            spans[-1] = (spans[-1][0], span[1])  # punctuation alone belongs to the sentence before
        else:
            spans.append(span)
        begin = end
    return [Sentence(text[start:end], start, end) for start, end in spans]


def split_passages(paper: Paper, count_tokens: Callable[[str], int], limit: int) -> list[Passage]:
    """Consecutive whole sentences of ``paper.abstract``, each passage of at most ``limit`` tokens.

    ``count_tokens`` counts as the encoder does, without its special tokens; ``limit`` is the number of tokens left for
    the text. A sentence above the limit is divided between clauses, else between words. A last passage much
    smaller than the one before it takes over sentences from it. Without an abstract there is one
    passage, the title. ``count_tokens`` is called a number of times linear in the text's sentences.

    Raises :class:`ValueError` for a limit below 1.
    """
    if limit < 1:
        raise ValueError(f"limit is {limit}; a passage needs at least 1 token")
    abstract = paper.abstract
    sentences = split_sentences(abstract)
    if not sentences:
        return [Passage(f"{paper.id}#0", paper.id, paper.title, 0, 0)]
    units = [
        unit for sentence in sentences for unit in _units(abstract, sentence.start, sentence.end, count_tokens, limit)
    ]
    groups = _balanced(_packed(units, abstract, count_tokens, limit), abstract, count_tokens, limit)
    return [
        Passage(f"{paper.id}#{i}", paper.id, abstract[group[0].start : group[-1].end], group[0].start, group[-1].end)
        for i, group in enumerate(groups)
    ]


# --- sentences ---


def _ends(text: str) -> Iterator[int]:
    """The end offsets of all sentences but the last."""
    bracketed = _bracketed(text)
    uncased = not any(char.isupper() for char in text)
    begin = 0
    for stop in _STOP.finditer(text):
        if bracketed[stop.start()] and bracketed[stop.end() - 1]:  # within brackets, and not their closing one
            continue
        if stop.group()[0] in _FULL_WIDTH or stop.group().isspace() or _is_end(text, begin, stop, uncased):
            yield stop.end()
            begin = stop.end()


def _bracketed(text: str) -> bytearray:
    """1 for each character between brackets at most 250 characters apart, else 0; one entry per character."""
    inside = bytearray(len(text))
    opened: list[tuple[str, int]] = []
    for i, char in enumerate(text):
        if char in _BRACKETS:
            opened.append((_BRACKETS[char], i))
        elif opened and char == opened[-1][0]:
            start = opened.pop()[1]
            if i - start <= _MAX_BRACKETED:
                inside[start:i] = b"\x01" * (i - start)
        elif char in ")]" and any(closer == char for closer, _ in opened[-3:]):
            while opened and opened.pop()[0] != char:
                pass
    return inside


def _is_end(text: str, begin: int, stop: re.Match[str], uncased: bool) -> bool:
    """Whether a sentence that began at ``begin`` ends with ``stop``."""
    after = text[stop.end() : stop.end() + 1]
    if not after:
        return True
    word_match = _WORD_BEFORE.search(text, max(begin, stop.start() - _WORD_WINDOW), stop.start())
    word = word_match[1] if word_match else ""
    following = _NEXT_WORD.match(text, stop.end())
    next_word = following[1] if following else ""
    mark = stop.group()
    if not after.isspace():
        return _is_end_without_blank(word, mark, next_word)
    if not next_word:
        return _NOTHING_MORE.match(text, stop.end()) is not None  # ' . ,' in tokenised text ends no sentence
    if mark.startswith(("!", "?")):
        return word.lower() not in _EXCLAMATIONS and _may_begin(text, stop.end(), next_word, uncased)
    if mark.startswith(("..", "…")):
        return next_word[0].isupper()
    if _is_abbreviation(word, next_word, text[max(begin, stop.start() - 2 * _WORD_WINDOW) : stop.start()], mark):
        return False
    return _may_begin(text, stop.end(), next_word, uncased)


def _is_end_without_blank(word: str, mark: str, next_word: str) -> bool:
    """Whether a sentence ends in 'word.Next': after lower case or a bracket, before a typical first word."""
    if mark[0] not in ".?!" or mark.startswith("..") or not re.search(r"[a-z]{2}$|[)\]%]$", word) or "/" in word:
        return mark[-1] in ')]"”' and mark[0] in ".?!" and next_word in _STARTERS
    if word.lower() in _NEVER or word.lower() in _PERHAPS:
        return False
    return next_word in _STARTERS or _HEADING.match(next_word) is not None


def _is_abbreviation(word: str, next_word: str, sentence: str, mark: str) -> bool:
    """Whether the full stop after ``word`` is part of an abbreviation or number and ends no sentence."""
    lower = word.lower()
    bare = lower.rpartition("/")[2].rpartition("-")[2]
    if lower in _NEVER or bare in _NEVER or word in _TITLES:
        return True
    closes = ")" in mark or "]" in mark  # '(as in the U.S.) The'
    figure = next_word.lstrip("(")[:1].isdigit()
    if bare in _BEFORE_FIGURE and figure:
        return True
    if re.fullmatch(r"\d{1,3}", word) and re.match(r"\A\d+%", next_word):
        return True  # '83. 7%': a decimal number with a stray blank
    if sentence.strip() == word and re.fullmatch(r"\d{1,2}|[ivxIVX]{1,4}|[A-Za-z]", word):
        return True  # '1. We propose': an item of a list
    initials = re.fullmatch(r"[A-Z]|(?:[A-Za-z]{1,2}\.)+[A-Za-z]{1,2}", word) is not None
    if lower in _PERHAPS and sentence.rstrip().endswith("et al"):
        return next_word not in _STARTERS or closes
    if initials or lower in _PERHAPS:
        ends = next_word in _STARTERS or figure or (lower == "etc" and next_word[:1].isupper())
        return closes or not ends
    return False


def _may_begin(text: str, end: int, next_word: str, uncased: bool) -> bool:
    """Whether a sentence may begin with ``next_word``."""
    first = next_word[0]
    if first.isupper() or first.isdigit():
        return True
    if first.islower():
        return uncased or (_MIXED_NAME.match(next_word) is not None and not next_word.startswith(("http", "www")))
    if first.isalpha():
        return True  # scripts without case
    if first in "(\"'“‘«[¿¡$":
        inner = next_word.lstrip("(\"'“‘«[¿¡$")[:1]
        return inner.isupper() or inner.isdigit() or _ITEM.match(next_word) is not None or uncased
    return first in "•*–—-→∼~√∀∃#©†‡§"


def _trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The span without blanks at its ends; None where nothing is left."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None


# --- passages ---


class _Unit(NamedTuple):
    """A sentence that fits the limit, or a part of one that does not."""

    start: int
    end: int
    tokens: int


def _units(text: str, start: int, end: int, count: Callable[[str], int], limit: int) -> list[_Unit]:
    """Halve a span until every part fits the limit."""
    tokens = count(text[start:end])
    if tokens <= limit or end - start == 1:
        return [_Unit(start, end, tokens)]
    cut = _division(text, start, end)
    halves = [span for span in (_trimmed(text, start, cut), _trimmed(text, cut, end)) if span is not None]
    return [unit for span in halves for unit in _units(text, *span, count, limit)]


def _division(text: str, start: int, end: int) -> int:
    """The offset to divide at: the clause end nearest to the middle, else the nearest blank, else the middle."""
    middle, quarter = (start + end) // 2, max((end - start) // 4, 1)
    clauses = [match.end() for match in _CLAUSE_END.finditer(text, middle - quarter, middle + quarter)]
    blanks = [match.end() for match in re.compile(r"\s+").finditer(text, start + 1, end - 1)]
    best = min(clauses or blanks or [middle], key=lambda at: abs(at - middle))
    return best if start < best < end else middle


def _packed(units: list[_Unit], text: str, count: Callable[[str], int], limit: int) -> list[list[_Unit]]:
    """Fill passages with units from the first on, each as far as the limit allows."""
    groups: list[list[_Unit]] = []
    at = 0
    while at < len(units):
        total, stop = units[at].tokens, at + 1
        while stop < len(units) and total + units[stop].tokens <= limit:
            total, stop = total + units[stop].tokens, stop + 1
        # The whole may have more tokens than its parts together: count it.
        while stop > at + 1 and count(text[units[at].start : units[stop - 1].end]) > limit:
            stop -= 1
        groups.append(units[at:stop])
        at = stop
    return groups


def _balanced(groups: list[list[_Unit]], text: str, count: Callable[[str], int], limit: int) -> list[list[_Unit]]:
    """Move sentences to the last passage while that makes the two more equal."""
    if len(groups) < 2:
        return groups
    before, last = list(groups[-2]), list(groups[-1])
    while len(before) > 1 and _tokens(last) + before[-1].tokens <= _tokens(before) - before[-1].tokens:
        last.insert(0, before.pop())
    if len(last) == len(groups[-1]) or count(text[last[0].start : last[-1].end]) > limit:
        return groups
    return [*groups[:-2], before, last]


def _tokens(group: list[_Unit]) -> int:
    return sum(unit.tokens for unit in group)
