"""BibTeX and BibLaTeX: types, inheritance, repeated fields, lists, strings."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.datatypes import Paper
from rag.papers import item_kinds
from rag.papers.importers import read_papers
from rag.papers.importers.bibtex_values import divided, typeset, value_of
from rag.papers.importers.journal_macros import journal_of_macro
from rag.papers.kept_fields import unpack


def read(folder: Path, text: str) -> list[Paper]:
    path = folder / "a.bib"
    path.write_text(text, encoding="utf-8")
    return list(read_papers(path))  # strict: what is reported raises


@pytest.mark.parametrize(
    ("entry_type", "kind", "kept"),
    [
        ("Article", "article-journal", ""), ("inproceedings", "paper-conference", ""), ("conference",
        "paper-conference", "conference"), ("incollection", "chapter", ""), ("inbook", "chapter", "inbook"),
        ("mastersthesis", "thesis", "mastersthesis"), ("techreport", "report", "techreport"), ("misc", "document", ""),
        ("online", "webpage", ""), ("newkind", "newkind", ""),
    ],
)  # fmt: skip
def test_the_type_of_an_entry_is_kept(tmp_path: Path, entry_type: str, kind: str, kept: str) -> None:
    (paper,) = read(tmp_path, f"@{entry_type}{{a, title = {{Kites}}}}\n")
    assert paper.kind == kind
    assert unpack(paper).get("entry_type", "") == kept


def test_every_type_is_written_as_it_came() -> None:
    for table, of, out, spelt in (
        (item_kinds.KIND_OF_BIBTEX, item_kinds.of_bibtex, item_kinds.BIBTEX_OF, str.lower),
        (item_kinds.KIND_OF_RIS, item_kinds.of_ris, item_kinds.RIS_OF, str.upper),
    ):
        for name in table:
            kind, kept = of(name)
            assert spelt(kept or out[kind]) == name


PARENT = (
    "@proceedings{Kite.Conf, title = {Proceedings of Kites}, editor = {Roe, Bo}, year = 2001, doi = {10.5555/all},\n"
    "  publisher = {Wind Press}, abstract = {All of it.}, keywords = {all}, xdata = {place}}\n"
    "@xdata{place, address = {Ghent}}\n"
)
CHILD = "@inproceedings{kid, title = {On Tails}, author = {Lee, Ann}, pages = {1--9}, crossref = {kite.conf}}\n"


@pytest.mark.parametrize("text", [PARENT + CHILD, CHILD + PARENT])
def test_an_entry_has_what_its_parent_has_wherever_that_stands(tmp_path: Path, text: str) -> None:
    kid = next(paper for paper in read(tmp_path, text) if paper.key == "kid")
    assert (kid.title, kid.venue, kid.year, kid.authors) == ("On Tails", "Proceedings of Kites", 2001, ("Ann Lee",))
    assert (kid.doi, kid.abstract, kid.tags) == ("", "", ())
    kept = unpack(kid)
    assert (kept["editor"], kept["publisher"], kept["publisher-place"]) == ("Roe, Bo", "Wind Press", "Ghent")
    assert kept["crossref"] == "kite.conf"


def test_what_an_entry_says_itself_counts_and_circles_end(tmp_path: Path) -> None:
    text = (
        "@article{a, title = {A}, year = 2003, crossref = {b}}\n@periodical{b, title = {Kites Weekly}, year = 2002, "
        "volume = 4}\n@inbook{c, title = {C}, crossref = {d}}\n@book{d, title = {D}, author = {Lee, A},\n"
        "crossref = {f}}\n@article{e, title = {E}, crossref = {nowhere}}\n@book{f, title = {F}, crossref = {d}}\n"
    )
    a, b, c, _, e, _ = read(tmp_path, text)
    assert (a.venue, a.year, unpack(a)["volume"]) == ("Kites Weekly", 2003, "4")
    assert b.title == "Kites Weekly"
    assert (c.venue, c.authors) == ("D", ("A Lee",))
    assert e.title == "E"


def test_of_a_repeated_field_the_first_that_says_something_counts_and_the_others_are_kept(tmp_path: Path) -> None:
    text = (
        "@article{a, title = {}, title = {Tails}, title = {Heads}, year = 2001, year = 2001, doi = {10.5555/a},\n"
        "doi = {10.5555/b}, keywords = {string, {bow, tie}}, keywords = {wood; glue}, annote = {one}, annote = {two}}\n"
    )
    (paper,) = read(tmp_path, text)
    assert (paper.title, paper.year, paper.doi) == ("Tails", 2001, "10.5555/a")
    assert paper.tags == ("string", "bow, tie", "wood", "glue")
    assert paper.notes == ("one", "two")
    assert unpack(paper) == {"title-2": "Heads", "doi-2": "10.5555/b"}


def test_groups_are_collections_and_notes_of_the_publication_stay_fields(tmp_path: Path) -> None:
    (paper,) = read(
        tmp_path, "@book{a, title={A}, groups={Read, To \\& fro}, note={2nd printing}, month=8 # '~' # feb}"
    )
    assert paper.collections == ("Read", "To & fro")
    assert unpack(paper)["note"] == "2nd printing"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("{a {b} c}", "a {b} c"), ('"a {"}b"', 'a {"}b'), ('acm # " of " # {1}', "ACM Press of 1"), ("mar", "March"),
        ("unknown", "unknown"), ('8 # "~" # jan', "8~January"), ("1999", "1999"), ("{#}", "#"),
    ],
)  # fmt: skip
def test_values(raw: str, text: str) -> None:
    assert value_of(raw, {"acm": "ACM Press"}) == text


def test_strings_may_be_made_of_strings_but_not_grow(tmp_path: Path) -> None:
    text = '@string{a = "Kite " # "Club"}@string{b = a # { Press}}\n@article{x, title = {T}, journal = b}\n'
    assert read(tmp_path, text)[0].venue == "Kite Club Press"
    doubling = '@string{s0 = "0123456789"}\n' + "".join(f"@string{{s{n + 1} = s{n} # s{n}}}\n" for n in range(60))
    path = tmp_path / "b.bib"
    path.write_text(doubling + "@article{x, title = {T}, journal = s60}\n", encoding="utf-8")
    reasons: list[str] = []
    papers = list(read_papers(path, on_error=lambda error: reasons.append(error.reason)))
    assert len(papers) == 1 and len(papers[0].venue) < 1000
    assert "longer than 1000 characters" in reasons[0]


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("1990--1999", "1990–1999"), ("kites---and ropes", "kites—and ropes"), ("with --force", "with --force"),
        ("a ---- b", "a ---- b"), ("week -- 50", "week – 50"),
        ("$10^5$~m, at ~5 m", "$10^5$ m, at ~5 m"), ("x.org/~lee", "x.org/~lee"), (r"\~n", r"\~n"),
    ],
)  # fmt: skip
def test_dashes_and_ties(text: str, read_as: str) -> None:
    assert typeset(text) == read_as


def test_lists_are_divided_outside_of_braces() -> None:
    assert divided("soil, {clay, red}, ") == ["soil", "{clay, red}"]
    assert divided("R&amp;D; soil, red") == ["R&amp;D", "soil, red"]


@pytest.mark.parametrize(("macro", "journal"), [(r"{\apjl}", "Astrophysical Journal Letters"), (r"\PSJ",
    "The Planetary Science Journal"), (r"\nosuch", r"\nosuch"), ("apj", "apj")])  # fmt: skip
def test_journals_of_astronomy(macro: str, journal: str) -> None:
    assert journal_of_macro(macro) == journal


def test_numbers_that_tell_people_of_one_name_apart_are_no_part_of_it(tmp_path: Path) -> None:
    (paper,) = read(tmp_path, "@misc{a, title = {Kites}, author = {Ann Lee and\n Bo Roe 0002 and {Expo 2020}}}\n")
    assert paper.authors == ("Ann Lee", "Bo Roe", "Expo 2020")
