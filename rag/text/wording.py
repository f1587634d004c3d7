"""Sentences of abstracts in the third person, as an answer quotes them.

What changes is the person ('We propose' becomes 'The authors propose') and the beginning: a connective such as
'However,' refers to a sentence that is not quoted, and goes. Everything else stays as it is.
"""

from __future__ import annotations

import re

from rag.text.sentence_roles import SECTION_HEADING

# A connective that refers to the sentence before. 'First' stays where a 'second' follows.
_CONNECTIVE = re.compile(
    r"^(?:However|Moreover|Furthermore|In addition|Additionally|Besides|Therefore|Thus|Hence|Consequently|As a result|"
    r"To this end|To that end|Nevertheless|Nonetheless|Meanwhile|Finally|Lastly|First(?:ly)?(?!.*\b[Ss]econd)|"
    r"Second|Secondly|Third|"
    r"Thirdly|Then|Also|Notably|Specifically|In particular|In fact|Indeed|Overall|In summary|In short|In this paper|"
    r"In this work|In this article|In this study|In the paper|Here|For this purpose|Accordingly|Instead|Again|"
    r"In contrast|On the other hand|Yet|And|But|So|More specifically|More importantly|Importantly|Interestingly)"
    r"(?:,\s+|\s+(?=we\b))",
)

# The number of a single list item, and dots behind the full stop of a sentence that was cut.
_SCRAPS = re.compile(r"^\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})\) (?!.*\b(?:\d|[a-z]|[ivx]{1,4})\) )|(?<=[.!?]) [.…]+$")
# Numbers in brackets, as the citations of an answer are written; [0, 1] is an interval and can be none.
_BRACKETS = re.compile(r"\[(\s*[1-9]\d*(?:\s*[,;–-]\s*[1-9]\d*)*\s*)\]")
# Quotations and addresses stay letter by letter.
_VERBATIM = re.compile(
    r"“[^”]{1,300}”|\"[^\"]{1,300}\"|https?://\S+|www\.\S+|\S[^\s@]{0,63}+@\S+|\S[^\s/]{0,63}+/\S{0,99}?(?<=\w)\.\w\S*"
)
_ALONE = r"(?![-\w@/]|\.\w)"  # 'we-media', 'us.gov'

# In this order: longer forms first, so that "we've" is not read as "we".
_PERSON: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"\b[Aa]s we(?: all)? know\b"), "as is known", "as is known"),
    (re.compile(r"\b[Ww]e['’]ve\b"), "the authors have", "they have"),
    (re.compile(r"\b[Ww]e['’]re\b"), "the authors are", "they are"),
    (re.compile(r"\b[Ww]e['’]ll\b"), "the authors will", "they will"),
    (re.compile(r"\b[Ll]et us\b"), "the authors", "they"),
    (re.compile(rf"(?<![\w@/-])[Ww]e{_ALONE}"), "the authors", "they"),
    (re.compile(r"\b[Oo]urselves\b"), "themselves", "themselves"),
    (re.compile(r"\b[Oo]urs\b"), "the authors' own", "the authors' own"),  # 'ours vs. theirs'
    (re.compile(rf"(?<![\w@/-])[Oo]ur{_ALONE}"), "the authors'", "their"),
    (re.compile(rf"(?<![\w.@/-])(?<!\d )us{_ALONE}"), "the authors", "them"),  # not U.S., nor 10 us
)
# One author: 'I' is a person where a clause begins and a verb follows, not in 'Phase I trial' or 'I)'.
_VERBS = (
    "propose|show|present|introduce|argue|describe|prove|investigate|discuss|study|examine|analyse|analyze|develop|"
    "explore|demonstrate|provide|use|find|consider|derive|compare|review|apply|offer|cover|include|suggest|conclude|"
    "report|explain|evaluate|design|address|test|train|build|give|call|aim|focus|outline|survey|claim|conjecture|do|"
    "believe|hope|make|take|extend|adapt|combine|formulate|establish|identify|highlight|illustrate|observe|note|think|term|put"
)
_SINGULAR = re.compile(
    r"(?:^|(?<=[,;:(] )|(?<=[,;:(])|(?<=\bthat )|(?<=\band )|(?<=\bbut )|(?<=\bwhich )|(?<=\bpaper )|(?<=\bhere )|"
    r"(?<=\bHere )|(?<=\bwhat )|(?<=\bwhere )|(?<=\bhow )|(?<=\bas ))I"
    rf"(?P<pause>,? (?:(?:also|then|first|further|finally|briefly|here|[a-z]+ly) )?)"
    rf"(?:(?P<verb>{_VERBS})|(?P<own>am|have)|"
    r"(?P<past>was|can|could|will|would|may|might|did|had|[a-z]{2,}ed|found|gave|made|built|took|began|wrote|saw|went|"
    r"chose|drew|led|ran))\b",
)
_CONTRACTED = ((re.compile(r"\bI['’]m\b"), "the author is"), (re.compile(r"\bI['’]ve\b"), "the author has"))
_MY = re.compile(r"(?<![\w@/-])[Mm]y(?= [a-z])")
_MYSELF = re.compile(r"\bmyself\b")


