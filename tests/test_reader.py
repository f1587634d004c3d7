"""One footnote opened, why an answer came about, and asking again; without a browser."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.datatypes import Answer, AnswerSentence, Citation, Evidence, Message, Paper, Sentence, Verdict
from rag.output.footnote_html import footnote_html, paper_behind, paper_html, stops
from rag.output.replay import compare, same
from rag.output.trace_html import why_html
from rag.retrieval.related import Related
from rag.ui.conversation import Turn, asked_again
from tests.browser.fakes import BY_ID, FASTER, MOVES, NIGHT, PAPERS, make_answer, make_refusal, make_trace
from tests.test_presentation import Markup

# Opened footnotes


def test_footnotes_are_counted_in_reading_order() -> None:
    assert stops(make_answer()) == [(0, 1), (1, 1), (2, 2)]
    assert stops(make_refusal(), BY_ID) == [(None, 1), (None, 2)]


def marked(html: str) -> list[str]:
    return re.findall(r'<mark class="fn-support">(.*?)</mark>', html)


def test_a_footnote_marks_its_own_sentence_and_a_paper_all_of_its() -> None:
    answer = make_answer()
    assert marked(footnote_html(answer, 0, 1, 0)) == [FASTER.text]
    assert marked(footnote_html(answer, 0, 1, 1)) == [NIGHT.text]
    assert marked(footnote_html(answer, 0, 2, 2)) == [MOVES.text]
    assert marked(footnote_html(answer, 0, 1, None)) == [FASTER.text, NIGHT.text]
    assert "3 of 3" in footnote_html(answer, 0, 2, 2)


def test_a_footnote_that_does_not_exist_is_nothing() -> None:
    assert footnote_html(make_answer(), 0, 9, 0) == ""
    assert footnote_html(make_refusal(), 0, 3, None, BY_ID) == ""
    assert paper_behind(make_refusal(), 0, BY_ID) is None
    assert paper_behind(make_refusal(), 2, BY_ID) == PAPERS[3]


def test_a_paper_by_itself_has_marks_where_they_are_wanted() -> None:
    html = paper_html(PAPERS[0], [Related(PAPERS[1], 0.5)], [(NIGHT.start, NIGHT.end)])
    assert marked(html) == [NIGHT.text]
    assert "similarity 0.50" in html
    assert "Next footnote" not in html


# Why


def test_why_names_what_the_answer_was_made_from() -> None:
    answer = make_answer(
        prompt=(Message("system", "Be brief."),),
        retrieved=({"paper_id": "gone", "score": 1.0, "dense": None, "lexical": 3.0},),
        chosen=(
            {"paper_id": "p1", "start": NIGHT.start, "probability": 0.75, "taken": True},
            {"paper_id": None, "probability": 0.25, "taken": False},
        ),
    )
    text = Markup(why_html(answer, BY_ID, "Tiny-Instruct")).text
    for expected in ("Tiny-Instruct", "Be brief.", "gone", f"0.75 {NIGHT.text} (taken)", "0.25 none of them answers"):
        assert expected in text
    assert "Rerank" not in text  # a column for what the trace has, and for nothing else


def test_why_of_a_bare_trace_has_no_empty_parts() -> None:
    html = why_html(make_refusal(), {})
    assert "<h3>Prompt" not in html
    assert "<h3>Candidates" not in html
    assert "<ul></ul>" not in html


@given(st.text(max_size=60).map(lambda text: f"{text}<i onclick='x'>\"&lt;"))
def test_no_text_makes_markup(text: str) -> None:
    paper = Paper(text, text, text, (text,), 2020, text, f"javascript:{text}", text)
    answer = Answer(
        text,
        text,
        (AnswerSentence(text, (1,), Verdict.WEAK),),
        (Citation(1, text, 0, text, 0, len(text), Verdict.WEAK, 0.5),),
        (Evidence(1, paper, (Sentence(text, 0, len(text)),), 1.0, (1.0,)),),
        None,
        make_trace(
            notes=(text,), dropped=(text,), model=text, scope=text, question_rewritten=text,
            prompt=(Message(text, text),), retrieved=({"paper_id": text, "score": 0.1},),
            chosen=({"paper_id": text, "start": 0, "probability": 0.5},), timings_ms={text: 1.0}, settings={text: text},
        ),
    )  # fmt: skip
    related = [Related(paper, 0.5)]
    for html in (
        footnote_html(answer, 0, 1, 0, {}, related),
        why_html(answer, {text: paper}),
        paper_html(paper, related),
    ):
        seen = Markup(html)
        assert not {tag for tag, _ in seen.tags} & {"i", "script", "img", "iframe"}
        assert not any(name.startswith("on") for _, attributes in seen.tags for name in attributes)
        assert not any("javascript" in (attributes.get("href") or "") for _, attributes in seen.tags)


# Ask again


def test_the_same_answer_is_called_the_same_whatever_it_took() -> None:
    again = make_answer(timings_ms={"retrieve": 99.0})
    assert same(make_answer(), again)
    assert compare(make_answer(), again) == "Asked again: the same answer, every sentence and every footnote."


@pytest.mark.parametrize("what", ["text", "number", "span"])
def test_a_changed_word_number_or_span_is_another_answer(what: str) -> None:
    answer = make_answer()
    first, *rest = answer.sentences
    other = {
        "text": replace(answer, sentences=(replace(first, text="Crabs do not learn."), *rest)),
        "number": replace(answer, sentences=(replace(first, citations=(2,)), *rest)),
        "span": replace(answer, citations=(replace(answer.citations[0], start=1), *answer.citations[1:])),
    }[what]
    assert not same(answer, other)
    assert "the answer has changed" in compare(answer, other)


def test_what_was_different_is_named() -> None:
    other = replace(make_answer(model="tiny", model_sha256="a", mode="cite"), sentences=())
    said = compare(make_answer(), other)
    assert "another model; another way of writing." in said
    assert "file of the model" not in said
    assert compare(make_refusal("Q?"), make_answer("Q?")).startswith("Asked again: it was refused before.")
    assert compare(make_answer("Q?"), make_refusal("Q?")).startswith("Asked again: it was answered before.")


def test_an_answer_survives_that_asking_again_failed() -> None:
    before = Turn("Q?", "quote", "quote", answer=make_answer("Q?"))
    failed = asked_again(before, Turn("Q?", "quote", "quote", error="The library is locked. Wait."))
    assert failed.answer == before.answer
    assert failed.replay == "Asking again failed: The library is locked. Wait. This is the answer from before."
    nothing = Turn("Q?", "quote", "quote", error="No.")
    assert asked_again(nothing, before) == before
