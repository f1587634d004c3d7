"""Years as they are written in questions: 'since 2021', 'between 2010 and 2015', 'from 2019 on'."""

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
