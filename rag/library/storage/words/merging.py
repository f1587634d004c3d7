"""When segments are merged: eight of a size become one, so that there are few and each paper is moved seldom.

As in a log-structured merge tree (O'Neil et al. 1996) and in Lucene. A merge takes 65,536 papers at most, so that no
change of a library waits longer for it, however large the library is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from rag.library.storage.words.building import merge
from rag.library.storage.words.index import LivingSegment
from rag.library.storage.words.segment import MOST_PAPERS

FANOUT = 8
_BITS = 3  # in FANOUT: a level holds sizes up to eight times its smallest
_FULL = MOST_PAPERS // 2  # papers of a segment that is merged no more


def tidy(parts: Sequence[LivingSegment]) -> list[LivingSegment]:
    """The same papers in fewer segments, those that lost more than half of their papers made new."""
    kept = [one if 2 * one.papers >= one.segment.papers else _merged([one]) for one in parts]
    left = [one for one in kept if one is not None and one.papers]
    while chosen := _to_merge(left):
        merged = _merged(chosen)
        left = [one for one in left if not any(one is other for other in chosen)]
        left += [merged] if merged is not None else []
    return left


def _to_merge(parts: Sequence[LivingSegment]) -> list[LivingSegment]:
    """Segments of one size, the smallest first, that together fit into one; [] where there are too few of any size."""
    levels: defaultdict[int, list[LivingSegment]] = defaultdict(list)
    for one in parts:
        if one.papers < _FULL:
            levels[(one.papers.bit_length() - 1) // _BITS].append(one)
    for _, level in sorted(levels.items()):
        if len(level) >= FANOUT:
            level.sort(key=lambda one: one.papers)
            chosen: list[LivingSegment] = []
            room = MOST_PAPERS
            for one in level:
                room -= one.papers
                if room < 0:
                    break
                chosen.append(one)
            return chosen
    return []


def _merged(parts: Sequence[LivingSegment]) -> LivingSegment | None:
    merged = merge([(one.segment, one.dead) for one in parts])
    return None if merged is None else LivingSegment(merged)
