"""What a question compares, and in which respects: 'Compare A, B and C on speed and data'."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from rag.datatypes import Intent, Reading
from rag.text.tokenization import stems

MOST_SIDES, MOST_ASPECTS, LONGEST = 6, 6, 300  # the last: characters of a side

_POLITE = re.compile(r"^(?:(?:please|kindly|can you|could you|would you|and|now|then|so)[\s,]+){0,4}", re.IGNORECASE)
# In this order: the first that matches says where the sides stand.
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"^(?:compare|contrast|a comparison of|comparison of)(?: and contrast)? (?P<sides>.+)",
        r"\b(?:differences?|similarit(?:y|ies)|distinctions?|comparisons?|contrasts?) between (?P<sides>.+)",
        r"^how (?:do|does|did|is|are) (?P<sides>.+?) (?:differ(?:s|ent)?|compare[sd]?|stack up)"
        r"(?P<joint> (?:from|with|to|against)\b.{1,300}|\b.{0,300})$",
        r"^what (?:distinguishes|separates|sets apart) (?P<sides>.+)",
        r"^(?:which|what)\b[^,:]{1,120}[,:] (?P<sides>.+ or .+)",
        r"^(?P<sides>.{1,300}? (?:vs\.?|versus) .+)",
        r"^(?:is|are|does|do) (?P<sides>.{1,200}? (?:better|worse|faster|slower|safer|cheaper|more \w+|less \w+)"
        r" than .+)",
    )
)
_ASPECTS = re.compile(
    r",?\s(?:in terms of|with (?:respect|regard) to|w\.?r\.?t\.?|regarding|concerning|as regards|by their|"
    r"on their|in their|in how they|on|by)\s(?:the )?",
    re.IGNORECASE,
)
_CONTEXT = re.compile(r"\s(?:in|for|of|among|during|when|as|under|at)\s", re.IGNORECASE)
# Spaces are single here.
_AND = re.compile(r" ?, ?(?:and|or|vs\.?|versus)? | (?:and|or|vs\.?|versus|as well as) ", re.IGNORECASE)
_WITH = re.compile(
    r" (?:with|to|against|from|(?:better|worse|faster|slower|safer|cheaper|more \w+|less \w+) than) ", re.IGNORECASE
)
# 'A vs B: how do they differ in cost?' asks in which respects the two are compared.
_HOW_THEY = re.compile(
    r"\s?[:;,.?–-]\s{0,2}(?:and )?(?:how|where) (?:do|does) (?:they|these|both|the two|each) (?:differ|compare)"
    r"(?: in(?: terms of)?| on)?(?= \S)",
    re.IGNORECASE,
)
_DIFFER_IN = re.compile(r"^ (?:in|for) (?!terms\b)(?:their )?", re.IGNORECASE)
_BESIDE_WITH = re.compile(r"\b(?:with|without|to|against|from)\b", re.IGNORECASE)
_TRIM = re.compile(
    r"^(?:(?:the|both|between|(?:papers?|works?|methods?|approach(?:es)?|effects?|use) (?:on|about|of)) )+(?=\S)",
    re.IGNORECASE,
)
# 'How does that compare with X?' is asked of one thing, 'How do they compare?' of several.
_OF_SEVERAL = re.compile(r"\b(?:they|them|their|these|those|both|each)\b", re.IGNORECASE)
_MARKS = " \t\"'“”‘’«»?!.,;:"


@dataclass(frozen=True, slots=True)
class Asked:
    """``sides`` are two to six names; ``aspects`` what they are compared in, () where the question does not say.

    ``context`` is what limits all of them ('in type 1 diabetes'); empty without.
    """

    sides: tuple[str, ...]
    aspects: tuple[str, ...] = ()
    context: str = ""


def compared_in(question: str) -> Asked | None:
    """What ``question`` compares; None where it names fewer than two things, or more than six."""
    text = _POLITE.sub("", " ".join(question.split()).strip(_MARKS), count=1)
    text = _HOW_THEY.sub(" in terms of", text, count=1)
    form = next((found for pattern in _FORMS if (found := pattern.search(text))), None)
    if form is None:
        return None
    joint = form.groupdict().get("joint") or ""
    named = form["sides"] + _DIFFER_IN.sub(" in terms of ", joint)
    first = _first_join(named)
    if first is None:
        return None
    head, aspects = _cut(named, _ASPECTS, first)
    head, context = _cut(head, _CONTEXT, first)
    sides = tuple(dict.fromkeys(side for side in map(_trimmed, _parts(head)) if side))
    if not 2 <= len(sides) <= MOST_SIDES or any(len(s) > LONGEST or not stems(s) for s in sides):
        return None
    named_aspects = tuple(one for one in map(_trimmed, _AND.split(aspects)) if stems(one))[:MOST_ASPECTS]
    return Asked(sides, named_aspects, context.strip(_MARKS))


def with_sides(reading: Reading) -> Reading:
    """The reading; a comparison that names fewer than two things is a list, or, where a follow-up compares the one
    thing that was answered, a question after that."""
    if reading.intent is not Intent.COMPARE or compared_in(reading.asks) is not None:
        return reading
    of_one = reading.is_follow_up and _OF_SEVERAL.search(reading.text) is None
    return replace(reading, intent=Intent.FACT if of_one else Intent.MULTI)


def _first_join(text: str) -> int | None:
    """Where the first word stands that joins two sides."""
    found = [match.end() for pattern in (_AND, _WITH) if (match := pattern.search(text))]
    return min(found) if found else None


def _cut(text: str, pattern: re.Pattern[str], first: int) -> tuple[str, str]:
    """``text`` up to what ``pattern`` finds behind ``first``, and what follows; no cut that leaves a side empty."""
    found = pattern.search(text, first)
    cut = found is not None and bool(stems(text[first : found.start()]))
    return (text[: found.start()], text[found.end() :]) if found is not None and cut else (text, "")


def _parts(text: str) -> list[str]:
    """The sides; the first may be joined by 'with' or 'to', unless a later one has such a word as well."""
    head, *rest = _AND.split(text)
    return [*(_WITH.split(head, maxsplit=1) if not any(_BESIDE_WITH.search(one) for one in rest) else [head]), *rest]


def _trimmed(text: str) -> str:
    bare = text.strip(_MARKS)
    return _TRIM.sub("", bare, count=1).strip(_MARKS) or bare
