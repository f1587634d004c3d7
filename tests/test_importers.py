"""Each format with its own kinds of records."""

import bz2
import gzip
import json
import lzma
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rag.datatypes import Paper
from rag.errors import RecordError
from rag.papers.identity import normalised_title
from rag.papers.importers import FORMATS, IMPORTERS, detect_format, read_papers

SAMPLES = Path(__file__).parent / "samples"
SHIPPED = Path(__file__).parent.parent / "data" / "papers.jsonl"


def read(path: Path, format: str | None = None) -> tuple[list[Paper], list[RecordError]]:
    errors: list[RecordError] = []
    return list(read_papers(path, format, on_error=errors.append)), errors


def write(path: Path, *records: Any) -> Path:
    lines = (record if isinstance(record, str) else json.dumps(record) for record in records)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


# --- what every importer must do: one small valid file for each ---

VALID = {
    "json": '[\n  {"id": "1", "title": "A Title Here",\n   "abstract": "Its abstract."}\n]\n',
    "jsonl": '{"id": "1", "title": "A Title Here", "abstract": "Its abstract."}\n',
    "arxiv": '{"id": "2101.00001", "title": "A Title Here", "abstract": "Its abstract.", "categories": "cs.CL"}\n',
    "csv": "Title,Abstract\nA Title Here,Its abstract.\n",
    "tsv": "title\tabstract\nA Title Here\tIts abstract.\n",
    "bibtex": "@article{key,\n title = {A Title Here},\n abstract = {Its abstract.}\n}\n",
    "ris": "TY  - JOUR\nTI  - A Title Here\nAB  - Its abstract.\nER  - \n",
    "pubmed-xml": "<PubmedArticleSet>\n<PubmedArticle><MedlineCitation><PMID>1</PMID><Article>"
    "<ArticleTitle>A Title Here</ArticleTitle><Abstract><AbstractText>Its abstract.</AbstractText></Abstract></Article>"
    "</MedlineCitation></PubmedArticle>\n</PubmedArticleSet>\n",
    "endnote-xml": "<xml><records>\n<record><ref-type>17</ref-type><titles><title>A Title Here</title></titles>"
    "<abstract><style>Its abstract.</style></abstract></record>\n</records></xml>\n",
    "nbib": "PMID- 1\nOWN - NLM\nTI  - A Title Here\nAB  - Its abstract.\n",
    "pubmed-text": "1. Kite Med. 2020;1(1):1-2.\n\nA Title Here\n\nDoe J.\n\nIts abstract.\n\nPMID: 1\n",
    "mods": '<modsCollection xmlns="http://www.loc.gov/mods/v3">\n<mods ID="a"><titleInfo><title>A Title Here</title>'
    "</titleInfo><abstract>Its abstract.</abstract></mods>\n</modsCollection>\n",
    "dublin-core": '<oai_dc:dc xmlns:dc="http://purl.org/dc/elements/1.1/">\n<dc:title>A Title Here</dc:title>'
    "<dc:description>Its abstract.</dc:description></oai_dc:dc>\n",
    "wos-tab": "PT\tAU\tTI\tAB\t\nJ\tDoe, J\tA Title Here\tIts abstract.\t\n",
    "zotero-rdf": '<rdf:RDF xmlns:z="http://www.zotero.org/namespaces/export#"><bib:Article rdf:about="#1">'
    "<z:itemType>journalArticle</z:itemType><dc:title>A Title Here</dc:title>"
    "<dcterms:abstract>Its abstract.</dcterms:abstract></bib:Article></rdf:RDF>\n",
    "wos": "FN Clarivate Analytics Web of Science\nVR 1.0\nPT J\nTI A Title Here\nAB Its abstract.\nER\n\nEF\n",
    "refworks": "RT Journal Article\nT1 A Title Here\nAB Its abstract.\n",
    "enw": "%0 Journal Article\n%T A Title Here\n%X Its abstract.\n",
    "listing": "A Title Here\n\nIts abstract."
    + " It has many sentences. It needs them to be told from a title." * 3
    + "\n",
}


