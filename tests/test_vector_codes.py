"""Vectors of one byte a component: how exact they are, and libraries whose vectors have two."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from rag.datatypes import Paper
from rag.library.library import Library
from rag.library.storage.vector_codes import from_bytes, to_bytes
from tests.library_parts import WordEncoder, made_papers

ID = WordEncoder().id


def unit(rows: int, dimension: int = 384, seed: int = 1) -> np.ndarray:
    made = np.random.default_rng(seed).normal(size=(rows, dimension)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def test_a_byte_a_component_moves_a_cosine_by_next_to_nothing() -> None:
    vectors, questions = unit(500), unit(40, seed=2)
    content = to_bytes(vectors)
    assert len(content) == 500 * 384
    read = from_bytes(content, 500, 384)
    assert read.dtype == np.float32
    assert np.allclose(np.linalg.norm(read, axis=1), 1, atol=1e-6)
    moved = np.abs(read @ questions.T - vectors @ questions.T)
    assert moved.max() < 0.003 and moved.mean() < 0.0005


def test_what_was_read_is_written_as_it_was() -> None:
    content = to_bytes(unit(50))
    assert to_bytes(from_bytes(content, 50, 384)) == content


def test_no_vectors_and_a_vector_of_nothing() -> None:
    assert from_bytes(to_bytes(unit(0)), 0, 384).shape == (0, 384)
    assert from_bytes(b"", 3, 384).shape == (0, 384)  # they are missing
    assert (from_bytes(to_bytes(np.zeros((1, 8), np.float32)), 1, 8) == 0).all()


def make_old(path: Path, papers: list[Paper]) -> None:
    """Make the library in ``path`` what an earlier program wrote: two bytes a component, format 1."""
    encoder = WordEncoder()
    with Library.create(path, embedder=ID) as library:
        library.add(papers, encoder)
        exact = {p.id: library.entries([p.id])[p.id].vectors.astype(np.float16).tobytes() for p in papers}
    with closing(sqlite3.connect(path / "papers.sqlite")) as db, db:
        db.executemany("UPDATE papers SET vectors = ? WHERE id = ?", [(blob, one) for one, blob in exact.items()])
    change_manifest(path, format=1)


def change_manifest(path: Path, **changes: object) -> None:
    file = path / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | changes), encoding="utf-8")


def format_of(path: Path) -> int:
    return int(json.loads((path / "manifest.json").read_text("utf-8"))["format"])


def sizes(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path / "papers.sqlite")) as db:
        return dict(db.execute("SELECT id, length(vectors) FROM papers"))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "old"
    make_old(path, list(made_papers(40)))
    return path


def test_a_library_of_an_earlier_program_is_read_as_it_is(old: Path, tmp_path: Path) -> None:
    vector = WordEncoder().encode(["topic7 in the 7th field"])[0]
    with Library.open(old, embedder=ID) as library:
        assert library.verify() == []
        found, best = library.dense(vector, 5), library.best_passages(vector, ["made00007"])["made00007"]
        ids, means = library.mean_vectors()
    assert format_of(old) == 1 and set(sizes(old).values()) == {6 * ID.dimension * 2}
    with Library.create(tmp_path / "new", embedder=ID) as library:
        library.add(made_papers(40), WordEncoder())
        again = library.dense(vector, 5)
        assert [p.id for p, _ in again] == [p.id for p, _ in found]
        assert [s for _, s in again] == pytest.approx([s for _, s in found], abs=0.003)
        assert library.best_passages(vector, ["made00007"])["made00007"].cosine == pytest.approx(best.cosine, abs=0.003)
        new_ids, new_means = library.mean_vectors()
    assert ids == new_ids and np.allclose(means, new_means, atol=0.003)


def test_what_is_added_to_it_has_a_byte_a_component(old: Path) -> None:
    """From then on an earlier program must not open it: it would misread what was added."""
    with Library.open(old, embedder=ID, read_only=False) as library:
        assert format_of(old) == 2  # before anything is added
        library.add(made_papers(2, start=40), WordEncoder())
        assert library.verify() == []
        added = library.entries(["made00041"])["made00041"]
        assert library.dense(added.passage_vectors[1], 1)[0][0] == added.passages[1]
    assert format_of(old) == 2
    found = sizes(old)
    assert found["made00001"] == 2 * found["made00041"] == 12 * ID.dimension


def test_a_vector_index_made_again_from_them_is_whole(old: Path) -> None:
    with Library.open(old, embedder=ID, read_only=False) as library:
        library.rebuild()
        assert library.verify() == []
