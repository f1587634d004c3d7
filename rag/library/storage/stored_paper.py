"""A paper as the database stores it: the record, its segments, their vectors, and how these become columns of a row.

Offsets are stored, not texts: a sentence or passage is a slice of its abstract. The vectors of a paper are one blob,
passages first, then sentences: see :mod:`rag.library.storage.vector_codes`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from rag.datatypes import Paper, Passage, Sentence
from rag.library.run_in_headings import divided_at_headings
from rag.library.storage import vector_codes

if TYPE_CHECKING:
    from rag.datatypes import Matrix, Vector

PAPER_COLUMNS = "id, title, abstract, authors, year, venue, url, doi, source, more"
STORED_COLUMNS = f"{PAPER_COLUMNS}, passages, sentences, vectors"
_NO_GROUPS: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
_MORE = ("key", "kind", "status", "tags", "collections", "notes", "fields")


@dataclass(frozen=True, slots=True)
class StoredPaper:
    """One paper with everything derived from it. ``vectors``: float32, ``(passages + sentences, dimension)``."""

    paper: Paper
    passages: tuple[Passage, ...]
    sentences: tuple[Sentence, ...]
    vectors: Matrix

    @property
    def passage_vectors(self) -> Matrix:
        """Unit vectors, one row for each passage."""
        return self.vectors[: len(self.passages)]

    @property
    def sentence_vectors(self) -> Matrix:
        """Unit vectors, one row for each sentence."""
        return self.vectors[len(self.passages) :]


Groups = Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]  # by paper id: tags and collections


class GroupsOnce:
    """Tags and collections of all papers, read when the first is asked for: few filters need them."""

    def __init__(self, read: Callable[[], Groups]) -> None:
        self._read = read

    @cached_property
    def by_paper(self) -> Groups:
        return self._read()


class Labels(NamedTuple):
    """The fields that papers are filtered by, without their texts: 100,000 are read in a fraction of a second."""

    id: str
    year: int | None
    venue: str
    source: str
    authors_json: str = "[]"
    groups: GroupsOnce | None = None

    @property
    def authors(self) -> tuple[str, ...]:
        """The names as the record spells them; read from JSON only when asked for."""
        return tuple(json.loads(self.authors_json))

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags, ordered."""
        return self.groups.by_paper.get(self.id, _NO_GROUPS)[0] if self.groups else ()

    @property
    def collections(self) -> tuple[str, ...]:
        """The paths of the collections, ordered."""
        return self.groups.by_paper.get(self.id, _NO_GROUPS)[1] if self.groups else ()


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
    passages = tuple(
        Passage(one, paper.id, paper.abstract[start:end] if end else paper.title, start, end)
        for one, start, end in json.loads(row[10])
    )
    stored = [Sentence(paper.abstract[start:end], start, end) for start, end in json.loads(row[11])]
    vectors = vector_codes.from_bytes(row[12] or b"", len(passages) + len(stored), dimension)
    divided = divided_at_headings(stored)
    if len(divided) > len(stored) and len(vectors) == len(passages) + len(stored):
        vectors = vectors[[*range(len(passages)), *(len(passages) + index for index, _ in divided)]]
        stored = [sentence for _, sentence in divided]
    vectors.flags.writeable = False
    return StoredPaper(paper, passages, tuple(stored), vectors)


def segments_to_columns(
    passages: Sequence[Passage], sentences: Sequence[Sentence], vectors: Matrix
) -> tuple[str, str, bytes]:
    """The columns ``passages``, ``sentences`` and ``vectors`` of a row."""
    return (
        json.dumps([(p.id, p.start, p.end) for p in passages]),
        json.dumps([(s.start, s.end) for s in sentences]),
        vector_codes.to_bytes(vectors),
    )


def mean_passage_vector(blob: bytes, passages: int, sentences: int, dimension: int) -> Vector:
    """The unit mean, float32, of the first ``passages`` vectors of a row's blob, which has those of sentences too."""
    import numpy as np

    mean: Vector = vector_codes.from_bytes(blob, passages + sentences, dimension)[:passages].mean(axis=0)
    return mean / max(float(np.linalg.norm(mean)), 1e-12)
