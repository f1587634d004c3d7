"""Answers as JSON, Markdown, plain text and HTML; papers as bibliographies."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import bibtexparser
import pytest
import rispy
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rag.datatypes import Answer, AnswerSentence, Citation, Evidence, Paper, Verdict
from rag.output.layout import blocks
from rag.output.presentation import cited, to_json, to_markdown, to_plain
from rag.output.presentation_html import answer_html, evidence_html
from rag.papers.bibliography import (
    FORMATS,
    byline,
    citation_keys,
    clean,
    markdown,
    to_bibtex,
    to_csl_json,
    to_markdown_list,
    to_ris,
    web_address,
)
from tests.browser.fakes import (
    BY_ID,
    FASTER,
    HOSTILE,
    MOVES,
    NIGHT,
    PAPERS,
    make_answer,
    make_hostile_answer,
    make_refusal,
    make_trace,
)


class Markup(HTMLParser):
    """What a browser would make of a piece of HTML: tags with attributes, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


# JSON


def test_json_has_the_keys_that_other_programs_rely_on() -> None:
    done = to_json(make_answer(), "q1")
    assert list(done) == ["id", "question", "answer", "refusal", "sentences", "citations", "evidence", "trace"]
    assert done["id"] == "q1"
    assert done["refusal"] is None
    assert done["sentences"][1] == {"text": "At night there was no effect.", "citations": [1], "verdict": "weak"}
    assert done["citations"][2] == {
        "number": 2,
        "paper_id": "p2",
        "title": PAPERS[1].title,
        "quote": MOVES.text,
        "start": MOVES.start,
        "end": MOVES.end,
        "verdict": "supported",
    }
    assert done["evidence"][0] == {"number": 1, "paper_id": "p1", "sentences": [FASTER.text, NIGHT.text], "score": 0.9}
    assert done["trace"] == {
        "generator": "quote",
        "model": "",
        "model_sha256": "",
        "mode": "quote",
        "seed": 0,
        "prompt_sha256": "",
        "library": "ffffffff",
        "timings_ms": {"retrieve": 12.5},
        "reading": {"kind": "answer", "filters": {}, "follow_up": None},
    }


def test_json_of_a_refusal_and_through_the_json_module() -> None:
    done = json.loads(json.dumps(to_json(make_refusal())))
    assert done["refusal"] == {"grade": "nothing", "message": "Nothing in this library is about it."}
    assert done["id"] is None
    assert done["sentences"] == done["citations"] == done["evidence"] == []


# Markdown


def test_markdown_has_numbered_references_with_the_supporting_sentences() -> None:
    assert to_markdown(make_answer()) == (
        "Crabs that watched a neighbour chose a fitting shell 31% faster. [1] At night there was no effect. [1]\n\n"
        "One empty shell sets off 4.2 moves on average. [2]\n\n"
        "**References**\n\n"
        "[1] Ada Strand, Björn Öre and Carmen Ruiz (2021). Tidal Pools as Classrooms: Learning Rates of Hermit Crabs. "
        "Journal of Shore Studies. <https://example.org/crabs?a=1&b=2>\n\n"
        f"> {FASTER.text}\n>\n> {NIGHT.text}\n\n"
        "[2] Dilek Aydın (2019). Shell Vacancy Chains in Crowded Coves. Proceedings of the Cove Conference.\n\n"
        f"> {MOVES.text}\n"
    )


def test_markdown_keeps_the_numbers_when_they_have_gaps() -> None:
    answer = make_answer()
    only_second = replace(answer, sentences=answer.sentences[2:], citations=answer.citations[2:])
    html = MarkdownIt().render(to_markdown(only_second))
    assert "[2] Dilek" in html
    assert "<ol" not in html


def test_markdown_of_a_refusal_names_the_nearest_papers() -> None:
    text = to_markdown(make_refusal(), BY_ID)
    assert text.startswith("Nothing in this library is about it.\n\n**Nearest papers**\n\n- Dilek Aydın (2019)")
    assert "A Paper Without an Abstract" in text
    assert "Nearest" not in to_markdown(make_refusal())


