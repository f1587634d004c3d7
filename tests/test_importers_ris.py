"""RIS: every tag of a record is used or kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.datatypes import Paper
from rag.papers.importers import read_papers
from rag.papers.kept_fields import unpack


def read(folder: Path, text: str) -> list[Paper]:
    path = folder / "a.ris"
    path.write_text(text, encoding="utf-8")
    return list(read_papers(path))  # strict: what is reported raises


def one(folder: Path, *lines: str) -> Paper:
    (paper,) = read(folder, "\n".join(["TY  - JOUR", *lines, "ER  - ", ""]))
    return paper


WHOLE = """TY  - CONF
ID  - lee:2020
T1  - On Tails
A1  - Lee, Ann
AU  - Roe, Bo
A2  - Ed, One
T2  - Kites: proceedings
JO  - Kite Conf
PY  - 2020/05/01/
KW  - tails
KW  - bows; red
N1  - A note of
mine
AB  - First part.
AB  - Second part.
N2  - Another text.
UR  - https://example.org/1
UR  - https://example.org/2
SN  - 1234-5678
SN  - 978-3-16-148410-0
SP  - 3
EP  - 9
VL  - 4
C5  - a
C5  - b
XX  - strange
ER  -
"""


def test_nothing_of_a_record_is_lost(tmp_path: Path) -> None:
    (paper,) = read(tmp_path, WHOLE)
    assert (paper.title, paper.authors, paper.year, paper.venue) == (
        "On Tails",
        ("Ann Lee", "Bo Roe"),
        2020,
        "Kite Conf",
    )
    assert (paper.key, paper.kind, paper.url) == ("lee:2020", "paper-conference", "https://example.org/1")
    assert paper.abstract == "First part. Second part."
    assert paper.tags == ("tails", "bows; red")
    assert paper.notes == ("A note of\nmine",)
    assert unpack(paper) == {
        "TY": "CONF", "T2": "Kites: proceedings", "PY": "2020/05/01/", "N2": "Another text.", "editor": ["Ed, One"],
        "UR": "https://example.org/2", "ISSN": "1234-5678", "ISBN": "978-3-16-148410-0", "page": "3-9", "volume": "4",
        "C5": ["a", "b"], "XX": "strange",
    }  # fmt: skip


def test_what_is_said_twice_is_kept_once(tmp_path: Path) -> None:
    paper = one(
        tmp_path, "TI  - A", "T1  - A", "JO  - B", "JF  - B", "T2  - B", "AB  - C.", "N2  - C.", "PY  - 1999///"
    )
    assert unpack(paper) == {}


@pytest.mark.parametrize(
    ("line", "doi"),
    [
        ("DO  - https://doi.org/10.5555/a", "10.5555/a"), ("M3  - doi: 10.5555/b", "10.5555/b"),
        ("N1  - 10.5555/c", "10.5555/c"), ("UR  - http://dx.doi.org/10.5555/d", "10.5555/d"),
        ("N1  - It cites 10.5555/e", ""), ("UR  - https://example.org/10.5555/f", ""),
    ],
)  # fmt: skip
def test_a_doi_is_found_where_publishers_write_it(tmp_path: Path, line: str, doi: str) -> None:
    assert one(tmp_path, "TI  - A", line).doi == doi


def test_key_words_of_one_line_are_divided(tmp_path: Path) -> None:
    assert one(tmp_path, "TI  - A", "KW  - string; bow, red;wood").tags == ("string", "bow, red", "wood")
    assert one(tmp_path, "TI  - A", "KW  - string", "wood").tags == ("string", "wood")


def test_a_record_of_very_many_tags_takes_no_longer_than_its_length(tmp_path: Path) -> None:
    tags = [f"{a}{b}" for a in "BCDFGHJKLMNPQRSTUVWXYZ" for b in "0123456789" if f"{a}{b}" not in ("T1", "Y1")]
    paper = one(tmp_path, "TI  - A", *(f"{tag}  - x{n}" for n in range(200) for tag in tags))
    assert len(paper.fields) > 200


def test_tags_before_the_type_belong_to_the_record_and_others_between_records_do_not(tmp_path: Path) -> None:
    text = (
        "DB  - McK\nTI  - Kites of Ghent\nwhich rise\nTY  - JOUR\nAU  - Lee, A\nSO  - Kite J\nER  - \n"
        "DB  - WoS\nTI  - Kites of Leeds\nTY  - JOUR\nER  - \n\nC1  - of the database\nTY  - JOUR\nTI  - Bows\nER  - \n"
    )
    first, second, third = read(tmp_path, text)
    assert (first.title, first.venue) == ("Kites of Ghent which rise", "Kite J")
    assert (second.title, unpack(second)) == ("Kites of Leeds", {"database": "WoS"})
    assert unpack(third) == {}


def test_indented_tags_are_tags(tmp_path: Path) -> None:
    (paper,) = read(tmp_path, "  TY  - JOUR\n  TI  - Kites\n  AB  - They\n  rise.\n  ER  -\n")
    assert (paper.title, paper.abstract) == ("Kites", "They rise.")


def test_two_papers_of_one_id_are_two(tmp_path: Path) -> None:
    path = tmp_path / "a.ris"
    path.write_text("".join(f"TY  - JOUR\nID  - 1\nTI  - {title}\nER  - \n" for title in ("Rain", "Fog")))
    found = list(read_papers(path))
    assert [paper.key for paper in found] == ["1", "1"]
    assert len({paper.id for paper in found}) == 2


def test_braces_and_tildes_are_characters_where_nothing_is_tex(tmp_path: Path) -> None:
    path = tmp_path / "a.ris"
    path.write_text('TY  - JOUR\nTI  - The set {a, b}\nAB  - It lasted~3 h.\nJO  - G\\"{o}del {A}\nER  - \n')
    (found,) = read_papers(path)
    assert (found.title, found.abstract, found.venue) == ("The set {a, b}", "It lasted~3 h.", "Gödel A")
