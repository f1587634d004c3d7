"""Questions that ask for a figure: what they count or measure, and how well a sentence gives that figure.

'How many trainable parameters does it have?' is answered by a figure that stands with 'trainable parameters', and not
by any other figure of the same abstract.
"""

from __future__ import annotations

import itertools
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from rag.text.tokenization import RAISED_POINT, STOPWORDS, stem, tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

WRONG_UNIT = 0.3  # factor for a figure in another unit than the one asked for
# Digits that are no part of a name ('ResNet-50', 'H3K56'), and number words but 'one', which is seldom a figure.
_NUMERAL = re.compile(
    r"(?<!\w)(?<![A-Za-z]-)(?<!\w[.,])\d[\d.,]*|"
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|dozen|twice|thrice|half|third|quarter|"
    r"doubles?|doubled|triples?|tripled|hundred|thousand|million|orders? of magnitude)\b",
    re.IGNORECASE,
)
_COUNTED_OF = re.compile(r"\b(?:how (?:many|much)|what|which)\s+((?:[\w%/-]+\s*){1,5})", re.IGNORECASE)
# Words of a question that an abstract with its figure need not use: words for the figure itself ('accuracy': 'achieves
# 88.5%'), what people do to be counted ('took part'), and units, which abstracts abbreviate.
_NOT_COUNTED = frozenset(
    stem(w)
    for w in """accuracy average better best difference error extent factor figure fraction gain improvement level lower
    margin more number less fewer percent percentage percentages point points proportion range rank ratio
    score scores share size smaller larger bigger speed speedup faster slower time times total top value values worse
    kind kinds amount degree sort way work works paper papers study studies author authors method methods approach
    approaches technique techniques remedy remedies trick idea ideas reason reasons problem problems thing things
    happens exactly
    still also only really actually look looked remain remained
    people person persons participants part took take taken used made counted found came come out went gone
    second seconds minute minutes hour hours day days week weeks month months year years
    millimetre millimetres millimeter millimeters nanometre nanometres nanometer nanometers""".split()
)
_RELATIONS = frozenset("after before between during over per through under until via while without".split())
# A question for a time, a share or a price, and what the units of its figure look like.
_UNITS = (
    (
        re.compile(r"\bhow many (?:\w+ )?(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?)\b", re.IGNORECASE),
        re.compile(r"\b(?:ms|s|sec|seconds?|min|minutes?|d|h|hrs?|hours?|days?|weeks?|months?|years?|yrs?)\b", re.I),
    ),
    (
        re.compile(r"\b(?:per ?cent|percentage|share|fraction|proportion)\b", re.IGNORECASE),
        re.compile(
            r"%|\bper ?cent|(?<!\d)0?\.\d|\d\.\d|\bhalf\b|\bthirds?\b|\bquarter|fold\b|\btimes\b|\d ?[x×]|\bout of\b|"
            r"\bof \d|/ ?\d",
            re.IGNORECASE,
        ),
    ),
    (
        re.compile(
            r"\b(?:price|budget|dollars?|(?:how much|what) (?:does|did) \w+(?: \w+){0,20} cost)\b", re.IGNORECASE
        ),
        re.compile(r"[$€£¥]|\b(?:usd|eur|dollars?|cents?|euros?)\b", re.IGNORECASE),
    ),
)


def counted_stems(text: str) -> list[str]:
    """Stems of what the question ``text`` counts: 'How many *trainable parameters* does it have?'; [] where unclear.

    These are the words up to the next function word, without words for the figure itself ('accuracy', 'share').
    """
    found = _COUNTED_OF.search(text)
    if found is None:
        return []
    words = itertools.takewhile(lambda token: token not in STOPWORDS | _RELATIONS, tokens(found.group(1)))
    return [s for s in dict.fromkeys(map(stem, words)) if s not in _NOT_COUNTED and not s[0].isdigit()]


@lru_cache(maxsize=8_192)  # the sentences of the same papers are read for one question after another
def figures_in(text: str) -> frozenset[str]:
    """The figures of ``text`` as they stand, in lower case; digits within a name do not count."""
    return frozenset(m.group().strip(".,").lower() for m in _NUMERAL.finditer(RAISED_POINT.sub(".", text)))


class FigureRequest:
    """The figure that a question asks for: the stems of what is counted, and the units that would fit."""

    def __init__(self, text: str, named: Set[str], rarity: Mapping[str, float]) -> None:
        """``text`` is the question, ``named`` the figures in it, ``rarity`` a weight for each of its stems."""
        self._named = named
        self._words = {word: rarity.get(word, 0.0) for word in counted_stems(text)}
        self._units = [unit for asked, unit in _UNITS if asked.search(text)]

    def satisfied_by(self, sentence: str, stems: Set[str]) -> float:
        """How well ``sentence``, whose words have these ``stems``, gives the figure: 0..1.

        0 without a figure that the question does not have itself; else the share, by rarity, of what is counted that
        stands in the sentence, times ``WRONG_UNIT`` where none of the units fits.
        """
        if not figures_in(sentence) - self._named:
            return 0.0
        total = sum(self._words.values())
        share = sum(v for w, v in self._words.items() if w in stems) / total if total else 1.0
        known = not self._units or any(unit.search(RAISED_POINT.sub(".", sentence)) for unit in self._units)
        return share if known else WRONG_UNIT * share
