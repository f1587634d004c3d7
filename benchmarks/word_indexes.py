"""What ``benchmarks.word_index`` compares, each over the stems of :mod:`rag.text.tokenization`, OR-ed with weights."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from rag.library.storage.words.building import build_segments
from rag.library.storage.words.index import BM25Index, LivingSegment
from rag.library.storage.words.merging import tidy
from rag.library.storage.words.segment import Segment
from rag.text.tokenization import stems

Papers = Sequence[tuple[str, str]]


class Contender(Protocol):
    """A word index in a folder. What is added or deleted must be found by the next process that opens it."""

    def build(self, papers: Papers) -> None: ...
    def add(self, papers: Papers) -> None: ...
    def delete(self, ids: Sequence[str]) -> None: ...
    def open(self) -> None: ...
    def search(self, terms: Mapping[str, float], k: int) -> Sequence[tuple[str, float]]: ...


class WholeBM25S:
    """bm25s as it was used before: made again over all papers after every change."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._texts: dict[str, str] = {}
        self._index: Any = None
        self._ids: list[str] = []

    def build(self, papers: Papers) -> None:
        self._texts = dict(papers)
        self._make()

    def add(self, papers: Papers) -> None:
        self._texts |= dict(papers)
        self._make()

    def delete(self, ids: Sequence[str]) -> None:
        for one in ids:
            del self._texts[one]
        self._make()

    def _make(self) -> None:
        import bm25s

        ids = sorted(self._texts)
        vocabulary = {"": 0}
        documents = [[vocabulary.setdefault(s, len(vocabulary)) for s in stems(self._texts[one])] for one in ids]
        index = bm25s.BM25(k1=1.5, b=0.75, method="lucene")
        index.index((documents, vocabulary), create_empty_token=False, show_progress=False)
        index.save(self._folder / "index", show_progress=False)
        (self._folder / "ids.json").write_text(json.dumps(ids), encoding="utf-8")

    def open(self) -> None:
        import bm25s

        self._index = bm25s.BM25.load(self._folder / "index", mmap=True, show_progress=False)
        self._ids = json.loads((self._folder / "ids.json").read_text(encoding="utf-8"))

    def search(self, terms: Mapping[str, float], k: int) -> list[tuple[str, float]]:
        import numpy as np

        matrix = self._index.scores
        scores = np.zeros(len(self._ids))
        for term, weight in terms.items():
            if (column := self._index.vocab_dict.get(term)) is not None:
                span = slice(matrix["indptr"][column], matrix["indptr"][column + 1])
                scores[matrix["indices"][span]] += weight * matrix["data"][span]
        rows = np.flatnonzero(scores > 0)
        if len(rows) > k:
            rows = rows[scores[rows] >= np.partition(scores[rows], len(rows) - k)[len(rows) - k]]
        order = rows[np.lexsort((rows, -scores[rows]))][:k]
        return [(self._ids[row], float(scores[row])) for row in order]


