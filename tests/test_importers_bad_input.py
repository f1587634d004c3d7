"""Files that are broken, odd or no lists of papers at all."""

import gzip
import json
import lzma
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.datatypes import Paper
from rag.errors import ImportFileError, RecordError
from rag.papers.importers import FORMATS, detect_format, read_papers
from rag.papers.importers.source import MAX_LINE_BYTES


def read(path: Path, format: str | None = None) -> tuple[list[Paper], list[RecordError]]:
    errors: list[RecordError] = []
    return list(read_papers(path, format, on_error=errors.append)), errors


GOOD = b'{"id": "%d", "title": "Good"}\n'


def test_bad_lines_are_located_and_cost_no_others(tmp_path: Path) -> None:
    path = tmp_path / "papers.jsonl"
    bad = [b"[1, 2]", b'"text"', b"17", b"null", b"true", b"{broken", b'{"title": {"a": 1}}',
           b'{"id": [1], "title": "T"}',
           b'{"title": true}', b"[" * 100_000, b'{"title": ' + b"9" * 5_000 + b"}"]  # fmt: skip
    path.write_bytes(GOOD % 0 + b"\n".join(bad) + b"\n\n" + GOOD % 1)
    papers, errors = read(path)
    assert [p.id for p in papers] == ["0", "1"]
    assert [e.line for e in errors] == list(range(2, 2 + len(bad)))
    assert [e.reason.split(",")[0].split("(")[0].strip(" .") for e in errors[:8]] == [
        "it is an array", "it is a string", "it is a number", "it is null", "it is true or false", "it is not JSON",
        "its title is an object", "its id is a list of other things",
    ]  # fmt: skip
    assert str(errors[0]).startswith(f"{path}:2: ")


def test_strict_stops_at_the_first_bad_record(tmp_path: Path) -> None:
    path = tmp_path / "papers.jsonl"
    path.write_bytes(GOOD % 0 + b"[]\n" + GOOD % 1)
    papers = read_papers(path)
    assert next(papers).id == "0"
    with pytest.raises(RecordError, match=r"papers\.jsonl:2: it is an array"):
        next(papers)


def test_nuls_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "papers.jsonl"
    path.write_bytes(b'{"id": "a\x00", "title": "T\x00i\\u0000tle", "abstract": "x\\u001by"}\n')
    (paper,), errors = read(path)
    assert (paper.id, paper.title, paper.abstract, errors) == ("a", "Title", "xy", [])


def test_a_line_without_end_is_passed_over_without_being_held(tmp_path: Path) -> None:
    path = tmp_path / "papers.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=0) as file:
        file.write(GOOD % 0 + b'{"title": "')
        for _ in range(80):
            file.write(b"x" * 2**20)
        file.write(b'"}\n' + GOOD % 1)
    tracemalloc.start()
    papers, errors = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [p.id for p in papers] == ["0", "1"]
    assert [e.line for e in errors] == [2]
    assert peak < 3 * MAX_LINE_BYTES


def test_long_files_are_not_held(tmp_path: Path) -> None:
    path = tmp_path / "papers.jsonl"
    line = json.dumps({"title": "T", "abstract": "word " * 200}).encode() + b"\n"
    path.write_bytes(line * 3_000)
    tracemalloc.start()
    assert sum(1 for _ in read_papers(path)) == 3_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_500_000 < path.stat().st_size


