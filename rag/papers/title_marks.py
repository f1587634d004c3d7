"""What publishers and databases write into a title to say that a paper was retracted, corrected or doubted; pure.

Two kinds: a mark on the paper's own title (``RETRACTED: …``, ``… (Retracted article. See vol. 5, pg. 2, 2016)``), and
the title of a notice about another paper (``Retraction Note to: …``, ``Erratum: …``, ``Expression of concern: …``). A
paper about retractions has neither: ``Retraction of papers in psychology: a survey`` names no paper behind a colon or
in quotation marks. The forms are those of Elsevier, Springer, Wiley, Hindawi, PLOS, PNAS, ACS, IEEE, Cochrane, Web of
Science and PubMed.
"""

from __future__ import annotations

import re
from functools import lru_cache

_THING = r"(?:\s++(?:article|paper|chapter|manuscript|preprint|publication|study|review))?+"
_BEFORE = re.compile(
    # [Retracted] …, (WITHDRAWN) …, **RETRACTED** …
    rf"\A\s*+(?:[\[(*]++\s*+(?:retracted|withdrawn){_THING}\s*+[\])*]++\s*+[:.–—-]?+\s*+"
    # RETRACTED: …, Retracted Article: …, WITHDRAWN – …, This article has been retracted: …
    r"|(?:this\s++(?:article|paper|manuscript)\s++(?:has\s++been|was|is)\s++)?+"
    rf"(?:retracted|withdrawn){_THING}(?:\s*+:|\s++[–—-])\s*+"
    # Words that are common in titles count in capitals only.
    r"|(?-i:RETRACTED(?:\s++ARTICLE)?+\s++(?![A-Z]{3})|(?:TEMPORARY\s++REMOVAL|REMOVED)\s*+:\s*+))",
    re.I,
)
_BEHIND = re.compile(
    # … (Retracted), … [Retracted Article], … (Retracted article. See vol. 5, pg. 2, 2016)
    rf"(?<!\s)\s*+[\[(]\s*+(?:(?:this\s++)?+(?:article|paper|publication)\s++(?:has\s++been\s++|was\s++)?+)?+"
    rf"(?:retracted|withdrawn){_THING}(?:[.,;:][^\])]{{0,200}}+|\s++(?:see|in|by|on|due|from)\b[^\])]{{0,200}}+)?+[\])][\s.]*+\Z"
    # … – RETRACTED, … : RETRACTED ARTICLE
    r"|(?<!\s)(?:\s*+[–—:]|\s++-)\s*+(?-i:RETRACTED|Retracted|WITHDRAWN)" + _THING + r"[\s.]*+\Z",
    re.I,
)
_LONGEST_BEHIND = 300  # characters from the end that are looked at

_WORDS = {
    "retracted": r"retraction|withdrawal",
    "corrected": r"corrections?|errat(?:um|a)|corrigend(?:um|a)|addend(?:um|a)",
    "concern": r"expressions?\s++of\s++concern",
}
_WHOSE = r"(?:(?:authors?|publishers?|editors?|editorial|partial|notice\s++of|statement\s++of)['’]?+s?+\s++)*+"
_NOTICE_WORD = r"(?:\s++(?:note|notice|statement|and\s++replacement|letter))?+"
_LEAD = {
    status: re.compile(rf"\A\s*+\[?+{_WHOSE}(?:{words}){_NOTICE_WORD}\]?+(?P<rest>.*)\Z", re.I | re.S)
    for status, words in _WORDS.items()
}
# What follows the word in the title of a notice: nothing, a colon, quotation marks, or whose paper it is.
_COLON = re.compile(r"\A\s*+(?:to|for|of|on|regarding|in)?+(?:\s++(?:the\s++)?+(?:article|paper))?+\s*+[:–—]\s*+", re.I)
_STOP = re.compile(r"\A\s*+\.?\s*+\Z")
_QUOTED = re.compile(
    r"\A\s*+(?:to|for|of|on|regarding)?+(?:\s++(?:the\s++)?+(?:article|paper))?+[\s:,]*+[\"“‘«'](?P<title>.*)[\"”’»']",
    re.I | re.S,
)
_FOR_AUTHORS = re.compile(r"\A\s++(?:for|to|of)\s++(?:[^\s.,:]++\s++){1,6}?et\s++al\b\.?+[\s,:“\"]*+", re.I)
_TO = re.compile(r"\A\s++(?:to|for)\s++", re.I)
_UNMISTAKABLE = re.compile(r"\A\s*+\[?+(?:errat(?:um|a)|corrigend(?:um|a))\b", re.I)
# Web of Science: "Magnets (Retraction of vol 27, pg 291, 2011)", and of a correction "Magnets (vol 27, pg 291, 2011)".
_OF_VOLUME = re.compile(
    r"(?<!\s)\s*+[\[(]\s*+(?P<word>retraction|correction|erratum|expression\s++of\s++concern|withdrawal)?+(?:\s++of|\s++to)?+\s*+"
    r"vol\b\.?+\s*+[^\])]{0,200}+[\])][\s.]*+\Z",
    re.I,
)
# "… [J. Chess 3 (2010) 1–5]" behind the title that a notice names.
_WHERE_FROM = re.compile(r"(?<!\s)\s*+\[[^\[\]]*+\][\s.]*+\Z")

