"""Nothing in a file makes reading it slow, large or endless: each kind of it that was found."""

from __future__ import annotations

import json
import os
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from rag.datatypes import Paper
from rag.errors import ImportFileError, RecordError
from rag.papers.identity import id_from_title
from rag.papers.importers import bibtex, listing, read_papers, ris, source, tabular
from rag.papers.importers.field_mapping import LONGEST, split_names


def read(path: Path, format: str | None = None) -> tuple[list[Paper], list[RecordError]]:
    errors: list[RecordError] = []
    return list(read_papers(path, format, on_error=errors.append)), errors


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


# --- time: four times as much takes about four times as long ---

LONG = 40_000
TEXTS: dict[str, tuple[str | None, Callable[[int], str]]] = {
    "empty lines": (None, lambda n: "\n" * n + "x"),
    "blanks in an entry": ("bibtex", lambda n: "@a{" + " " * n + "x"),
    "empty lines in an entry": ("bibtex", lambda n: "@a{k" + "\n" * n + "}"),
    "empty lines after an entry": ("bibtex", lambda n: "@a{k, title={T}}\nx" + "\n" * n + "x"),
    "braces in a name": ("bibtex", lambda n: "@a{k, title={T}, author={a " + "\\}} {{" * (n // 6) + "}}"),
    "closing braces in a name": ("bibtex", lambda n: '@a(k, title={T}, author="' + "}" * n + '")'),
    "a string that all name": (
        "bibtex",
        lambda n: "@string{s={" + "x " * (n // 4) + "}}\n" + "".join(f"@a{{{i},title=s}}\n" for i in range(n // 40)),
    ),
    "blanks in names": (
        "jsonl",
        lambda n: json.dumps({"title": "T", "authors": "a" + " " * n + "b" + " a" * (n // 4)}) + "\n",
    ),
    "lines of a field": ("ris", lambda n: "TY  - JOUR\nTI  - T\nAB  - a\n" + "b\n" * (n * 5) + "ER  - \n"),
    "lines in a cell": ("csv", lambda n: "title,abstract\n" + ('T,"\n' + '""\n' * 399) * (n // 2000)),
    "a page of abstracts": ("listing", lambda n: ("A Title\n" + f"{'x' * 310}\n" * n)),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_time_grows_with_the_file(tmp_path: Path, name: str) -> None:
    format, text = TEXTS[name]

    def seconds(length: int) -> float:
        path = write(tmp_path / str(length), text(length))
        began = time.process_time()
        try:
            read(path, format)
        except ImportFileError:
            assert format is None
        return time.process_time() - began

    seconds(10)  # imports
    once, four = seconds(LONG // 4), seconds(LONG)
    assert four < 8 * once + 0.2, (once, four)


def test_blanks_around_and() -> None:
    assert split_names("A Bee  and\n C Dee & E Eff") == ["A Bee", "C Dee", "E Eff"]


# --- memory: of any size of file, a piece ---


def peak_of_reading(path: Path, format: str) -> int:
    tracemalloc.start()
    try:
        for _ in read_papers(path, format, on_error=lambda error: None):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


ENDLESS = {
    "bibtex": "@article{k, title = {T},\n abstract = {" + "a long abstract\n" * 200_000,
    "ris": "TY  - JOUR\nTI  - T\nAB  - x\n" + "a long abstract\n" * 200_000,
    "csv": 'title,abstract\nT,"x\n' + ("a long abstract " * 1_000 + "\n") * 200,
    "listing": "A Title\n\n" + ("a long abstract. " * 20 + "\n") * 10_000,
}


@pytest.mark.parametrize("format", ENDLESS)
def test_a_record_without_end_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str) -> None:
    module = {"bibtex": bibtex, "ris": ris, "csv": tabular, "listing": listing}[format]
    monkeypatch.setattr(module, "MAX_RECORD_CHARS", 20_000)
    path = write(tmp_path / "papers", ENDLESS[format])
    assert path.stat().st_size > 3_000_000
    assert peak_of_reading(path, format) < 2_500_000  # of which a sample and blocks of the file are 1 MB


def test_the_next_record_is_read_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(
        tmp_path / "papers", "TY  - JOUR\nTI  - T\n" + "long\n" * 10_000 + "ER  - \nTY  - JOUR\nTI  - Next\nER  - \n"
    )
    monkeypatch.setattr("rag.papers.importers.ris.MAX_RECORD_CHARS", 20_000)
    papers, errors = read(path)
    assert [paper.title for paper in papers] == ["Next"]
    assert [error.line for error in errors] == [1]
    assert "this record is longer than" in errors[0].reason


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("format", ["jsonl", "bibtex", "ris", "csv", "listing"])
def test_empty_lines_are_counted_and_not_held(tmp_path: Path, format: str, end: str) -> None:
    good, bad = {
        "jsonl": ('{"title": "T"}', "[]"),
        "bibtex": ("@a{k,title={T}}", "@a{l, title={T}"),
        "ris": ("TY  - JOUR\nTI  - T\nER  - ", "TY  - BOOK"),
        "csv": ("title,abstract\nT,", "T,,x"),
        "listing": ("A Title", "x" * 310),
    }[format]
    bad = "!" if format == "listing" else bad
    text = good + "\n" + end * 100_000 + end.join([bad, good.splitlines()[0], ""])
    path = write(tmp_path / "papers", text)
    errors = read(path, format)[1]
    assert errors[0].line == good.count("\n") + 2 + 100_000
    assert peak_of_reading(path, format) < 8 * 2**20


# --- BibTeX in pieces is BibTeX ---


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bibtex, "_PIECE_CHARS", 40)


def test_pieces_of_bibtex_are_one_file(tmp_path: Path, small_pieces: None) -> None:
    text = (
        "@string{jg = {Journal of Graphs}}\n@comment{x\ny}\n"
        + "".join(f"@article{{k{i},\n  title = {{Title {i}}},\n  journal = JG\n}}\n\n" for i in range(30))
        + "@article{open,\n  title = {Never closed,\n  journal = jg\n@article(last,\n title = {Last} )\n"
        + "@article{k3,\n title = {Again}\n}\nleft = {over}\n"
    )
    papers, errors = read(write(tmp_path / "refs.bib", text))
    assert [paper.id for paper in papers] == [*(f"k{i}" for i in range(30)), "last", id_from_title("Again")]
    assert {paper.venue for paper in papers[:30]} == {"Journal of Graphs"}
    line = 3 + 30 * 5 + 1
    assert [(error.line, error.reason[:20]) for error in errors] == [
        (line, "this entry is broken"),
        (line + 8, "these fields belong "),
    ]


def test_an_entry_that_is_cut_by_its_length_costs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bibtex, "MAX_RECORD_CHARS", 2_000)
    text = "@a{1, title={One}}\n@a{2, title={Two}, abstract={" + "word\n" * 2_000 + "}}\n@a{3, title={Three}}\n"
    papers, errors = read(write(tmp_path / "refs.bib", text))
    assert [paper.title for paper in papers] == ["One", "Three"]
    assert next(error.line for error in errors) == 2


def test_a_long_string_is_reported(tmp_path: Path) -> None:
    papers, errors = read(
        write(tmp_path / "refs.bib", "@string{s = {" + "x" * 2_000 + "}}\n@a{k, title=T, journal=s}\n")
    )
    assert [(paper.title, paper.venue) for paper in papers] == [("T", "s")]
    assert [(error.line, error.reason[:28]) for error in errors] == [(1, "@string 's' is longer than 1")]


# --- what comes out is sound ---


@pytest.mark.parametrize("field", LONGEST)
def test_no_field_is_longer_than_such_a_field_can_be(tmp_path: Path, field: str) -> None:
    begins = {"url": "https://x.org/", "doi": "10.1000/"}.get(field, "")
    fits = begins + "x" * (LONGEST[field] - len(begins))
    records = [{"id": "1", "title": "T"} | {field: fits}, {"id": "2", "title": "T"} | {field: fits + "x"}]
    papers, errors = read(write(tmp_path / "papers.jsonl", "".join(json.dumps(r) + "\n" for r in records)))
    assert [getattr(paper, field) for paper in papers] == [fits]
    assert (
        errors[0].reason == f"its {field} has {LONGEST[field] + 1:,} characters; at most {LONGEST[field]:,} are taken."
    )


def test_a_title_without_blanks_makes_no_endless_id(tmp_path: Path) -> None:
    (paper,), _ = read(write(tmp_path / "papers.jsonl", json.dumps({"title": "x" * 4_000}) + "\n"))
    assert len(paper.id) < 120


def test_authors_are_limited_too(tmp_path: Path) -> None:
    records = [{"title": "T", "authors": ["A B"] * 20_001}, {"title": "T", "authors": ["x" * 1_001]}]
    papers, errors = read(write(tmp_path / "papers.jsonl", "".join(json.dumps(r) + "\n" for r in records)))
    assert papers == []
    assert [error.reason[:10] for error in errors] == ["it has 20,", "a name of "]


@pytest.mark.parametrize(
    "doi", ["10.1000/a%00b", "10.1000/a\ud800b", "10.1000/a\x1bb", "https://doi.org/10.1000/%ed%a0%80"]
)
def test_a_doi_has_no_control_characters(tmp_path: Path, doi: str) -> None:
    (paper,), _ = read(write(tmp_path / "papers.jsonl", json.dumps({"title": "T", "doi": doi}) + "\n"))
    assert paper.doi.startswith("10.1000/")
    for text in (paper.doi, paper.id):
        assert text.encode("utf-8").decode().isprintable()


def test_reasons_quote_no_more_than_can_be_shown(tmp_path: Path) -> None:
    text = '{"id": "\\ud800\\u001b[31m' + "x" * 300 + '", "title": "T", "categories": ""}\n'
    errors = read(write(tmp_path / "papers.jsonl", text), "arxiv")[1]
    errors += read(write(tmp_path / "refs.bib", "@a{k,\n" + "x" * 50_000 + "}\n@a{" + "y" * 50_000 + ",}\n"))[1]
    assert len(errors) == 3
    for error in errors:
        assert len(error.reason) < 310
        assert error.reason.encode("utf-8").decode().isprintable()


def test_a_file_that_is_hardly_a_list_of_papers_is_given_up(tmp_path: Path) -> None:
    good, bad = '{"title": "T"}\n', '{"name": "T"}\n'
    limit = source.MOST_UNUSABLE
    path = write(tmp_path / "papers.jsonl", bad * (limit - 1) + good)
    assert [len(found) for found in read(path)] == [1, limit - 1]
    path = write(tmp_path / "papers.jsonl", bad * (limit + 500))
    errors: list[RecordError] = []
    with pytest.raises(
        ImportFileError, match=r"10,000 of its records cannot be used \(the last in line 10000: .*--format"
    ):
        list(read_papers(path, on_error=errors.append))
    assert len(errors) == limit
    path = write(tmp_path / "papers.jsonl", good * (limit + 600) + bad * (limit + 500) + good)
    assert [len(found) for found in read(path)] == [limit + 601, limit + 500]


def test_a_file_name_that_is_no_text(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jsonl"))
    path.write_bytes(b'{"title": "T"}\n')
    (paper,), _ = read(path)
    assert paper.source == "jsonl:?.jsonl"


# --- details of the formats ---


def test_lines_of_a_ris_field(tmp_path: Path) -> None:
    text = (
        "TY  - JOUR\nTI  - A title\n over two lines\nAB  - One.\n\nER  -x is no end.\nÄÖ  - nor this a tag\n"
        "AB  - Another abstract\nof more lines\nUR  - https://x.org/a\nhttps://x.org/b\n"
        "AU  - Lee, Ann\nChan, Bo\nER  - \n"
    )
    (paper,), errors = read(write(tmp_path / "refs.ris", text))
    assert errors == []
    assert (paper.title, paper.abstract) == (
        "A title over two lines",
        "One. ER -x is no end. ÄÖ - nor this a tag Another abstract of more lines",
    )
    assert (paper.url, paper.authors) == ("https://x.org/a", ("Ann Lee", "Bo Chan"))


@pytest.mark.parametrize("where", [70_000, 100_000])
def test_an_encoding_is_guessed_from_where_it_shows(tmp_path: Path, where: int) -> None:
    path = tmp_path / "papers.jsonl"
    titles = ["Théorie des systèmes à événements, appliquée à la réalité", "Modèles fléchés à côté"]
    text = '{"title": "Good"}\n' * (where // 18) + "".join(f'{{"title": "{title}"}}\n' for title in titles)
    path.write_bytes(text.encode("cp1252"))
    papers, errors = read(path)
    assert errors == []
    assert [paper.title for paper in papers[-2:]] == titles


def test_an_encoding_that_shows_late_in_a_long_line(tmp_path: Path) -> None:
    path = tmp_path / "papers.jsonl"
    record = '{"abstract": "' + "plain words " * 8_000 + '", "title": "Théorie des systèmes à événements réels"}\n'
    path.write_bytes(('{"title": "Good"}\n' * 20_000 + record + '{"title": "Modèles à côté"}\n').encode("cp1252"))
    papers, errors = read(path)
    assert errors == []
    assert [paper.title for paper in papers[-2:]] == ["Théorie des systèmes à événements réels", "Modèles à côté"]
