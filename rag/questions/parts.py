"""Questions that ask two things at once, and questions after several things of one kind."""

from __future__ import annotations

import itertools
import re

from rag.text.tokenization import stems, tokens

_WORDS = r"what|how|whom|where|when|why|by how|(?:by|in|on|for) (?:what|which)"
_BE, _DO = r"is|are|was|were|has|have|can|could|will|should", r"does|do|did"
_SUBJECT = r"it|they|he|she|we|there|this|that|these|those|the|its|their|any|one|an?|all|some"
# A verb that asks is followed by its subject, that of a clause is not: 'and is it safe', but not 'and is safe'.
_ASKS = rf"{_WORDS}|(?:{_DO}) (?!not\b)|(?:{_BE}) (?:{_SUBJECT})\b"
# A mark that ends a question, or 'and', and a new question; spaces are single here. 'and which are', 'and who' ask
# nothing new without a comma: they go on with a clause.
_BETWEEN = re.compile(
    rf"[?;] ?(?:(?:and|but) )?(?=(?:{_ASKS}|which|who|{_BE})\b)|, (?:and|but) (?=(?:{_ASKS}|which|who)\b)|"
    rf" and (?=(?:{_ASKS}|which (?:(?:{_BE}|{_DO}) (?:{_SUBJECT})|(?!(?:{_BE}|{_DO}|may|might|would|must)\b)))\b)",
    re.IGNORECASE,
)
_FULL = re.compile(rf"^(?:{_WORDS}|which|who)(?: (?:{_BE}|{_DO}))\b|^(?:{_BE}|{_DO})\b", re.IGNORECASE)
_MOST_PARTS, _MOST_JOINTS = 3, 12
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
    line = " ".join(text.split())
    begins, ends = [0], []
    for match in itertools.islice(_BETWEEN.finditer(line), _MOST_JOINTS):
        if _stands(line[begins[-1] : match.start()]) and _stands(line[match.end() :]):
            begins.append(match.end())
            ends.append(match.start())
    if not ends:
        return (text,)
    parts = [line[a:b].strip(" ,;?") for a, b in zip(begins, [*ends, len(line)], strict=True)]
    return tuple(f"{one}?" for one in parts[:_MOST_PARTS])


def _stands(piece: str) -> bool:
    """Whether a part asks for something by content words of its own: one does where the question has its verb."""
    content = len(set(stems(piece)))
    return content >= _SHORTEST or (content == 1 and (len(piece.split()) >= 4 or bool(_FULL.match(piece.lstrip()))))


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
