"""BM25 over title and abstract of every paper: ``bm25/<name>/``, memory-mapped.

Lucene's variant with k1 = 1.5 and b = 0.75 through ``bm25s`` (Lù 2024), which scores when indexing, so that a query
only adds columns of a sparse matrix. An index is built in a folder of its own and never changed; the manifest names
the current one, so a reader keeps the one that it opened while a writer makes the next.
"""

from __future__ import annotations

import bisect
import errno
import json
import logging
import os
import shutil
from array import array
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rag.text.tokenization import stems

FOLDER = "bm25"
_PAPERS = "papers.json"
_K1, _B = 1.5, 0.75


class BM25Index:
    """An index in memory or memory-mapped. ``ids`` are the papers in the order of the matrix's rows, sorted.

    ``index`` is the ``bm25s.BM25``, None where no paper has a single term.
    """

    def __init__(self, index: Any, ids: list[str]) -> None:
        self._index = index
        self.ids = ids
        self._vocabulary: dict[str, int] | None = None

    @classmethod
    def build(cls, texts: Iterable[tuple[str, str]]) -> BM25Index:
        """An index over ``(paper id, text)`` ordered by id."""
        vocabulary = {"": 0}  # bm25s needs one token at least
        ids: list[str] = []
        documents: list[array[int]] = []  # a quarter of the memory that lists would take
        for paper_id, text in texts:
            ids.append(paper_id)
            documents.append(array("i", [vocabulary.setdefault(stem, len(vocabulary)) for stem in stems(text)]))
        if len(vocabulary) == 1:
            return cls(None, ids)
        bm25s = _bm25s()
        index = bm25s.BM25(k1=_K1, b=_B, method="lucene")
        index.index((documents, vocabulary), create_empty_token=False, show_progress=False)
        return cls(index, ids)

    @classmethod
    def load(cls, folder: Path) -> BM25Index:
        """Read an index. Raises :class:`OSError`, :class:`ValueError` or :class:`KeyError` where it is incomplete."""
        papers = json.loads((folder / _PAPERS).read_text(encoding="utf-8"))
        ids, has_words = papers["ids"], papers["has_words"]
        if not has_words:
            return cls(None, ids)
        return cls(_bm25s().BM25.load(folder, mmap=True, show_progress=False), ids)

    def save(self, parent: Path, name: str) -> None:
        """Write to ``parent/name``, atomically. Raises :class:`OSError`."""
        partial = parent / f"{name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        if self._index is not None:
            try:
                self._index.save(partial, show_progress=False)
            except OSError as error:
                if error.errno is None:  # numpy's word for a disk that took less than it was given
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(partial)) from error
                raise
        papers = {"has_words": self._index is not None, "ids": self.ids}
        (partial / _PAPERS).write_text(json.dumps(papers, ensure_ascii=False), encoding="utf-8")
        shutil.rmtree(parent / name, ignore_errors=True)
        partial.rename(parent / name)

    def search(
        self, terms: Mapping[str, float], k: int, within: Iterable[str] | None = None
    ) -> list[tuple[str, float]]:
        """``(paper id, score)`` of at most ``k`` papers that have one of ``terms``, by (-score, id).

        ``terms`` are stems with their weights; the score is the weighted sum of their BM25 scores. ``within``
        restricts the search to papers with these ids; term statistics stay those of the whole library.
        """
        import numpy as np

        if self._index is None or k < 1:
            return []
        vocabulary, matrix = self._index.vocab_dict, self._index.scores
        scores = np.zeros(len(self.ids), dtype=np.float64)
        for term, weight in terms.items():
            column = vocabulary.get(term) if term else None
            if column is not None:
                span = slice(matrix["indptr"][column], matrix["indptr"][column + 1])
                scores[matrix["indices"][span]] += weight * matrix["data"][span]
        if within is not None:
            admitted = np.zeros(len(self.ids), dtype=bool)
            admitted[self._rows(within)] = True
            scores[~admitted] = 0.0
        rows = np.flatnonzero(scores > 0)
        if len(rows) > k:
            # Keep all ties with the k-th score, so that ids decide between them and not the partition.
            limit = np.partition(scores[rows], len(rows) - k)[len(rows) - k]
            rows = rows[scores[rows] >= limit]
        order = rows[np.lexsort((rows, -scores[rows]))][:k]
        return [(self.ids[row], score) for row, score in zip(order.tolist(), scores[order].tolist(), strict=True)]

    def _rows(self, ids: Iterable[str]) -> list[int]:
        """The rows of those papers that the index holds."""
        places = ((bisect.bisect_left(self.ids, one), one) for one in ids)
        return [row for row, one in places if row < len(self.ids) and self.ids[row] == one]

    def document_frequencies(self, terms: Iterable[str]) -> dict[str, int]:
        """In how many papers each of the stems ``terms`` occurs; 0 for unknown ones."""
        known = self.vocabulary()
        return {term: known.get(term, 0) for term in terms}

    def vocabulary(self) -> dict[str, int]:
        """Every stem with its document frequency; computed once and kept, since every question needs it."""
        if self._vocabulary is None:
            columns = self._index.vocab_dict if self._index is not None else {}
            starts = self._index.scores["indptr"].tolist() if columns else []  # one by one they cost far more
            self._vocabulary = {term: starts[at + 1] - starts[at] for term, at in columns.items() if term}
        return self._vocabulary


def _bm25s() -> Any:
    import bm25s

    # Its import sets its logger to DEBUG; every handler of the program would print its progress.
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    return bm25s


def delete_others(parent: Path, name: str) -> None:
    """Delete all indexes but ``name``. A reader that has one of them open keeps its files until it closes them."""
    for folder in parent.iterdir() if parent.is_dir() else ():
        if folder.name != name:
            shutil.rmtree(folder, ignore_errors=True)