@given(st.text(max_size=60))
def test_markdown_shows_any_text_as_it_stands(text: str) -> None:
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(f"a {markdown(text)}")
    seen = Markup(html)
    assert {tag for tag, _ in seen.tags} <= {"p"}
    assert seen.text.split() == ["a", *clean(text).split()]


@pytest.mark.parametrize("text", ["1. one", "- item", "# head", "> quote", "+ x", "===", "12) z", "    code", HOSTILE])
def test_markdown_makes_no_block_of_the_beginning_of_a_text(text: str) -> None:
    assert {tag for tag, _ in Markup(MarkdownIt().render(markdown(text))).tags} == {"p"}


# Plain text


def test_plain_text_is_wrapped_and_has_references() -> None:
    text = to_plain(make_answer(), width=60)
    assert max(map(len, text.splitlines())) <= 60
    assert "faster. [1]" in " ".join(text.split())
    assert re.search(r"^\[2\] Dilek Aydın \(2019\)\.", text, re.MULTILINE)
    assert f"“{MOVES.text}”" in " ".join(text.split())


def test_plain_text_drives_no_terminal() -> None:
    evil = "\x1b[2J\x1b]0;owned\x07 \u202edrowssap\u202c \x9b31m"
    paper = Paper("e", f"Title {evil}", f"Abstract {evil}.", (evil,))
    quote = paper.abstract
    answer = Answer(
        evil,
        evil,
        (AnswerSentence(evil, (1,), Verdict.SUPPORTED),),
        (Citation(1, "e", 0, quote, 0, len(quote), Verdict.SUPPORTED),),
        (Evidence(1, paper, (), 1.0),),
        None,
        make_trace(notes=(evil,)),
    )
    for text in (to_plain(answer), to_markdown(answer), answer_html(answer), evidence_html(answer, 1)):
        assert not set(text) & set("\x1b\x07\x9b\u202e\u202c")


def test_plain_text_of_a_refusal_and_its_nearest_papers() -> None:
    assert to_plain(make_refusal(), BY_ID).splitlines()[:3] == [
        "Nothing in this library is about it.",
        "",
        "Nearest papers:",
    ]


def test_notes_of_the_trace_are_told() -> None:
    answer = make_answer(notes=("The check left nothing of the model's answer; quotes stand in its place.",))
    assert "Note: The check left nothing" in to_plain(answer)
    assert "The check left nothing" in Markup(answer_html(answer)).text


# HTML


def test_html_numbers_are_buttons_that_know_their_sentence() -> None:
    chips = [attributes for tag, attributes in Markup(answer_html(make_answer(), turn=4)).tags if tag == "button"]
    assert [(c["data-turn"], c["data-sentence"], c["data-number"]) for c in chips] == [
        ("4", "0", "1"),
        ("4", "1", "1"),
        ("4", "2", "2"),
    ]
    assert chips[2]["aria-label"] == (
        "Footnote 2: Shell Vacancy Chains in Crowded Coves (supported by the abstract). Show the sentence."
    )


@pytest.mark.parametrize("verdict", list(Verdict))
def test_html_tells_the_verdicts_apart(verdict: Verdict) -> None:
    answer = make_answer()
    marked = replace(answer, sentences=(replace(answer.sentences[0], verdict=verdict),), citations=())
    html = answer_html(marked)
    assert f'class="fn-sentence fn-{verdict}"' in html
    assert ("not supported" in Markup(html).text) == (verdict is Verdict.UNSUPPORTED)


def test_evidence_marks_the_sentence_of_the_chosen_footnote_and_no_other() -> None:
    html = evidence_html(make_answer(), number=1, sentence=1)
    opened = re.findall(r'<article class="fn-card fn-chosen".*?</article>', html)
    assert len(opened) == 1
    assert re.findall(r'<mark class="fn-support">(.*?)</mark>', opened[0]) == [NIGHT.text]
    assert "<details open>" in opened[0]


