"""Makes ``models/bridge.npz``: English words of science and a map, in the space of multilingual-e5-small.

    python -m training.languages.make --data ../shared/data

The words are the most frequent of arXiv (computer science) and of PubMed abstracts (SciFact, PubMedQA), one for each
stem. The map is a ridge regression from the vectors of English questions, claims and titles to those that the encoder
of papers gives them. What a language has in common is the mean over the words and questions of the open half of
``benchmarks/languages/questions.jsonl``. Nothing of the closed half is read. Takes about ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rag.config import Settings
from rag.encoding.multilingual_encoder import MultilingualEncoder
from rag.factory import query_encoder
from rag.questions.languages import words_of
from rag.system.hashing import sha256_of
from rag.text.tokenization import STOPWORDS, stem

if TYPE_CHECKING:
    from rag.datatypes import Matrix

ROOT = Path(__file__).parent.parent.parent
QUESTIONS = ROOT / "benchmarks" / "languages" / "questions.jsonl"
OWN = ("other_questions", "answerable_questions", "refusal_questions", "several_questions")  # of training/
OF_ARXIV, OF_PUBMED = 4500, 3300  # words
SYNTHETIC, OF_COLLECTION, TITLES = 1800, 500, 1800  # texts that the map is fitted on, beside our own questions
RIDGE = 0.3
_WORD = re.compile(r"[a-z][a-z-]{2,}")


def main() -> int:
    """Write the file and print its SHA-256."""
    import numpy as np

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    home = Settings().home
    encoder = MultilingualEncoder(home / "models", threads=2)
    words = vocabulary(data)
    vectors = encoder.encode_words(words)
    texts = taught(data)
    inputs = np.array([encoder.encode_question(text) for text in texts])
    weights = fitted(inputs, query_encoder(home).encode(texts))
    languages, word_means, question_means = in_common(encoder)
    target = ROOT / "models" / "bridge.npz"
    write(target, words, vectors - vectors.mean(axis=0), languages, word_means, question_means, weights)
    print(f"{target}: {len(words)} words, SHA-256 {sha256_of(target)}")
    return 0


def write(
    target: Path,
    words: list[str],
    vectors: Matrix,
    languages: list[str],
    word_means: Matrix,
    question_means: Matrix,
    weights: Matrix,
) -> None:
    """The file; the vectors in 8 bits, each by its own largest value, which a cosine does not depend on."""
    import numpy as np

    scale = np.abs(vectors).max(axis=1, keepdims=True)
    with target.open("wb") as file:
        np.savez_compressed(
            file,
            words=np.frombuffer("\n".join(words).encode("ascii"), np.uint8),
            vectors=np.round(vectors / scale * 127).astype(np.int8),
            languages=np.frombuffer(" ".join(languages).encode("ascii"), np.uint8),
            word_means=word_means.astype(np.float16),
            question_means=question_means.astype(np.float16),
            weights=weights.astype(np.float16),
        )


def vocabulary(data: Path) -> list[str]:
    """The most frequent words of two fields, of each stem the most frequent form; ordered."""
    found: dict[str, str] = {}
    for texts, most in ((_arxiv(data), OF_ARXIV), (_pubmed(data), OF_PUBMED)):
        forms, frequencies = _by_stem(texts)
        for one, _ in frequencies.most_common(most):
            found.setdefault(one, forms[one])
    return sorted(found.values())


def _by_stem(texts: Iterable[str]) -> tuple[dict[str, str], Counter[str]]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update({word for word in _WORD.findall(text.lower()) if not word.endswith("-")})
    forms: dict[str, str] = {}
    frequencies: Counter[str] = Counter()
    for word, count in counts.most_common(60_000):
        if word not in STOPWORDS:
            frequencies[stem(word)] += count
            forms.setdefault(stem(word), word)
    return forms, frequencies


def _arxiv(data: Path, every: int = 6) -> Iterator[str]:
    with lzma.open(data / "arxiv" / "cs_abstracts.jsonl.xz", "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number % every == 0:
                record = json.loads(line)
                yield f"{record['title']} {record['text']}"


def _pubmed(data: Path) -> Iterator[str]:
    for name in ("scifact", "pubmedqa"):
        for record in _records(data / "collections" / name / "corpus.jsonl"):
            yield f"{record['title']} {record['text']}"


def taught(data: Path) -> list[str]:
    """English texts that the map is fitted on, each once, in an order of their own."""
    chance = random.Random(1)
    texts = [one["question"] for name in OWN for one in _records(ROOT / "training" / f"{name}.jsonl")]
    texts = [text for text in texts if text.isascii()]
    made = [one["question"] for one in _records(data / "synthetic" / "arxiv_questions.jsonl")]
    texts += chance.sample(made, SYNTHETIC)
    for name in ("scifact", "pubmedqa"):
        asked = [one["text"] for one in _records(data / "collections" / name / "queries.jsonl")]
        texts += chance.sample(asked, min(OF_COLLECTION, len(asked)))
    with lzma.open(data / "arxiv" / "cs_abstracts.jsonl.xz", "rt", encoding="utf-8") as lines:
        titles = [json.loads(line)["title"] for number, line in enumerate(lines) if number % 60 == 0]
    texts = list(dict.fromkeys(text for text in (*texts, *titles[:TITLES]) if len(text) < 200))
    chance.shuffle(texts)
    return texts


def fitted(inputs: Matrix, outputs: Matrix) -> Matrix:
    """The ridge regression from centred ``inputs`` to ``outputs``; its last row is added. ``(385, 384)``."""
    import numpy as np

    rows = np.c_[inputs - inputs.mean(axis=0), np.ones(len(inputs))].astype(np.float64)
    weights: Matrix = np.linalg.solve(rows.T @ rows + RIDGE * np.eye(rows.shape[1]), rows.T @ outputs)
    return weights


def in_common(encoder: MultilingualEncoder) -> tuple[list[str], Matrix, Matrix]:
    """The languages, and of each the mean vectors of its words and of its questions, from the open half."""
    import numpy as np

    asked: dict[str, list[str]] = {}
    for record in _records(QUESTIONS):
        if record["part"] == "open":
            asked.setdefault(record["language"], []).append(record["question"])
    word_means, question_means = [], []
    for language, questions in asked.items():
        words = sorted({word for text in questions for word in words_in(text, language, encoder)})
        word_means.append(encoder.encode_words(words).mean(axis=0))
        question_means.append(np.array([encoder.encode_question(text) for text in questions]).mean(axis=0))
    return list(asked), np.array(word_means), np.array(question_means)


def words_in(text: str, language: str, encoder: MultilingualEncoder) -> list[str]:
    """The words of a question that may name something; of a script without spaces its pieces."""
    if not words_of(language):
        return [piece for piece in encoder.segmented(text) if len(piece) > 1 and not piece.isascii()]
    return [word for word in re.findall(r"[^\W\d_][\w-]{2,}", text.lower()) if word not in words_of(language)]


def _records(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


if __name__ == "__main__":
    raise SystemExit(main())
