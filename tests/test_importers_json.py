"""JSON documents, envelopes of web services, and the shapes of their records."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.datatypes import Paper
from rag.errors import RecordError
from rag.papers.importers import detect_format, read_papers
from rag.papers.importers.json_stream import records

PAPER = {"title": "A kite in rain", "abstract": 'It got {wet} ["very"] \\ and "heavy".', "year": 2015}
OTHER = {"title": "A kite in snow", "tags": ["x", {"y": [1]}]}


def read(path: Path) -> tuple[list[Paper], list[RecordError]]:
    errors: list[RecordError] = []
    return list(read_papers(path, on_error=errors.append)), errors


def one(tmp_path: Path, record: Any) -> Paper:
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")
    (paper,), errors = read(path)
    assert errors == []
    return paper


ENVELOPES: dict[str, Any] = {
    "array": [PAPER, OTHER],
    "crossref": {"status": "ok", "message": {"facets": {}, "items": [PAPER, OTHER]}},
    "openalex": {"meta": {"count": 2}, "results": [PAPER, OTHER], "group_by": []},
    "semantic scholar": {"total": 2, "offset": 0, "data": [PAPER, OTHER]},
    "europe pmc": {"version": "6", "resultList": {"result": [PAPER, OTHER]}},
    "elastic": {"hits": {"total": 2, "hits": [{"_id": "1", "_source": PAPER}, {"_id": "2", "_source": OTHER}]}},
    "citations": {"data": [{"citingPaper": PAPER, "contexts": []}, {"citingPaper": OTHER}]},
    "json:api": {"data": [{"id": "1", "type": "dois", "attributes": PAPER}, {"attributes": OTHER}], "links": {}},
    "by id": {"a": PAPER, "b": OTHER},
    "summaries": {"result": {"uids": ["1", "2"], "1": PAPER, "2": OTHER}},
}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", ENVELOPES)
def test_records_are_found_in_what_services_wrap_them_in(tmp_path: Path, name: str, indent: int | None) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(ENVELOPES[name], indent=indent), encoding="utf-8")
    papers, errors = read(path)
    assert errors == []
    assert [paper.title for paper in papers] == ["A kite in rain", "A kite in snow"]
    assert papers[0].year == 2015


def test_objects_over_several_lines_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "papers.json"
    path.write_text(json.dumps(PAPER, indent=1) + "\n" + json.dumps(OTHER, indent=1), encoding="utf-8")
    assert detect_format(path) == "json"
    assert [paper.title for paper in read(path)[0]] == ["A kite in rain", "A kite in snow"]


def test_a_damaged_record_costs_no_other_and_has_its_line(tmp_path: Path) -> None:
    path = tmp_path / "papers.json"
    path.write_text('[\n {"title": "One"},\n {"title": oops},\n null,\n {"title":\n "Two"},\n {"title": "Th', "utf-8")
    papers, errors = read(path)
    assert [paper.title for paper in papers] == ["One", "Two"]
    assert [error.line for error in errors] == [3, 7]
    assert "the file ends within this record" in errors[1].reason


def test_a_document_in_one_line_is_not_held(tmp_path: Path) -> None:
    path = tmp_path / "papers.json"
    text = json.dumps({"title": "T", "abstract": "word " * 400})
    with path.open("w", encoding="utf-8") as file:
        file.write("[" + text)
        for _ in range(12_000):
            file.write("," + text)
        file.write(',{"title": "' + "x" * 6_000_000 + '"},{"title": "Last"}]')
    tracemalloc.start()
    errors: list[RecordError] = []
    count = sum(1 for _ in read_papers(path, on_error=errors.append))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (count, len(errors)) == (12_002, 1)
    assert "has more than" in errors[0].reason
    assert peak < 24 * 2**20 < path.stat().st_size


def test_nesting_without_end(tmp_path: Path) -> None:
    path = tmp_path / "papers.json"
    path.write_text('[{"title": "One"},\n{"a": ' + "[" * 5_000 + "]" * 5_000 + '},\n{"title": "Two"}]', "utf-8")
    papers, errors = read(path)
    assert [paper.title for paper in papers] == ["One", "Two"]
    assert [error.line for error in errors] == [2]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.dictionaries(st.text(max_size=6), VALUES, max_size=4), max_size=5),
    st.integers(1, 30),
    st.sampled_from([None, 1]),
)
def test_records_are_cut_as_json_reads_them(found: list[dict[str, Any]], size: int, indent: int | None) -> None:
    text = json.dumps(found, indent=indent)
    cuts = list(records(text[at : at + size] for at in range(0, len(text), size)))
    assert [json.loads(cut.text or "") for cut in cuts] == found
    assert all(cut.whole for cut in cuts)


def test_openalex(tmp_path: Path) -> None:
    paper = one(tmp_path, {
        "id": "https://openalex.org/W1", "title": "Bells", "type": "article", "publication_year": 1999,
        "abstract_inverted_index": {"ring.": [2], "Bells": [0], "that": [1], "far": [10**15]}, "is_retracted": True,
        "authorships": [{"author": {"display_name": "Ada Bell"}}, {"author": {}, "raw_author_name": "B. Ring"}],
        "primary_location": {"source": None, "landing_page_url": "https://example.org/b"},
    })  # fmt: skip
    assert (paper.abstract, paper.authors, paper.status) == (
        "Bells that ring. far",
        ("Ada Bell", "B. Ring"),
        "retracted",
    )
    assert (paper.url, paper.venue) == ("https://example.org/b", "")


def test_an_index_as_text(tmp_path: Path) -> None:
    assert one(tmp_path, {"title": "T", "abstract_inverted_index": '{"b": [1], "a": [0]}'}).abstract == "a b"
    assert one(tmp_path, {"title": "T", "abstract_inverted_index": "{"}).abstract == ""


def test_crossref(tmp_path: Path) -> None:
    paper = one(tmp_path, {
        "DOI": "10.5555/X", "type": "journal-article", "title": ["Of<i>Mus musculus</i>and men"],
        "subtitle": ["A tale"],
        "container-title": ["Mice", "M."], "issued": {"date-parts": [[2001, 2]]}, "created": {"date-parts": [[2020]]},
        "abstract": "<jats:title>Abstract</jats:title><jats:p>At 10<jats:sup>5</jats:sup>.</jats:p>",
        "updated-by": [{"type": "expression_of_concern", "DOI": "10.5555/y"}],
    })  # fmt: skip
    assert (paper.title, paper.abstract, paper.venue) == ("Of Mus musculus and men: A tale", "At 10^5.", "Mice")
    assert (paper.year, paper.kind, paper.status) == (2001, "article-journal", "concern")


def test_datacite(tmp_path: Path) -> None:
    paper = one(tmp_path, {"data": {"id": "10.5555/d", "type": "dois", "attributes": {
        "doi": "10.5555/d", "titles": [{"title": "Other", "titleType": "AlternativeTitle"}, {"title": "Ice"}],
        "creators": [{"name": "Frost, Jo", "givenName": "Jo", "familyName": "Frost"}, {"name": "Ice Group"}],
        "descriptions": [{"description": "M.", "descriptionType": "Methods"},
                         {"description": "It is cold.", "descriptionType": "Abstract"}],
        "publicationYear": 2011, "publisher": {"name": "Archive"}, "subjects": [{"subject": "ice"}],
    }}})  # fmt: skip
    assert (paper.title, paper.abstract, paper.year) == ("Ice", "It is cold.", 2011)
    assert (paper.authors, paper.tags) == (("Jo Frost", "Ice Group"), ("ice",))


def test_semantic_scholar_and_europe_pmc(tmp_path: Path) -> None:
    paper = one(tmp_path, {"paperId": "f", "externalIds": {"DOI": "10.5555/s.1, EDN: Q"}, "title": "T",
                           "abstract": None, "journal": {"name": "J", "pages": "1-2"}, "venue": "",
                           "authors": [{"name": "A B"}]})  # fmt: skip
    assert (paper.id, paper.doi, paper.venue, paper.abstract) == ("f", "10.5555/s.1", "J", "")
    paper = one(tmp_path, {"id": "1", "title": "T.", "authorString": "Wick N, Reed S.",
                           "abstractText": "<h4>Aim</h4>Dry.",
                           "journalInfo": {"yearOfPublication": 2003, "journal": {"title": "Wet"}},
                           "pubTypeList": {"pubType": ["Retracted Publication"]}})  # fmt: skip
    assert (paper.abstract, paper.year, paper.venue, paper.status) == ("Aim Dry.", 2003, "Wet", "retracted")
    assert paper.authors == ("Wick N", "Reed S")


def test_zotero_and_nested_values(tmp_path: Path) -> None:
    paper = one(tmp_path, {"key": "K", "version": 1, "data": {
        "itemType": "journalArticle", "title": "T", "abstractNote": "A.", "tags": [{"tag": "blue"}],
        "creators": [{"creatorType": "author", "firstName": "Jo", "lastName": "Frost"}]}})  # fmt: skip
    assert (paper.kind, paper.tags, paper.authors, paper.abstract) == (
        "article-journal",
        ("blue",),
        ("Jo Frost",),
        "A.",
    )
    paper = one(tmp_path, {"id": "n", "content": {"title": {"value": "T"}, "abstract": {"value": "A."},
                                                  "authors": {"value": ["Jo Frost"]}}})  # fmt: skip
    assert (paper.title, paper.abstract, paper.authors) == ("T", "A.", ("Jo Frost",))
    paper = one(tmp_path, {"paper_id": "c", "metadata": {"title": "T", "authors": [{"first": "Jo", "last": "Frost"}]},
                           "abstract": [{"text": "A."}, {"text": "B."}], "publish_time": "2020-03-04"})  # fmt: skip
    assert (paper.abstract, paper.year, paper.authors) == ("A. B.", 2020, ("Jo Frost",))
    path = tmp_path / "a.json"
    path.write_text('[{"itemType": "attachment", "title": "PDF"}]', encoding="utf-8")
    assert "not a paper" in read(path)[1][0].reason


def test_key_words_are_tags_where_they_are_words(tmp_path: Path) -> None:
    records = [
        {"title": "A", "keywords": ["soil", "clay, red"], "tags": ["own"]}, {"title": "B", "keyword": "soil, clay"},
        {"title": "C", "keywords": [{"display_name": "soil", "score": 0.5}]},
    ]  # fmt: skip
    path = tmp_path / "a.json"
    path.write_text(json.dumps(records), encoding="utf-8")
    assert [paper.tags for paper in read_papers(path)] == [("own", "soil", "clay, red"), ("soil", "clay"), ()]
