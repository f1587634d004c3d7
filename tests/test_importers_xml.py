"""XML of PubMed and EndNote: what it holds, and what it may not do."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import pytest

from rag.datatypes import Paper
from rag.errors import ImportFileError, RecordError
from rag.papers.importers import read_papers, xml_records


def _read(folder: Path, content: str) -> tuple[list[Paper], list[RecordError]]:
    file = folder / "export.xml"
    file.write_text(content, encoding="utf-8")
    errors: list[RecordError] = []
    return list(read_papers(file, on_error=errors.append)), errors


ARTICLE = """<PubmedArticle>
  <MedlineCitation Status="MEDLINE" Owner="NLM">
    <PMID Version="1">700001</PMID>
    <Article PubModel="Print">
      <Journal><ISSN IssnType="Print">1234-5678</ISSN>
        <JournalIssue CitedMedium="Print"><Volume>3</Volume><Issue>2</Issue>
          <PubDate><Year>2021</Year><Month>Mar</Month><Day>04</Day></PubDate></JournalIssue>
        <Title>Journal of moss</Title><ISOAbbreviation>J Moss</ISOAbbreviation></Journal>
      <ArticleTitle>Moss of <i>Bryum</i> at 10<sup>6</sup> spores&nbsp;&amp; more.</ArticleTitle>
      <ELocationID EIdType="doi" ValidYN="Y">10.5555/moss.1</ELocationID>
      <Abstract><AbstractText Label="METHODS" NlmCategory="METHODS">We looked.</AbstractText>
        <AbstractText Label="RESULTS">Moss grew (p &lt; 0.01).</AbstractText></Abstract>
      <AuthorList CompleteYN="Y">
        <Author><LastName>Lichen</LastName><ForeName>Vera</ForeName><Initials>V</Initials></Author>
        <Author><CollectiveName>Moss, Fern and Bark Group</CollectiveName></Author></AuthorList>
      <PublicationTypeList><PublicationType UI="D016428">Journal Article</PublicationType></PublicationTypeList>
    </Article>
    <CommentsCorrectionsList><CommentsCorrections RefType="RetractionIn"><RefSource>J Moss. 2022</RefSource>
      <PMID>700009</PMID></CommentsCorrections></CommentsCorrectionsList>
    <MeshHeadingList><MeshHeading><DescriptorName MajorTopicYN="N">Bryophyta</DescriptorName>
      <QualifierName>growth</QualifierName></MeshHeading></MeshHeadingList>
  </MedlineCitation>
  <PubmedData><ArticleIdList><ArticleId IdType="pmc">PMC7</ArticleId></ArticleIdList>
    <ReferenceList><Reference><ArticleIdList>
      <ArticleId IdType="doi">10.5555/other</ArticleId></ArticleIdList></Reference>
    </ReferenceList></PubmedData>
</PubmedArticle>
"""
HEAD = (
    '<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle//EN" '
    '"https://dtd.example.org/pubmed.dtd">\n<PubmedArticleSet>\n'
)


def test_pubmed(tmp_path: Path) -> None:
    (paper,), errors = _read(tmp_path, f"{HEAD}{ARTICLE}</PubmedArticleSet>")
    assert errors == []
    assert paper.title == "Moss of Bryum at 10^6 spores & more."
    assert paper.abstract == "METHODS: We looked. RESULTS: Moss grew (p < 0.01)."
    assert paper.authors == ("Vera Lichen", "Moss, Fern and Bark Group")
    assert (paper.year, paper.venue, paper.doi, paper.id) == (2021, "Journal of moss", "10.5555/moss.1", "700001")
    assert (paper.kind, paper.status, paper.tags) == ("article-journal", "retracted", ("Bryophyta/growth",))


def test_sets_behind_each_other_and_a_damaged_article(tmp_path: Path) -> None:
    damaged = ARTICLE.replace("</Journal>", "")
    text = f"{HEAD}{ARTICLE}</PubmedArticleSet>\n{HEAD}{damaged}{ARTICLE[:300]}\n{ARTICLE}</PubmedArticleSet>"
    papers, errors = _read(tmp_path, text + ARTICLE[:200])
    assert [paper.doi for paper in papers] == ["10.5555/moss.1"] * 2
    lines = [number for number, line in enumerate(text.splitlines(), 1) if "<PubmedArticle>" in line]
    assert [error.line for error in errors] == [*lines[1:3], text.count("\n") + 1]
    assert "not well-formed" in errors[0].reason
    assert all("ends within" in error.reason for error in errors[1:])


def test_a_book_of_pubmed(tmp_path: Path) -> None:
    text = (
        "<PubmedArticleSet><PubmedBookArticle><BookDocument><PMID>1</PMID><Book><BookTitle>Mosses</BookTitle>"
        "<PubDate><Year>2019</Year></PubDate></Book><ArticleTitle>Bryum</ArticleTitle><Abstract><AbstractText>Moss."
        "</AbstractText></Abstract></BookDocument></PubmedBookArticle></PubmedArticleSet>"
    )
    ((paper,), errors) = _read(tmp_path, text)
    assert errors == []
    assert (paper.title, paper.venue, paper.year, paper.kind) == ("Bryum", "Mosses", 2019, "chapter")


ENDNOTE = """<?xml version="1.0" encoding="UTF-8" ?><xml><records><record><database name="My.enl">My.enl</database>
<ref-type name="Book Section">5</ref-type><contributors><authors><author><style face="normal">Lichen, Vera</style>
</author><author>Moss, Fern and Bark Group,</author></authors></contributors><titles><title><style>Moss at 10</style>
<style face="superscript">6</style><style> spores</style></title><secondary-title>Handbook of moss</secondary-title>
</titles><keywords><keyword>damp</keyword><keyword>walls</keyword></keywords><dates><year>2021</year></dates>
<isbn>978-1-2345-6789-0</isbn><electronic-resource-num>https://doi.org/10.5555/moss.3</electronic-resource-num>
<abstract><style>Moss grew.&#xD;Walls are damp & cold.</style></abstract><notes>seen</notes>
<urls><related-urls><url>https://example.org/3</url></related-urls></urls></record></records></xml>"""


