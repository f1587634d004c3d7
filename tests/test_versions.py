"""Preprints and their articles: two papers, linked on both, one vote in an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rag.datatypes import Paper, PaperHit, Version
from rag.library.library import Library
from rag.papers.versions import named_versions, relation, version_words, versions_line
from rag.retrieval.ranking import Ranking, one_of_each_work
from tests.cli_parts import footnote
from tests.library_parts import WordEncoder

TITLE = "Wool socks slow the hearts of sheep"
TEXT = "Wool socks lower the heart rate of sheep by 12 beats per minute. Forty sheep wore them for a week."
PREPRINT = Paper("2101.00001", TITLE, TEXT, ("Ann Wether", "Bo Ram"), 2021)
ARTICLE = Paper("j", f"{TITLE}.", TEXT, ("A. Wether", "B. Ram"), 2022, "Journal of Wool", doi="10.5555/wool.1")
TALK = replace(ARTICLE, id="t", venue="Proc. Wool", doi="10.5555/talk.7", year=2021)
OTHER = Paper("g", "Tin cans in the diet of goats", "Goats that eat tin cans grow by 3 kg.", ("C. Ewe",), 2019, "Goats")


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Library]:
    with Library.create(tmp_path / "library", embedder=WordEncoder().id) as library:
        yield library


def test_relations() -> None:
    assert relation(PREPRINT, ARTICLE) == "published_as" and relation(ARTICLE, PREPRINT) == "preprint"
    assert relation(ARTICLE, TALK) == relation(TALK, ARTICLE) == "version"
    stranger = replace(ARTICLE, authors=("C. Ewe",))
    assert relation(PREPRINT, stranger) == relation(TALK, stranger) == ""
    assert relation(TALK, replace(ARTICLE, abstract="Something else is told of other animals.")) == "", "reports"
    assert relation(PREPRINT, replace(ARTICLE, authors=())) == "published_as", "the abstract is the same"
    assert relation(PREPRINT, replace(ARTICLE, status="notice")) == ""


@pytest.mark.parametrize("order", [(PREPRINT, ARTICLE, OTHER), (OTHER, ARTICLE, PREPRINT)])
def test_a_preprint_and_its_article_are_two_linked_papers(empty: Library, order: tuple[Paper, ...]) -> None:
    assert empty.add(order, WordEncoder()).added == 3
    found = empty.versions([paper.id for paper in order])
    assert {one: [(v.relation, v.paper_id) for v in versions] for one, versions in found.items()} == {
        "2101.00001": [("published_as", "j")], "j": [("preprint", "2101.00001")],
    }  # fmt: skip
    assert empty.versions(["g", "unknown"]) == {}
    assert empty.add([replace(PREPRINT, id="2101.00001v2")], WordEncoder()).duplicates == 1, "a version of the preprint"


def test_a_record_with_both_ids_links_what_has_other_titles(empty: Library) -> None:
    article = replace(ARTICLE, title="A trial of socks in sheep")
    both = replace(article, id="both", url="https://arxiv.org/abs/2101.00001")
    empty.add([PREPRINT, article], WordEncoder())
    assert empty.versions(["j"]) == {}
    assert empty.add([both], WordEncoder()).duplicates == 1
    assert [v.relation for v in empty.versions(["j"])["j"]] == ["preprint"]


@pytest.mark.parametrize(
    ("of_preprint", "of_article"),
    [
        ((), (("relation", '{"has-preprint": [{"id-type": "arxiv", "id": "arXiv:2101.00001"}]}'),)),
        ((("relation", '{"is-preprint-of": [{"id-type": "doi", "id": "10.5555/WOOL.1"}]}'),), ()),
        ((("published", '"10.5555/wool.1"'),), ()),
        ((("relatedIdentifiers", '[{"relationType": "IsVersionOf", "relatedIdentifier": "10.5555/wool.1"}]'),), ()),
        ((("PMID", '"7"'), ("comments_corrections", '[{"type": "UpdateIn", "pmid": "8"}]')), (("PMID", '"8"'),)),
    ],
)
def test_records_that_name_one_another_are_linked(empty: Library, of_preprint: tuple, of_article: tuple) -> None:  # type: ignore[type-arg]
    article = replace(ARTICLE, title="A trial of socks in sheep", fields=of_article)
    for paper in (replace(PREPRINT, fields=of_preprint), article):
        empty.add([paper], WordEncoder())
    found = empty.versions(["2101.00001", "j"])
    assert [v.relation for one in ("2101.00001", "j") for v in found[one]] == ["published_as", "preprint"]
    assert empty.verify() == []


@pytest.mark.parametrize(
    "fields",
    [
        (("relation", '"text"'),), (("relation", '{"cites": [{"id": "10.5555/wool.1"}]}'),),
        (("relation", '{"has-preprint": [null, {"id": 7}]}'),), (("published", "2021"),),
        (("relatedIdentifiers", '[{"relationType": "Cites", "relatedIdentifier": "10.5555/wool.1"}]'),),
        (("comments_corrections", '[{"type": "CommentIn", "pmid": "8"}]'),),
    ],
)  # fmt: skip
def test_what_names_no_version_is_passed_over(fields: tuple[tuple[str, str], ...]) -> None:
    assert named_versions(replace(PREPRINT, fields=fields)) == ()


def test_what_the_user_parted_is_no_version(empty: Library) -> None:
    plain = replace(ARTICLE, id="p", doi="")
    empty.add([TALK, plain], WordEncoder())
    assert empty.undo_merges(["p"], WordEncoder) == ["p"]
    empty.revise(replace(plain, doi="10.5555/wool.9"), WordEncoder)
    assert empty.versions(["t", "p"]) == {}


def test_the_best_of_a_work_stays_in_a_ranking(empty: Library) -> None:
    empty.add([PREPRINT, ARTICLE, OTHER], WordEncoder())
    hits = tuple(PaperHit(paper, 1.0, None, None) for paper in (OTHER, ARTICLE, PREPRINT))
    ranking = one_of_each_work(Ranking(hits, WordEncoder().encode([""])[0]), empty.versions)
    assert [hit.paper.id for hit in ranking.hits] == ["g", "j"]


def test_words_of_a_version() -> None:
    version = Version("published_as", "j", TITLE, "Journal\nof Wool", 2022, "https://doi.org/10.5555/Wool.1")
    assert version_words(version) == "published as Journal of Wool (2022), doi:10.5555/wool.1"
    assert versions_line([version, Version("preprint", "p", "Socks")]).endswith("; preprint: “Socks”.")
    assert versions_line([]) == ""


def test_an_answer_counts_them_once_and_names_the_other(tmp_path: Path) -> None:
    library, file = tmp_path / "library", tmp_path / "socks.jsonl"
    names = ("id", "title", "abstract", "authors", "year", "venue", "doi")
    papers = (PREPRINT, ARTICLE, OTHER)
    file.write_text("".join(json.dumps({n: getattr(p, n) for n in names}) + "\n" for p in papers))
    at = ("--library", library)
    footnote("import", file, *at)
    question = "By how much do wool socks lower the heart rate of sheep?"
    answer = json.loads(footnote("ask", question, "--json", *at).stdout)
    (cited,) = {one["paper_id"] for one in answer["citations"]}
    (item,) = [one for one in answer["evidence"] if one["paper_id"] == cited]
    (version,) = item["versions"]
    assert {cited, version["paper_id"]} == {"2101.00001", "j"}
    assert answer["citations"][0]["versions"] == [version]
    said = footnote("ask", question, *at).stdout
    assert ("Published as Journal of Wool (2022)" if cited == "2101.00001" else "Preprint: “Wool") in " ".join(
        said.split()
    )
    several = json.loads(footnote("ask", "Which papers are about wool socks of sheep?", "--json", *at).stdout)
    assert len({c["paper_id"] for c in several["citations"]} & {"2101.00001", "j"}) == 1
    if "coverage" in several:
        assert not {"2101.00001", "j"} & {one["paper_id"] for one in several["coverage"]["not_cited"]}
