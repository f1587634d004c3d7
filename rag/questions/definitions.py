"""Questions after what a term means: 'What is autophagy?'."""

from __future__ import annotations

import re

from rag.text.tokenization import STOPWORDS, tokens

_ASKS = re.compile(
    r"^(?:(?:so|and|but|ok|okay|please|well)[\s,]++)*+"
    r"(?:(?:what(?: is| are|['’]s)|define)\s++(?:exactly\s++)?|"
    r"what (?:does|do)\s++(?=.{1,80}\bmean\b)|(?:explain|tell me) what\s++)"
    r"(?:(?:an?|the|meant by|the meaning of)\s++){0,2}+(?P<term>\w[\w\s’'/+-]{0,80})",
    re.IGNORECASE,
)
_MOST_WORDS = 5
# Words after which something is asked of the term, or which are none: 'the best treatment', 'known', 'the number'.
_NO_TERM = frozenset(
    """best worst most least largest smallest highest lowest main new known done used going wrong different better
    good point number size cost rate way ways problem difference meant""".split()
)
_ENDS = frozenset("is are mean means exactly".split())


def defined_term(text: str) -> tuple[str, ...]:
    """The words of the term whose meaning ``text`` asks after, in lower case; () where it asks anything else.

    'What is the role of X?' asks for a role; 'what is known about X' for what papers say.
    """
    match = _ASKS.match(text.strip())
    if match is None or text.strip()[match.end() :].strip(" ?.!"):
        return ()
    words = tokens(match["term"])
    while words and words[-1] in _ENDS:
        words.pop()
    if not 1 <= len(words) <= _MOST_WORDS or any(w in STOPWORDS or w in _NO_TERM for w in words):
        return ()
    return tuple(words)
