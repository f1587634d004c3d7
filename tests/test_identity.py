"""Which records are the same paper."""

import pytest

from rag.datatypes import Paper
from rag.papers.identity import (
    arxiv_id,
    doi,
    id_from_title,
    identity_keys,
    is_generic_title,
    normalised_arxiv_id,
    normalised_doi,
    normalised_title,
    same_paper,
)

ATTENTION = "Attention Is All You Need"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Attention is all you need.", "ATTENTION  IS ALL-YOU-NEED"),
        ("Über Gödel: café", "Uber Godel — Café"),
        ("Ｆｕｌｌ ｗｉｄｔｈ", "full width"),
    ],
)
def test_titles_are_compared_by_letters(one: str, other: str) -> None:
    assert normalised_title(one) == normalised_title(other) != ""


def test_titles_in_other_scripts_keep_their_letters() -> None:
    assert normalised_title("基于深度学习的 方法") == "基于深度学习的 方法"
    assert normalised_title("…—!") == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2101.00001v3", "2101.00001"),
        ("arXiv:cs/9902027v1", "cs/9902027"),
        ("math.GT/0309136", "math.gt/0309136"),
        ("https://arxiv.org/pdf/2101.00001v2.pdf", "2101.00001"),
        ("http://www.arxiv.org/abs/2101.00001", "2101.00001"),
        ("https://doi.org/10.48550/arXiv.2101.00001", "2101.00001"),
        ("4983", ""),
        ("10.1103/PhysRevD.76", ""),
        ("https://example.org/2101.00001", ""),
    ],
)
def test_arxiv_ids(text: str, expected: str) -> None:
    assert normalised_arxiv_id(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://doi.org/10.1000/ABC.", "10.1000/abc"),
        ("doi: 10.1000/a(b)c", "10.1000/a(b)c"),
        ("10.1000%2Fabc", "10.1000/abc"),
        ("none", ""),
    ],
)
def test_dois(text: str, expected: str) -> None:
    assert normalised_doi(text) == expected


def test_keys_name_their_kind() -> None:
    paper = Paper("v17", ATTENTION, doi="10.1/X".replace("10.1", "10.1000"), url="https://arxiv.org/abs/1706.03762v5")
    assert identity_keys(paper) == (
        "id:v17", "doi:10.1000/x", "arxiv:1706.03762", "title:attention is all you need",
    )  # fmt: skip


def test_a_doi_of_arxiv_is_an_arxiv_id() -> None:
    paper = Paper("a", ATTENTION, doi="10.48550/arXiv.1706.03762")
    assert (doi(paper), arxiv_id(paper)) == ("", "1706.03762")
    assert same_paper(paper, Paper("1706.03762v2", "Another spelling of the title"))


def test_a_title_joins_records_that_contradict_each_other_in_nothing() -> None:
    assert same_paper(Paper("a", ATTENTION), Paper("b", "Attention is all you need!", doi="10.1000/1"))
    assert not same_paper(Paper("a", ATTENTION, doi="10.1000/1"), Paper("b", ATTENTION, doi="10.1000/2"))
    assert not same_paper(Paper("1706.03762", ATTENTION), Paper("2001.00001", ATTENTION))
    assert not same_paper(Paper("a", ATTENTION), Paper("b", "Attention is not all you need"))


@pytest.mark.parametrize(
    "title", ["Introduction", "Editorial", "Guest editorial", "AlexNet", "Reply to Smith et al.", "Erratum"]
)
def test_generic_titles_join_only_with_the_same_abstract(title: str) -> None:
    assert is_generic_title(title)
    assert not same_paper(Paper("a", title), Paper("b", title))
    assert not same_paper(Paper("a", title, "One abstract."), Paper("b", title, "Another one."))
    assert same_paper(Paper("a", title, "One abstract."), Paper("b", title, "One  Abstract"))


def test_ids_from_titles_are_stable_short_and_distinct() -> None:
    assert id_from_title(ATTENTION) == id_from_title("attention is all you need.")
    assert id_from_title(ATTENTION).startswith("attention-is-all-you-need-")
    assert id_from_title("深度学习") != id_from_title("机器学习")
    assert len(id_from_title("word " * 500)) < 60


def test_parts_of_a_series_are_not_one_paper() -> None:
    """Reports often share a title; what they say decides."""
    title = "Note on creep buckling of columns under load"
    one = Paper("1", title, "Columns of aluminium were loaded for a thousand hours and buckled late.")
    other = Paper("2", title, "An exact solution is given when the exponent of the strain rate equals three.")
    version = Paper("3", title, "Columns of aluminium were loaded for a thousand hours, and buckled very late.")
    assert not same_paper(one, other)
    assert same_paper(one, version)
    assert same_paper(one, Paper("4", title))
