"""What the tests of library and retrieval share: real papers, the real encoders, and a fast encoder for the rest."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rag.datatypes import Paper, Passage, Sentence
from rag.encoding.packaged_weights import DIMENSION, MODEL_NAME, WEIGHTS_SHA256
from rag.encoding.paper_encoder import EncodedPaper, PaperEncoder
from rag.library.library import EmbedderId

if TYPE_CHECKING:
    from rag.datatypes import Matrix

DATA = Path(__file__).parent.parent / "data" / "papers.jsonl"
REAL = EmbedderId(MODEL_NAME, WEIGHTS_SHA256, DIMENSION)


@lru_cache(maxsize=1)
def shipped_papers() -> tuple[Paper, ...]:
    """The shipped papers, read without the importers."""
    records = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]
    names = ("id", "title", "abstract", "venue", "url", "doi")
    return tuple(
        Paper(**{name: record.get(name) or "" for name in names}, authors=tuple(record.get("authors") or ()))
        for record in records
    )


@lru_cache(maxsize=1)
def paper_encoder() -> PaperEncoder:
    """Loaded once for all tests: that takes seconds."""
    return PaperEncoder()


class WordEncoder:
    """An encoder of its own: a vector depends on the words of its text alone, and on nothing else.

    Satisfies both ``rag.datatypes.Encoder`` and what an import needs. Counts what it embeds.
    """

    name = "words"
    weights_sha256 = "0" * 64
    dimension = 32
    max_tokens = 60

    def __init__(self) -> None:
        self.embedded: list[str] = []

    @property
    def id(self) -> EmbedderId:
        return EmbedderId(self.name, self.weights_sha256, self.dimension)

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def passage_limit(self, title: str) -> int:
        return self.max_tokens

    def encode(self, texts: Sequence[str]) -> Matrix:
        rows = np.array([_of_words(text) for text in texts], dtype=np.float32).reshape(len(texts), self.dimension)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)

    def encode_passages(
        self, papers: Sequence[tuple[str, Sequence[Passage], Sequence[Sentence]]]
    ) -> list[EncodedPaper]:
        self.embedded += [title for title, _, _ in papers]
        return [
            EncodedPaper(
                self.encode([f"{title} {passage.text}" for passage in passages]),
                self.encode([s.text for s in sentences]),
            )
            for title, passages, sentences in papers
        ]


@lru_cache(maxsize=10_000)
def _of_word(word: str) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).normal(size=WordEncoder.dimension)


def _of_words(text: str) -> np.ndarray:
    return sum((_of_word(word) for word in text.lower().split()), np.full(WordEncoder.dimension, 0.01))


def forget_what_made_it(path: Path) -> None:
    """Make the database of the library in ``path`` what an older program wrote: it does not say what made it."""
    with closing(sqlite3.connect(path / "papers.sqlite")) as db:
        db.execute("DROP TABLE made_with")


def made_papers(count: int, start: int = 0) -> Iterator[Paper]:
    """Papers with words of their own, two passages each."""
    for i in range(start, start + count):
        words = " ".join(f"word{i}x{j}" for j in range(25))
        abstract = (
            f"We study topic{i} in the {i}th field. It has {words}. The result{i} is {i} of 100. {words.upper()}."
        )
        yield Paper(f"made{i:05d}", f"On the matter number {i} of topic{i}", abstract, ("A. Author",), 2000 + i % 20)
