"""Segments from texts, and from other segments of which some papers were deleted."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from rag.library.storage.words.keys import keys_of
from rag.library.storage.words.segment import MOST_PAPERS, Segment, Strings
from rag.text.tokenization import stems

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

AT_ONCE = 16_384  # papers: 2.5 million stems of abstracts, about 100 MB while they are sorted
_COUNT_BITS = 21  # beside 26 bits of a term's place and 16 of a row
_MOST_COUNTED = 2**_COUNT_BITS - 1  # a word that stands in one paper two million times counts no more often


def build_segments(texts: Iterable[tuple[str, str]], at_once: int = AT_ONCE) -> Iterator[Segment]:
    """Segments of at most ``at_once`` papers over ``(paper id, text)``; each id may come once."""
    rest = iter(texts)
    while part := list(islice(rest, at_once)):
        yield _build(part)


def _build(texts: Sequence[tuple[str, str]]) -> Segment:
    import numpy as np

    vocabulary: dict[str, int] = {}
    found = array("i")
    lengths = np.zeros(len(texts), dtype=np.int64)
    for place, (_, text) in enumerate(texts):
        words = stems(text)
        lengths[place] = len(words)
        found.extend([vocabulary.setdefault(one, len(vocabulary)) for one in words])
    paper_keys = keys_of(one for one, _ in texts)
    order = np.argsort(paper_keys, kind="stable")
    row_of = np.empty(len(texts), dtype=np.int64)
    row_of[order] = np.arange(len(texts))
    terms = np.frombuffer(found, dtype=np.int32) if found else np.zeros(0, dtype=np.int32)
    return _assemble(
        keys_of(vocabulary),
        Strings.of(list(vocabulary)),
        terms.astype(np.int64),
        np.repeat(row_of, lengths),
        None,
        lengths[order],
        paper_keys[order],
        Strings.of([texts[place][0] for place in order]),
    )


def merge(parts: Sequence[tuple[Segment, Array]]) -> Segment | None:
    """One segment with the papers of all; of each segment the papers with a row in the array are left out.

    A paper may be in one of them only. None where no paper is left.
    """
    import numpy as np

    kept = [np.setdiff1d(np.arange(one.papers), dead, assume_unique=True) for one, dead in parts]
    if not sum(map(len, kept)):
        return None
    paper_keys = np.concatenate([one.paper_keys[rows] for (one, _), rows in zip(parts, kept, strict=True)])
    order = np.argsort(paper_keys, kind="stable")
    new_row = np.empty(len(order), dtype=np.int64)
    new_row[order] = np.arange(len(order))
    terms, rows, counts = [], [], []
    first_row = first_term = 0
    for (one, _), living in zip(parts, kept, strict=True):
        moved = np.full(one.papers, -1, dtype=np.int64)
        moved[living] = new_row[first_row : first_row + len(living)]
        there = moved[one.rows]
        alive = there >= 0
        terms.append(np.repeat(np.arange(len(one.terms)) + first_term, one.frequencies())[alive])
        rows.append(there[alive])
        counts.append(one.counts[alive].astype(np.int64))
        first_row, first_term = first_row + len(living), first_term + len(one.terms)
    lengths = np.concatenate([one.lengths[rows] for (one, _), rows in zip(parts, kept, strict=True)])
    ids = joined([one.ids.take(living) for (one, _), living in zip(parts, kept, strict=True)])
    return _assemble(
        np.concatenate([one.term_keys for one, _ in parts]),
        joined([one.terms for one, _ in parts]),
        np.concatenate(terms), np.concatenate(rows), np.concatenate(counts),
        lengths[order], paper_keys[order], ids.take(order),
    )  # fmt: skip


def _assemble(
    keys: Array, terms: Strings, places: Array, rows: Array, counts: Array | None, lengths: Array, paper_keys: Array,
    ids: Strings,
) -> Segment:  # fmt: skip
    """The segment of the postings (``places`` into ``keys`` and ``terms``, ``rows``, ``counts``), in any order.

    A key may come several times in ``keys``. Without ``counts`` each posting counts one, and equal ones are added up.
    """
    import numpy as np

    used, first_place, rank = np.unique(keys, return_index=True, return_inverse=True)
    # Term, row and count in one number each: sorting numbers is many times quicker than sorting places by numbers.
    packed = rank[places].astype(np.int64)
    packed *= MOST_PAPERS
    packed += rows
    if counts is None:
        packed.sort()
        first = np.flatnonzero(np.diff(packed, prepend=-1))
        counts = np.diff(first, append=len(packed))
        packed = packed[first]
    else:
        packed <<= _COUNT_BITS
        packed |= counts
        packed.sort()
        counts = packed & _MOST_COUNTED
        packed >>= _COUNT_BITS
    bounds = np.searchsorted(packed, np.arange(len(used) + 1) * MOST_PAPERS)
    left = np.flatnonzero(np.diff(bounds))  # terms that a paper still has
    starts = np.append(bounds[left], len(packed))
    return Segment(
        used[left], starts.astype(np.uint32), (packed % MOST_PAPERS).astype(np.uint16),
        _smallest(np.minimum(counts, _MOST_COUNTED)), lengths.astype(np.uint32), terms.take(first_place[left]),
        paper_keys, ids,
    )  # fmt: skip


def joined(parts: Sequence[Strings]) -> Strings:
    """All texts of ``parts``, one after the other."""
    import numpy as np

    before = np.cumsum([0] + [len(one.text) for one in parts])[:-1]
    ends = [one.ends.astype(np.int64) + start for one, start in zip(parts, before, strict=True)]
    return Strings(np.concatenate([one.text for one in parts]), np.concatenate(ends).astype(np.uint32))


def _smallest(counts: Array) -> Array:
    """``counts`` in as few bytes each as the greatest needs."""
    import numpy as np

    most = int(counts.max(initial=0))
    return counts.astype(np.uint8 if most < 2**8 else np.uint16 if most < 2**16 else np.uint32)
