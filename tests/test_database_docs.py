"""docs/pubmed.md and docs/web-of-science.md are so: their commands run on such files, and keep what the pages say."""

from __future__ import annotations

import gzip
import json
import re
import shlex
from pathlib import Path

import pytest

from rag.datatypes import Paper
from rag.factory import embedder_id
from rag.library.library import Library
from tests.cli_parts import footnote

ROOT = Path(__file__).parent.parent
NBIB = """PMID- {pmid}
OWN - NLM
DP  - 2021 Mar
TI  - Socks of wool and the hearts of {who}.
LID - 10.5555/wool.{pmid} [doi]
AB  - BACKGROUND: Socks are worn. RESULTS: Wool socks calmed {who} within 12 minutes.
FAU - Wick, Nora B
PT  - Journal Article
MH  - *Clothing
JT  - Journal of Wool
AD  - A farm.

"""
XML = """<?xml version="1.0"?><PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>77</PMID><Article>
<Journal><JournalIssue><PubDate><Year>2020</Year></PubDate></JournalIssue><Title>Journal of Wool</Title></Journal>
<ArticleTitle>Tin cans in the diet of goats</ArticleTitle><Abstract><AbstractText Label="RESULTS">Goats that ate cans
grew by 3%.</AbstractText></Abstract><PublicationTypeList><PublicationType>Retracted Publication</PublicationType>
</PublicationTypeList></Article></MedlineCitation></PubmedArticle></PubmedArticleSet>"""
WOS = """FN Clarivate Analytics Web of Science
VR 1.0
PT J
AU Wick, NB
AF Wick, Nora B.
TI Socks of wool and the hearts of {who}
SO JOURNAL OF WOOL
AB Wool socks calmed {who} within 12 minutes.
DE socks; hearts
C1 [Wick, Nora B.] A Farm, Hills.
TC 4
PY 2021
DI 10.5555/wool.{number}
UT WOS:000{number}
ER

EF
"""
TABLE = (
    "\ufeffPT\tAU\tTI\tSO\tAB\tPY\tUT\r\nJ\tHay, O\tNaps of owls\tOWLS\tOwls nap for 20 minutes.\t2019\tWOS:0009\r\n"
)


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def run_all(name: str) -> list[str]:
    """What the commands of a page print, in order."""
    commands = re.findall(r"^\$ footnote (.+)$", page(name), re.MULTILINE)
    return [footnote(*shlex.split(command)).stdout for command in commands]


def added(said: str) -> int:
    return sum(map(int, re.findall(r"(\d+) added", said)))


def papers(folder: Path) -> dict[str, Paper]:
    with Library.open(folder, embedder=embedder_id()) as library:
        return {paper.id: paper for paper in library.papers()}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_commands_of_the_page_on_pubmed(here: Path) -> None:
    first, second = NBIB.format(pmid=11, who="sheep"), NBIB.format(pmid=12, who="goats")
    (here / "pubmed-moths-set.txt").write_text(first, encoding="utf-8")
    (here / "citation.nbib").write_text(second, encoding="utf-8")
    (here / "pubmed24n0001.xml.gz").write_bytes(gzip.compress(XML.encode()))
    (here / "pubmed-searches").mkdir()
    (here / "pubmed-searches" / "again.txt").write_text(first + NBIB.format(pmid=13, who="owls"), encoding="utf-8")
    (here / "retraction_watch.csv").write_text(
        "OriginalPaperDOI,RetractionNature,RetractionDate\n10.5555/wool.11,Retraction,1/18/2023 0:00\n"
    )
    said = run_all("pubmed")
    assert [added(one) for one in said[:3]] == [1, 2, 1]
    found = papers(here / "papers")
    assert sorted(found) == ["11", "12", "13", "77"]
    assert found["12"].abstract.startswith("BACKGROUND: ") and "Clothing" in found["12"].tags
    assert (found["12"].doi, found["12"].year, found["12"].venue) == ("10.5555/wool.12", 2021, "Journal of Wool")
    assert "Tin cans" in said[3] and "Socks" not in said[3] and "hearts of sheep" in said[4]
    written = (here / "papers.ris").read_text(encoding="utf-8")
    assert written.count("TY  - ") == 4
    assert "A farm." in footnote("export", "--library", "papers", "--format", "csl-json").stdout


def test_the_commands_of_the_page_on_the_web_of_science(here: Path) -> None:
    (here / "savedrecs.txt").write_text(WOS.format(who="sheep", number=1), encoding="utf-8")
    (here / "web-of-science").mkdir()
    (here / "web-of-science" / "part.txt").write_text(WOS.format(who="goats", number=2), encoding="utf-8")
    (here / "web-of-science" / "table.txt").write_text(TABLE, encoding="utf-8")
    said = run_all("web-of-science")
    assert [added(one) for one in said[:2]] == [1, 2]
    found = papers(here / "papers")
    assert sorted(found) == ["WOS:0001", "WOS:0002", "WOS:0009"]
    assert (found["WOS:0001"].authors, found["WOS:0001"].tags) == (("Nora B. Wick",), ("socks", "hearts"))
    kept = {name: json.loads(value) for name, value in found["WOS:0001"].fields}
    assert kept["TC"] == "4" and "A Farm" in str(kept["C1"])
    assert (here / "papers.bib").read_text(encoding="utf-8").count("@article") == 3
    assert "A Farm" in footnote("export", "--library", "papers", "--format", "csl-json").stdout


@pytest.mark.parametrize("name", ["pubmed", "web-of-science"])
def test_the_pages_are_found_from_the_readme(name: str) -> None:
    assert f"(docs/{name}.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
