"""What is imported, exported and imported again is the same paper in every field, in every format that keeps it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.datatypes import Paper
from rag.errors import ImportFileError
from rag.papers.bibliography import to_bibtex, to_csl_json, to_ris
from rag.papers.importers import read_papers
from rag.papers.kept_fields import STATUSES, pack

Write = Callable[[Iterable[Paper]], str]
FORMATS: dict[str, tuple[Write, str]] = {
    "bibtex": (to_bibtex, "bib"), "ris": (to_ris, "ris"), "csl-json": (to_csl_json, "json"),
}  # fmt: skip
FULL = Paper(
    "moon-1", "On tides", "Tides follow the moon.", ("Ann Hale", "Bo Ray"), 1987, "Journal of Seas",
    "https://example.org/t", "10.5555/t.1", key="hale:1987", kind="article-journal", tags=("moon", "sea, shallow"),
    collections=("Seas > North",), notes=("read twice", "first\n\nsecond"),
    fields=pack({"volume": "3", "page": "1-9", "issued": {"date-parts": [[1987, 5]]}, "shelf": "B 7"}),
)  # fmt: skip


def there_and_back(papers: Sequence[Paper], format: str, folder: Path) -> list[Paper]:
    """``papers`` as they come back, in the order of the file; ``source`` is the file's, so it does not count."""
    write, ending = FORMATS[format]
    path = folder / f"papers.{ending}"
    path.write_text(write(papers), encoding="utf-8")
    return [replace(paper, source=before.source) for paper, before in zip(read_papers(path), papers, strict=True)]


@pytest.fixture(params=list(FORMATS))
def format(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    "paper",
    [
        FULL,
        replace(FULL, tags=("moon",), notes=("one",), collections=()),
        Paper("b", "A title alone"),
        Paper("b", "A title alone", kind="article"),
        Paper("b", "{}"),
        Paper("b", "None", "N/A"),
    ],
)
def test_a_paper_comes_back_in_every_field_however_often(paper: Paper, format: str, tmp_path: Path) -> None:
    found = [paper]
    for _ in range(3):
        found = there_and_back(found, format, tmp_path)
        assert found == [paper]


def test_papers_of_one_key_stay_apart(format: str, tmp_path: Path) -> None:
    papers = [replace(FULL, id=f"moon-{n}", title=f"On tides, part {n}") for n in range(3)]
    assert there_and_back(papers, format, tmp_path) == papers


AWKWARD = [
    "{", "}", "{}", "\\", "\\{", "%", "$", "$x$", "&", "#", "_", "^", "~", '"', "''", "``", "`", "'", "--", "---", "-",
    "@", "@article{a,", "ER  - ", "TY  - JOUR", "TI  - x", "=", ",", ";", " and ", "α", "é", "王", "ß", "–", "—",
    "<i>", "</i>", "&lt;", "\\alpha", "\\textbf{b}", "{B}", "10^5", "a_b", "[", "]", "|", "nan", "1", "und", " ",
    "https://x.y/~a_b?c=1&d", "N/A", "Jr.", "van der", "\\&", "footnote-kept: [", "\u05d0", "\U0001f600", "10%",
    "x" * 90,
]  # fmt: skip
_words = st.lists(st.sampled_from(AWKWARD) | st.text("abcXYZ ,.(){}\\$%&#~^_\"'`@-", max_size=6), max_size=8)
_line = st.builds(lambda words: " ".join(" ".join(words).split()), _words)
_glued = st.builds(lambda words: " ".join("".join(words).split()), _words)
_text = st.one_of(_line, _glued)
_some = _text.filter(bool)
_note = st.lists(_text, min_size=1, max_size=3).map("\n".join).map(str.strip).filter(bool)
_unique = st.lists(_some, max_size=3, unique=True).map(tuple)
_name = st.sampled_from(
    ["volume", "page", "issue", "publisher", "ISSN", "PMID", "editor", "issued", "note", "number", "file", "Shelf mark",
     "year", "date", "month", "booktitle", "key", "text", "summary", "M3", "U5", "N1", "C1", "DA", "series", "crossref",
     "entry_type", "TY", "custom", "type", "eprint", "abstract_note", "groups", "annote-2", "x.y", "zotero:item", "AN",
     "keyword", "title-2", "accessed", "language", "genre", "chapter", "journal", "T2", "SP"]
)  # fmt: skip
_value = st.one_of(
    _some, st.integers(0, 3000), st.booleans(), st.lists(_some, min_size=1, max_size=3),
    st.fixed_dictionaries({"date-parts": st.just([[2020, 5, 1]])}), st.just([{"family": "Hale", "given": "A."}]),
    st.sampled_from(["1-9", "1--9", "e12", "2020a", "in press", "May", "mar", "2020-05-01"]),
)  # fmt: skip
_url = st.sampled_from(["", "https://x.y/a_b?c=%7E&d={e}"])
_doi = st.sampled_from(["", "10.1000/xyz_1", "10.1002/(sici)1<1::aid>3.0.co;2-#", "10.48550/arxiv.2101.00001"])


