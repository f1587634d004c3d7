"""Every field of a record that no answer uses is kept with its paper, within bounds."""

from __future__ import annotations

import pytest

from rag.papers.importers.field_mapping import paper_from
from rag.papers.kept_fields import LEFT_OUT, pack, unpack


def test_fields_that_no_answer_uses_are_kept_under_the_names_of_csl():
    record = {"title": "Reeds", "Pages": "3-9", "ISSN": "1234-5678", "Shelf mark": r"\textbf{Q} 4", "volume": 7}
    kept = unpack(paper_from(record, "test"))
    assert kept == {"page": "3-9", "ISSN": "1234-5678", "Shelf mark": r"\textbf{Q} 4", "volume": 7}


@pytest.mark.parametrize("date", ["2020-05-01", {"date-parts": [[2020, 5, 1]]}, "May 2020"])
def test_a_date_is_kept_where_it_says_more_than_the_year(date):
    paper = paper_from({"title": "Reeds", "issued": date}, "test")
    assert paper.year == 2020
    assert unpack(paper) == {"issued": date}


@pytest.mark.parametrize("date", [2020, "2020", 2020.0, {"date-parts": [[2020]]}])
def test_a_date_that_is_a_year_is_not_kept_twice(date):
    assert unpack(paper_from({"title": "Reeds", "issued": date}, "test")) == {}


def test_second_names_of_a_field_and_two_fields_of_one_meaning_are_kept():
    record = {"title": "Reeds", "doc_id": "a", "pmid": "17", "page": "1", "pages": "1-4", "empty": "", "none": "NaN"}
    assert unpack(paper_from(record, "test")) == {"PMID": "17", "page": "1", "pages": "1-4"}


def test_what_is_too_long_is_named_and_the_rest_is_kept():
    fields = pack({"short": "a", "long": "b" * 2_000_000, "last": ["c"]})
    assert dict(fields) == {"short": '"a"', "last": '["c"]', LEFT_OUT: '["long"]'}
    assert sum(len(name) + len(value) for name, value in fields) < 1_000


def test_half_a_surrogate_pair_and_deep_nesting_can_be_stored():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    fields = dict(pack({"half": "\ud83d", "deep": deep}))
    assert fields["half"].encode("utf-8") == rb'"\ud83d"'
    assert fields[LEFT_OUT] == '["deep"]'
