"""What other programs find in the files: fields in their places, text as it is, own keys."""

from __future__ import annotations

import json
from dataclasses import replace

import bibtexparser
import pytest
import rispy

from rag.datatypes import Paper
from rag.papers.bibliography import citation_keys, to_bibtex, to_csl_json, to_ris
from rag.papers.citation_keys import pandoc_citation
from rag.papers.kept_fields import pack

PAPER = Paper(
    "10.5555/t.1", 'Tides of α-seas: a "new" view', "First & last: 5%.", ("Ann Hale",), 1987, "Journal of Seas",
    "https://example.org/a_b~c", "10.5555/t.1", key="hale:1987", kind="article-journal", tags=("moon", "sea"),
    collections=("North",), notes=("read twice",),
    fields=pack({
        "volume": "3", "issue": "2", "page": "11-19", "publisher": "Wind & Sons", "ISSN": "1234-5678",
        "issued": {"date-parts": [[1987, 5, 4]]}, "editor": [{"family": "Roe", "given": "Bo"}], "file": "a_b.pdf",
    }),
)  # fmt: skip


def entry_of(paper: Paper, *, whole: bool = True) -> dict[str, str]:
    library = bibtexparser.parse_string(to_bibtex([paper], whole=whole))
    assert not library.failed_blocks
    (entry,) = library.entries
    return {"": entry.entry_type, "key": entry.key} | {field.key: field.value for field in entry.fields}


def test_bibtex_has_a_field_for_each() -> None:
    entry = entry_of(PAPER)
    assert (entry[""], entry["key"]) == ("article", "hale:1987")
    assert entry["title"] == '{Tides of α-seas: a "new" view}'
    assert entry["abstract"] == r"First \& last: 5\%."
    assert (entry["volume"], entry["number"], entry["pages"], entry["month"]) == ("3", "2", "11--19", "may")
    assert (entry["publisher"], entry["editor"], entry["issn"]) == (r"Wind \& Sons", "Roe, Bo", "1234-5678")
    assert (entry["keywords"], entry["groups"], entry["annote"]) == ("moon, sea", "North", "read twice")
    assert entry["url"] == "https://example.org/a_b~c"
    assert "month = may" in to_bibtex([PAPER])  # a macro of BibTeX's, in the language of the style


def test_bibtex_for_a_manuscript_has_what_is_printed_alone() -> None:
    entry = entry_of(PAPER, whole=False)
    assert entry["pages"] == "11--19"
    assert not {"abstract", "keywords", "groups", "annote", "file", "footnote-kept"} & entry.keys()


def test_ris_has_a_tag_for_each() -> None:
    text = to_ris([PAPER])
    (record,) = rispy.loads(text)
    assert record["type_of_reference"] == "JOUR" and record["id"] == "hale:1987"
    assert record["title"] == PAPER.title and record["abstract"] == PAPER.abstract
    assert (record["volume"], record["number"], record["start_page"], record["end_page"]) == ("3", "2", "11", "19")
    assert (record["publisher"], record["issn"], record["date"]) == ("Wind & Sons", "1234-5678", "1987/05/04/")
    assert (record["keywords"], record["notes"]) == (["moon", "sea"], ["read twice"])
    assert record["secondary_authors"] == ["Roe, Bo"]


def test_csl_json_has_a_variable_for_each() -> None:
    (item,) = json.loads(to_csl_json([PAPER]))
    assert item["citation-key"] == "hale:1987" and item["type"] == "article-journal"
    assert (item["volume"], item["issue"], item["page"], item["publisher"]) == ("3", "2", "11-19", "Wind & Sons")
    assert item["issued"] == {"date-parts": [[1987, 5, 4]]}
    assert item["editor"] == [{"family": "Roe", "given": "Bo"}]
    assert item["custom"]["file"] == "a_b.pdf"


@pytest.mark.parametrize(
    ("kind", "bibtex", "ris"),
    [
        ("thesis", "phdthesis", "THES"), ("chapter", "incollection", "CHAP"), ("book", "book", "BOOK"),
        ("dataset", "dataset", "DATA"), ("article-newspaper", "article", "NEWS"), ("no-such-kind", "misc", "GEN"),
    ],
)  # fmt: skip
def test_types_are_the_nearest_that_the_format_has(kind: str, bibtex: str, ris: str) -> None:
    paper = replace(PAPER, kind=kind)
    assert entry_of(paper)[""] == bibtex
    assert rispy.loads(to_ris([paper]))[0]["type_of_reference"] == ris


def test_own_keys_come_before_those_that_are_made() -> None:
    made = replace(PAPER, key="", id="m")
    own = replace(PAPER, key="hale1987tides")
    assert citation_keys([made, own]) == ["hale1987tides-2", "hale1987tides"]


@pytest.mark.parametrize("key", ["o'brien2020", "smith(2001)", "müller-2020", "a&b", "doi:10.1000/x;2-#"])
def test_keys_that_only_pandoc_would_cut_short_are_used(key: str) -> None:
    paper = replace(PAPER, key=key)
    usable = "#" not in key
    assert (entry_of(paper)["key"] == key) is usable
    if usable and key != "müller-2020":
        assert pandoc_citation(key) == f"@{{{key}}}"


def test_bibtex_that_came_in_goes_out_with_its_own_fields() -> None:
    paper = replace(PAPER, fields=pack({"note": r"In \emph{press}", "month": "May", "x-own": "{A} b", "key-2": "K"}))
    entry = entry_of(paper)
    assert (entry["note"], entry["month"], entry["x-own"]) == (r"In \emph{press}", "may", "{A} b")