@pytest.fixture(params=FORMATS)
def valid(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    path = tmp_path / "papers.txt"
    path.write_text(VALID[request.param], encoding="utf-8")
    return request.param, path


def test_every_format_has_a_sample() -> None:
    assert set(VALID) == set(IMPORTERS)


def test_the_format_is_found_from_the_content(valid: tuple[str, Path]) -> None:
    assert detect_format(valid[1]) == valid[0]


def test_a_paper_is_read_the_same_way_everywhere(valid: tuple[str, Path]) -> None:
    format, path = valid
    papers, errors = read(path)
    assert errors == []
    assert [paper.title for paper in papers] == ["A Title Here"]
    assert papers[0].abstract.startswith("Its abstract.")
    assert papers[0].source == f"{format}:papers.txt"
    assert papers[0].id


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(valid: tuple[str, Path], encoding: str, newline: str) -> None:
    format, path = valid
    text = VALID[format].replace("A Title", "A naïve Müller’s Title").replace("Its", "Größe: “its”")
    path.write_bytes(text.replace("\n", newline).encode(encoding))
    papers, errors = read(path)
    assert errors == []
    assert [paper.title for paper in papers] == ["A naïve Müller’s Title Here"]


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress, bz2.compress])
def test_compressed_files_are_opened(valid: tuple[str, Path], compress: Any) -> None:
    format, path = valid
    path.write_bytes(compress(VALID[format].encode()))
    assert [paper.title for paper in read(path, format)[0]] == ["A Title Here"]
    assert detect_format(path) == format


def test_progress_ends_at_the_size_of_the_file(valid: tuple[str, Path]) -> None:
    calls: list[tuple[int, int]] = []
    assert list(read_papers(valid[1], on_progress=lambda done, total: calls.append((done, total))))
    size = valid[1].stat().st_size
    assert calls[-1] == (size, size)


def test_control_characters_are_removed_from_every_field(valid: tuple[str, Path]) -> None:
    format, path = valid
    path.write_text(VALID[format].replace("Title", "Ti\x07tl\x00e"), encoding="utf-8")
    header_lost = format in ("csv", "tsv")  # the name of the column is broken there
    if not header_lost:
        (paper,), _ = read(path, format)
        assert paper.title == "A Title Here"


# --- JSON Lines ---


def test_jsonl_understands_the_usual_names(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        {"_id": "MED-10", "title": "Beir", "text": "Text."},
        {"paper_id": 17, "Title": "Other names", "summary": "S.", "author": "Doe, Jane and John Roe",
         "published": "2019-05-01"},
        {"id": " kept Exactly/1 ".strip(), "title": ["As Crossref", "writes it"], "abstract": ["One.", "Two."],
         "authors": [{"name": "Ann Lee"}, {"given": "Bo", "family": "Chan"}, "Cy, Dee", ["Eff", "Gee", "Jr"]],
         "issued": {"date-parts": [[2020, 1]]}, "container-title": ["Venue"],
         "DOI": "https://doi.org/10.1000/X", "link": "https://x.org/p"},
    )  # fmt: skip
    papers, errors = read(path)
    assert errors == []
    assert [(p.id, p.title, p.abstract) for p in papers] == [
        ("MED-10", "Beir", "Text."), ("17", "Other names", "S."),
        ("kept Exactly/1", "As Crossref writes it", "One. Two."),
    ]  # fmt: skip
    assert (papers[1].authors, papers[1].year) == (("Jane Doe", "John Roe"), 2019)
    assert papers[2].authors == ("Ann Lee", "Bo Chan", "Dee Cy", "Gee Eff Jr")
    assert (papers[2].year, papers[2].venue, papers[2].doi, papers[2].url) == (
        2020,
        "Venue",
        "10.1000/x",
        "https://x.org/p",
    )


@pytest.mark.parametrize(
    ("authors", "names"),
    [
        ("A. Bee, C. Dee and E. Eff", ("A. Bee", "C. Dee", "E. Eff")),
        ("Bee, Ann; Dee, Cy", ("Ann Bee", "Cy Dee")),
        ("Bee, Ann", ("Ann Bee",)),
        ("Jane Doe, John Roe", ("Jane Doe", "John Roe")),
        ("Jane Doe", ("Jane Doe",)),
        (None, ()),
        (5, ()),
    ],
)
def test_names_of_authors(tmp_path: Path, authors: Any, names: tuple[str, ...]) -> None:
    (paper,), _ = read(write(tmp_path / "a.jsonl", {"title": "T", "authors": authors}))
    assert paper.authors == names


def test_records_without_an_id_get_the_best_there_is(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        {"title": "A paper", "doi": "10.1000/ABC"},
        {"title": "A paper", "doi": "10.48550/arXiv.2101.00001"},
        {"title": "A paper"},
    )
    ids = [paper.id for paper in read(path)[0]]
    assert ids[:2] == ["10.1000/abc", "2101.00001"]
    assert ids[2].startswith("a-paper-")


