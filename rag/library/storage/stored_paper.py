"""A paper as the database stores it: the record, its segments, their vectors, and how these become columns of a row.

Offsets are stored, not texts: a sentence or passage is a slice of its abstract. The vectors of a paper are one blob,
passages first, then sentences: see :mod:`rag.library.storage.vector_codes`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from rag.datatypes import Paper, Passage, Sentence
from rag.library.chunking import split_sentences
from rag.library.run_in_headings import divided_at_headings
from rag.library.storage import vector_codes

if TYPE_CHECKING:
    from rag.datatypes import Matrix, Vector

PAPER_COLUMNS = "id, title, abstract, authors, year, venue, url, doi, source, more"
STORED_COLUMNS = f"{PAPER_COLUMNS}, passages, sentences, vectors"
_MORE = ("key", "kind", "status", "tags", "collections", "notes", "fields")


@dataclass(frozen=True, slots=True)
class StoredPaper:
    """One paper with everything derived from it. ``vectors``: float32, ``(passages + sentences, dimension)``.

    Where they were not computed yet, ``has_vectors`` is False and all of them are zero: near to nothing. The one
    passage is then the whole abstract.
    """

    paper: Paper
    passages: tuple[Passage, ...]
    sentences: tuple[Sentence, ...]
    vectors: Matrix
    has_vectors: bool = True

    @property
    def passage_vectors(self) -> Matrix:
        """Unit vectors, one row for each passage."""
        return self.vectors[: len(self.passages)]

    @property
    def sentence_vectors(self) -> Matrix:
        """Unit vectors, one row for each sentence."""
        return self.vectors[len(self.passages) :]


class PassageVectors(NamedTuple):
    """The passages of one paper for a search: ``vectors``, float32, ``(passages, dimension)``; their ids as JSON."""

    paper_id: str
    passages_json: str
    vectors: Matrix

    @property
    def passage_ids(self) -> list[str]:
        """The ids of the passages; read from JSON only when asked for."""
        return [str(one[0]) for one in json.loads(self.passages_json)]


def content_hash(paper: Paper) -> str:
    """SHA-256 over all fields but ``source``: the same record from another file is the same content."""
    fields: list[Any] = [paper.id, paper.title, paper.abstract, list(paper.authors)]
    fields += [paper.year, paper.venue, paper.url, paper.doi]
    if more := _more(paper):  # so that records without it keep the hash that earlier versions gave them
        fields.append(more)
    return hashlib.sha256(json.dumps(fields, ensure_ascii=False).encode("utf-8")).hexdigest()


def paper_from_row(row: Sequence[Any]) -> Paper:
    """The record of a row of :data:`PAPER_COLUMNS`."""
    more = {} if row[9] == "{}" else {name: _frozen(value) for name, value in json.loads(row[9]).items()}
    return Paper(row[0], row[1], row[2], tuple(json.loads(row[3])), *row[4:9], **more)


def more_of(paper: Paper) -> str:
    """The column ``more``: as JSON, what is kept about a paper without being used for answers; no empty fields."""
    return json.dumps(_more(paper), ensure_ascii=False)


def _more(paper: Paper) -> dict[str, Any]:
    return {name: value for name in _MORE if (value := getattr(paper, name))}


def _frozen(value: Any) -> Any:
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value


def stored_from_row(row: Sequence[Any], dimension: int) -> StoredPaper:
    """The paper of a row of :data:`STORED_COLUMNS`, whose vectors have ``dimension`` components.

    A sentence that the heading of another section runs into is two, with one vector. Nothing of it may be changed:
    see :mod:`rag.library.storage.kept_papers`.
    """
    paper = paper_from_row(row)
    if row[12] is None:
        return without_vectors(paper, dimension)
    passages = tuple(
        Passage(one, paper.id, paper.abstract[start:end] if end else paper.title, start, end)
        for one, start, end in json.loads(row[10])
    )
    stored = [Sentence(paper.abstract[start:end], start, end) for start, end in json.loads(row[11])]
    vectors = vector_codes.from_bytes(row[12], len(passages) + len(stored), dimension)
    return _divided(paper, passages, stored, vectors)


def stored_as(paper: Paper, passages: Sequence[Passage], sentences: Sequence[Sentence], vectors: Matrix) -> StoredPaper:
    """The paper as it would be read after it was stored with these segments and vectors."""
    kept = vector_codes.from_bytes(vector_codes.to_bytes(vectors), len(vectors), vectors.shape[1])
    return _divided(paper, tuple(passages), list(sentences), kept)


def _divided(paper: Paper, passages: tuple[Passage, ...], stored: list[Sentence], vectors: Matrix) -> StoredPaper:
    divided = divided_at_headings(stored)
    if len(divided) > len(stored) and len(vectors) == len(passages) + len(stored):
        vectors = vectors[[*range(len(passages)), *(len(passages) + index for index, _ in divided)]]
        stored = [sentence for _, sentence in divided]
    vectors.flags.writeable = False
    return StoredPaper(paper, passages, tuple(stored), vectors)


def without_vectors(paper: Paper, dimension: int) -> StoredPaper:
    """A paper that was stored without vectors, and is segmented when it gets them."""
    import numpy as np

    sentences = tuple(one for _, one in divided_at_headings(split_sentences(paper.abstract)))
    passage = Passage(f"{paper.id}#0", paper.id, paper.title, 0, 0)
    if sentences:
        start, end = sentences[0].start, sentences[-1].end
        passage = Passage(f"{paper.id}#0", paper.id, paper.abstract[start:end], start, end)
    vectors = np.zeros((1 + len(sentences), dimension), np.float32)
    vectors.flags.writeable = False
    return StoredPaper(paper, (passage,), sentences, vectors, has_vectors=False)


def segments_to_columns(
    passages: Sequence[Passage], sentences: Sequence[Sentence], vectors: Matrix
) -> tuple[str, str, bytes]:
    """The columns ``passages``, ``sentences`` and ``vectors`` of a row."""
    return (
        json.dumps([(p.id, p.start, p.end) for p in passages]),
        json.dumps([(s.start, s.end) for s in sentences]),
        vector_codes.to_bytes(vectors),
    )


def passage_vectors_from_row(row: Sequence[Any], dimension: int) -> PassageVectors:
    """The passages of a row ``id, passages, json_array_length(passages), the bytes of their vectors``."""
    one, passages, count, blob = row
    return PassageVectors(one, passages, vector_codes.from_bytes(blob or b"", count, dimension))


def mean_passage_vector(passages: Matrix) -> Vector:
    """The unit mean, float32, of the vectors of a paper's passages."""
    import numpy as np

    mean: Vector = passages.mean(axis=0)
    return mean / max(float(np.linalg.norm(mean)), 1e-12)
