"""Years as they are written in questions: 'since 2021', 'between 2010 and 2015', 'in the last five years'."""

from __future__ import annotations

import re

PREPOSITION = (
    r"(?:(?P<since>since|starting in)|(?P<after>after|later than)|(?P<before>before|earlier than)|"
    r"(?P<until>until|up to|through)|between|from|in|of|during)"
)
# 'from 2019 on' is open, 'from 2019 on pruning' is not.
_ON = r"on(?:wards?\b|\b(?=\s*(?:[?.!,;:]|$|(?:that|which|about|are|is|have|has|do|mention|discuss|use)\b)))"
NUMBERS = (
    r"(?P<year>(?:19|20)\d\d)"
    r"(?:\s*(?:-|–|to|and|until|through)\s*(?P<end>(?:19|20)\d\d)|"
    rf"\s+(?P<on>{_ON}|or (?:later|newer|after))|\s+(?P<back>or (?:earlier|older|before)))?(?!\w)"
)
YEARS = re.compile(rf"\b{PREPOSITION}?\s*{NUMBERS}", re.IGNORECASE)


def bounds(match: re.Match[str]) -> tuple[int | None, int | None]:
    """First and last year that a match of :data:`YEARS`, or of a pattern with its groups, means."""
    year, end = int(match["year"]), int(match["end"] or match["year"])
    if match["end"]:
        return min(year, end), max(year, end)
    if match["before"]:
        return None, year - 1
    if match["until"] or match["back"]:
        return None, year
    first = year + bool(match["after"])
    return first, None if match["since"] or match["after"] or match["on"] else year


# 'the 2018 World Cup', 'VOC 2007', 'data from 2012': such a year belongs to what a paper is about.
_CONTENT_NAME = re.compile(r"(?:\bthe|(?<![\w-])(?>[\w-]*?\b(?=[A-Z]))\w(?=[\w-]*[A-Z\d])[\w-]*+)\s*+$")
_CONTENT_NOUN = re.compile(r"\b(?:data|datasets?|records?|period|years|season|crisis|pandemic|elections?)\s*$")


def years_in(topic: str) -> re.Match[str] | None:
    """The first years of a topic that papers are counted by; not those that belong to what papers are about."""
    for match in YEARS.finditer(topic):
        content = _CONTENT_NAME if match.group().strip()[0].isdigit() else _CONTENT_NOUN
        if not content.search(topic[: match.start()]):
            return match
    return None


_COUNTED = "two three four five six seven eight nine ten twelve fifteen twenty thirty".split()
_COUNTS = dict(zip(_COUNTED, (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30), strict=True))
_RELATIVE = re.compile(
    r"\b(?:(?P<lead>in|from|of|over|during|within|since|for|throughout)\s+)?(?:the\s+)?"
    rf"(?P<which>last|past|previous|this|current)\s+(?:(?P<count>\d{{1,2}}|{'|'.join(_COUNTED)})\s+)?"
    r"(?P<unit>years?|decades?)\b",
    re.IGNORECASE,
)


def with_absolute_years(text: str, this_year: int) -> str:
    """``text`` with 'in the last five years' as 'since 2021', 'from last year' as 'in 2025' (``this_year`` 2026).

    'In recent years' and 'the last years' name no year and stay.
    """

    def absolute(match: re.Match[str]) -> str:
        which, unit = match["which"].lower(), match["unit"].lower()
        now, count = which in ("this", "current"), (match["count"] or "").lower()
        many = _COUNTS.get(count) or int(count or 0)
        if (unit.endswith("s") and not many) or (now and many):
            return match.group()
        if unit.startswith("decade"):
            return f"since {this_year // 10 * 10 if now else this_year - 10 * (many or 1)}"
        if many:
            return f"since {this_year - many}"
        since = (match["lead"] or "").lower() == "since" or which == "past"
        return f"{'since' if since else 'in'} {this_year - (not now)}"

    return _RELATIVE.sub(absolute, text)
