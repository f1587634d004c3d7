"""Which way a finding goes: up, down or no effect, and of what. By closed lists of words of comparison.

'Mortality was lower' and 'reduced mortality' go down for mortality, 'did not change mortality' goes nowhere. Two
sentences that go different ways for one outcome may contradict each other; whether they do, a reader of both says
(:mod:`rag.verification.entailment`).
"""

from __future__ import annotations

from collections.abc import Mapping

from rag.text.tokenization import STOPWORDS, stem, tokens


def _roots(words: str) -> frozenset[str]:
    return frozenset(map(stem, words.split()))


_UP = _roots(
    """increase rise rose raise higher greater more larger faster better improve improvement enhance elevate gain boost
    superior longer stronger outperform exceed surpass upregulated promote accelerate"""
)
_DOWN = _roots(
    """decrease fall fell reduce reduction lower less fewer smaller slower worse worsen decline drop impair inhibit
    attenuate inferior shorter weaker downregulated suppress degrade diminish prevent"""
)
_NONE = frozenset("no not nor never neither without fail fails failed similar comparable unchanged cannot".split())
_CHANGE = _roots("difference differ effect change association associated affect")
_REACH = 4  # content words between a word of direction and the outcome that it is about
_BEFORE = 4  # words between a negation and what it denies


def directions(text: str) -> Mapping[str, int]:
    """The stems of outcomes and their direction: 1 up, -1 down, 0 no effect; without outcomes that go both ways."""
    words = tokens(text)
    roots = [stem(word) for word in words]
    content = [at for at, word in enumerate(words) if word not in STOPWORDS and word not in _NONE]
    found: dict[str, set[int]] = {}
    for place, at in enumerate(content):
        root = roots[at]
        sign = 1 if root in _UP else -1 if root in _DOWN else 0 if root in _CHANGE else None
        if sign is None:
            continue
        denied = any(word in _NONE for word in words[max(0, at - _BEFORE) : at])
        if sign == 0 and not denied:
            continue
        for near in content[max(0, place - _REACH) : place] + content[place + 1 : place + 1 + _REACH]:
            if not _is_direction(roots[near]) and not words[near][0].isdigit():
                found.setdefault(roots[near], set()).add(0 if denied else sign)
    return {outcome: next(iter(signs)) for outcome, signs in found.items() if len(signs) == 1}


def _is_direction(root: str) -> bool:
    return root in _UP or root in _DOWN or root in _CHANGE


def oppose(one: str, other: str) -> bool:
    """Whether two sentences go different ways for every outcome that both tell of, and there is one."""
    a, b = directions(one), directions(other)
    shared = a.keys() & b.keys()
    return bool(shared) and all(a[outcome] != b[outcome] for outcome in shared)


def concur(one: str, other: str) -> bool:
    """Whether two sentences go the same way for every outcome that both tell of, and there is one."""
    a, b = directions(one), directions(other)
    shared = a.keys() & b.keys()
    return bool(shared) and all(a[outcome] == b[outcome] for outcome in shared)
