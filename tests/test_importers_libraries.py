"""The XML of libraries and repositories: MODS, Dublin Core."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.datatypes import Paper
from rag.errors import ImportFileError
from rag.papers.importers import detect_format, read_papers
from rag.papers.kept_fields import unpack


def read(folder: Path, text: str, format: str) -> list[Paper]:
    path = folder / "a.xml"
    path.write_text(text, encoding="utf-8")
    assert detect_format(path) == format
    return list(read_papers(path))  # strict


MODS = """<?xml version="1.0" encoding="UTF-8"?>
<modsCollection xmlns="http://www.loc.gov/mods/v3">
<mods ID="lee2020" xmlns="http://www.loc.gov/mods/v3">
 <titleInfo><nonSort>The</nonSort><title>tails of kites</title><subTitle>31 knots</subTitle></titleInfo>
 <titleInfo type="alternative"><title>Tails</title></titleInfo>
 <name type="personal"><namePart type="given">Ann</namePart><namePart type="given">B</namePart>
  <namePart type="family">Lee</namePart><role><roleTerm type="text">author</roleTerm></role></name>
 <name type="corporate"><namePart>Kite Club, Ghent</namePart></name>
 <name><namePart>Roe, Bo</namePart><role><roleTerm authority="marcrelator" type="code">edt</roleTerm></role></name>
 <genre>conference publication</genre><abstract>Of 31 knots, 12 held &amp; 19 slipped.</abstract>
 <subject><topic>knots</topic></subject><subject><topic>wind</topic></subject>
 <relatedItem type="host"><titleInfo><title>Proceedings of Kites</title></titleInfo>
  <originInfo><dateIssued>2020-05</dateIssued><publisher>Wind Press</publisher></originInfo>
  <part><detail type="volume"><number>4</number></detail>
   <extent unit="page"><start>3</start><end>9</end></extent></part>
 </relatedItem>
 <identifier type="doi">10.5555/kites.4</identifier><identifier type="isbn">9783161484100</identifier>
 <location><url>https://example.org/k</url></location>
</mods></modsCollection>
"""


@pytest.mark.parametrize("prefix", ["", "mods:"])
def test_mods(tmp_path: Path, prefix: str) -> None:
    text = MODS.replace("</", "\0").replace("<?", "\1").replace("<", f"<{prefix}").replace("\0", f"</{prefix}")
    (paper,) = read(tmp_path, text.replace("\1", "<?"), "mods")
    assert paper.title == "The tails of kites: 31 knots"
    assert paper.authors == ("Ann B Lee", "Kite Club, Ghent")
    assert paper.abstract == "Of 31 knots, 12 held & 19 slipped."
    assert (paper.year, paper.venue, paper.doi) == (2020, "Proceedings of Kites", "10.5555/kites.4")
    assert (paper.key, paper.kind, paper.url) == ("lee2020", "paper-conference", "https://example.org/k")
    assert paper.tags == ("knots", "wind")
    kept = unpack(paper)
    assert (kept["volume"], kept["page"], kept["editor"]) == ("4", "3-9", ["Roe, Bo"])


OAI = """<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>
<record><header><identifier>oai:kites:1</identifier></header><metadata>
<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title xml:lang="en">Tails of kites</dc:title><dc:title>Queues</dc:title><dc:creator>Lee, Ann</dc:creator>
<dc:creator>Roe, Bo</dc:creator><dc:subject>knots; wind</dc:subject><dc:description>12 pp.</dc:description>
<dc:description>Of 31 knots, 12 held.</dc:description><dc:date>2020-05-01</dc:date>
<dc:type>info:eu-repo/semantics/article</dc:type><dc:identifier>https://example.org/k/1</dc:identifier>
<dc:identifier>https://doi.org/10.5555/k.1</dc:identifier><dc:source>Kite Notes; Vol 4 (2020)</dc:source>
<dc:rights>CC BY</dc:rights></oai_dc:dc></metadata></record>
</ListRecords></OAI-PMH>
"""


def test_dublin_core(tmp_path: Path) -> None:
    (paper,) = read(tmp_path, OAI, "dublin-core")
    assert (paper.title, paper.authors, paper.year) == ("Tails of kites", ("Ann Lee", "Bo Roe"), 2020)
    assert (paper.abstract, paper.doi, paper.url) == ("Of 31 knots, 12 held.", "10.5555/k.1", "https://example.org/k/1")
    assert (paper.tags, paper.kind, paper.venue) == (("knots", "wind"), "article-journal", "Kite Notes; Vol 4 (2020)")
    kept = unpack(paper)
    assert (kept["rights"], kept["other_titles"], kept["description"]) == ("CC BY", ["Queues"], ["12 pp."])


@pytest.mark.parametrize("text", [MODS, OAI])
def test_entities_of_their_own_are_refused(tmp_path: Path, text: str) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    path = tmp_path / "a.xml"
    path.write_text(bomb + text.partition("?>\n")[2] if "?>" in text else bomb + text, encoding="utf-8")
    with pytest.raises(ImportFileError, match="entities"):
        list(read_papers(path))
