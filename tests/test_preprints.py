"""Which records are preprints, which are articles, and which speak of another paper."""

from __future__ import annotations

import pytest

from rag.datatypes import Paper
from rag.papers.identity import arxiv_id, doi, is_generic_title, is_preprint, preprint_and_article, same_paper
from rag.papers.preprints import is_preprint_doi, is_server, without_version
from rag.papers.title_marks import commentary_in

TITLE = "Wool socks slow the hearts of sheep"
AUTHORS = ("Ann Wether", "Bo Ram")


def paper(id: str, **fields: object) -> Paper:
    given: dict[str, object] = {"title": TITLE, "authors": AUTHORS, "year": 2020, **fields}
    return Paper(id, **given)  # type: ignore[arg-type]


ARTICLE = paper("a", doi="10.5555/wool.1", venue="Journal of Wool")


@pytest.mark.parametrize(
    "found",
    [
        "10.1101/2020.03.22.20040758", "10.1101/087619", "10.1101/087619v2", "10.64898/2026.01.02.123456",
        "10.2139/ssrn.3155000", "10.21203/rs.3.rs-12345/v1", "10.20944/preprints202001.0001.v1",
        "10.26434/chemrxiv-2021-abcde-v2", "10.31234/osf.io/abcde_v1", "10.48550/arxiv.2101.00001",
        "10.5194/egusphere-2023-1", "10.5194/acp-2020-123", "10.36227/techrxiv.1234.v1", "10.3386/w12345",
    ],
)  # fmt: skip
def test_dois_of_preprint_servers(found: str) -> None:
    assert is_preprint_doi(found)


@pytest.mark.parametrize(
    "found",
    [
        "10.1101/gr.123456.108",
        "10.1101/gad.1787609",
        "10.5194/acp-20-1-2020",
        "10.1038/s41586-020-1",
        "10.5555/preprint",
    ],
)
def test_dois_of_journals(found: str) -> None:
    assert not is_preprint_doi(found)


def test_versions_of_a_preprint_are_one() -> None:
    forms = ("10.1101/2020.03.22.123456v2", "10.21203/rs.3.rs-1/v1", "10.20944/preprints202001.0001.v3",
             "10.26434/chemrxiv-2021-abcde-v2", "10.31234/osf.io/abcde_v1")  # fmt: skip
    assert [without_version(one) for one in forms] == [
        "10.1101/2020.03.22.123456", "10.21203/rs.3.rs-1", "10.20944/preprints202001.0001",
        "10.26434/chemrxiv-2021-abcde", "10.31234/osf.io/abcde",
    ]  # fmt: skip
    assert without_version("10.5555/journal.v1") == "10.5555/journal.v1"
    one, two = (paper(str(n), doi=f"10.21203/rs.3.rs-1/v{n}", title=f"Socks, draft {n}") for n in (1, 2))
    assert same_paper(one, two)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://www.biorxiv.org/content/10.1101/2020.03.22.123456v2.full", "10.1101/2020.03.22.123456"),
        ("https://www.medrxiv.org/content/10.1101/2020.03.22.20040758v1", "10.1101/2020.03.22.20040758"),
        ("https://papers.ssrn.com/sol3/papers.cfm?abstract_id=3155000", "10.2139/ssrn.3155000"),
        ("https://ssrn.com/abstract=3155000", "10.2139/ssrn.3155000"),
        ("https://example.org/ssrn.com/abstract=3155000", ""),
    ],
)
def test_addresses_of_preprints_hold_their_doi(address: str, expected: str) -> None:
    assert doi(paper("x", url=address)) == expected


def test_the_venue_may_hold_the_arxiv_id() -> None:
    assert arxiv_id(paper("vaswani", venue="arXiv preprint arXiv:1706.03762")) == "1706.03762"
    assert arxiv_id(paper("x", venue="Journal of arXiv studies")) == ""


@pytest.mark.parametrize("venue", ["arXiv", "bioRxiv", "medRxiv : the preprint server", "SSRN Electronic Journal",
                                   "CoRR", "NBER Working Paper Series", "Research Square", "PsyArXiv"])  # fmt: skip
def test_names_of_servers(venue: str) -> None:
    assert is_server(venue)


@pytest.mark.parametrize("venue", ["Nature", "Correspondence", "Journal of Printing", "Corrosion Science"])
def test_names_of_journals(venue: str) -> None:
    assert not is_server(venue)


