"""A malformed file of each format: an error that says what is wrong, no other record lost, bounded memory."""

from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from rag.datatypes import Paper
from rag.errors import ImportFileError, RecordError
from rag.papers.importers import IMPORTERS, read_papers


class Sample(NamedTuple):
    """How a file of a format begins, one record of it (with ``%d`` or ``%05d`` for its number), and how it ends."""

    head: str
    record: str
    tail: str = ""

    def text(self, count: int) -> str:
        return (
            self.head
            + "".join(self.record.replace("%05d", f"{n:05}").replace("%d", str(n)) for n in range(1, count + 1))
            + self.tail
        )


PROSE = "We flew kite %d in a westerly wind. It rose to a height of 212 m. " * 5
SAMPLES = {
    "json": Sample('[\n{"title": "Notes"}', ',\n{"title": "Kite %d", "abstract": "It flies – é."}', "\n]\n"),
    "jsonl": Sample("", '{"title": "Kite %d", "abstract": "It flies – é."}\n'),
    "arxiv": Sample("", '{"id": "2101.%05d", "title": "Kite %d", "abstract": "It flies.", "categories": "cs.CL"}\n'),
    "csv": Sample("title,abstract\n", 'Kite %d,"It flies, – é."\n'),
    "tsv": Sample("title\tabstract\n", "Kite %d\tIt flies – é.\n"),
    "bibtex": Sample("", "@article{k%d,\n title = {Kite %d},\n abstract = {It flies – é.}\n}\n"),
    "ris": Sample("", "TY  - JOUR\nTI  - Kite %d\nAB  - It flies – é.\nER  - \n"),
    "pubmed-xml": Sample(
        "<PubmedArticleSet>\n", "<PubmedArticle><MedlineCitation><PMID>%d</PMID><Article><ArticleTitle>Kite %d"
        "</ArticleTitle></Article></MedlineCitation></PubmedArticle>\n", "</PubmedArticleSet>\n"),
    "endnote-xml": Sample(
        "<xml><records>\n", "<record><ref-type>17</ref-type><titles><title>Kite %d</title></titles></record>\n",
        "</records></xml>\n"),
    "mods": Sample('<modsCollection xmlns="http://www.loc.gov/mods/v3">\n',
        '<mods ID="a%d"><titleInfo><title>Kite %d</title></titleInfo></mods>\n', "</modsCollection>\n"),
    "dublin-core": Sample('<set xmlns:dc="http://purl.org/dc/elements/1.1/">\n',
        "<oai_dc:dc><dc:title>Kite %d</dc:title></oai_dc:dc>\n", "</set>\n"),
    "zotero-rdf": Sample('<rdf:RDF xmlns:z="http://www.zotero.org/namespaces/export#">\n',
        '<bib:Article rdf:about="#%d">'
        "<z:itemType>journalArticle</z:itemType><dc:title>Kite %d</dc:title></bib:Article>\n", "</rdf:RDF>\n"),
    "nbib": Sample("", "PMID- %d\nOWN - NLM\nTI  - Kite %d\nAB  - It flies – é.\n\n"),
    "pubmed-text": Sample("", "%d. Kite Med. 2020;1(1):1-2.\n\nKite %d\n\nDoe J.\n\nIt flies – é.\n\nPMID: %d\n\n\n"),
    "wos": Sample("FN Clarivate Analytics Web of Science\nVR 1.0\n",
        "PT J\nTI Kite %d\nAB It flies – é.\nER\n\n", "EF\n"),
    "wos-tab": Sample("PT\tAU\tTI\tAB\t\n", "J\tDoe, J\tKite %d\tIt flies – é.\t\n"),
    "refworks": Sample("", "RT Journal Article\nT1 Kite %d\nAB It flies – é.\n\n"),
    "enw": Sample("", "%0 Journal Article\n%T Kite %d\n%X It flies – é.\n\n"),
    "listing": Sample("", f"Kite %d\n\n{PROSE}\n\n"),
}  # fmt: skip
XML = ("pubmed-xml", "endnote-xml", "mods", "dublin-core", "zotero-rdf")


def read(path: Path, format: str | None = None) -> tuple[list[Paper], list[RecordError]]:
    errors: list[RecordError] = []
    return list(read_papers(path, format, on_error=errors.append)), errors


def kites(papers: list[Paper]) -> list[str]:
    return [paper.title.rstrip(".") for paper in papers if paper.title.startswith("Kite")]


