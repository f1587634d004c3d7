"""The other files that come from elsewhere: models, batches of questions and claims, collections to be measured on."""

from __future__ import annotations

import json
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from rag.errors import FootnoteError
from scripts.fuzzing.checks import Reading, allowed_seconds, fault_of_message, place
from scripts.fuzzing.samples import Sample


def _string(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def _gguf() -> bytes:
    """A GGUF with one small tensor and values of most types."""
    values = {
        b"general.architecture": (8, _string(b"llama")),
        b"general.name": (8, _string(b"Tiny")),
        b"general.alignment": (4, struct.pack("<I", 32)),
        b"llama.context_length": (4, struct.pack("<I", 2048)),
        b"llama.block_count": (10, struct.pack("<Q", 2)),
        b"llama.attention.head_count": (5, struct.pack("<i", 4)),
        b"llama.rope.freq_base": (6, struct.pack("<f", 1e4)),
        b"llama.embedding_length": (12, struct.pack("<d", 64.0)),
        b"tokenizer.ggml.tokens": (9, struct.pack("<IQ", 8, 3) + _string(b"a") + _string(b"b") + _string(b"")),
        b"tokenizer.ggml.token_type": (9, struct.pack("<IQ3i", 5, 3, 1, 1, 3)),
        b"tokenizer.chat_template": (8, _string(b"{{ messages }}")),
    }
    header = b"GGUF" + struct.pack("<IQQ", 3, 1, len(values))
    header += b"".join(_string(key) + struct.pack("<I", kind) + value for key, (kind, value) in values.items())
    header += _string(b"output.weight") + struct.pack("<IQQIQ", 2, 8, 4, 0, 0)
    return header + bytes(-len(header) % 32 + 8 * 4 * 4)


_TURNS = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "They. [1]"}]
_QUESTIONS = [{"id": "1", "question": "What is a graph?", "history": _TURNS, "gold": ["d1"], "keyfacts": ["A tree."]}]
_CLAIMS = [{"id": 2, "text": "Graphs are trees.", "abstract": "Some are.", "title": "On Graphs", "paper_id": "k"}]
_COLLECTION = {
    "corpus.jsonl": '{"_id": "d1", "title": "On Graphs", "text": "Graphs are trees."}\n',
    "queries.jsonl": '{"_id": "q1", "text": "What is a graph?"}\n',
    "qrels.tsv": "query-id\tcorpus-id\tscore\nq1\td1\t2\n",
}


def _lines(records: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


SAMPLES = [
    Sample("gguf", _gguf()),
    Sample("gguf again", _gguf()),
    Sample("questions", _lines(_QUESTIONS)),
    Sample("claims", _lines(_CLAIMS)),
    *(Sample(name, text.encode()) for name, text in _COLLECTION.items()),
]


def _model(path: Path) -> None:
    from rag.generation.models.header import inspect_gguf

    info = inspect_gguf(path)
    assert len(info.name) + len(info.architecture) + len(info.licence) < 1000
    f"{info.size} {info.parameters} {info.quantisation} {info.context} {info.kv_bytes} {info.name}".encode()


def _batch(path: Path, text: str, more: tuple[str, ...]) -> None:
    from rag.cli.batch import batch_records

    for record in batch_records(path, text, more):
        assert isinstance(record["id"], str)
        assert isinstance(record[text], str)


def _questions(path: Path) -> None:
    from rag.evaluation.datasets import read_questions

    assert read_questions(path)


def _collection(path: Path, place_of_it: str) -> None:
    """The file in one of the places of a collection, the others sound."""
    from rag.evaluation.datasets import read_collection

    with tempfile.TemporaryDirectory() as folder:
        for name, text in _COLLECTION.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        (Path(folder) / place_of_it).write_bytes(path.read_bytes())
        read_collection(Path(folder))


READERS: dict[str, Callable[[Path], None]] = {
    "model": _model,
    "batch of questions": partial(_batch, text="question", more=()),
    "batch of claims": partial(_batch, text="text", more=("abstract", "title", "paper_id")),
    "questions with answers": _questions,
    "corpus": partial(_collection, place_of_it="corpus.jsonl"),
    "queries": partial(_collection, place_of_it="queries.jsonl"),
    "qrels": partial(_collection, place_of_it="qrels.tsv"),
}


def readings(path: Path, text_bytes: int) -> Iterator[Reading]:
    """The file by each of the readers."""
    for name, reader in READERS.items():
        refused, fault = False, ""
        began = time.process_time()
        try:
            reader(path)
        except FootnoteError as error:
            refused, fault = True, fault_of_message(str(error))
        except Exception as error:
            fault = f"{type(error).__name__}: {str(error)[:200]} ({place(error)})"
        seconds = time.process_time() - began
        if not fault and seconds > allowed_seconds(text_bytes):
            fault = f"took {seconds:.1f} s"
        yield Reading(name, "" if refused else name, 0, 0, refused, seconds, fault)
