"""Lists, comparisons and reviews as text, JSON, Markdown, HTML and files."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rag.datatypes import Answer, Citation, Coverage, Evidence, Paper, Verdict
from rag.history.models import Conversation, ConversationInfo, KeptTurn, LibraryMark
from rag.history.serialisation import answer_from_record, answer_to_record
from rag.output.exports import export
from rag.output.footnote_html import footnote_html, stops
from rag.output.layout import answer_text, blocks, grid, more_papers
from rag.output.presentation import cited, to_json, to_markdown, to_plain
from rag.output.presentation_html import answer_html
from rag.output.trace_html import why_html
from tests.browser.fakes import BY_ID, HOSTILE, NIGHT, PAPERS, make_answer, make_structured
from tests.test_presentation import HTML_TAGS, Markup

LISTED = make_structured("papers", "Tidal Pools", "Tidal Pools", "Vacancy Chains")
COMPARED = make_structured("compare", "Speed", "Limits", "Speed")
REVIEWED = make_structured("review", "Learning", "Learning", "Moves")
ALL = {"papers": LISTED, "compare": COMPARED, "review": REVIEWED}


def exported(answer: Answer, format: str) -> str:
    info = ConversationInfo("c1", "Crabs", LibraryMark("/home/ada/papers", "papers", "f" * 8), 0.0, 0.0, 1)
    return export(Conversation(info, (KeptTurn("Do crabs learn?", answer=answer),)), format, BY_ID)["crabs." + {
        "markdown": "md", "pandoc": "md", "html": "html", "json": "json"}[format]]  # fmt: skip


def test_a_list_has_a_line_for_each_paper() -> None:
    assert LISTED.text.splitlines() == [
        "Four of the 459 papers fit; two are cited.",
        "- Tidal Pools: Crabs that watched a neighbour chose a fitting shell 31% faster [1]. "
        "At night there was no effect [1].",
        "- Vacancy Chains: One empty shell sets off 4.2 moves on average [2]. (contradicted by [1])",
        "No abstract here speaks of whelks.",
    ]


def test_sentences_without_a_section_are_running_text() -> None:
    text = answer_text(make_answer().sentences, "answer", closing=["The end."])
    assert text == (
        "Crabs that watched a neighbour chose a fitting shell 31% faster [1]. At night there was no effect [1]. "
        "One empty shell sets off 4.2 moves on average [2].\nThe end."
    )


def test_sections_begin_lines_of_other_answers() -> None:
    assert [line.partition(":")[0] for line in REVIEWED.text.splitlines()[1:-1]] == ["Learning", "Moves"]


def test_two_papers_of_one_short_name_stay_two_items() -> None:
    same = make_structured("papers", "Crabs", "Crabs", "Crabs")
    assert [[at for at, _ in block.sentences] for block in blocks(same)] == [[0, 1], [2]]


def test_the_lead_is_no_sentence_of_running_text() -> None:
    """A lead that has the words of a sentence does not shift where paragraphs are found."""
    answer = make_answer()
    lead = answer.sentences[1].text
    led = replace(answer, lead=lead, text=f"{lead}\n{answer.text}")
    assert [[at for at, _ in block.sentences] for block in blocks(led)] == [[0, 1], [2]]


def test_a_comparison_has_a_column_for_each_paper() -> None:
    table = grid(make_structured("compare", "Speed", "Limits", "Limits"))
    assert table is not None
    assert table.columns == (1, 2)
    cells = [(aspect, [[at for at, _ in cell] for cell in row]) for aspect, row in table.rows]
    assert cells == [("Speed", [[0], []]), ("Limits", [[1], [2]])]
    assert grid(LISTED) is None


def test_json_carries_sections_and_coverage() -> None:
    done = to_json(REVIEWED)
    assert [s.get("section") for s in done["sentences"]] == ["Learning", "Learning", "Moves"]
    assert [s.get("against") for s in done["sentences"]] == [None, None, [1]]
    assert done["coverage"] == {
        "considered": 20,
        "fitting": 4,
        "cited": 2,
        "not_cited": [{"paper_id": "p3", "title": PAPERS[2].title}, {"paper_id": "p4", "title": PAPERS[3].title}],
    }
    assert (done["lead"], done["closing"]) == (REVIEWED.lead, list(REVIEWED.closing))
    assert done["trace"]["reading"] == {"kind": "review"}
    assert not {"coverage", "lead", "closing"} & set(to_json(make_answer()))


@pytest.mark.parametrize("kind", ALL)
def test_every_kind_comes_back_from_the_history(kind: str) -> None:
    assert answer_from_record(answer_to_record(ALL[kind])) == ALL[kind]


@pytest.mark.parametrize("kind", ALL)
def test_every_format_has_lead_sentences_closing_and_what_was_left_out(kind: str) -> None:
    answer = ALL[kind]
    texts = [to_plain(answer), to_markdown(answer), Markup(answer_html(answer)).text]
    texts += [exported(answer, "markdown"), exported(answer, "pandoc"), Markup(exported(answer, "html")).text]
    for text in texts:
        flat = " ".join(text.replace("\\", "").split())
        order = [answer.lead, answer.sentences[0].text.rstrip("."), answer.closing[0], "2 more that may fit"]
        assert sorted(order, key=flat.index) == order, flat
        assert "contradicted by" in flat
        assert all(section in flat for section in {s.section for s in answer.sentences})


def test_plain_lists_are_bullets() -> None:
    assert re.search(r"^- Vacancy Chains: One empty shell", to_plain(LISTED), re.MULTILINE)


def test_markdown_shapes() -> None:
    def tags(text: str) -> list[str]:
        return [tag for tag, _ in Markup(MarkdownIt().enable("table").render(text)).tags]

    assert tags(to_markdown(LISTED)).count("li") == 4  # two papers, and two that may fit
    assert tags(to_markdown(COMPARED)).count("th") == 3
    assert tags(to_markdown(REVIEWED)).count("h3") == 2


def test_html_shapes() -> None:
    def tags(answer: Answer) -> list[str]:
        return [tag for tag, _ in Markup(answer_html(answer)).tags]

    assert tags(LISTED).count("strong") == 2
    assert tags(REVIEWED).count("h3") == 2
    table = Markup(answer_html(COMPARED))
    assert [a.get("scope") for tag, a in table.tags if tag == "th"] == ["col", "col", "row", "row", "row"]
    assert all("details" in tags(answer) for answer in ALL.values())


def test_a_contradicting_paper_is_a_footnote_that_opens() -> None:
    assert (2, 1) in stops(LISTED)
    opened = footnote_html(LISTED, 0, 1, 2)
    assert "Contradicted by the abstract" in Markup(opened).text
    assert f'<mark class="fn-support">{NIGHT.text}</mark>' in opened
    alone = replace(LISTED, sentences=LISTED.sentences[2:])
    assert [item.number for item in cited(alone)] == [1, 2]


@given(st.text(max_size=40).map(lambda text: f"{text}<i onclick='x'>{HOSTILE}|\n# x"), st.sampled_from(list(ALL)))
def test_no_heading_lead_or_title_makes_markup(text: str, kind: str) -> None:
    made = make_structured(kind, text, text, text)
    paper = Paper("x", text, text)
    answer = replace(
        made,
        lead=text,
        closing=(text,),
        coverage=Coverage(1, 1, 1, ((text, text),)),
        evidence=tuple(Evidence(n, paper, (), 1.0) for n in (1, 2)),
        citations=(Citation(1, "x", 0, text, 0, len(text), Verdict.SUPPORTED),),
    )
    seen = Markup(answer_html(answer))
    assert {tag for tag, _ in seen.tags} <= HTML_TAGS | {"table", "thead", "tbody", "tr", "th", "td"}
    assert not any(name.startswith("on") for _, attributes in seen.tags for name in attributes)
    drawn = Markup(MarkdownIt().enable("table").render(to_markdown(answer)))
    assert not {"img", "script", "i", "h1"} & {tag for tag, _ in drawn.tags}


def test_nothing_left_out_is_not_told() -> None:
    assert more_papers(make_answer()) == ("", ())
    assert "more that may fit" not in answer_html(replace(LISTED, coverage=Coverage(3, 2, 2)))


def test_the_trace_says_how_many_papers_were_judged() -> None:
    told = Markup(why_html(LISTED, BY_ID)).text
    assert "20, of which 4 fit and 2 are cited" in told
    assert "Papers judged" not in Markup(why_html(make_answer(), BY_ID)).text