def test_endnote(tmp_path: Path) -> None:
    (paper,), errors = _read(tmp_path, ENDNOTE)
    assert errors == []
    assert paper.abstract == "Moss grew. Walls are damp & cold."
    assert paper.authors == ("Vera Lichen", "Moss, Fern and Bark Group")
    assert (paper.kind, paper.venue, paper.year, paper.doi) == ("chapter", "Handbook of moss", 2021, "10.5555/moss.3")
    assert (paper.tags, paper.notes, paper.url) == (("damp", "walls"), ("seen",), "https://example.org/3")


@pytest.mark.parametrize("record", ["<record><titles><title>&b;</title></titles></record>", ARTICLE], ids=["en", "pm"])
def test_a_file_that_declares_entities_is_refused(tmp_path: Path, record: str) -> None:
    bomb = '<!DOCTYPE xml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>\n'
    with pytest.raises(ImportFileError, match=r"declares entities of its own.*remove"):
        _read(tmp_path, f'<?xml version="1.0"?>\n{bomb}<xml><records>{record}</records></xml>')


def test_files_of_the_machine_are_not_fetched(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    text = f'<!DOCTYPE xml SYSTEM "file://{tmp_path}/secret">' + ENDNOTE.partition("?>")[2].replace(
        "damp &", "&secret;"
    )
    (paper,), _ = _read(tmp_path, text)
    assert "&secret;" in paper.abstract


def test_other_xml_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match=r"XML.*PubMed.*EndNote"):
        _read(tmp_path, "<?xml version='1.0'?><html><p>Moss</p></html>")


def test_a_long_file_is_not_held(tmp_path: Path) -> None:
    file = tmp_path / "export.xml"
    file.write_text(HEAD + ARTICLE * 2_500 + "</PubmedArticleSet>")
    assert file.stat().st_size > 4_000_000
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_papers(file)) == 2_500
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("unit", ["<a>", "<i>", "word ", "<record x='", "a:b ", "&", "<x:y "])
def test_a_record_without_end_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unit: str) -> None:
    monkeypatch.setattr(xml_records, "MAX_RECORD_CHARS", 400_000)
    good = "<record><titles><title>Moss</title></titles></record>"
    began = time.process_time()
    papers, errors = _read(tmp_path, f"<records>\n<record>{unit * (900_000 // len(unit))}\n{good}</records>")
    assert time.process_time() - began < 10
    assert errors
    assert [paper.title for paper in papers] == ["Moss"] or "<record" in unit


def test_what_nests_deep_is_no_harm(tmp_path: Path) -> None:
    deep = "<i>" * 200_000 + "deep" + "</i>" * 200_000
    (paper,), errors = _read(tmp_path, f"<records>\n<record><titles><title>{deep}</title></titles></record></records>")
    assert (paper.title, errors) == ("deep", [])