def test_only_web_addresses_are_links(tmp_path: Path) -> None:
    urls = ["javascript:alert(1)", "file:///etc/passwd", "www.x.org/a", "https://x.org/a b", 'https://x.org/"onclick']
    path = write(tmp_path / "a.jsonl", *({"title": "T", "url": url} for url in urls))
    assert [paper.url for paper in read(path)[0]] == ["", "", "https://www.x.org/a", "", ""]


def test_a_missing_abstract_is_fine_and_a_missing_title_is_not(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        {"id": "1", "title": "No abstract"},
        {"id": "2", "title": "Null abstract", "abstract": None},
        {"id": "3", "abstract": "No title."},
        {"id": "4", "title": "", "abstract": "An empty title."},
        {"id": "5", "title": "  \x00 ", "text": "A blank title."},
    )
    papers, errors = read(path)
    assert [(p.id, p.abstract) for p in papers] == [("1", ""), ("2", "")]
    assert [(e.line, e.reason) for e in errors] == [(line, "it has no title.") for line in (3, 4, 5)]


def test_passages_of_a_collection_without_titles_are_called_by_their_first_words(tmp_path: Path) -> None:
    words = [f"word{i}" for i in range(20)]
    (paper,), _ = read(write(tmp_path / "corpus.jsonl", {"_id": "1", "title": "", "text": " ".join(words)}))
    assert paper.title == " ".join(words[:12]) + " …"


# --- arXiv ---


def test_arxiv_metadata() -> None:
    papers, errors = read(SAMPLES / "arxiv.jsonl")
    first, second = papers
    assert (first.id, first.title) == ("0704.0001", "Calculation of prompt diphoton production")
    assert first.abstract == "A fully differential calculation in QCD at order α_s^2 is presented."
    assert first.authors == ("C. Balázs", "E. L. Berger", "P. M. Nadolsky")
    assert (first.year, first.venue) == (2007, "Phys.Rev.D76:013009,2007")
    assert (first.url, first.doi) == ("https://arxiv.org/abs/0704.0001", "10.1103/physrevd.76.013009")
    assert (second.id, second.year) == ("cs/9902027", 1999)  # not 2015, when its metadata changed
    assert [(e.line, e.reason) for e in errors] == [(3, "its id is 'not an id', which is no arXiv id.")]


# --- tables ---