@pytest.mark.parametrize(
    "preprint",
    [
        paper("2101.00001"),
        paper("2101.00001v2", venue="J. Wool 3, 1 (2021)"),
        paper("p", doi="10.1101/2020.03.22.123456"),
        paper("p", doi="10.2139/ssrn.3155000", venue="SSRN Electronic Journal", year=2018),
        paper("p", venue="medRxiv"),
        paper("p", url="https://www.biorxiv.org/content/10.1101/2020.03.22.123456v2"),
    ],
)
def test_a_preprint_and_its_article_are_two_papers(preprint: Paper) -> None:
    assert is_preprint(preprint) and not is_preprint(ARTICLE)
    assert preprint_and_article(preprint, ARTICLE) and not preprint_and_article(ARTICLE, preprint)
    assert not same_paper(preprint, ARTICLE) and not same_paper(ARTICLE, preprint)


def test_records_of_one_thing_stay_one() -> None:
    assert same_paper(paper("2101.00001"), paper("b", venue="arXiv.org"))
    assert same_paper(paper("2101.00001"), paper("b"))
    assert same_paper(paper("2101.00001"), paper("b", url="https://arxiv.org/abs/2101.00001", doi="10.5555/wool.1"))
    assert same_paper(ARTICLE, paper("b", venue="J Wool"))


def test_a_title_needs_the_year_or_an_author() -> None:
    one = paper("a")
    assert same_paper(one, paper("b", authors=("Wether A",), year=2019))
    assert same_paper(one, paper("b", authors=("C. Ewe",), year=2020))
    assert same_paper(one, paper("b", authors=(), year=2019))
    assert not same_paper(one, paper("b", authors=("C. Ewe",), year=1999))


def test_other_ids_of_pubmed_are_other_papers() -> None:
    one, other = (paper(x, fields=(("PMID", f'"{x}"'),)) for x in ("11", "12"))
    assert not same_paper(one, other)


@pytest.mark.parametrize(
    "title",
    ["Comment on “Wool socks”", "Comments on: Wool socks", "Re: Wool socks", "Wool socks: Comment",
     "Commentary: Wool socks", "A comment on wool socks", "Correspondence: Wool socks", "Invited discussion: Socks",
     "Discussion of Wool socks", "Letter to the editor regarding wool socks"],
)  # fmt: skip
def test_comments(title: str) -> None:
    assert commentary_in(title) == "comment"


@pytest.mark.parametrize(
    "title",
    ["Reply to comment on Wool socks", "Authors' reply: Wool socks", "Wool socks – Reply", "Rejoinder to Ram",
     "Response to the comments by Ram", "Response to: Wool socks", "Response to “Wool socks”", "A reply to Ram",
     "In response: wool", "The authors reply: wool", "The author's response to Ram", "In reply: wool"],
)  # fmt: skip
def test_replies(title: str) -> None:
    assert commentary_in(title) == "reply"


@pytest.mark.parametrize(
    "title",
    [TITLE, "Response to chemotherapy in sheep", "Comment classification with transformers",
     "Reply generation for chat",
     "Response of sheep to wool", "A discussion protocol for sheep", "The response: how sheep answer",
     "Commenting on source code", "Recommendation of songs: a survey of comments", "Review systems"],
)  # fmt: skip
def test_papers_about_comments_are_papers(title: str) -> None:
    assert commentary_in(title) == ""


@pytest.mark.parametrize("lead", ["Comment on: ", "Reply to: ", "Re: "])
def test_a_comment_under_the_doi_of_its_paper_is_another_record(lead: str) -> None:
    other = paper("b", title=f"{lead}{TITLE}", doi=ARTICLE.doi)
    assert not same_paper(ARTICLE, other) and not same_paper(other, ARTICLE)


@pytest.mark.parametrize(
    "title",
    ["Editorial", "Preface", "In this issue", "Letter to the editor", "Letters", "Book reviews", "Book Review",
     "Editor's note", "Issue Information", "Vorwort", "Éditorial", "Author index", "News and views", "Commentary"],
)  # fmt: skip
def test_what_stands_in_every_issue_is_generic(title: str) -> None:
    assert is_generic_title(title)
    one, other = (paper(x, title=title, venue="Journal of Wool") for x in "ab")
    assert not same_paper(one, other)
