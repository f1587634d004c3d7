"""Text to tokens and stems: one tokenisation for lexical search, the choice of evidence and the citation check.

Figures stay whole ("52.7", "21,866"), everything else is split at non-letters, put into lower case without accents, and
stemmed (Snowball English). Greek letters go by their names (:mod:`rag.text.greek`). Scripts without spaces between
words are split into pairs of characters (bigrams), the usual choice where no dictionary is at hand.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from rag.text.greek import with_names

# Acronyms, names in mixed case and names with digits; the pattern has no word boundaries of its own.
NAME = r"(?:[A-Za-z]+\d[\w-]*|[A-Z]{2,}[\w-]*|[A-Za-z]*[a-z][A-Z][\w-]*)"
WHOLE_NAME = re.compile(rf"(?<![\w-]){NAME}")  # not within a longer word

_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")
RAISED_POINT = re.compile(r"(?<=\d)·(?=\d)")  # the decimal point of some medical journals: '0·3'

_MATHEMATICAL = re.compile("[\U0001d400-\U0001d7ff]+")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")

# Function words and question words, which say nothing about a topic.
STOPWORDS = frozenset(
    """a about an and any are as at be been but by can could did do does for from had has have how i if in into is it
    its me may might much many no not of on or our shall should so some such than that the their them then there these
    they this those to us was we were what when where which while who whom whose why will with would you your""".split()
)


_LONG_SENTENCE, _LONG_ABSTRACT = 600, 5_000  # characters


def tokens(text: str) -> list[str]:
    """Lower-cased words and figures of ``text`` in order, without accents; nothing is left out."""
    found: list[str] = []
    for token in _TOKEN.findall(_without_accents(with_names(_compatible(text)).lower())):
        if token[0].isdigit():
            found.append(token.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", token) else token)
        elif not token.isascii() and _UNSPACED.search(token):
            found.extend(_bigrams(token))
        else:
            found.append(token)
    return found


def _compatible(text: str) -> str:
    """Mathematical letters as plain ones; ``·`` and what else is read differently later stays."""
    return text if text.isascii() else _MATHEMATICAL.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)


def _without_accents(text: str) -> str:
    if text.isascii():  # most sentences are, and have none
        return text
    folded = unicodedata.normalize("NFKD", text)
    return RAISED_POINT.sub(".", "".join(c for c in folded if not unicodedata.combining(c)))


def stems(text: str) -> list[str]:
    """The stems of the content words of ``text``, in order, stop words left out."""
    # The sentences and abstracts of the same papers are read for one question after another.
    if len(text) < _LONG_SENTENCE:
        return list(_stems_of_sentence(text))
    return list(_stems_of_abstract(text)) if len(text) < _LONG_ABSTRACT else _stems(text)


@lru_cache(maxsize=8_192)
def _stems_of_sentence(text: str) -> tuple[str, ...]:
    return tuple(_stems(text))


@lru_cache(maxsize=1_024)  # up to 10 kB each
def _stems_of_abstract(text: str) -> tuple[str, ...]:
    return tuple(_stems(text))


def _stems(text: str) -> list[str]:
    return [stem(token) for token in tokens(text) if token not in STOPWORDS]


def unique_stems(texts: Iterable[str]) -> set[str]:
    """The set of stems of all ``texts``."""
    return {s for text in texts for s in stems(text)}


@lru_cache(maxsize=65_536)
def stem(token: str) -> str:
    """The Snowball (Porter 2) stem of one lower-case token."""
    return str(_stemmer().stemWord(token))


@lru_cache(maxsize=1)
def _stemmer():  # type: ignore[no-untyped-def]
    import Stemmer

    return Stemmer.Stemmer("english")


def _bigrams(token: str) -> list[str]:
    if len(token) == 1:
        return [token]
    return [token[i : i + 2] for i in range(len(token) - 1)]