def test_a_table_as_zotero_exports_it() -> None:
    assert detect_format(SAMPLES / "zotero.csv") == "csv"
    papers, errors = read(SAMPLES / "zotero.csv")
    assert [p.id for p in papers] == ["ABCD1234", "IJKL9012", "MNOP3456"]
    first = papers[0]
    assert first.title == 'Graphs, trees and "forests"'
    assert first.abstract == "A first line, a second line. A third after a blank one."
    assert first.authors == ("Jane Doe", "Richard Roe")
    assert (first.year, first.venue, first.doi) == (2018, "Journal of Graphs", "10.5555/g.1")
    assert [(e.line, e.reason) for e in errors] == [(6, "it has no title.")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_and_columns_in_any_order(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "t.txt"
    rows = [["Year", "Title", "Unknown"], ["2001", "The title", "x"], ["", "Short row"], ["1", "2", "3", "4"]]
    path.write_text("\n".join(delimiter.join(row) for row in rows))
    papers, errors = read(path)
    assert [(p.title, p.year) for p in papers] == [("The title", 2001), ("Short row", None)]
    assert [(e.line, e.reason) for e in errors] == [(4, "it has 4 cells, but the header has 3 columns.")]


# --- BibTeX ---


def test_bibtex_with_a_broken_entry() -> None:
    papers, errors = read(SAMPLES / "refs.bib")
    assert [p.id for p in papers] == ["vaswani2017attention", "godel1931", "the-same-key-again-10e78375"]
    first, second, _ = papers  # another paper under a key that was used is no less a paper
    assert first.title == "Attention Is All You Need"
    assert first.authors == ("Ashish Vaswani", "Noam Shazeer", "Łukasz Kaiser")
    assert first.abstract == "The dominant models are recurrent. We propose the Transformer, 50% faster."
    assert (first.year, first.venue) == (2017, "Advances in Neural Information Processing Systems")
    assert (first.doi, first.url) == ("10.1000/nips_2017", "https://arxiv.org/abs/1706.03762")
    assert (second.authors, second.venue) == (("Kurt Gödel",), "Monatshefte für Mathematik")
    assert [e.line for e in errors] == [15, 27]
    assert "broken" in errors[0].reason
    assert errors[1].reason == "it has no title."


@pytest.mark.parametrize("loss", ["}", "{", ",", "=", '"', "title"])
def test_a_broken_entry_costs_no_other(tmp_path: Path, loss: str) -> None:
    entries = [
        f'@article{{key{i},\n  title = {{Title number {i}}},\n  journal = "Journal",\n  year = {{2001}}\n}}\n'
        for i in range(3)
    ]
    path = tmp_path / "refs.bib"
    path.write_text(entries[0] + entries[1].replace(loss, "", 1) + entries[2])
    papers, errors = read(path, "bibtex")
    assert {"key0", "key2"} <= {p.id for p in papers}
    assert len(papers) + len(errors) >= 3  # nothing is lost in silence


def test_an_extra_brace_does_not_hide_fields(tmp_path: Path) -> None:
    path = tmp_path / "refs.bib"
    path.write_text("@article{key,\n title = {One}},\n abstract = {Lost?}\n}\n@article{next, title = {Two}}\n")
    papers, errors = read(path)
    assert [p.title for p in papers] == ["One", "Two"]
    assert "belong to no entry" in errors[0].reason


# --- RIS ---


def test_ris() -> None:
    papers, errors = read(SAMPLES / "refs.ris")
    first, second = papers
    assert (first.id, first.title) == ("smith2020", "Deep learning for leaf disease detection")
    assert first.abstract == "Leaves fall ill. We detect it with 97.5% accuracy; see https://example.org/a;b for data."
    assert first.authors == ("Jane Smith", "Jürgen Müller")
    assert (first.year, first.venue) == (2020, "Journal of Plants")
    assert (first.doi, first.url) == ("10.1234/abc.5", "https://example.org/paper;v=1")
    assert (second.title, second.abstract) == ("A conference paper", "Its abstract stands in N2.")
    assert (second.authors, second.year, second.venue) == (("John Doe",), 2019, "Proceedings of Everything")
    assert [e.line for e in errors] == [21, 25]
    assert "the file ends within this record" in errors[1].reason


# --- listing pages ---


def test_a_listing_page() -> None:
    papers, errors = read(SAMPLES / "page.txt", "listing")
    assert errors == []
    assert [p.title[:30] for p in papers] == [
        "A Title With Its Abstract on O", "A Title Without an Abstract",
        "i-RevNet: Is This Title Short?", "50% of Rényi's Entropy",
    ]  # fmt: skip
    assert papers[0].abstract.endswith("https://example.org/code")
    assert papers[1].abstract == ""
    assert papers[2].abstract.startswith("It is widely believed that the success of networks is based on")
    assert papers[2].abstract.endswith("at a narrow margin.")
    assert papers[3].abstract.endswith("and ends here. The second one is short.")


def test_a_listing_page_without_blank_lines() -> None:
    papers, errors = read(SAMPLES / "page_dense.txt")
    assert errors == []
    assert [p.title for p in papers] == ["Glued Title Without Blank Lines", "m2mKD: A Second Title"]
    assert all(len(p.abstract) > 100 for p in papers)


def test_the_same_title_has_the_same_id_on_every_page(tmp_path: Path) -> None:
    pages = [tmp_path / "1.txt", tmp_path / "2.txt"]
    pages[0].write_text((SAMPLES / "page.txt").read_text())
    pages[1].write_text((SAMPLES / "page.txt").read_text().replace("A Title Without", "A title without"))
    assert [p.id for p in read(pages[0], "listing")[0]] == [p.id for p in read(pages[1], "listing")[0]]


def test_the_shipped_papers_are_whole() -> None:
    papers, errors = read(SHIPPED)
    assert errors == []
    assert len(papers) == len({p.id for p in papers}) == len({normalised_title(p.title) for p in papers}) == 459
    assert min(len(p.abstract) for p in papers) > 400
    assert max(len(p.title) for p in papers) < 200
    assert not any(p.title.startswith(("Subscribe", "Get trending")) for p in papers)


def test_the_command_that_makes_them(tmp_path: Path) -> None:
    for name in ("page.txt", "page_dense.txt"):
        (tmp_path / name).write_text((SAMPLES / name).read_text())
    (tmp_path / "repeated.txt").write_text((SAMPLES / "page.txt").read_text())
    script = SHIPPED.parent / "make_papers.py"
    made = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, check=True, timeout=60)
    records = [json.loads(line) for line in made.stdout.splitlines()]
    assert [record["source"] for record in records] == ["listing:page.txt"] * 4 + ["listing:page_dense.txt"] * 2
    usage = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, timeout=60)
    assert usage.returncode == 2 and "Usage" in usage.stderr
