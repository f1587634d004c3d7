"""The papers that are imported, edited and deleted: shipped ones, each in two versions, with vectors made beforehand.

The vectors come from the network that questions are encoded with. They are computed once and kept in the work folder,
so that a kill meets the writing of files, which takes milliseconds, and not the arithmetic before it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from rag.datatypes import Paper, Passage, Sentence
from rag.encoding.packaged_weights import DIMENSION, MAX_TOKENS, MODEL_NAME, WEIGHTS_SHA256, tokenizer
from rag.library.chunking import split_passages, split_sentences
from rag.library.manager import EmbedderId

if TYPE_CHECKING:
    from rag.datatypes import Matrix

EMBEDDER = EmbedderId(MODEL_NAME, WEIGHTS_SHA256, DIMENSION)
ANCHORS = 8  # the first papers, which are never edited or deleted: readers ask for them
VERSIONS = 2
_DATA = Path(__file__).parents[2] / "data" / "papers.jsonl"
_LIMIT = MAX_TOKENS - 100  # word pieces of a passage


@lru_cache(maxsize=2)
def pool(count: int) -> tuple[Paper, ...]:
    """The first ``count`` shipped papers."""
    lines = _DATA.read_text(encoding="utf-8").splitlines()[:count]
    names = ("id", "title", "abstract", "venue", "url", "doi")
    return tuple(
        Paper(**{name: record.get(name) or "" for name in names}, authors=tuple(record.get("authors") or ()))
        for record in map(json.loads, lines)
    )


def version(paper: Paper, number: int) -> Paper:
    """Another version of a paper: its abstract, in another order, and its year differ."""
    if number == 0:
        return replace(paper, year=2000)
    sentences = [sentence.text for sentence in split_sentences(paper.abstract)]
    return replace(paper, abstract=" ".join([*sentences[1:], *sentences[:1]]), year=2000 + number)


@lru_cache(maxsize=100_000)
def count_tokens(text: str) -> int:
    """Word pieces of a text."""
    return len(tokenizer().encode(text, add_special_tokens=False).ids)


@dataclass(frozen=True, slots=True)
class Vectors:
    """Unit vectors of a paper's passages and sentences, one row each."""

    passages: Matrix
    sentences: Matrix


class KnownVectors:
    """An encoder that looks up what was computed beforehand; satisfies ``rag.library.storage.writing.BulkEncoder``."""

    name, weights_sha256, dimension = MODEL_NAME, WEIGHTS_SHA256, DIMENSION

    def __init__(self, rows: Matrix, texts: Sequence[str]) -> None:
        self._rows = rows
        self._at = {text: row for row, text in enumerate(texts)}

    def count_tokens(self, text: str) -> int:
        return count_tokens(text)

    def passage_limit(self, title: str) -> int:
        return _LIMIT

    def encode(self, texts: Sequence[str]) -> Matrix:
        found: Matrix = self._rows[[self._at[text] for text in texts]]
        return found

    def encode_passages(self, papers: Sequence[tuple[str, Sequence[Passage], Sequence[Sentence]]]) -> list[Vectors]:
        return [
            Vectors(self.encode([p.text for p in passages]), self.encode([s.text for s in sentences]))
            for _, passages, sentences in papers
        ]


def known_vectors(count: int, folder: Path) -> KnownVectors:
    """The encoder for :func:`pool`; the vectors are computed in a process of their own where ``folder`` lacks them."""
    import numpy as np

    versions = [version(paper, number) for paper in pool(count) for number in range(VERSIONS)]
    parts = [part.text for one in versions for part in split_passages(one, count_tokens, _LIMIT)]
    parts += [part.text for one in versions for part in split_sentences(one.abstract)]
    texts = list(dict.fromkeys(parts))
    file = folder / f"vectors-{sha256(json.dumps(texts).encode()).hexdigest()[:16]}.npy"
    if not file.exists():
        child = os.fork()  # its threads and its memory end with it
        if child == 0:
            _compute(texts, folder, file)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            raise RuntimeError("the vectors could not be computed")
    return KnownVectors(np.load(file), texts)


def _compute(texts: Sequence[str], folder: Path, file: Path) -> None:
    import numpy as np

    from rag.encoding.query_encoder import QueryEncoder

    try:
        rows = QueryEncoder(folder / "home" / "models", threads=1).encode(texts)
        np.save(file.with_suffix(".partial.npy"), rows)
        file.with_suffix(".partial.npy").replace(file)
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(1)
