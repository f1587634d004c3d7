"""Questions that ask two things at once, and questions after several things of one kind."""

from __future__ import annotations

import itertools
import re

from rag.text.tokenization import stems, tokens

_ASKS = (
    r"what|which|how|who|whom|where|when|why|is|are|was|were|does|do|did|can|could|has|have|by (?:what|how)|"
    r"in (?:what|which)|on (?:what|which)|for (?:what|which)"
)
# A comma or a mark, 'and', and a new question. 'and which' within a clause asks nothing new without the comma.
_BETWEEN = re.compile(rf"(?:[,;?]\s*+(?:and|but)?|\s++and)\s++(?=(?:{_ASKS})\b)", re.IGNORECASE)
_CONJUNCTION = re.compile(r"[\s,;?]++(?:and|but)?\s*+$", re.IGNORECASE)
_SHORTEST = 2  # content words of a part, the words that ask left out
_HEAD = re.compile(
    r"^(?:(?:please|and|so|can you|could you|tell me)\b[\s,]*+)*+"
    r"(?:(?:list|name|enumerate|give(?: me)?|mention)\s++(?:the |some |all )?|"
    r"(?:what|which)\s++(?:(?:are|were|have been)\s++(?:the\s++)?)?(?:(?:kinds?|types?|sorts?|ways?)\s++of\s++)?)"
    r"(?P<head>(?:[\w’'-]++\s*+){1,6})",
    re.IGNORECASE,
)
_ENDS_NOUN = frozenset(
    """of in on for to by with from at that which who has have had is are was were do does did can could may might
    will would should been being used known reported associated caused found proposed tried""".split()
)
_NO_PLURAL = re.compile(r"(?:ss|us|is|ics|'s|’s|[^aeiou]ous)$", re.IGNORECASE)
_PLURALS = frozenset("people children mice women men criteria phenomena bacteria genera larvae evidence".split())
_VERBS = frozenset("happens makes means drives explains determines remains limits helps lets keeps brings".split())
_HAS_BEEN = re.compile(
    r"^what (?:else )?(?:has|have) (?:been|people|researchers|authors|others) "
    r"(?:tried|used|done|proposed|suggested|found|reported|tested|shown|observed)\b",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"\b(?:two|three|four|five|both|\d+)\b", re.IGNORECASE)


def parts_of(text: str) -> tuple[str, ...]:
    """The questions that ``text`` asks one after the other, at most three; one that stands alone is the only part.

    'Is it safe, and what does it cost?' has two. What begins anew without asking for anything of its own is no part.
    """
    begins = [0]
    for match in _BETWEEN.finditer(text):
        if _stands(text[begins[-1] : match.start()]) and _stands(text[match.end() :]):
            begins.append(match.end())
    ends = [*begins[1:], len(text)]
    parts = [_CONJUNCTION.sub("", text[a:b]).strip(" ,;?") for a, b in zip(begins, ends, strict=True)]
    return tuple(f"{one}?" for one in parts[:3]) if len(parts) > 1 else (text,)


def _stands(piece: str) -> bool:
    """Whether a part asks for something by content words of its own."""
    return len(stems(piece)) >= _SHORTEST or (len(stems(piece)) == 1 and len(piece.split()) >= 4)


def asks_for_things(text: str) -> bool:
    """Whether several things of one kind are asked for: 'which symptoms …', 'list the side effects of …'.

    By the number of the noun that the question asks for; 'which two genes' asks after one finding.
    """
    if _HAS_BEEN.match(text):
        return True
    match = _HEAD.match(text)
    if match is None or _COUNTED.search(match["head"]):
        return False
    group = itertools.takewhile(lambda word: word not in _ENDS_NOUN, tokens(match["head"]))
    return any(map(_is_plural, group))


def _is_plural(word: str) -> bool:
    """Whether a word has the form of a plural; 'happens' of 'what happens' has it and is none."""
    ends = len(word) > 3 and word.endswith("s") and not _NO_PLURAL.search(word)
    return word in _PLURALS or (ends and word not in _VERBS)
