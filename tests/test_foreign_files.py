"""Headers of models, collections and questions from elsewhere: what must be an error of the program's own."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from rag.errors import EvaluationError, FootnoteError, ModelError
from rag.evaluation.datasets import read_collection, read_questions
from rag.generation.models.header import inspect_gguf
from scripts.fuzzing.other_readers import SAMPLES

GGUF = SAMPLES[0].content


def with_value(key: bytes, kind: int, value: bytes) -> bytes:
    """The sound GGUF with one more value, which replaces an earlier one of its name."""
    entries = struct.unpack_from("<Q", GGUF, 16)[0]
    added = struct.pack("<Q", len(key)) + key + struct.pack("<I", kind) + value
    at = GGUF.index(struct.pack("<Q", 13) + b"output.weight")
    # Behind it padding to spare: the tensor's place depends on the header's length.
    return GGUF[:16] + struct.pack("<Q", entries + 1) + GGUF[24:at] + added + GGUF[at:] + bytes(4096)


def text(content: bytes) -> bytes:
    return struct.pack("<Q", len(content)) + content


def test_the_sound_one_is_read(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(with_value(b"general.license", 8, text(b"MIT")))
    info = inspect_gguf(path)
    assert (info.name, info.architecture, info.context, info.licence) == ("Tiny", "llama", 2048, "MIT")


@pytest.mark.parametrize(
    ("kind", "value"),
    [(4, struct.pack("<I", 0)), (8, text(b"abc")), (6, struct.pack("<f", float("nan"))), (5, struct.pack("<i", -32))],
)
def test_an_alignment_that_is_none(tmp_path: Path, kind: int, value: bytes) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(with_value(b"general.alignment", kind, value))
    with pytest.raises(ModelError, match="damaged or was cut off within its header"):
        inspect_gguf(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
@pytest.mark.parametrize("key", [b"llama.attention.head_count", b"llama.context_length", b"llama.block_count"])
def test_counts_that_are_no_numbers(tmp_path: Path, key: bytes, value: float) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(with_value(key, 12, struct.pack("<d", value)))
    assert isinstance(inspect_gguf(path).kv_bytes, int)


def test_a_name_is_shown_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(with_value(b"general.name", 8, text(b"A\x1b[31m\nname " + b"x" * 3_000_000)))
    name = inspect_gguf(path).name
    assert name.startswith("A[31m name xxx")
    assert len(name) == 200


def test_an_unknown_architecture_is_not_quoted_in_full(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(with_value(b"general.architecture", 8, text(b"\x00" + b"y" * 100_000)))
    with pytest.raises(ModelError, match="'yyy") as caught:
        inspect_gguf(path)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("line", ["[" * 100_000, '{"id": ' + "9" * 5_000 + "}"])
def test_questions_that_cannot_be_read(tmp_path: Path, line: str) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(f'{{"id": "1", "question": "Q?"}}\n{line}\n')
    with pytest.raises(FootnoteError, match=r"questions\.jsonl:2: .*Correct the line"):
        read_questions(path)


@pytest.mark.parametrize(
    ("qrels", "message"),
    [
        ("q1\td1\t²".encode(), "whole number"),
        (b"q1\td1\t" + b"9" * 5_000, "whole number"),
        (b"q1\td1\t--1", "whole number"),
        (b"q1\td1\t1\n\xff", "is not UTF-8"),
        (b"x" * 5_000 + b"\td1\t1", "is not in queries.jsonl"),
    ],
)
def test_judgements_that_cannot_be_read(tmp_path: Path, qrels: bytes, message: str) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"_id": "d1", "text": "T"}\n')
    (tmp_path / "queries.jsonl").write_text('{"_id": "q1", "text": "Q"}\n')
    (tmp_path / "qrels.tsv").write_bytes(b"query\tdocument\tscore\n" + qrels)
    with pytest.raises((EvaluationError, FootnoteError), match=message) as caught:
        read_collection(tmp_path)
    assert len(str(caught.value)) < 1_000
