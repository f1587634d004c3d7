"""Whether a sentence is a quote: said by a source sentence in its own words, whole or shortened as a rule can defend.

Only such a sentence is certified without being read by the network. Standing word for word in a source is not enough:
'late chronotypes have worse memory' stands in 'We reject the hypothesis that late chronotypes have worse memory'.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from rag.text.deletions import keeps_meaning
from rag.text.facts import LONGEST_COMPARED, normalised
from rag.text.self_contained import without_opener
from rag.text.wording import third_person

_WORD = re.compile(r"\w+(?:[-'’./]\w+)*%?|[^\w\s]")
_STOPS = frozenset(".!?…")


def is_quote(text: str, source: str) -> bool:
    """Whether ``text`` is the sentence ``source``, in the third person or not, or a defended shortening of it.

    The connective that opens the source may be gone.
    """
    said = _words(text)
    if not said:
        return False
    whole = dict.fromkeys((source, without_opener(source)))
    forms = [*whole, *(third_person(one, introduced=named) for one in whole for named in (False, True))]
    return any(_shortens(said, _words(form)) for form in dict.fromkeys(forms))


def _words(text: str) -> list[str]:
    """Words and punctuation, without what ends the sentence."""
    words = _WORD.findall(normalised(text))
    while words and words[-1] in _STOPS:
        words.pop()
    return words


def _shortens(said: Sequence[str], source: Sequence[str]) -> bool:
    mine, theirs = [w.lower() for w in said], [w.lower() for w in source]
    if mine == theirs:
        return True
    if len(mine) > len(theirs) or len(theirs) > LONGEST_COMPARED:
        return False
    for kind, begin, end, _, _ in SequenceMatcher(None, theirs, mine, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        if kind != "delete" or not keeps_meaning(source, begin, end):
            return False
    return True
