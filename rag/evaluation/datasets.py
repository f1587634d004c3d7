"""The data of an evaluation: test collections in the layout of BEIR, and files of questions with known answers.

A collection is a folder of ``corpus.jsonl`` (``_id`` or ``id``, ``title``, ``text``), ``queries.jsonl`` (``_id`` or
``id``, ``text``) and ``qrels.tsv`` (query, document, relevance; with or without a header), or ``qrels/test.tsv`` as
BEIR packs it. One bad line stops the reading: figures of a part are not figures of the collection.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.datatypes import Turn
from rag.errors import EvaluationError, RecordError
from rag.system.hashing import sha256_of


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a collection, as the file has it."""

    id: str
    title: str
    text: str

    @property
    def whole(self) -> str:
        """Title and text, as BEIR's own baselines join them."""
        return f"{self.title} {self.text}".strip()


@dataclass(frozen=True, slots=True)
class Collection:
    """A test collection. ``queries`` are those that have judgements; ``qrels`` maps query to document to relevance.

    ``documents`` are ordered by id. ``sha256`` is the corpus file's. ``notes`` say what is odd about it.
    """

    name: str
    corpus: Path
    documents: tuple[Document, ...]
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]
    sha256: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvalQuestion:
    """One question with what a right answer holds. ``gold`` are titles; empty where no paper answers it.

    Each of ``keyfacts`` is a string that a right answer contains, ``a|b`` meaning either. ``evidence`` are pairs of
    title and supporting sentence, word for word.
    """

    id: str
    type: str
    question: str
    history: tuple[Turn, ...] = ()
    gold: tuple[str, ...] = ()
    keyfacts: tuple[str, ...] = ()
    evidence: tuple[tuple[str, str], ...] = ()

    @property
    def answerable(self) -> bool:
        """Whether a paper of the library answers it."""
        return bool(self.gold)


def sampled(questions: Sequence[EvalQuestion], count: int, seed: int) -> tuple[EvalQuestion, ...]:
    """``count`` of the questions drawn by ``seed``, from each type in turn as long as it has any, types by name.

    All of them where there are no more.
    """
    draw = random.Random(seed)
    pools: dict[str, list[EvalQuestion]] = {}
    for question in questions:
        pools.setdefault(question.type, []).append(question)
    drawn = [draw.sample(pools[name], len(pools[name])) for name in sorted(pools)]
    turns = max(map(len, drawn), default=0)
    return tuple(one for turn in range(turns) for pool in drawn for one in pool[turn : turn + 1])[:count]


def read_collection(folder: Path) -> Collection:
    """The collection in ``folder``.

    Raises :class:`EvaluationError` for a folder without the three files, :class:`RecordError` for a bad line.
    """
    if not folder.is_dir():
        raise EvaluationError(f"{folder} is not a folder. Give one with corpus.jsonl, queries.jsonl and qrels.tsv.")
    corpus, queries_file = folder / "corpus.jsonl", folder / "queries.jsonl"
    qrels_file = next((f for f in (folder / "qrels.tsv", folder / "qrels" / "test.tsv") if f.is_file()), None)
    missing = [f.name for f in (corpus, queries_file) if not f.is_file()] + ([] if qrels_file else ["qrels.tsv"])
    if missing or qrels_file is None:
        raise EvaluationError(f"{folder} has no {', '.join(missing)}. A collection needs all three files (BEIR).")
    documents = {d.id: d for d in _documents(corpus)}
    queries = {
        _id(record, queries_file, n): _text(record, "text", queries_file, n) for n, record in _lines(queries_file)
    }
    qrels = _qrels(qrels_file, queries)
    if not documents or not qrels:
        raise EvaluationError(f"{folder} has no {'documents' if not documents else 'judgements'}: nothing to measure.")
    unknown = sum(d not in documents for judged in qrels.values() for d in judged)
    notes = (f"{unknown} judgements name documents that the corpus does not hold",) if unknown else ()
    return Collection(
        name=folder.resolve().name,
        corpus=corpus,
        documents=tuple(documents[i] for i in sorted(documents)),
        queries={q: queries[q] for q in sorted(qrels)},
        qrels=qrels,
        sha256=sha256_of(corpus),
        notes=notes,
    )


