"""Which papers of the answer before a question points to: '[2]?', 'the second one', 'which of them …'."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.datatypes import Turn
from rag.library.chunking import split_sentences

_MOST_CHARACTERS = 20_000  # of an answer that are looked at
_MARK = re.compile(r"(?<! ) ?\[\d{1,3}\]")
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_NOUN = r"(?:ones?|papers?|stud(?:y|ies)|articles?|works?|trials?|publications?|results?)"
_NUMBERS = re.compile(
    r"\[(?P<mark>\d{1,3})\]|\b(?:paper|study|article|footnote|reference|number|no\.?|nr\.?) ?#?(?P<said>\d{1,3})\b",
    re.IGNORECASE,
)
_ORDINAL = re.compile(
    rf"\bthe (?P<place>{'|'.join(_ORDINALS)}|last|latter|former)(?: (?:{_NOUN}|of (?:them|these|"
    rf"those)(?: {_NOUN})?)\b|(?=\W*$))",
    re.IGNORECASE,
)
_ALL = re.compile(
    rf"\b(?:(?:which|who|what|any|all|some|both|none|each|one|most|how many) of (?:them|these|those)\b|"
    rf"(?:these|those|the same|your) (?:papers|studies|articles|works|trials)\b|they\b|their\b|them\b|which ones?\b|"
    rf"the ones? (?:that|which|on|with|about|from|by|in)\b|the other {_NOUN}\b)",
    re.IGNORECASE,
)
_ONE = re.compile(
    r"\b(?:this|that|the|said) (?:paper|study|article|trial|publication|authors)\b(?! (?:on|about|of|by|that|"
    r"called)\b)",
    re.IGNORECASE,
)
_WHICH = re.compile(
    r"\b(?:which|what|who|any|some) of (?:them|these|those)\b|\bwhich (?:ones|papers|studies|articles|works|trials)\b",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"^\W*+(?:(?:and|what about|how about|tell me(?: more)? about|more (?:about|on)|explain|show(?: me)?|"
    r"summari[sz]e|go on with|"
    r"the|paper|study|article|footnote|reference|number|no|nr|one|of|them|these|those|first|second|third|fourth|fifth|sixth|"
    r"seventh|eighth|ninth|tenth|last|please)\b\W*+|\d{1,3}(?!\d)\W*+)++$",
    re.IGNORECASE,
)


def points_to(text: str, history: Sequence[Turn]) -> tuple[str, ...]:
    """Ids of the papers of the last answer that a question points to, sorted; () where none or none is known."""
    cited = _last_cited(history)
    if not cited:
        return ()
    numbers = {int(m["mark"] or m["said"]) for m in _NUMBERS.finditer(text)}
    found = {paper for number, paper in cited if number in numbers}
    order = list(dict.fromkeys(paper for _, paper in cited))
    for match in _ORDINAL.finditer(text):
        place = match["place"].lower()
        at = {"last": len(order) - 1, "latter": 1, "former": 0}.get(place)
        at = _ORDINALS.index(place) if at is None else at
        found |= {order[at]} if at < len(order) else set()
    if found:
        return tuple(sorted(found))
    if _ALL.search(text) or (len(order) == 1 and _ONE.search(text)):
        return tuple(sorted(order))
    return ()


def refers(text: str) -> bool:
    """Whether a question points to papers by number, by place or all together, whatever was answered before."""
    return any(pattern.search(text) for pattern in (_NUMBERS, _ORDINAL, _ALL, _ONE))


def asks_which(text: str) -> bool:
    """Whether a question asks which papers of an answer do something: each that does is wanted."""
    return _WHICH.search(text) is not None


def is_bare(text: str, history: Sequence[Turn]) -> bool:
    """Whether a question does no more than point to a paper: 'tell me more about paper 3'."""
    pointed = _NUMBERS.search(text) or _ORDINAL.search(text)
    return bool(pointed and _BARE.match(text) and points_to(text, history))


def said_before(history: Sequence[Turn]) -> tuple[str, ...]:
    """The sentences of the last answer, without their footnote numbers."""
    answer = next((turn.content for turn in reversed(history) if turn.role == "assistant"), "")
    return tuple(sentence.text for sentence in split_sentences(_MARK.sub("", answer[:_MOST_CHARACTERS])))


def _last_cited(history: Sequence[Turn]) -> tuple[tuple[int, str], ...]:
    return next((turn.papers for turn in reversed(history) if turn.role == "assistant"), ())