class Segments:
    """Footnote's: segments of counts, the list of those in use in a file here and in the database there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts: list[LivingSegment] = []
        self._index = BM25Index([])

    def build(self, papers: Papers) -> None:
        for segment in build_segments(papers):
            self._keep([*self._parts, LivingSegment(segment)])

    def add(self, papers: Papers) -> None:
        self._keep([*self._parts, *map(LivingSegment, build_segments(papers))])

    def delete(self, ids: Sequence[str]) -> None:
        self._keep([one.without(ids) for one in self._parts])

    def _keep(self, parts: Sequence[LivingSegment]) -> None:
        self._parts = []
        for one in tidy(parts):
            name = one.segment.name or one.segment.save(self._folder)
            self._parts.append(LivingSegment(Segment.load(self._folder, name), one.dead))
        listed = {one.segment.name: one.dead.tolist() for one in self._parts}
        (self._folder / "segments.json").write_text(json.dumps(listed), encoding="utf-8")
        for file in self._folder.glob("*.words"):
            if file.name not in listed:
                file.unlink()

    def open(self) -> None:
        listed = json.loads((self._folder / "segments.json").read_text(encoding="utf-8"))
        self._index = BM25Index(
            [LivingSegment(Segment.load(self._folder, name), dead) for name, dead in listed.items()]
        )

    def search(self, terms: Mapping[str, float], k: int) -> list[tuple[str, float]]:
        return self._index.search(terms, k)


class FTS5:
    """SQLite's full-text search over a table of stems. It weighs no terms, and its BM25 has k1 = 1.2."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "words.sqlite", isolation_level=None)

    def build(self, papers: Papers) -> None:
        self._connection.executescript(
            "CREATE TABLE papers (number INTEGER PRIMARY KEY, id TEXT UNIQUE, stems TEXT);"
            "CREATE VIRTUAL TABLE words USING fts5(stems, content='papers', content_rowid='number', detail=none,"
            " tokenize=\"unicode61 remove_diacritics 0 tokenchars '.,'\");"
        )
        self.add(papers)

    def add(self, papers: Papers) -> None:
        self._connection.execute("BEGIN")
        for one, text in papers:
            found = " ".join(stems(text))
            number = self._connection.execute("INSERT INTO papers (id, stems) VALUES (?, ?)", (one, found)).lastrowid
            self._connection.execute("INSERT INTO words (rowid, stems) VALUES (?, ?)", (number, found))
        self._connection.execute("COMMIT")

    def delete(self, ids: Sequence[str]) -> None:
        self._connection.execute("BEGIN")
        for one in ids:
            self._connection.execute(
                "INSERT INTO words (words, rowid, stems) SELECT 'delete', number, stems FROM papers WHERE id = ?",
                (one,),
            )
            self._connection.execute("DELETE FROM papers WHERE id = ?", (one,))
        self._connection.execute("COMMIT")

    def open(self) -> None:
        """Nothing."""

    def search(self, terms: Mapping[str, float], k: int) -> list[tuple[str, float]]:
        asked = " OR ".join('"{}"'.format(term.replace('"', '""')) for term in terms)
        return self._connection.execute(
            "SELECT id, -rank FROM words JOIN papers ON number = words.rowid WHERE words MATCH ? ORDER BY rank LIMIT ?",
            (asked, k),
        ).fetchall()


class Tantivy:
    """Tantivy through its Python package. Its BM25 has k1 = 1.2, and lengths in one byte."""

    def __init__(self, folder: Path) -> None:
        import tantivy

        self._tantivy = tantivy
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("id", stored=True, tokenizer_name="raw")
        builder.add_text_field("stems", stored=False, tokenizer_name="spaces", index_option="freq")
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema, path=str(folder))
        spaces = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        self._index.register_tokenizer("spaces", spaces)
        self._searcher: Any = None

    def build(self, papers: Papers) -> None:
        self.add(papers)

    def add(self, papers: Papers) -> None:
        self._write(lambda writer: [
            writer.add_document(self._tantivy.Document(id=one, stems=" ".join(stems(text)))) for one, text in papers
        ])  # fmt: skip

    def delete(self, ids: Sequence[str]) -> None:
        self._write(lambda writer: [writer.delete_documents("id", one) for one in ids])

    def _write(self, act: Callable[[Any], object]) -> None:
        writer = self._index.writer(100_000_000, 1)
        act(writer)
        writer.commit()
        writer.wait_merging_threads()

    def open(self) -> None:
        self._index.reload()
        self._searcher = self._index.searcher()

    def search(self, terms: Mapping[str, float], k: int) -> list[tuple[str, float]]:
        query = self._tantivy.Query
        parts = [
            (self._tantivy.Occur.Should, query.boost_query(query.term_query(self._schema, "stems", term), weight))
            for term, weight in terms.items()
        ]
        found = self._searcher.search(query.boolean_query(parts), k).hits
        return [(self._searcher.doc(address)["id"][0], score) for score, address in found]


CONTENDERS: dict[str, Callable[[Path], Contender]] = {
    "bm25s": WholeBM25S, "segments": Segments, "fts5": FTS5, "tantivy": Tantivy,
}  # fmt: skip
