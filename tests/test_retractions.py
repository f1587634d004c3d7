"""Retractions, corrections and expressions of concern: recognised, kept, applied and shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.datatypes import Paper
from rag.errors import ImportFileError
from rag.papers.bibliography import reference, to_bibtex, to_csl_json, to_ris
from rag.papers.identity import identity_keys, same_paper
from rag.papers.retractions import (
    Event,
    events_of,
    read_retraction_watch,
    resolved,
    sentences,
    status_from_links,
    status_from_types,
    status_from_updates,
    with_status,
)
from rag.papers.title_marks import is_marked, notice_in, unmarked

MARKED = (
    "RETRACTED: Wool socks slow the hearts of sheep",
    "[Retracted] Wool socks slow the hearts of sheep",
    "RETRACTED ARTICLE: Wool socks slow the hearts of sheep",
    "Retracted Paper: Wool socks slow the hearts of sheep",
    "WITHDRAWN – Wool socks slow the hearts of sheep",
    "RETRACTED Wool socks slow the hearts of sheep",
    "Wool socks slow the hearts of sheep (Retracted article. See vol. 5, pg. 2, 2016)",
    "Wool socks slow the hearts of sheep [RETRACTED]",
    "Wool socks slow the hearts of sheep - Retracted",
    "RETRACTED: Wool socks slow the hearts of sheep (Retracted Article)",
)
NOTICES = {
    "Retraction: Wool socks": "retracted",
    "Retraction Note to: Wool socks": "retracted",
    "Retraction notice to “Wool socks” [J. Wool 3 (2010) 1–5]": "retracted",
    "Retraction for Woolly et al., Wool socks": "retracted",
    "Statement of Retraction: Wool socks": "retracted",
    "Wool socks (Retraction of vol 27, pg 291, 2011)": "retracted",
    "Wool socks (vol 27, pg 291, 2011)": "corrected",
    "Author Correction: Wool socks": "corrected",
    "Correction to: Wool socks": "corrected",
    "Corrigendum to “Wool socks”": "corrected",
    "Erratum to Wool socks": "corrected",
    "Editorial Expression of Concern: Wool socks": "concern",
}
ABOUT = (
    "Retraction of papers in psychology: a survey",
    "Retracted papers in psychology: a survey",
    "Retractions: causes and consequences",
    "Why papers are cited on (withdrawn and retracted papers)",
    "Withdrawal of life support: a cohort study",
    "Correction for attenuation: a review",
    "Corrections to scaling in the Ising model",
    "The Retraction Watch database",
)
SOCKS = Paper("socks", "Wool socks slow the hearts of sheep", "Forty sheep wore wool socks.", doi="10.5555/wool.1")


@pytest.mark.parametrize("title", MARKED)
def test_a_title_says_that_its_paper_was_retracted(title: str) -> None:
    assert is_marked(title)
    assert unmarked(title) == "Wool socks slow the hearts of sheep"
    assert notice_in(title) is None
    assert with_status(Paper("x", title)).status == "retracted"
    assert identity_keys(Paper("x", title))[-1] == identity_keys(SOCKS)[-1]


@pytest.mark.parametrize("title", NOTICES)
def test_a_notice_names_its_paper(title: str) -> None:
    assert notice_in(title) == (NOTICES[title], "Wool socks")
    assert with_status(Paper("x", title)).status == "notice"


@pytest.mark.parametrize("title", ABOUT)
def test_a_paper_about_retractions_is_not_retracted(title: str) -> None:
    assert with_status(Paper("x", title)).status == ""
    assert not is_marked(title)
    assert notice_in(title) is None


def test_a_study_with_the_title_of_a_notice_has_a_long_abstract() -> None:
    assert with_status(Paper("x", "Retraction: a growing problem", "We counted. " * 100)).status == ""


def test_arxiv_says_it_in_the_abstract() -> None:
    paper = Paper("x", "On primes", "This paper has been withdrawn by the author due to an error in Lemma 2.")
    assert with_status(paper).status == "retracted"


def test_databases_say_it_in_fields() -> None:
    assert status_from_types(["Journal Article", "Retracted Publication"]) == "retracted"
    assert status_from_types(["Retraction of Publication"]) == "notice"
    assert status_from_types(["Journal Article"]) == ""
    assert status_from_links(["ErratumIn", "ExpressionOfConcernIn"]) == "concern"
    assert status_from_links(["RetractionIn", "CommentIn"]) == "retracted"
    assert status_from_links(["RetractionOf"]) == "notice"
    assert status_from_updates([{"type": "new_version"}, {"type": "correction"}]) == "corrected"
    assert with_status(Paper("x", "A", fields=(("is_retracted", "true"),))).status == "retracted"
    notice = with_status(Paper("x", "About A", fields=(("update-to", '[{"DOI": "10.5555/A", "type": "retraction"}]'),)))
    assert notice.status == "notice"
    assert events_of(notice) == (Event(("doi:10.5555/a",), "retracted"),)


def test_a_notice_is_never_its_paper() -> None:
    notice = with_status(Paper("n", "Retraction: Wool socks slow the hearts of sheep", doi=SOCKS.doi))
    assert not same_paper(notice, SOCKS)


def test_the_latest_event_counts() -> None:
    assert resolved([("corrected", "2020-01-01"), ("retracted", "2019-01-01")]) == "retracted"
    assert resolved([("reinstated", "2021-01-01"), ("retracted", "2019-01-01")]) == "reinstated"
    assert resolved([("reinstated", "2018-01-01"), ("retracted", "2019-01-01")]) == "retracted"
    assert resolved([]) == ""


HEAD = "Record ID,Title,RetractionDate,OriginalPaperDOI,OriginalPaperPubMedID,RetractionNature,Reason\n"


def test_the_table_of_retraction_watch(tmp_path: Path) -> None:
    file = tmp_path / "rw.csv"
    file.write_text(
        HEAD + '1,"Wool, again",1/18/2023 0:00,10.5555/WOOL.1,0,Retraction,+Fake Data;\n'
        "2,Tin cans in the diet of goats,2/1/2020 0:00,unavailable,0,Expression of concern,\n"
        "3,x,,Unavailable,77,Reinstatement,\n4,y,,,,Something else,\n"
    )
    assert list(read_retraction_watch(file)) == [
        Event(("doi:10.5555/wool.1",), "retracted", "2023-01-18", "Fake Data"),
        Event(("title:tin cans in the diet of goats",), "concern", "2020-02-01"),
        Event(("pmid:77",), "reinstated"),
    ]


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\x00\x01\xff\xfe", b"PK\x03\x04"])
def test_another_file_is_named_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "rw.csv"
    file.write_bytes(content)
    with pytest.raises(ImportFileError, match=r"Retraction Watch|Download it again"):
        list(read_retraction_watch(file))


def test_bibliographies_say_it() -> None:
    retracted = with_status(Paper("x", "RETRACTED: Wool socks slow the hearts of sheep", year=2014))
    assert "[Retracted]" in reference(retracted)
    assert "note = {Retracted}" in to_bibtex([retracted])
    assert '"status": "retracted"' in to_csl_json([retracted])
    assert "Retracted" in to_ris([retracted]).split("N1", 1)[1]
    assert sentences([(1, SOCKS), (2, retracted)]) == ("[2] was retracted.",)
    assert sentences([(1, retracted), (2, retracted)]) == ("[1] and [2] were retracted.",)
