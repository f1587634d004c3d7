"""Zotero RDF, the Web of Science's table and workbooks without a list of their sheets."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from rag.errors import ImportFileError
from rag.papers.importers import detect_format, read_papers
from rag.papers.kept_fields import unpack

RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:z="http://www.zotero.org/namespaces/export#">
<bib:Article rdf:about="https://example.org/eels">
 <z:itemType>journalArticle</z:itemType>
 <dcterms:isPartOf rdf:resource="urn:issn:1111-2222"/>
 <bib:authors><rdf:Seq>
  <rdf:li><foaf:Person><foaf:surname>Brandt</foaf:surname><foaf:givenName>Ole</foaf:givenName></foaf:Person></rdf:li>
 </rdf:Seq></bib:authors>
 <dcterms:isReferencedBy rdf:resource="#memo"/>
 <dc:subject>eels</dc:subject>
 <dc:title>Eels under bridges</dc:title><dcterms:abstract>We counted 40 eels &lt;b&gt;at night&lt;/b&gt;.</dcterms:abstract>
 <dc:date>2011-06</dc:date><bib:pages>1-9</bib:pages>
</bib:Article>
<bib:Memo rdf:about="#memo"><rdf:value>read again</rdf:value></bib:Memo>
<z:Attachment rdf:about="#file"><z:itemType>attachment</z:itemType><dc:title>PDF</dc:title></z:Attachment>
<bib:Journal rdf:about="urn:issn:1111-2222"><dc:title>River Notes</dc:title><prism:volume>7</prism:volume>
 <dc:identifier>DOI 10.5555/eels.7</dc:identifier><dc:identifier>ISSN 1111-2222</dc:identifier></bib:Journal>
<z:Collection rdf:about="#c1"><dc:title>Rivers</dc:title><dcterms:hasPart rdf:resource="https://example.org/eels"/></z:Collection>
</rdf:RDF>
"""  # noqa: E501


def test_an_item_has_what_it_points_to(tmp_path: Path) -> None:
    path = tmp_path / "z.rdf"
    path.write_text(RDF, encoding="utf-8")
    (paper,) = read_papers(path)
    assert detect_format(path) == "zotero-rdf"
    assert (paper.title, paper.abstract) == ("Eels under bridges", "We counted 40 eels at night.")
    assert (paper.authors, paper.year, paper.venue) == (("Ole Brandt",), 2011, "River Notes")
    assert (paper.doi, paper.url) == ("10.5555/eels.7", "https://example.org/eels")
    assert (paper.tags, paper.collections, paper.notes) == (("eels",), ("Rivers",), ("read again",))
    assert {"volume": "7", "page": "1-9", "ISSN": "1111-2222"}.items() <= unpack(paper).items()


def test_a_file_that_declares_entities_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "z.rdf"
    path.write_text('<!DOCTYPE x [<!ENTITY a "aaaa">]>\n' + RDF, encoding="utf-8")
    with pytest.raises(ImportFileError, match=r"entit|declare"):
        list(read_papers(path))


def test_a_table_of_the_web_of_science_whose_header_is_repeated(tmp_path: Path) -> None:
    header = "PT\tAU\tAF\tTI\tSO\tAB\tPY\tDI\t\n"
    rows = "J\tMoor, A; Fen, B\tMoor, Ann; Fen, Bo\tPeat in {}\tBog Notes\tPeat is {} m deep.\t2009\t10.5555/{}\t\n"
    path = tmp_path / "w.txt"
    path.write_text(header + rows.replace("{}", "4") + header + rows.replace("{}", "5"), encoding="utf-16")
    first, second = read_papers(path)
    assert (first.title, first.authors, first.year) == ("Peat in 4", ("Ann Moor", "Bo Fen"), 2009)
    assert (second.doi, second.venue) == ("10.5555/5", "Bog Notes")


def test_a_workbook_without_a_list_of_its_sheets(tmp_path: Path) -> None:
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    sheet = (
        f'<worksheet {main}><sheetData><row><c r="A1" t="s"><v>0</v></c>'
        '<c r="C1" t="inlineStr"><is><t>Year</t></is></c></row>'
        '<row><c r="A2" t="inlineStr"><is><r><t>Kites </t></r><r><t>at sea</t></r></is></c>'
        '<c r="C2"><v>2018</v></c></row>'
        "</sheetData></worksheet>"
    )
    path = tmp_path / "bare.xlsx"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("xl/worksheets/sheet1.xml", sheet)
        packed.writestr("xl/sharedStrings.xml", f"<sst {main}><si><t>Title</t></si></sst>")
    (paper,) = read_papers(path)
    assert (paper.title, paper.year) == ("Kites at sea", 2018)