@st.composite
def papers(draw: st.DrawFn) -> Paper:
    """A paper as an importer could have made it."""
    return Paper(
        draw(_some), draw(_some), draw(_text), draw(st.lists(_some, max_size=3).map(tuple)),
        draw(st.none() | st.integers(1500, 2199)), draw(_text), draw(_url), draw(_doi), key=draw(_text),
        kind=draw(st.sampled_from(["", "article-journal", "book", "thesis", "article", "review", "x y"])),
        status=draw(st.sampled_from(["", *STATUSES])), tags=draw(_unique), collections=draw(_unique),
        notes=draw(st.lists(_note, max_size=2).map(tuple)),
        fields=pack(draw(st.dictionaries(_name, _value, max_size=5))),
    )  # fmt: skip


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=st.lists(papers(), min_size=1, max_size=3, unique_by=lambda paper: paper.id))
def test_made_up_papers_come_back(found: list[Paper], format: str, tmp_path: Path) -> None:
    assert there_and_back(found, format, tmp_path) == found


SAMPLES = Path(__file__).parent / "samples"
FILES = [SAMPLES / name for name in ("refs.bib", "refs.ris", "zotero.csv", "arxiv.jsonl", "page.txt")]
# More exports, in any folder: those of one's own, or of a collection of odd ones, which may lie beside the checkout.
MORE = Path(os.environ.get("FOOTNOTE_TEST_EXPORTS") or Path(__file__).parents[2] / "shared" / "cases")
FILES += sorted(path for path in MORE.rglob("input.*") if path.is_file())


@pytest.mark.parametrize("file", FILES, ids=[f"{path.parent.name}/{path.name}" for path in FILES])
def test_every_record_of_a_file_comes_back(file: Path, format: str, tmp_path: Path) -> None:
    try:
        papers = list(read_papers(file, on_error=lambda error: None))
    except ImportFileError:
        pytest.skip("holds no papers")
    assert there_and_back(papers, format, tmp_path) == papers


def test_what_entries_inherit_is_inherited_once(tmp_path: Path) -> None:
    path = tmp_path / "family.bib"
    path.write_text(
        "@inproceedings{child, crossref = {all}, title = {Wind over reeds}, pages = {1--9}, keywords = {wind}}\n"
        "@inproceedings{other, crossref = {all}, title = {Rain over reeds}, number = {7}, booktitle = {Own}}\n"
        "@proceedings{all, title = {All Winds}, editor = {Roe, Bo}, year = 1999, journal = {Winds}, keywords = {all},\n"
        "  annote = {one}, annote = {two}, publisher = {Wind \\& Sons}, month = may, note = {In {Ghent}}}\n",
        encoding="utf-8",
    )
    papers = list(read_papers(path))
    assert len(papers) == 3 and papers[0].venue
    assert there_and_back(papers, "bibtex", tmp_path) == papers