def test_evidence_marks_overlapping_quotes_once_and_ignores_offsets_outside() -> None:
    answer = make_answer()
    abstract = PAPERS[0].abstract
    wide = replace(answer.citations[0], start=FASTER.start + 10, end=NIGHT.end)
    astray = replace(answer.citations[0], start=len(abstract) - 3, end=len(abstract) + 50)
    html = evidence_html(replace(answer, citations=(answer.citations[0], wide, astray)), number=1, sentence=0)
    assert re.findall(r'<mark class="fn-support">(.*?)</mark>', html) == [abstract[FASTER.start : NIGHT.end]]


def test_evidence_separates_what_was_read_from_what_is_cited() -> None:
    html = evidence_html(make_answer())
    assert html.index(PAPERS[1].title) < html.index("Also read, not cited") < html.index(PAPERS[3].title)
    assert [item.number for item in cited(make_answer())] == [1, 2]


HTML_TAGS = {
    "div", "p", "span", "sup", "button", "article", "h3", "a", "blockquote", "details", "summary", "mark", "em", "ul",
    "li", "strong",
}  # fmt: skip


@given(st.text(max_size=80).map(lambda text: f"{text}<i onclick='x'>\"&lt;"))
def test_html_makes_no_markup_of_any_text(text: str) -> None:
    paper = Paper("x", text, text, (text,), 2020, text, f"javascript:{text}", text)
    answer = Answer(
        text,
        text,
        (AnswerSentence(text, (1,), Verdict.UNSUPPORTED),),
        (Citation(1, "x", 0, text, 0, len(text), Verdict.WEAK),),
        (Evidence(1, paper, (), 1.0),),
        None,
        make_trace(notes=(text,)),
    )
    for html in (answer_html(answer), evidence_html(answer, 1, 0), evidence_html(answer)):
        seen = Markup(html)
        assert {tag for tag, _ in seen.tags} <= HTML_TAGS
        assert not any(name.startswith("on") for _, attributes in seen.tags for name in attributes)
        assert not any("javascript" in (attributes.get("href") or "") for _, attributes in seen.tags)


def test_html_of_a_hostile_answer_keeps_the_whole_text() -> None:
    assert HOSTILE in Markup(answer_html(make_hostile_answer("?"))).text


def test_sentences_are_grouped_as_the_text_is() -> None:
    assert [[i for i, _ in block.sentences] for block in blocks(make_answer())] == [[0, 1], [2]]
    listed = replace(make_answer(), sentences=(), citations=(), text="459 papers, checked 459 of 459.\n2020: 12\n")
    assert [s.text for block in blocks(listed) for _, s in block.sentences] == [
        "459 papers, checked 459 of 459.",
        "2020: 12",
    ]
    assert "2020: 12" in Markup(answer_html(listed)).text


# Bibliographies

AWKWARD = Paper(
    "id/1",
    "50% of {A} & B_1 cost $5 # ~ ^ \\ } “quoted” Łódź α 王",
    "First line.\nSecond } line.",
    ("van der Berg, Élodie", "王小明", "Research and Development Group"),
    2020,
    "Proceedings of the 3rd Workshop on X & Y",
    "https://example.org/a_b?c=%7E&d={e}",
    "https://doi.org/10.1000/xyz_1",
)


def parse_bibtex(text: str) -> list[dict[str, str]]:
    from bibtexparser.middlewares import LatexDecodingMiddleware

    library = bibtexparser.parse_string(text, append_middleware=[LatexDecodingMiddleware(keep_math_mode=False)])
    assert not library.failed_blocks
    return [{"key": e.key, "type": e.entry_type, **{f.key: f.value for f in e.fields}} for e in library.entries]


def test_bibtex_survives_its_own_parser() -> None:
    awkward, plain = parse_bibtex(to_bibtex([AWKWARD, PAPERS[0]]))
    assert awkward["type"] == "inproceedings"
    # The parser reads LaTeX's circumflex as a modifier letter and keeps the braces around the title.
    assert awkward["title"].replace("ˆ", "^") == AWKWARD.title
    assert awkward["author"].startswith("van der Berg, Élodie and 王小明 and ")
    assert "Research and Development Group" in awkward["author"]
    assert awkward["booktitle"] == AWKWARD.venue
    assert awkward["doi"].replace("\\", "") == "10.1000/xyz_1"
    assert awkward["abstract"] == "First line. Second } line."
    assert (plain["type"], plain["key"], plain["year"]) == ("article", "strand2021tidal", "2021")