def read_questions(path: Path) -> tuple[EvalQuestion, ...]:
    """The questions of a JSON Lines file, in its order.

    Raises :class:`EvaluationError` for a missing or empty file, :class:`RecordError` for a bad line.
    """
    if not path.is_file():
        raise EvaluationError(f"{path} is not a file. Give one with a question a line (docs/evaluation.md).")
    questions: dict[str, EvalQuestion] = {}
    for number, record in _lines(path):
        question = _question(record, path, number)
        if question.id in questions:
            raise RecordError(
                path, number, f"the id {question.id[:100]!r} was used before; give each question its own."
            )
        questions[question.id] = question
    if not questions:
        raise EvaluationError(f"{path} holds no question. Write one JSON object a line (docs/evaluation.md).")
    return tuple(questions.values())


def _question(record: Mapping[str, Any], path: Path, number: int) -> EvalQuestion:
    history = _objects(record, "history", ("role", "content"), path, number)
    evidence = _objects(record, "evidence", ("title", "sentence"), path, number)
    return EvalQuestion(
        id=_id(record, path, number),
        type=str(record.get("type") or "question"),
        question=_text(record, "question", path, number),
        history=tuple(Turn(role, content) for role, content in history),
        gold=_strings(record, "gold", path, number),
        keyfacts=_strings(record, "keyfacts", path, number),
        evidence=tuple((title, sentence) for title, sentence in evidence),
    )


def _documents(path: Path) -> Iterator[Document]:
    for number, record in _lines(path):
        title, text = record.get("title") or "", record.get("text") or ""
        if not isinstance(title, str) or not isinstance(text, str):
            raise RecordError(path, number, "title and text must be strings. Correct the line.")
        yield Document(_id(record, path, number), title, text)


def _qrels(path: Path, queries: Mapping[str, str]) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for number, line in _text_lines(path):
        columns = line.rstrip("\r\n").split("\t")
        if number == 1 and len(columns) == 3 and not _is_integer(columns[2]):
            continue  # a header
        if len(columns) != 3 or not _is_integer(columns[2]):
            raise RecordError(path, number, "not 'query <tab> document <tab> whole number'. Correct the line.")
        query, document, relevance = columns
        if query not in queries:
            known = f"the query {query[:100]!r} is not in queries.jsonl"
            raise RecordError(path, number, f"{known}. Add it or cut the line.")
        qrels.setdefault(query, {})[document] = int(relevance)
    return {q: judged for q, judged in qrels.items() if any(r > 0 for r in judged.values())}


def _is_integer(text: str) -> bool:
    return re.fullmatch(r"-?[0-9]{1,9}", text.strip()) is not None


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and object of each line that is not blank."""
    for number, line in _text_lines(path):
        yield number, _object(line, path, number)


def _text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is not blank."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line
    except UnicodeDecodeError as error:
        raise EvaluationError(f"{path} is not UTF-8 ({error.reason}). Save it as UTF-8.") from error


def _object(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise RecordError(path, number, f"not JSON ({error.msg}). Correct the line.") from error
    except (ValueError, RecursionError) as error:  # a number of 10,000 digits; nesting without end
        raise RecordError(path, number, "JSON that cannot be read. Correct the line.") from error
    if not isinstance(record, dict):
        raise RecordError(path, number, "not a JSON object. Correct the line.")
    return record


def _id(record: Mapping[str, Any], path: Path, number: int) -> str:
    value = record.get("_id", record.get("id"))
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise RecordError(path, number, "it has no id. Add 'id'.")
    return str(value)


def _text(record: Mapping[str, Any], key: str, path: Path, number: int) -> str:
    value = record.get(key)
    if not isinstance(value, str) or not value.strip():
        raise RecordError(path, number, f"it has no '{key}'. Add it as a string.")
    return value


def _strings(record: Mapping[str, Any], key: str, path: Path, number: int) -> tuple[str, ...]:
    value = record.get(key) or []
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise RecordError(path, number, f"'{key}' must be a list of strings. Correct the line.")
    return tuple(value)


def _objects(
    record: Mapping[str, Any], key: str, names: Sequence[str], path: Path, number: int
) -> list[tuple[str, str]]:
    value = record.get(key) or []
    if not isinstance(value, list) or not all(
        isinstance(v, dict) and all(isinstance(v.get(n), str) for n in names) for v in value
    ):
        raise RecordError(path, number, f"'{key}' must be a list of objects with {' and '.join(names)}. Correct it.")
    return [(v[names[0]], v[names[1]]) for v in value]