MESSAGES = {
    "missing": (None, "does not exist"),
    "empty": (b"", "is empty"),
    "blank": (b"\xef\xbb\xbf \n\n", "is empty"),
    "pdf": (b"%PDF-1.7\n\x00\x01", "is a PDF that cannot be read"),
    "zip": (b"PK\x03\x04" + bytes(50), "office document"),
    "gguf": (b"GGUF" + bytes(50), "language model"),
    "binary": (bytes(range(256)) * 40, "binary file"),
    "prose": (
        b"Dear all,\n\nplease find attached.\n",
        f"--format, one of: {', '.join(FORMATS)}",
    ),
    "truncated.xz": (lzma.compress(GOOD * 5_000)[:-40], "damaged or cut off"),
    "truncated.gz": (gzip.compress(GOOD * 5_000)[:-40], "damaged or cut off"),
    "headless.csv": (b"1,Graphs,An abstract\n", "no header with a column 'title'"),
    "utf16": ("title,abstract\n".encode("utf-16") + b"\x00\xd8a\x00" * 500, "not valid UTF-16"),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_file_that_cannot_be_imported_says_why(tmp_path: Path, name: str) -> None:
    content, message = MESSAGES[name]
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImportFileError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert not isinstance(caught.value, RecordError)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="is a folder"):
        read_papers(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "papers.jsonl"
    path.write_bytes(GOOD % 0)
    path.chmod(0)
    with pytest.raises(ImportFileError, match="permissions"):
        read_papers(path)


def test_an_unknown_format_names_the_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "papers.jsonl"
    path.write_bytes(GOOD % 0)
    with pytest.raises(ImportFileError, match=r"'xml' is not a format.*bibtex"):
        read_papers(path, "xml")


def test_errors_of_the_file_come_at_the_call(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError):
        read_papers(tmp_path / "missing")  # not at the first next()


def test_the_format_that_was_named_is_used(tmp_path: Path) -> None:
    path = tmp_path / "papers.csv"
    path.write_bytes(GOOD % 0)
    assert detect_format(path) == "jsonl"
    with pytest.raises(ImportFileError, match="no header"):
        list(read_papers(path, "csv"))


def test_a_header_is_asked_for_by_the_names_that_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "papers.csv"
    path.write_text("1,Graphs\n2,Trees\n")
    with pytest.raises(ImportFileError, match=r"understood are .*title.*abstract \(or text, summary\).*doi"):
        list(read_papers(path))


def test_stray_bytes_in_a_utf8_file_are_read_as_windows_1252(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "papers.jsonl"
    lines = [json.dumps({"title": f"Größe {i}"}, ensure_ascii=False) for i in range(4)]
    path.write_bytes("\n".join(lines).encode().replace("ß".encode(), b"\xdf", 1))
    papers, errors = read(path)
    assert [p.title for p in papers] == ["Größe 0", "Größe 1", "Größe 2", "Größe 3"]
    assert not errors and "byte 15 (0xdf) of line 1 is not valid UTF-8" in caplog.text


def test_the_first_accent_decides_however_late_it_comes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "papers.jsonl"
    line = '{"title": "Théorie des systèmes à événements, appliquée à la réalité"}\n'
    path.write_bytes(GOOD * 20_000 + line.encode("cp1252"))
    papers, errors = read(path)
    assert errors == []
    assert papers[-1].title == "Théorie des systèmes à événements, appliquée à la réalité"
    assert "read as cp1252" in caplog.text


@pytest.mark.parametrize(
    ("encoding", "title"),
    [
        ("cp1251", "Методы машинного обучения для анализа текстов"),
        ("gb18030", "基于深度学习的图像分类方法研究"),
        ("koi8_r", "Методы машинного обучения для анализа текстов"),
    ],
)
def test_encodings_that_are_guessed(tmp_path: Path, encoding: str, title: str) -> None:
    path = tmp_path / "papers.csv"
    path.write_bytes(f"title,year\n{title},2001\n".encode(encoding))
    assert [p.title for p in read(path)[0]] == [title]


def test_an_open_quotation_mark_belongs_to_a_text_where_the_cells_are_as_many_as_columns(tmp_path: Path) -> None:
    path = tmp_path / "papers.csv"
    path.write_text('title,abstract\nOne,"never closed\nTwo,fine\n' + "Three,fine\n" * 1_000)
    papers, errors = read(path)
    assert len(papers) == 1_002 and papers[0].abstract == '"never closed' and not errors


def test_an_open_quotation_mark_costs_one_line_where_the_cells_are_not(tmp_path: Path) -> None:
    path = tmp_path / "papers.csv"
    path.write_text('title,abstract\nOne,"never, closed\nTwo,fine\n' + "Three,fine\n" * 1_000)
    papers, errors = read(path)
    assert len(papers) == 1_001
    assert [(e.line, e.reason) for e in errors] == [(2, "a quotation mark opens here and is never closed.")]


def test_an_oversized_cell_costs_one_line(tmp_path: Path) -> None:
    path = tmp_path / "papers.csv"
    path.write_text(f"title,abstract\nOne,{'x' * 200_000}\nTwo,fine\n")
    papers, errors = read(path)
    assert [p.title for p in papers] == ["Two"]
    assert [e.line for e in errors] == [2]
    assert "field larger than" in errors[0].reason


PIECES = st.sampled_from(
    [
        "@article{k,",
        "title",
        " = {",
        "}",
        "{",
        '"',
        ",",
        "\n",
        "TY  - JOUR\n",
        "ER  - \n",
        "TI  - T\n",
        "AU  - \n",
        "UR  - ;\n",
        "title,abstract\n",
        "title\tx\n",
        '{"title": "T"}\n',
        "[",
        "Subscribe",
        "A Title\n",
        "x" * 320 + "\n",
        "\x00",
        "\r",
        "@",
        "(",
        "@string{",
        "#",
        "\\",
        "é",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=25), st.sampled_from(FORMATS))
def test_no_reader_fails_in_any_other_way(tmp_path: Path, pieces: list[str], format: str) -> None:
    path = tmp_path / "any"
    path.write_text("".join(pieces), encoding="utf-8")
    try:
        papers, errors = read(path, format)
    except ImportFileError:
        return
    assert all(p.title and p.id for p in papers)
    assert all(e.reason for e in errors)