def third_person(sentence: str, *, introduced: bool = False) -> str:
    """``sentence`` on one line with its authors in the third person; everything else stays as it is.

    ``introduced`` says that a sentence before has named the authors, so that this one may begin with 'they'. The number
    of a list item and the heading of a structured abstract ('Results:') are removed; bracketed numbers such as ``[12]``
    become ``(12)``, because in an answer brackets are footnotes.
    """
    whole = _SCRAPS.sub("", " ".join(sentence.split()))
    if label := SECTION_HEADING.match(whole):
        whole = whole[label.end()].upper() + whole[label.end() + 1 :]
    text = _CONNECTIVE.sub("", whole, count=1)
    text = _BRACKETS.sub(r"(\1)", text)
    text = _replace_person(text, introduced)
    if re.search(r"\bI\b", text) or _MY.match(text):
        text = _singular(text)
    return _capitalised(text, whole)


def _replace_person(text: str, introduced: bool) -> str:
    """Each 'we', 'our', 'us' by 'the authors' the first time, and by 'they', 'their', 'them' after that."""
    taken = bytearray(len(text))  # 1 for each character that stays, or that is replaced already
    for match in _VERBATIM.finditer(text):
        taken[match.start() : match.end()] = b"\x01" * len(match.group())
    spans: list[tuple[int, int, str, str]] = []
    for pattern, full, short in _PERSON:
        for match in pattern.finditer(text):
            if not any(taken[match.start() : match.end()]):
                taken[match.start() : match.end()] = b"\x01" * len(match.group())
                spans.append((match.start(), match.end(), full, short))
    pieces, at, named = [], 0, introduced
    for start, end, full, short in sorted(spans):
        named = named or _NAMED.search(text, at, start) is not None
        pieces += [text[at:start], short if named else full]
        named, at = named or full.startswith("the authors"), end
    return "".join([*pieces, text[at:]])


_NAMED = re.compile(r"\b[Tt]he authors\b(?! of\b)")


def _singular(text: str) -> str:
    """'I', 'my' and 'myself' by 'the author', with the verb in the third person."""
    text = _SINGULAR.sub(lambda m: f"the author{m['pause']}{_with_s(m)}", text)
    for pattern, replacement in _CONTRACTED:
        text = pattern.sub(replacement, text)
    return _MYSELF.sub("themselves", _MY.sub("the author's", text))


def _with_s(match: re.Match[str]) -> str:
    """The verb that followed 'I' in the third person singular: 'propose' as 'proposes'."""
    if match["own"]:
        return {"am": "is", "have": "has"}[match["own"]]
    if match["past"]:
        return match["past"]
    verb = match["verb"]
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return f"{verb[:-1]}ies"
    return verb + ("es" if verb.endswith(("s", "sh", "ch", "x", "o")) else "s")


def _capitalised(text: str, original: str) -> str:
    """First letter in upper case, unless it belongs to a name ('iBugMask', 'k-means', 'α-divergence')."""
    word = re.split(r"[\s,;:]", text, maxsplit=1)[0]
    if not text or any(c.isupper() or c.isdigit() for c in word.split("-")[0][1:]) or not text[0].isascii():
        return text
    if re.match(r"[b-z](?![^\W_])", word) or (text[0].islower() and original.startswith(word)):
        return text
    return text[0].upper() + text[1:]
