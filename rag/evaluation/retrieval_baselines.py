"""What Footnote's retrieval is compared with: BM25, embeddings of whole abstracts, and their fusion, all by the book.

Each ranks all documents of a collection, which are ordered by id, so that ties are broken by id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from rag.errors import EvaluationError
from rag.evaluation.ranking_measures import DEPTH

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rag.datatypes import Encoder, Matrix

RRF_K = 60  # Cormack, Clarke and Büttcher 2009


def baseline_names(text: str, known: Sequence[str]) -> tuple[str, ...]:
    """The baselines that ``text`` asks for (``none``, ``all`` or names separated by commas), in the order of ``known``.

    Raises :class:`EvaluationError` for a name that is not in ``known``.
    """
    asked = {name.strip().lower() for name in text.split(",") if name.strip()}
    if asked in ({"none"}, {"all"}):
        return tuple(known) if asked == {"all"} else ()
    if not asked or asked - set(known):
        wrong = ", ".join(sorted(asked - set(known))) or "nothing"
        raise EvaluationError(f"Baselines are none, all or some of {', '.join(known)}; you gave {wrong}.")
    return tuple(name for name in known if name in asked)


class Ranker(Protocol):
    """A query to the rows of at most 100 documents, best first."""

    def rank(self, query: str) -> list[int]: ...


class BM25:
    """bm25s with its defaults, English stop words and the Snowball stemmer."""

    def __init__(self, texts: Sequence[str]) -> None:
        import bm25s
        import Stemmer

        self._stemmer: Any = Stemmer.Stemmer("english")
        self._index: Any = bm25s.BM25()
        self._index.index(self._tokens(texts), show_progress=False)

    def rank(self, query: str) -> list[int]:
        """Rows of at most 100 documents that share a word with ``query``, best first."""
        words = self._tokens([query])[0]
        known = [w for w in words if w in self._index.vocab_dict]
        if not known:
            return []
        scores = self._index.get_scores(known)
        return [row for row in best_rows(scores) if scores[row] > 0]

    def _tokens(self, texts: Sequence[str]) -> Any:
        import bm25s

        return bm25s.tokenize(list(texts), stopwords="en", stemmer=self._stemmer, return_ids=False, show_progress=False)


class WholeAbstracts:
    """One vector per document, compared with the question's by cosine."""

    def __init__(self, vectors: Matrix, encoder: Encoder) -> None:
        self._vectors = vectors
        self._encoder = encoder

    def rank(self, query: str) -> list[int]:
        """Rows of the 100 nearest documents, best first."""
        return best_rows(self._vectors @ self._encoder.encode([query])[0])


class Fusion:
    """Plain reciprocal rank fusion of the first 100 of each ranking, with k = 60."""

    def __init__(self, *rankers: Ranker) -> None:
        self._rankers = rankers

    def rank(self, query: str) -> list[int]:
        """Rows of at most 100 documents, best first."""
        return reciprocal_rank_fusion([ranker.rank(query) for ranker in self._rankers])[:DEPTH]


def reciprocal_rank_fusion(rankings: Sequence[Sequence[int]]) -> list[int]:
    """All rows of ``rankings`` by the sum of 1 / (60 + rank), ties by row."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, row in enumerate(ranking, start=1):
            scores[row] = scores.get(row, 0.0) + 1 / (RRF_K + rank)
    return sorted(scores, key=lambda row: (-scores[row], row))


def best_rows(scores: npt.NDArray[np.float32]) -> list[int]:
    """The rows of the 100 highest scores, best first, ties by row."""
    import numpy as np

    return [int(row) for row in np.argsort(-scores, kind="stable")[:DEPTH]]
