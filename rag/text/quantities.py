"""What a question that wants a figure counts or measures, and how nearly a sentence gives it.

'How many trainable parameters does it have?' is answered by a figure that stands with 'trainable parameters', and not
by any other figure of the same abstract.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from rag.text.tokenization import RAISED_POINT, STOPWORDS, stem, tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

WRONG_UNIT = 0.3  # what a figure in another unit than the one asked for still counts
# Digits that are no part of a name ('ResNet-50', 'H3K56'), and numbers in words. 'One' is seldom a figure.
_NUMERAL = re.compile(
    r"(?<!\w)(?<![A-Za-z]-)(?<!\w[.,])\d[\d.,]*|"
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|dozen|twice|thrice|half|third|quarter|"
    r"doubles?|doubled|triples?|tripled|hundred|thousand|million|orders? of magnitude)\b",
    re.IGNORECASE,
)
_COUNTED_OF = re.compile(r"\b(?:how (?:many|much)|what|which)\s+((?:[\w%/-]+\s*){1,5})", re.IGNORECASE)
# Words for the figure itself, which an abstract that gives it need not use ('accuracy': 'achieves 88.5%'), what people
# do to be counted ('took part'), and units, which are abbreviated.
_MEASURES = frozenset(
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
# What is asked for, and what a figure of it comes with.
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
        re.compile(r"\b(?:price|budget|dollars?|(?:how much|what) (?:does|did) \w+(?: \w+)* cost)\b", re.IGNORECASE),
        re.compile(r"[$€£¥]|\b(?:usd|eur|dollars?|cents?|euros?)\b", re.IGNORECASE),
    ),
)


def counted_words(text: str) -> list[str]:
    """Stems of what a figure is asked of: 'How many *trainable parameters* does it have?'; () where that is unclear.

    The words up to the next function word count; words for the figure itself ('accuracy', 'share') do not.
    """
    found = _COUNTED_OF.search(text)
    if found is None:
        return []
    words = itertools.takewhile(lambda token: token not in STOPWORDS | _RELATIONS, tokens(found.group(1)))
    return [s for s in dict.fromkeys(map(stem, words)) if s not in _MEASURES and not s[0].isdigit()]


def figures_in(text: str) -> set[str]:
    """The figures of ``text`` as they stand, in lower case; digits that belong to a name are none."""
    return {m.group().strip(".,").lower() for m in _NUMERAL.finditer(RAISED_POINT.sub(".", text))}


class FigureWanted:
    """How nearly sentences give the figure that the question ``text`` asks for."""

    def __init__(self, text: str, named: Set[str], rarity: Mapping[str, float]) -> None:
        """``named`` are the figures that the question brings itself; ``rarity`` weighs its stems."""
        self._named = named
        self._words = {word: rarity.get(word, 0.0) for word in counted_words(text)}
        self._units = [unit for asked, unit in _UNITS if asked.search(text)]

    def given(self, sentence: str, stems: Set[str]) -> float:
        """0 without a figure that the question did not name, 1 where it stands with all that is counted."""
        if not figures_in(sentence) - self._named:
            return 0.0
        total = sum(self._words.values())
        share = sum(v for w, v in self._words.items() if w in stems) / total if total else 1.0
        known = not self._units or any(unit.search(RAISED_POINT.sub(".", sentence)) for unit in self._units)
        return share if known else WRONG_UNIT * share