@given(st.lists(st.text(min_size=1, max_size=40), min_size=2, max_size=2))
def test_no_title_breaks_the_next_entry_of_a_bibtex_file(titles: list[str]) -> None:
    papers = [Paper(str(i), title, title, (title,), None, title, title, title) for i, title in enumerate(titles)]
    assert len(parse_bibtex(to_bibtex([*papers, PAPERS[1]]))) == 3


def test_citation_keys_are_different_and_plain() -> None:
    papers = [replace(PAPERS[0], id=str(i)) for i in range(3)] + [Paper("x", "王"), Paper("y", "The ...")]
    assert citation_keys(papers) == ["strand2021tidal", "strand2021tidal-2", "strand2021tidal-3", "paper", "paper-2"]


def test_bibtex_without_abstracts_leaves_them_out() -> None:
    assert "abstract" in to_bibtex(PAPERS[:1])
    assert "abstract" not in to_bibtex(PAPERS[:1], whole=False)


def test_ris_survives_its_own_parser() -> None:
    awkward, plain = rispy.loads(to_ris([AWKWARD, PAPERS[0]]))
    assert awkward["title"] == AWKWARD.title
    assert awkward["abstract"] == "First line. Second } line."
    assert awkward["authors"][0] == "van der Berg, Élodie"
    assert awkward["doi"] == "10.1000/xyz_1"
    assert plain["authors"] == ["Strand, Ada", "Öre, Björn", "Ruiz, Carmen"]
    assert plain["type_of_reference"] == "JOUR"


def test_ris_fields_cannot_forge_records() -> None:
    forged = Paper("1", "Title\nER  - \nTY  - JOUR\nTI  - Forged")
    assert len(rispy.loads(to_ris([forged, PAPERS[1]]))) == 2


def test_csl_json_is_what_the_schema_wants() -> None:
    item, bare = json.loads(to_csl_json([AWKWARD, PAPERS[3]]))
    assert item["type"] == "paper-conference"
    assert item["author"][0] == {"family": "van der Berg", "given": "Élodie"}
    assert item["author"][1] == {"literal": "王小明"}
    assert item["issued"] == {"date-parts": [[2020]]}
    assert bare.pop("custom").keys() == {"footnote-kept"}  # that its type is a guess
    assert bare == {"id": "p4", "type": "article", "title": "A Paper Without an Abstract"}


def test_a_markdown_list_has_one_line_a_paper() -> None:
    assert to_markdown_list(PAPERS).count("\n- ") == 3
    assert {tag for tag, _ in Markup(MarkdownIt().render(to_markdown_list(PAPERS))).tags} == {"ul", "li", "a"}


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_format_takes_no_papers_and_papers_of_one_field(name: str) -> None:
    assert FORMATS[name]([]).strip() in ("", "[]")
    assert "Only a title" in FORMATS[name]([Paper("x", "Only a title")])


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        ({"url": "https://example.org/a?b=1"}, "https://example.org/a?b=1"),
        ({"url": "javascript:alert(1)"}, ""),
        ({"url": "file:///etc/passwd"}, ""),
        ({"url": "https://example.org/<script>"}, ""),
        ({"doi": "doi:10.1000/a(b)c"}, "https://doi.org/10.1000/a(b)c"),
        ({"doi": 'https://dx.doi.org/10.1000/"onload'}, "https://doi.org/10.1000/%22onload"),
        ({"doi": "not a doi"}, ""),
    ],
)
def test_only_addresses_of_the_web_become_links(fields: dict[str, Any], address: str) -> None:
    assert web_address(Paper("x", "T", **fields)) == address


def test_a_long_list_of_authors_is_cut_and_counted() -> None:
    assert byline(Paper("x", "T", authors=("A", "B"))) == "A and B"
    assert byline(Paper("x", "T", authors=tuple("ABCDEFGH"))) == "A, B, C, D, E, F and 2 more"
    assert byline(Paper("x", "T")) == ""
