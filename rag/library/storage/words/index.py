"""BM25 over title and abstract of every paper, over segments as if they were one.

Lucene's variant with k1 = 1.5 and b = 0.75 (Kamphuis et al. 2020), computed as ``bm25s`` (Lù 2024) computes it, to the
last bit: scores follow from the statistics of the papers that are there, however they came into the segments.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rag.library.storage.admitting import AdmittedPapers
from rag.library.storage.words.building import build_segments
from rag.library.storage.words.keys import keys_of, places_of
from rag.library.storage.words.segment import Segment

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rag.library.storage.words.vocabulary import IndexVocabulary

    Array = npt.NDArray[Any]

_K1, _B = 1.5, 0.75


class LivingSegment:
    """A segment and which of its papers were deleted since: ``dead``, their rows."""

    def __init__(self, segment: Segment, dead: Iterable[int] = ()) -> None:
        import numpy as np

        self.segment = segment
        self.dead: npt.NDArray[np.int64] = np.unique(np.array(list(dead), dtype=np.int64))
        self.is_dead: npt.NDArray[np.bool_] | None = None
        if len(self.dead):
            self.is_dead = np.zeros(segment.papers, dtype=np.bool_)
            self.is_dead[self.dead] = True  # raises IndexError where a row is none of the segment's

    @property
    def papers(self) -> int:
        """How many papers are left."""
        return self.segment.papers - len(self.dead)

    def without(self, ids: Sequence[str]) -> LivingSegment:
        """The same segment where these papers are deleted too."""
        rows = self.segment.rows_of(ids)
        return LivingSegment(self.segment, [*self.dead.tolist(), *rows.tolist()]) if len(rows) else self

    @cached_property
    def length(self) -> int:
        """Stems in all papers that are left."""
        return int(self.segment.lengths.sum(dtype="int64") - self.segment.lengths[self.dead].sum(dtype="int64"))

    def frequencies(self, places: Array) -> npt.NDArray[np.int64]:
        """In how many papers each of the terms with these places occurs; 0 for the place -1."""
        import numpy as np

        starts = self.segment.starts
        found = starts[places + 1].astype(np.int64) - starts[places]
        found[places < 0] = 0
        if self.is_dead is not None:
            for at in np.flatnonzero(found):
                begin, end = int(starts[places[at]]), int(starts[places[at] + 1])
                found[at] -= np.count_nonzero(self.is_dead[self.segment.rows[begin:end]])
        return np.asarray(found)


class BM25Index:
    """Several segments, searched as one. A paper is in one of them at most. Several threads may search at once."""

    def __init__(self, parts: Sequence[LivingSegment]) -> None:
        self.parts = tuple(parts)
        self._papers = sum(one.papers for one in self.parts)
        self._length = sum(one.length for one in self.parts)

    @classmethod
    def build(cls, texts: Iterable[tuple[str, str]]) -> BM25Index:
        """An index in memory over ``(paper id, text)``; each id may come once."""
        return cls([LivingSegment(one) for one in build_segments(texts)])

    @property
    def ids(self) -> list[str]:
        """The papers that it covers, ordered."""
        import numpy as np

        living = ((one.segment, np.setdiff1d(np.arange(one.segment.papers), one.dead)) for one in self.parts)
        return sorted(paper_id for segment, rows in living for paper_id in segment.ids.texts(rows))

    def search(
        self, terms: Mapping[str, float], k: int, within: Iterable[str] | None = None
    ) -> list[tuple[str, float]]:
        """``(paper id, score)`` of at most ``k`` papers that have one of ``terms``, by (-score, id).

        ``terms`` are stems with their weights; the score is the weighted sum of their BM25 scores. ``within``
        restricts the search to papers with these ids; term statistics stay those of the whole library.
        """
        import numpy as np

        if k < 1 or not self._length:
            return []
        keys = keys_of(terms)
        places = [places_of(keys, one.segment.term_keys) for one in self.parts]
        frequencies = np.sum([one.frequencies(at) for one, at in zip(self.parts, places, strict=True)], axis=0)
        weights = [(weight, self._idf(int(n))) for weight, n in zip(terms.values(), frequencies, strict=True)]
        # Of a query the keys are kept: a question searches within it twice.
        admitted = None if within is None else within.keys if isinstance(within, AdmittedPapers) else keys_of(within)
        scores = []
        for number, (one, at) in enumerate(zip(self.parts, places, strict=True)):
            mine = self._scores(number, at, weights)
            if admitted is not None:
                rows = one.segment.rows_of_keys(admitted)
                kept = mine[rows]
                mine = np.zeros_like(mine)
                mine[rows] = kept
            scores.append(mine)
        return self._best(scores, k)

    def document_frequencies(self, terms: Iterable[str]) -> dict[str, int]:
        """In how many papers each of the stems ``terms`` occurs; 0 for unknown ones."""
        wanted = list(dict.fromkeys(terms))
        keys = keys_of(wanted)
        found = dict.fromkeys(wanted, 0)
        for one in self.parts:
            counts = one.frequencies(places_of(keys, one.segment.term_keys)).tolist()
            for term, count in zip(wanted, counts, strict=True):
                found[term] += count
        return found

    @cached_property
    def vocabulary(self) -> IndexVocabulary:
        """Every stem with its document frequency, and which are near to a word."""
        from rag.library.storage.words.vocabulary import IndexVocabulary

        return IndexVocabulary(self)

    @staticmethod
    def _saturation(lengths: Array, mean: float) -> npt.NDArray[np.float64]:
        """What the count of a term is set against in papers of these lengths."""
        import numpy as np

        return np.asarray(_K1 * ((1 - _B) + _B * lengths.astype(np.int64) / mean))

    @cached_property
    def _saturations(self) -> list[npt.NDArray[np.float64]]:
        mean = self._length / self._papers
        return [self._saturation(one.segment.lengths, mean) for one in self.parts]

    def _idf(self, frequency: int) -> np.float32:
        import numpy as np

        return np.float32(math.log(1 + (self._papers - frequency + 0.5) / (frequency + 0.5)) if frequency else 0.0)

    def _scores(
        self, number: int, places: Array, weights: Sequence[tuple[float, np.float32]]
    ) -> npt.NDArray[np.float64]:
        """The scores of all papers of a segment; 0 for those that were deleted."""
        import numpy as np

        one, saturation = self.parts[number], self._saturations[number]
        segment = one.segment
        scores = np.zeros(segment.papers, dtype=np.float64)
        for place, (weight, idf) in zip(places.tolist(), weights, strict=True):
            if place >= 0:
                span = slice(int(segment.starts[place]), int(segment.starts[place + 1]))
                rows, counts = segment.rows[span], segment.counts[span]
                single = (np.float64(idf) * (counts / (saturation[rows] + counts))).astype(np.float32)
                scores[rows] += weight * single
        if one.is_dead is not None:
            scores[one.is_dead] = 0.0
        return scores

    def _best(self, scores: Sequence[Array], k: int) -> list[tuple[str, float]]:
        """The ids of the ``k`` best scores above 0, by (-score, id)."""
        import numpy as np

        joined = np.concatenate(scores)
        rows = np.flatnonzero(joined > 0)
        if len(rows) > k:
            # Keep all ties with the k-th score, so that ids decide between them and not the partition.
            limit = np.partition(joined[rows], len(rows) - k)[len(rows) - k]
            rows = rows[joined[rows] >= limit]
        ids: list[str] = []
        first = 0
        for one, mine in zip(self.parts, scores, strict=True):
            begin, end = np.searchsorted(rows, [first, first + len(mine)])
            ids += one.segment.ids.texts(rows[begin:end] - first)
            first += len(mine)
        found = sorted(zip((-joined[rows]).tolist(), ids, strict=True))
        return [(paper_id, -score) for score, paper_id in found[:k]]