def test_every_format_is_here() -> None:
    assert set(SAMPLES) == set(IMPORTERS)


@pytest.mark.parametrize("format", SAMPLES)
def test_cut_off_at_every_tenth_byte_whole_records_stay(tmp_path: Path, format: str) -> None:
    sample = SAMPLES[format]
    content = sample.text(3).encode()
    ends = [len(sample._replace(tail="").text(count).encode()) for count in range(4)]
    path = tmp_path / "papers.txt"
    for end in range(1, len(content), 10):
        path.write_bytes(content[:end])
        whole = max(count for count in range(4) if ends[count] <= end or count == 0)
        try:
            papers, _ = read(path, format)
        except ImportFileError as error:
            assert whole == 0 and str(path) in str(error), end
            continue
        assert kites(papers)[:whole] == [f"Kite {n}" for n in range(1, whole + 1)], end
        assert len(papers) <= whole + 2, end  # the rest of one may be read as it stands


@pytest.mark.parametrize("format", SAMPLES)
def test_bytes_of_no_encoding_cost_no_record(tmp_path: Path, format: str) -> None:
    content = SAMPLES[format].text(3).encode()
    path = tmp_path / "papers.txt"
    for bad in (b"\x81", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80"):
        path.write_bytes(content.replace(b"Kite 2", b"Kite 2" + bad))
        papers, errors = read(path)
        assert len(kites(papers)) == 3, (bad, errors)
        assert kites(papers)[::2] == ["Kite 1", "Kite 3"]


@pytest.mark.parametrize("format", XML)
@pytest.mark.parametrize("place", ["before", "within"])
def test_entities_that_stand_for_gigabytes_are_never_expanded(tmp_path: Path, format: str, place: str) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a0 "kite">' + "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)
    )  # fmt: skip
    text = SAMPLES[format].text(3).replace("Kite 2", "Kite 2 &a11;")
    whole = f"{bomb}]>{text}" if place == "before" else text.replace("Kite 3", f"Kite 3 {bomb}]>")
    path = tmp_path / "papers.xml"
    path.write_text(whole, encoding="utf-8")
    tracemalloc.start()
    try:
        papers, errors = read(path, format)
    except ImportFileError as error:
        assert "entities" in str(error)
    else:
        assert kites(papers)[0] == "Kite 1" and errors
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("shape", ["field", "root", "records"])
@pytest.mark.parametrize("brackets", ["[]", '{"a":}'])
def test_json_nested_100_000_deep(tmp_path: Path, shape: str, brackets: str) -> None:
    opening, closing = brackets[:-1], brackets[-1]
    deep = opening * 100_000 + closing * 100_000 if brackets == "[]" else opening * 100_000 + "1" + closing * 100_000
    good = '{"title": "Kite 1", "abstract": "It flies."}'
    text = {
        "field": f'[{good},\n{{"title": "Kite 2", "deep": {deep}}},\n{good.replace("1", "3")}]',
        "root": f'{good}\n{deep}\n{good.replace("1", "3")}\n',
        "records": f'{{"papers": [{good}, {deep}, {good.replace("1", "3")}]}}',
    }[shape]  # fmt: skip
    path = tmp_path / "papers.json"
    path.write_text(text, encoding="utf-8")
    papers, errors = read(path)
    assert {"Kite 1", "Kite 3"} <= set(kites(papers))
    assert len(papers) + len(errors) <= 5


def test_an_archive_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "papers.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed, packed.open("a.ris", "w", force_zip64=True) as out:
        for _ in range(64):
            out.write(b"TI  - kite\n" * 100_000)
    with pytest.raises(ImportFileError, match="once it is unpacked"):
        read(path)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("format", SAMPLES)
def test_a_line_of_a_gigabyte_is_not_held_and_costs_no_other_record(tmp_path: Path, format: str) -> None:
    """The line is a hole in the file: it takes no room on the disk and is read as a gigabyte of NULs."""
    sample = SAMPLES[format]
    path = tmp_path / "papers.txt"
    before = sample._replace(tail="").text(300)  # so that the file does not begin with NULs, as binary files do
    after = sample.text(301)[len(before) :]
    with path.open("wb") as file:
        file.write(before.encode())
        file.seek(2**30, 1)
        file.write(f"\n{after}".encode())
    tracemalloc.start()
    papers, errors = read(path, format)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    found = kites(papers)
    assert [f"Kite {n}" for n in range(1, 300)] == found[:299]
    assert "Kite 301" in found or errors
    assert peak < 120_000_000, peak