# Comments on a paper and replies: "Comment on “Magnets”", "Re: Magnets", "Magnets: Reply", "Rejoinder to …".
_ABOUT = r"(?:\s++(?:on|to|of|regarding|about|concerning|re)\b|\s*+[:–—-]|\s++[\"“‘«])"
_WHO = r"\A\W*+(?:(?:(?:the\s++)?authors?+['’]?+s?+['’]?+|an?|some|further|the)\s++)?+"
_COMMENT = re.compile(
    rf"{_WHO}(?:(?:(?:invited|editorial|brief|critical)\s++)?+(?:comment(?:s|ary|aries)?+|correspondence){_ABOUT}"
    r"|re\s*+:|(?:invited\s++)?+discussion(?:\s++(?:of|on)\b|\s*+:)"
    r"|letter(?:\s++to\s++the\s++editors?)?+(?:\s++(?:regarding|about|concerning|on)\b|\s*+[:–—-])"
    r"|book\s++review(?:\s++of\b|\s*+[:–—-])|faculty\s++opinions\s++recommendation\s++of\b"
    r"|(?:peer\s++)?+review(?:er)?+\s++report\b)",
    re.I,
)
_REPLY = re.compile(
    rf"{_WHO}(?:(?:reply|rejoinder){_ABOUT}|in\s++(?:reply|response)\s*+(?:[:–—]|\Z|to\s++comments?\b)"
    r"|response\s++to\s*+[:\"“‘«]"
    r"|response\s++to\s++(?:the\s++)?+(?:comments?|letters?|commentar(?:y|ies)|reviewers?)\b)"
    rf"|\A\W*+(?:the\s++)?+authors?+['’]?+s?+['’]?+\s++response{_ABOUT}",
    re.I,
)
_COMMENTED = re.compile(r"[:–—]\s*+(?:a\s++)?+(?:(?P<comment>comments?|commentary)|reply|rejoinder)\W*+\Z", re.I)


def commentary_in(title: str) -> str:
    """``comment`` or ``reply`` where a title is of what somebody wrote about another paper; empty for any other."""
    if _COMMENT.match(title):
        return "comment"
    if _REPLY.match(title):
        return "reply"
    end = title[-_LONGEST_BEHIND:]
    found = next((f for at, c in enumerate(end) if c in ":–—" and (f := _COMMENTED.match(end, at))), None)
    return "" if found is None else "comment" if found["comment"] else "reply"


@lru_cache(maxsize=1024)  # an import asks several times for each record
def unmarked(title: str) -> str:
    """``title`` without a mark that says that its own paper was retracted; itself where there is none, or only that."""
    rest = title
    if found := _BEFORE.match(rest):
        rest = rest[found.end() :]
    if end := _search_end(_BEHIND, rest):
        rest = rest[:end]
    return rest if rest.strip() else title


def is_marked(title: str) -> bool:
    """Whether the title says of its own paper that it was retracted or withdrawn."""
    return unmarked(title) != title


def notice_in(title: str) -> tuple[str, str] | None:
    """What a notice with this title makes of its paper (``retracted``, ``concern``, ``corrected``), and that paper's
    title (empty where the notice names none); None where it is the title of no notice."""
    if is_marked(title):
        return None
    if (at := _search_end(_OF_VOLUME, title)) is not None and (found := _OF_VOLUME.match(title, at)):
        return _status_of(found["word"] or "correction"), title[:at].strip()
    for status, lead in _LEAD.items():
        if (found := lead.match(title)) and (named := _named(found["rest"], title)) is not None:
            return status, named
    return None


def _named(rest: str, title: str) -> str | None:
    """The title that a notice names behind its lead; None where what follows shows that it is no notice."""
    if _STOP.match(rest):
        return ""
    if found := _QUOTED.match(rest):
        return found["title"].strip(" ,.")
    for pattern in (_COLON, _FOR_AUTHORS):
        if found := pattern.match(rest):
            return _WHERE_FROM.sub("", rest[found.end() :]).strip(" \"“”‘’'«».,")
    if _UNMISTAKABLE.match(title):
        found = _TO.match(rest)
        return rest[found.end() :].strip() if found else ""
    return None


def _status_of(word: str) -> str:
    first = word[:3].lower()
    return "concern" if first == "exp" else "retracted" if first in ("ret", "wit") else "corrected"


def _search_end(pattern: re.Pattern[str], title: str) -> int | None:
    """Where the match begins that reaches the end of the title: tried at each place that a mark may begin at."""
    first = max(0, len(title) - _LONGEST_BEHIND)
    for at in range(first, len(title)):
        if (title[at] in "[(–—:" or title[at].isspace()) and pattern.match(title, at):
            return at
    return None
