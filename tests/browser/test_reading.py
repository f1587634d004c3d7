"""Reading and checking an answer in a real browser: footnotes, verdicts, why, ask again, what to ask next."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from rag.datatypes import Message, Stage
from tests.browser.conftest import Answerers, ask
from tests.browser.fakes import (
    ARABIC,
    FASTER,
    FORMULA,
    LONG_TITLE,
    MOVES,
    NIGHT,
    ODD_PAPERS,
    PAPERS,
    FakeAnswerer,
    Hold,
    make_answer,
    make_odd_answer,
    make_refusal,
)

pytestmark = pytest.mark.browser


def answered(page: Any, question: str = "Do crabs learn?") -> Any:
    """The page after a question; returns its footnote numbers."""
    ask(page, question)
    expect(page.locator(".fn-answer").last).to_be_visible()
    return page.locator(".fn-cite")


def test_a_footnote_shows_its_sentence_the_verdict_and_the_score(page: Any, answerer: FakeAnswerer) -> None:
    answered(page).nth(1).click()
    reader = page.locator(".fn-reader")
    expect(reader).to_contain_text("Footnote 2 of 3")
    expect(reader.locator(".fn-claim")).to_contain_text("At night there was no effect.")
    expect(reader.locator(".fn-verdict")).to_have_text("Weakly supported by the abstractscore 0.50")
    expect(reader.locator("mark.fn-support")).to_have_text(NIGHT.text)
    expect(page.locator(".fn-all")).to_be_hidden()


def test_footnotes_are_walked_and_closed_from_the_keyboard(page: Any, answerer: FakeAnswerer) -> None:
    chips = answered(page)
    chips.first.focus()
    page.keyboard.press("Enter")
    marked = page.locator(".fn-reader mark.fn-support")
    expect(marked).to_have_text(FASTER.text)
    expect(page.locator(".fn-chosen")).to_be_focused()
    page.keyboard.press("]")
    expect(marked).to_have_text(NIGHT.text)
    page.keyboard.press("ArrowRight")
    expect(marked).to_have_text(MOVES.text)
    expect(chips.nth(2)).to_have_class(re.compile("fn-active"))
    page.keyboard.press("]")  # there is none after the last
    expect(page.locator(".fn-reader")).to_contain_text("3 of 3")
    page.keyboard.press("[")
    expect(marked).to_have_text(NIGHT.text)
    page.keyboard.press("Escape")
    expect(page.locator(".fn-reader")).to_be_hidden()
    expect(page.locator(".fn-all .fn-card").first).to_be_visible()
    expect(chips.nth(1)).to_be_focused()
    page.keyboard.press("Enter")  # the same again, though the server has nothing new to say
    expect(marked).to_have_text(NIGHT.text)
    expect(marked).to_be_visible()


def test_footnotes_are_walked_and_closed_by_buttons(page: Any, answerer: FakeAnswerer) -> None:
    answered(page).first.click()
    marked = page.locator(".fn-reader mark.fn-support")
    page.get_by_role("button", name="Next footnote").click()
    expect(marked).to_have_text(NIGHT.text)
    page.get_by_role("button", name="Previous footnote").click()
    expect(marked).to_have_text(FASTER.text)
    page.get_by_role("button", name="Close (Escape)").click()
    expect(page.locator(".fn-reader")).to_be_hidden()


def test_letters_typed_into_the_box_walk_nowhere(page: Any, answerer: FakeAnswerer) -> None:
    answered(page).first.click()
    expect(page.locator(".fn-reader")).to_contain_text("1 of 3")
    page.locator("#fn-box textarea").press_sequentially("a[1] ]")
    expect(page.locator("#fn-box textarea")).to_have_value("a[1] ]")
    expect(page.locator(".fn-reader")).to_contain_text("1 of 3")


def test_hovering_or_focusing_a_number_shows_the_sentence(page: Any, answerer: FakeAnswerer) -> None:
    chips = answered(page)
    tip = page.locator("#fn-tip")
    chips.nth(2).hover()
    expect(tip).to_be_visible()
    expect(tip).to_have_attribute("role", "tooltip")
    expect(tip).to_contain_text(MOVES.text)
    expect(tip).to_contain_text(PAPERS[1].title)
    expect(chips.nth(2)).to_have_attribute("aria-describedby", "fn-tip")
    page.locator(".fn-question").hover()
    expect(tip).to_be_hidden()
    page.locator("#fn-box textarea").focus()
    for _ in range(20):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.matches('.fn-cite')"):
            break
    expect(tip).to_contain_text(MOVES.text)
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()


def test_the_marked_sentence_of_a_long_abstract_is_scrolled_to(
    served: tuple[str, Answerers], answerer: FakeAnswerer, open_page: Callable[..., Any]
) -> None:
    long = replace(PAPERS[0], abstract="We begin far away. " * 150 + PAPERS[0].abstract)
    shift = len(long.abstract) - len(PAPERS[0].abstract)
    answer = make_answer()
    moved = tuple(
        replace(c, start=c.start + shift, end=c.end + shift) if c.number == 1 else c for c in answer.citations
    )
    evidence = (replace(answer.evidence[0], paper=long), *answer.evidence[1:])
    answerer.scripts["Long?"] = [replace(answer, citations=moved, evidence=evidence)]
    for width in (1280, 360):
        page = open_page(served[0], width, 700)
        answered(page, "Long?").nth(1).click()
        mark = page.locator(".fn-reader mark.fn-support")
        expect(mark).to_have_text(NIGHT.text)
        expect(mark).to_be_in_viewport(ratio=0.9)
        page.close()


def test_verdicts_are_counted_and_what_was_dropped_is_shown_on_demand(page: Any, answerer: FakeAnswerer) -> None:
    answerer.scripts["Dropped?"] = [make_answer("Dropped?", dropped=("Crabs can fly <b>at night</b>.",))]
    answered(page, "Dropped?")
    expect(page.locator(".fn-tally")).to_have_text(["2 supported", "1 weakly supported"])
    dropped = page.locator(".fn-dropped li")
    expect(dropped).to_be_hidden()
    page.get_by_text("1 sentence dropped").click()
    expect(dropped).to_have_text("Crabs can fly <b>at night</b>.")


def test_why_this_answer_lays_the_trace_open(page: Any, answerer: FakeAnswerer) -> None:
    answerer.scripts["Why?"] = [
        make_answer(
            "Why?", question_rewritten="do hermit crabs learn", model="tiny", model_sha256="ab" * 32, seed=7,
            prompt=(Message("system", "Cite <everything>."), Message("user", "Do crabs learn?")),
            retrieved=(
                {"paper_id": "p1", "score": 0.0325, "dense": 0.61, "lexical": 14.25},
                {"paper_id": "p4", "score": 0.0161, "dense": None, "lexical": 2.5},
            ),
            timings_ms={"retrieve": 12.5, "write": 140.0, "total": 160.25},
        )
    ]  # fmt: skip
    answered(page, "Why?")
    body = page.locator(".fn-why-body")
    expect(body).to_be_hidden()
    page.get_by_text("Why this answer").click()
    for text in ("do hermit crabs learn", "ab" * 32, "ffffffff", "Cite <everything>.", "140 ms", "160 ms"):
        expect(body).to_contain_text(text)
    rows = body.locator("tbody").first.locator("tr")
    expect(body.locator("thead th")).to_have_text(["Rank", "Paper", "Fused", "Dense", "Lexical", "Used as"])
    expect(rows.nth(0).locator("td, th")).to_have_text(["1", PAPERS[0].title, "0.033", "0.610", "14.2", "[1]"])
    expect(rows.nth(1).locator("td, th")).to_have_text(["2", PAPERS[3].title, "0.016", "–", "2.500", "[3]"])
    page.evaluate("document.activeElement.blur()")


def test_ask_again_says_whether_the_answer_is_the_same(page: Any, answerer: FakeAnswerer) -> None:
    answered(page)
    again = page.get_by_role("button", name="Ask again")
    again.click()
    expect(page.locator(".fn-replay")).to_have_text("Asked again: the same answer, every sentence and every footnote.")
    other = make_answer("Do crabs learn?", library="e" * 8)
    answerer.scripts["Do crabs learn?"] = [replace(other, sentences=other.sentences[:1], citations=other.citations[:1])]
    again.click()
    expect(page.locator(".fn-replay")).to_contain_text("the answer has changed; 1 of 1 sentences are the same.")
    expect(page.locator(".fn-replay")).to_contain_text("the library has changed")
    expect(page.locator(".fn-question")).to_have_count(1)


def test_stopping_to_ask_again_keeps_the_answer_that_was_there(page: Any, answerer: FakeAnswerer) -> None:
    answered(page)
    answerer.scripts["Do crabs learn?"] = [Stage("retrieve"), Hold(20)]
    page.get_by_role("button", name="Ask again").click()
    page.locator("#fn-stop").click()
    expect(page.locator(".fn-replay")).to_contain_text("Asking again was stopped. This is the answer from before.")
    expect(page.locator(".fn-cite")).to_have_count(3)


def test_nearest_papers_stand_below_the_abstract_and_open(page: Any, answerer: FakeAnswerer) -> None:
    answerer.related = PAPERS[:3]
    answered(page).first.click()
    nearest = page.locator(".fn-related .fn-nearest")
    expect(nearest).to_have_text([PAPERS[1].title, PAPERS[2].title])
    expect(page.locator(".fn-related")).to_contain_text("2019 · similarity 0.71")
    nearest.first.click()
    expect(page.locator(".fn-chosen h3")).to_have_text(PAPERS[1].title)
    expect(page.locator(".fn-chosen .fn-abstract")).to_have_text(PAPERS[1].abstract)
    expect(page.locator(".fn-related .fn-nearest")).to_have_text([PAPERS[0].title, PAPERS[2].title])
    page.get_by_role("button", name="Summarise this paper").click()
    expect(page.locator(".fn-question").last).to_have_text(f"Summarise “{PAPERS[1].title}”.")
    expect(page.locator(".fn-answer")).to_have_count(2)


def test_questions_that_may_come_next_ask_themselves(page: Any, answerer: FakeAnswerer) -> None:
    answerer.follow_ups = ("And <b>at night</b>?", "How far do crabs walk?")
    answered(page)
    offered = page.locator(".fn-next .fn-example")
    expect(offered).to_have_text(list(answerer.follow_ups))
    offered.first.click()
    expect(page.locator(".fn-question").last).to_have_text("And <b>at night</b>?")
    expect(offered).to_have_text(["How far do crabs walk?"])
    page.get_by_role("button", name="New conversation").click()
    expect(offered).to_have_count(0)


def test_the_nearest_papers_of_a_refusal_are_walked_too(page: Any, answerer: FakeAnswerer) -> None:
    answerer.scripts["Who won?"] = [make_refusal("Who won?")]
    answered(page, "Who won?")
    page.locator(".fn-refusal .fn-nearest").first.click()
    expect(page.locator(".fn-reader")).to_contain_text("Nearest paper 1 of 2")
    page.keyboard.press("]")
    expect(page.locator(".fn-chosen h3")).to_contain_text(PAPERS[3].title)
    expect(page.locator(".fn-chosen")).to_contain_text("The library holds no abstract of this paper.")


@pytest.mark.parametrize("width", [360, 1280])
def test_odd_texts_keep_their_direction_and_break_no_layout(
    served: tuple[str, Answerers], answerer: FakeAnswerer, open_page: Callable[..., Any], width: int, screenshots: Path
) -> None:
    answerer.scripts["Odd?"] = [make_odd_answer("Odd?")]
    answerer.related = ODD_PAPERS
    page = open_page(served[0], width, 800)
    chips = answered(page, "Odd?")
    sentences = page.locator(".fn-answer > p")
    expect(sentences.nth(0)).to_contain_text(ARABIC)
    expect(sentences.nth(1)).to_contain_text(FORMULA)
    directions = sentences.evaluate_all("all => all.map((e) => getComputedStyle(e).direction)")
    assert directions == ["rtl", "ltr", "ltr"]
    for index, paper in enumerate(ODD_PAPERS):
        chips.nth(index).click()
        expect(page.locator(".fn-chosen h3")).to_contain_text(" ".join(paper.title.split()))
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        reader = page.locator(".fn-reader")
        assert reader.evaluate("e => e.scrollWidth <= e.clientWidth + 8")  # its bar is that much wider
        page.wait_for_timeout(250)
        page.screenshot(path=screenshots / f"odd-{width}-{index}.png")
        page.keyboard.press("Escape")
    page.locator(".fn-why summary").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert LONG_TITLE[:50] in page.locator(".fn-all").text_content()


def test_every_tab_opens_and_the_conversation_stays(page: Any, answerer: FakeAnswerer) -> None:
    answered(page)
    for name in ("Library", "Tables", "Check a text", "Map", "Models", "Ask"):
        page.get_by_role("tab", name=name).click()
        expect(page.get_by_role("tabpanel").filter(visible=True)).to_have_count(1)
    expect(page.locator(".fn-answer")).to_be_visible()
