"""What files put before and behind the text of an abstract, or in its place, that is no part of it; pure.

The heading 'Abstract', the publisher's copyright ('© 2020 Elsevier Ltd. All rights reserved.'), the database's own
('[ABSTRACT FROM AUTHOR]'), and placeholders ('[No abstract available]').
"""

from __future__ import annotations

import re
from typing import NamedTuple

_NO_ABSTRACT = re.compile(
    r"(?<!\s)[\[(<]?\s*+(?:(?:an?|the|there is|sorry,?)\s++){0,3}+(?:"
    r"no (?:abstract|summary)(?: (?:is |was )?(?:available|provided|found|given|supplied|present|listed))?"
    r"|abstracts? (?:is |was )?(?:not|un)[ -]?(?:available|provided|found|present)|abstract missing|missing abstract"
    r"|(?:not|un) ?available|n/?a|nan|none|null)"
    r"(?: (?:for|from|in|by) .{1,60})?\s*+[.!]?\s*+[\])>]?[.!]?",
    re.I,
)
_HEADING_LINE = re.compile(
    r"\A\s*+(?:abstract|summary|zusammenfassung|r[ée]sum[ée]|resumen|resumo|摘要)[ \t]*+\r?\n", re.I
)
_HEADING = re.compile(
    r"\A(?:abstract|zusammenfassung|r[ée]sum[ée]|resumen|resumo|摘要)\s?(?:[:：.|]\s?[–—]?|[–—-](?=\s)|—)\s*+(?=\S)",
    re.I,
)
_HEADING_WORD = re.compile(r"\A(?:abstract|ABSTRACT|Abstract)\s(?=[A-Z“\"(][\w’'-]*+\s(?P<next>\S))")
# Words that begin a text and are never joined to 'abstract' before them.
_BEGINS_TEXT = re.compile(
    r"(?:The|This|These|We|Our|In|An?|It|To|For|On|By|With|From|At|As|Although|While|When|Since|Recent|Recently|There|"
    r"Here|Many|Most|Background|BACKGROUND|Objectives?|OBJECTIVES?|Aims?|AIMS?|Purpose|PURPOSE|Introduction|"
    r"INTRODUCTION|Context|CONTEXT|Motivation|Summary|Methods?|Importance|IMPORTANCE)\b"
)

_LONGEST_RIGHTS = 350  # characters from the mark to the end
_LONGEST_PROPERTY = 900
_MOST_SENTENCES = 8  # that speak of rights
_WINDOW = 1_200  # characters at the end in which a mark may stand
_YEARS = r"(?:19|20)\d\d(?:\s?[-–/]\s?(?:19|20)?\d\d)?"
_MARK = re.compile(
    r"(?:^|(?<=[.!?)\]\"”])\s*+)(?:(?:Crown|Article)\s)?(?:Copyright\s?)?©"
    rf"|(?:^|(?<=[.!?)\]\"”])\s++)(?:(?:Crown|Article)\s)?(?:Copyright\s(?:\([cC]\)\s?)?(?=by\s|{_YEARS})|\([cC]\)\s?(?={_YEARS}\b))"
    r"|(?:^|(?<=[.!?)\]\"”])\s*+)[\[(]\s?(?:PsycINFO|PsycArticles)\sDatabase\sRecord"
    r"|(?:^|(?<=[.!?)\]\"”])\s*+)[\[(]?ABSTRACT\sFROM\s(?:THE\s)?(?:AUTHOR|PUBLISHER)",
    re.I,
)
_PROPERTY = re.compile(r"(?<![^\s.\])])Copyright\sof\s.{1,200}?\sis\sthe\sproperty\sof\s", re.I)
_PUBLISHER = (
    r"(?:Elsevier|Wiley|Springer|Blackwell|Sage|Taylor|Oxford|Cambridge|Academic|BMJ|Karger|Thieme|"
    r"IEEE|ACM|The Authors?)"
)
_LAST_SENTENCE = re.compile(
    r"all\srights\s(?:are\s)?reserved|abstract\sfrom\s(?:the\s)?(?:author|publisher)s?|this\s(?:article|work|paper)\sis\sprotected\sby\scopyright(?:\slaw)?|"
    rf"published\sby\s{_PUBLISHER}\b.{{0,120}}|{_YEARS}\s{_PUBLISHER}\b.{{0,120}}|"
    rf"this\sis\san\sopen[\s-]access\sarticle\s.{{0,250}}|(?:the\sauthors?|authors?)\s(?:\(s\)\s)?{_YEARS}",
    re.I,
)
_SENTENCE_END = re.compile(r"[.!?][\"”')\]]*+\s++")
_LEADING = re.compile(rf"\A(?:Copyright\s)?(?:©|\([cC]\))\s?{_YEARS}\b[^.©]{{0,120}}\.(?:[A-Z]\.?)*+(?=\s|[A-Z][a-z])")


class Abstract(NamedTuple):
    """An abstract, and what was said of the rights in it, both as one line; either may be empty."""

    text: str
    rights: str


def bare(raw: str, plain: str, title: str) -> Abstract:
    """The abstract in ``plain``, which is ``raw`` (the field as it stood in the file) without markup, in one line."""
    text = _without_heading(raw, plain, title)
    text, rights = _without_rights(text)
    return Abstract("" if _NO_ABSTRACT.fullmatch(text) else text, rights)


def _without_heading(raw: str, text: str, title: str) -> str:
    if _HEADING_LINE.match(raw):
        return text.partition(" ")[2]
    if found := _HEADING.match(text):
        return text[found.end() :]
    found = _HEADING_WORD.match(text)
    if found is None:
        return text
    rest = text[found.end() :]
    # 'Abstract interpretation' and its like: papers about what is called so name it in their titles.
    if _BEGINS_TEXT.match(rest) or (not found["next"].isupper() and "abstract" not in title.lower()):
        return rest
    return text


def _without_rights(text: str) -> Abstract:
    start = max(0, len(text) - _WINDOW)
    marks = [found.start() for found in _MARK.finditer(text, start) if len(text) - found.start() <= _LONGEST_RIGHTS]
    marks += [found.start() for found in _PROPERTY.finditer(text, start)][:1]
    end = min(marks, default=len(text))
    for _ in range(_MOST_SENTENCES):
        if not end or (found := _last_sentence(text, end)) is None:
            break
        end = found
    rest, rights = text[:end].strip(), text[end:].strip()
    if (lead := _LEADING.match(rest)) is not None:
        cut = lead.end()
        for _ in range(_MOST_SENTENCES):
            more = _SENTENCE_END.search(rest, cut + 1, cut + _LONGEST_RIGHTS)
            if more is None or not _LAST_SENTENCE.fullmatch(rest[cut : more.start()].strip()):
                break
            cut = more.start() + 1
        rest, rights = rest[cut:].strip(), f"{rest[:cut].strip()} {rights}".strip()
    return Abstract(rest, rights)


def _last_sentence(text: str, end: int) -> int | None:
    """Where the last sentence before ``end`` begins, if it speaks of rights alone."""
    window = max(0, end - _LONGEST_RIGHTS - 1)
    body = text[window:end].rstrip()
    ends = [found.end() for found in _SENTENCE_END.finditer(body)]
    if window and not ends:
        return None
    begin = ends[-1] if ends else 0
    return window + begin if body[begin:] and _LAST_SENTENCE.fullmatch(body[begin:].strip(" .[]()")) else None
