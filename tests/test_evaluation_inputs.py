"""Collections and questions: what is read, and what a bad line or a missing file gets."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from rag.datatypes import Turn
from rag.errors import EvaluationError, RecordError
from rag.evaluation.datasets import read_collection, read_questions

SAMPLES = Path(__file__).parent / "samples" / "eval"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the sample collection, to break."""
    return Path(shutil.copytree(SAMPLES / "tiny", tmp_path / "tiny"))


def test_a_collection_is_read_whole() -> None:
    collection = read_collection(SAMPLES / "tiny")
    assert collection.name == "tiny"
    assert [d.id for d in collection.documents] == sorted(d.id for d in collection.documents)
    assert len(collection.documents) == 12
    assert list(collection.queries) == ["q1", "q2", "q3", "q4", "q5", "q6"], "q7 has no judgement"
    assert collection.qrels["q2"] == {"d04": 2, "d07": 1}
    assert collection.qrels["q4"] == {"d05": 2, "d10": 0}
    assert next(d for d in collection.documents if d.id == "d09").whole.startswith("Ear infections")


def test_qrels_without_a_header_and_in_beirs_own_place(folder: Path) -> None:
    wanted = read_collection(folder).qrels
    (folder / "qrels").mkdir()
    lines = (folder / "qrels.tsv").read_text().splitlines(keepends=True)
    (folder / "qrels" / "test.tsv").write_text("".join(lines[1:]))
    (folder / "qrels.tsv").unlink()
    assert read_collection(folder).qrels == wanted


def test_the_hash_is_that_of_the_corpus(folder: Path) -> None:
    before = read_collection(folder).sha256
    (folder / "queries.jsonl").write_text((folder / "queries.jsonl").read_text() + "\n")
    assert read_collection(folder).sha256 == before
    with (folder / "corpus.jsonl").open("a") as file:
        file.write('{"_id": "d13", "title": "Moss", "text": ""}\n')
    assert read_collection(folder).sha256 != before


def test_a_missing_folder_or_file_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"nowhere is not a folder.*corpus\.jsonl"):
        read_collection(tmp_path / "nowhere")
    (folder / "qrels.tsv").unlink()
    (folder / "queries.jsonl").unlink()
    with pytest.raises(EvaluationError, match=r"has no queries\.jsonl, qrels\.tsv"):
        read_collection(folder)


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        ("corpus.jsonl", "{", "not JSON"),
        ("corpus.jsonl", "[1]", "not a JSON object"),
        ("corpus.jsonl", '{"title": "x"}', "no id"),
        ("corpus.jsonl", '{"id": "x", "text": 7}', "must be strings"),
        ("queries.jsonl", '{"_id": "q9", "text": " "}', "no 'text'"),
        ("qrels.tsv", "q1\td01", "tab"),
        ("qrels.tsv", "q1\td01\thigh", "whole number"),
        ("qrels.tsv", "q99\td01\t1", "q99"),
    ],
)
def test_a_bad_line_is_located(folder: Path, file: str, line: str, said: str) -> None:
    path = folder / file
    number = len(path.read_text().splitlines()) + 1
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(RecordError, match=said) as caught:
        read_collection(folder)
    assert f"{path}:{number}:" in str(caught.value)


def test_judgements_of_unknown_documents_are_noted(folder: Path) -> None:
    with (folder / "qrels.tsv").open("a") as file:
        file.write("q1\tgone\t1\n")
    assert read_collection(folder).notes == ("1 judgements name documents that the corpus does not hold",)


def test_questions_are_read_with_their_history_and_evidence() -> None:
    questions = read_questions(SAMPLES / "questions.jsonl")
    follow_up = next(q for q in questions if q.type == "followup")
    assert follow_up.history[0] == Turn("user", "What is GLINT?")
    assert follow_up.keyfacts == ("6,200",)
    assert follow_up.evidence[0][1].startswith("It was trained on")
    assert [q.id for q in questions if not q.answerable] == ["e5"]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"id": "x"}, "no 'question'"),
        ({"question": "Why?"}, "no id"),
        ({"id": "x", "question": "Why?", "gold": "one"}, "'gold' must be a list"),
        ({"id": "x", "question": "Why?", "evidence": [{"title": "t"}]}, "'evidence' must be a list of objects"),
        ({"id": "x", "question": "Why?", "history": ["hello"]}, "'history' must be"),
        ({"id": "e1", "question": "Why?"}, "used before"),
    ],
)
def test_a_bad_question_is_located(tmp_path: Path, record: dict[str, object], said: str) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text((SAMPLES / "questions.jsonl").read_text() + "\n" + json.dumps(record) + "\n")
    with pytest.raises(RecordError, match=said) as caught:
        read_questions(path)
    assert caught.value.line == 7, "the blank line counts"


def test_a_file_without_questions_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="is not a file"):
        read_questions(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n\n")
    with pytest.raises(EvaluationError, match="holds no question"):
        read_questions(tmp_path / "empty.jsonl")
    (tmp_path / "latin.jsonl").write_bytes('{"id": "1", "question": "Weiß?"}\n'.encode("latin-1"))
    with pytest.raises(EvaluationError, match="UTF-8"):
        read_questions(tmp_path / "latin.jsonl")
