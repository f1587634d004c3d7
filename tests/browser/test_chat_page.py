"""The chat page in a real browser, over answerers with prepared events."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from rag.datatypes import Stage, Turn, Wanted
from rag.errors import LibraryNotFound, QuestionError
from tests.browser.conftest import QUESTIONS, Answerers, ask
from tests.browser.fakes import (
    FASTER,
    HOSTILE,
    MOVES,
    NIGHT,
    PAPERS,
    FakeAnswerer,
    Hold,
    drafted,
    make_answer,
    make_hostile_answer,
    make_refusal,
)

pytestmark = pytest.mark.browser
CITED = ((1, "p1"), (2, "p2"))  # what every prepared answer cites


def test_a_question_gets_an_answer_with_a_footnote_on_every_sentence(page: Any, answerer: FakeAnswerer) -> None:
    ask(page, "Do crabs learn?")
    expect(page.locator(".fn-question")).to_have_text("Do crabs learn?")
    expect(page.locator(".fn-sentence")).to_have_count(3)
    for sentence in page.locator(".fn-sentence").all():
        expect(sentence.locator(".fn-cite")).to_have_count(1)
    assert page.locator(".fn-cite").all_inner_texts() == ["1", "1", "2"]
    expect(page.locator(".fn-answer p")).to_have_count(2)
    expect(page.locator("#fn-box textarea")).to_have_value("")
    assert answerer.calls == [("Do crabs learn?", ())]


def test_the_evidence_stands_beside_the_answer(page: Any, answerer: FakeAnswerer) -> None:
    ask(page, "Do crabs learn?")
    panel = page.locator("#fn-panel")
    expect(panel.locator(".fn-card h3")).to_contain_text([PAPERS[0].title, PAPERS[1].title, PAPERS[3].title])
    expect(panel.locator(".fn-quote")).to_have_text([FASTER.text, NIGHT.text, MOVES.text])
    expect(panel.locator(".fn-more")).to_be_visible()


def test_a_footnote_opens_its_paper_with_the_supporting_sentence_marked(page: Any, answerer: FakeAnswerer) -> None:
    ask(page, "Do crabs learn?")
    chips = page.locator(".fn-cite")
    for chip, sentence, paper in ((0, FASTER, PAPERS[0]), (1, NIGHT, PAPERS[0]), (2, MOVES, PAPERS[1])):
        chips.nth(chip).click()
        card = page.locator(".fn-chosen")
        expect(card.locator("mark.fn-support")).to_have_text(sentence.text)
        expect(card.locator("mark.fn-support")).to_be_visible()
        expect(card.locator("h3")).to_contain_text(paper.title)
        expect(card.locator(".fn-abstract")).to_have_text(paper.abstract)
    chips.nth(0).click()
    card = page.locator(".fn-chosen")
    expect(card).to_contain_text("Ada Strand, Björn Öre and Carmen Ruiz · 2021 · Journal of Shore Studies")
    links = card.locator("a")
    expect(links).to_have_text(["doi:10.1234/crabs", PAPERS[0].url])
    for link, address in zip(links.all(), ("https://doi.org/10.1234/crabs", PAPERS[0].url), strict=True):
        expect(link).to_have_attribute("href", address)
        expect(link).to_have_attribute("rel", re.compile("noopener noreferrer"))
        expect(link).to_have_attribute("target", "_blank")


def test_a_footnote_works_from_the_keyboard_and_gives_the_focus_to_the_paper(page: Any, answerer: FakeAnswerer) -> None:
    ask(page, "Do crabs learn?")
    page.locator(".fn-cite").nth(2).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".fn-chosen")).to_be_focused()
    expect(page.locator(".fn-cite").nth(2)).to_have_attribute("aria-label", re.compile("^Footnote 2: Shell Vacancy"))


def test_footnotes_of_older_answers_stay_with_their_papers(page: Any, answerer: FakeAnswerer) -> None:
    answerer.scripts["And hostile?"] = [make_hostile_answer("And hostile?")]
    ask(page, "Do crabs learn?")
    expect(page.locator(".fn-answer")).to_have_count(1)
    ask(page, "And hostile?")
    expect(page.locator(".fn-answer")).to_have_count(2)
    page.locator(".fn-turn").nth(0).locator(".fn-cite").nth(2).click()
    expect(page.locator(".fn-chosen mark.fn-support")).to_have_text(MOVES.text)


def test_a_second_question_brings_the_history(page: Any, answerer: FakeAnswerer) -> None:
    ask(page, "Do crabs learn?")
    expect(page.locator(".fn-answer")).to_have_count(1)
    ask(page, "And at night?")
    expect(page.locator(".fn-answer")).to_have_count(2)
    first = make_answer("Do crabs learn?")
    assert answerer.calls[1] == ("And at night?", (Turn("user", first.question), Turn("assistant", first.text, CITED)))


def test_a_draft_is_shown_muted_and_replaced_by_the_checked_answer(page: Any, answerer: FakeAnswerer) -> None:
    hold = Hold()
    answerer.scripts["Slow?"] = drafted("Slow?", hold)
    ask(page, "Slow?")
    expect(page.locator(".fn-draft")).to_contain_text("being checked")
    expect(page.locator(".fn-draft")).to_contain_text("Crabs learn quickly <b>[1]</b>.")
    expect(page.locator(".fn-state")).to_have_text("Writing…")
    expect(page.locator(".fn-cite")).to_have_count(0)
    hold.released.set()
    expect(page.locator(".fn-cite")).to_have_count(3)
    expect(page.locator(".fn-draft")).to_have_count(0)


@pytest.mark.parametrize("how", ["button", "escape"])
@pytest.mark.parametrize("stoppable", [True, False], ids=["heeded", "ignored"])
def test_stop_shows_at_once(page: Any, answerer: FakeAnswerer, how: str, stoppable: bool) -> None:
    """Also while the model evaluates its prompt, when nothing comes out of the pipeline."""
    hold = Hold(seconds=5, stoppable=stoppable)
    answerer.scripts["Slow?"] = [Stage("retrieve"), Stage("write"), hold, make_answer("Slow?")]
    ask(page, "Slow?")
    expect(page.locator(".fn-state")).to_have_text("Writing…")
    # Timed in the browser: from the press to the word on the page.
    page.evaluate(
        """() => { window.stopped = new Promise((resolve) => {
            const begun = performance.now();
            const look = () => /Stopped/.test(document.querySelector("#fn-conversation").textContent)
                ? resolve(performance.now() - begun) : setTimeout(look, 5);
            look(); }); }"""
    )
    if how == "button":
        page.evaluate("document.querySelector('#fn-stop').click()")
    else:
        page.keyboard.press("Escape")
    assert page.evaluate("window.stopped") < 2500  # ms, long before the pipeline ends; 300 on a machine at rest
    expect(page.locator("#fn-ask")).to_be_visible()
    expect(page.locator(".fn-answer")).to_have_count(0)
    if not stoppable:  # the next question waits for the one that does not end
        ask(page, "Do crabs learn?")
        expect(page.locator(".fn-state.fn-busy")).to_contain_text("Waiting for 1 other question")
        expect(page.locator(".fn-answer")).to_have_count(1)


def test_ask_again_replaces_the_last_turn_with_the_model_chosen_now(page: Any, answerer: FakeAnswerer) -> None:
    answerer.scripts["Odd?"] = [QuestionError("The question is too odd. Ask a plainer one.")]
    ask(page, "Odd?")
    expect(page.locator(".fn-error")).to_be_visible()
    answerer.scripts.clear()
    choose_model(page, "Tiny-Instruct, 92 MB")
    page.get_by_role("button", name="Ask again").click()
    expect(page.locator(".fn-answer")).to_have_count(1)
    expect(page.locator(".fn-error")).to_have_count(0)
    expect(page.locator(".fn-question")).to_have_text(["Odd?"])
    assert answerer.opened[-1] == ("tiny", "cite")


def choose_model(page: Any, label: str) -> None:
    page.get_by_label("Model").click()
    page.get_by_role("option", name=label).click()
    expect(page.locator("#fn-status")).to_contain_text(f"Answered by {label}")


def test_the_page_says_what_answers_and_that_nothing_leaves(page: Any, answerer: FakeAnswerer) -> None:
    status = page.locator("#fn-status")
    expect(status).to_contain_text("Answered by built-in quotes")
    expect(status).to_contain_text("4 papers")
    expect(status).to_contain_text("Nothing leaves this computer.")
    choose_model(page, "Tiny-Instruct, 92 MB")
    page.get_by_label("Writes in").click()
    page.get_by_role("option", name="own words, then checked").click()
    expect(status).to_contain_text("own words, then checked")
    ask(page, "Do crabs learn?")
    expect(page.locator(".fn-who")).to_contain_text("Tiny-Instruct, 92 MB")
    assert answerer.opened[-1] == ("tiny", "free")


def test_hostile_text_stays_text(page: Any, answerer: FakeAnswerer) -> None:
    question = f"What of {HOSTILE}?"
    answerer.scripts[question] = [make_hostile_answer(question)]
    ask(page, question)
    expect(page.locator(".fn-question")).to_have_text(question)
    expect(page.locator(".fn-sentence")).to_contain_text(HOSTILE)
    expect(page.locator(".fn-note")).to_have_text(HOSTILE)
    page.locator(".fn-cite").click()
    expect(page.locator(".fn-chosen mark.fn-support")).to_have_text(f"An abstract {HOSTILE} goes on.")
    expect(page.locator(".fn-chosen h3")).to_contain_text(HOSTILE)
    page.locator(".fn-cite").hover()
    expect(page.locator("#fn-tip")).to_contain_text(f"An abstract {HOSTILE} goes on.")
    page.locator(".fn-why summary").click()
    expect(page.locator(".fn-why-body")).to_contain_text(HOSTILE)
    assert page.locator("#fn-body img, #fn-body script, #fn-body a").count() == 0
    assert page.evaluate("window.pwned") is None


def test_a_refusal_is_shown_as_one_with_the_nearest_papers(page: Any, answerer: FakeAnswerer) -> None:
    answerer.scripts["Who won?"] = [make_refusal("Who won?")]
    ask(page, "Who won?")
    refusal = page.locator(".fn-refusal")
    expect(refusal).to_contain_text("Nothing in this library is about it.")
    expect(refusal.locator(".fn-nearest")).to_have_text([PAPERS[1].title, PAPERS[3].title])
    refusal.locator(".fn-nearest").first.click()
    expect(page.locator(".fn-chosen .fn-abstract")).to_have_text(PAPERS[1].abstract)


def test_an_expected_error_is_its_sentence_and_any_other_no_traceback(page: Any, answerer: FakeAnswerer) -> None:
    answerer.scripts["Expected?"] = [LibraryNotFound("There is no library in <b>here</b>. Run footnote import.")]
    answerer.scripts["Unexpected?"] = [RuntimeError("secret detail")]
    ask(page, "Expected?")
    expect(page.locator(".fn-error")).to_contain_text("There is no library in <b>here</b>. Run footnote import.")
    ask(page, "Unexpected?")
    expect(page.locator(".fn-error").nth(1)).to_contain_text("Something went wrong inside Footnote (RuntimeError)")
    assert "secret detail" not in page.content()
    assert "Traceback" not in page.content()
    ask(page, "Do crabs learn?")
    expect(page.locator(".fn-answer")).to_have_count(1)


def test_an_example_asks_itself(page: Any, answerer: FakeAnswerer) -> None:
    expect(page.locator(".fn-example")).to_have_text(list(QUESTIONS))
    page.locator(".fn-example").first.click()
    expect(page.locator(".fn-question")).to_have_text(QUESTIONS[0])
    expect(page.locator(".fn-answer")).to_be_visible()


def test_copying_gives_markdown_and_bibtex(page: Any, answerer: FakeAnswerer) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, "Do crabs learn?")
    for name, expected in (("Copy", "[1] Ada Strand, Björn Öre"), ("Copy BibTeX", "@article{strand2021tidal,")):
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.get_by_role("button", name="Copied").last).to_be_visible()
        assert expected in page.evaluate("navigator.clipboard.readText()")


def test_a_new_conversation_forgets_the_old_one(page: Any, answerer: FakeAnswerer) -> None:
    ask(page, "Do crabs learn?")
    expect(page.locator(".fn-answer")).to_be_visible()
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".fn-welcome")).to_be_visible()
    expect(page.locator(".fn-card")).to_have_count(0)
    ask(page, "And at night?")
    expect(page.locator(".fn-answer")).to_have_count(1)
    assert answerer.calls[-1] == ("And at night?", ())


def test_two_tabs_do_not_disturb_one_another_and_the_second_waits_its_turn(
    page: Any, served: tuple[str, Answerers], answerer: FakeAnswerer, open_page: Callable[..., Any]
) -> None:
    hold = Hold()
    answerer.scripts["Slow?"] = drafted("Slow?", hold)
    other = open_page(served[0], like=page)
    ask(page, "Slow?")
    expect(page.locator(".fn-draft")).to_be_visible()
    ask(other, "Do crabs learn?")
    expect(other.locator(".fn-state")).to_have_text("Waiting for 1 other question to be answered first…")
    other.locator("#fn-stop").click()
    expect(other.locator(".fn-state")).to_have_text("Stopped.")
    expect(page.locator(".fn-draft")).to_be_visible()
    hold.released.set()
    expect(page.locator(".fn-answer")).to_have_count(1)
    expect(other.locator(".fn-answer")).to_have_count(0)


def test_a_closed_tab_frees_the_model(
    page: Any, served: tuple[str, Answerers], answerer: FakeAnswerer, open_page: Callable[..., Any]
) -> None:
    answerer.scripts["Slow?"] = drafted("Slow?", Hold(seconds=60))
    other = open_page(served[0], like=page)
    ask(other, "Slow?")
    expect(other.locator(".fn-draft")).to_be_visible()
    ask(page, "Do crabs learn?")
    expect(page.locator(".fn-state")).to_contain_text("Waiting")
    other.close()
    expect(page.locator(".fn-answer")).to_have_count(1, timeout=20_000)


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (360, "light"),
        (360, "dark"),
        (768, "light"),
        (1280, "light"),
        (1280, "dark"),
        (1920, "light"),
        (1920, "dark"),
        (2560, "dark"),
    ],
)
def test_no_width_scrolls_sideways_and_the_parts_have_room(
    served: tuple[str, Answerers], answerer: FakeAnswerer, open_page: Callable[..., Any], width: int, scheme: str,
    screenshots: Path,
) -> None:  # fmt: skip
    page = open_page(served[0], width, 800, scheme)
    long = "Pneumonoultramicroscopicsilicovolcanoconiosis" * 3
    for question in ("Do crabs learn?", f"What of {long}?"):
        ask(page, question)
        expect(page.locator(".fn-question").last).to_have_text(question)
        expect(page.locator("#fn-ask")).to_be_visible()
    page.locator(".fn-cite").last.click()
    expect(page.locator(".fn-chosen")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    main, side = page.evaluate(  # in one go: the page may still be scrolling
        "['#fn-main', '#fn-side'].map((name) => document.querySelector(name).getBoundingClientRect().toJSON())"
    )
    assert side["left"] >= main["right"] if width >= 1000 else side["top"] >= main["bottom"]
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background)[:3])) < 200) == (scheme == "dark")
    page.wait_for_timeout(400)
    page.screenshot(path=screenshots / f"chat-{width}-{scheme}.png")


def test_every_control_has_a_name_and_a_visible_focus(page: Any, answerer: FakeAnswerer) -> None:
    ask(page, "Do crabs learn?")
    expect(page.locator(".fn-answer")).to_be_visible()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, a, input, textarea, summary")]
            .filter((e) => e.checkVisibility() && !(e.ariaLabel || e.textContent.trim() || e.labels?.length))
            .map((e) => e.outerHTML.slice(0, 200))"""
    )
    assert nameless == []
    chip = page.locator(".fn-cite").first
    page.locator("#fn-box textarea").focus()
    for _ in range(20):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.classList.contains('fn-cite')"):
            break
    focused = page.locator(".fn-cite:focus")
    expect(focused).to_have_count(1)
    assert focused.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert chip.evaluate("e => e.tabIndex") == 0


def test_first_words_come_at_once(page: Any, answerer: FakeAnswerer) -> None:
    """The page's own share, from the key to the answer on the page; generous, because machines are busy."""
    ask(page, "Warm?")
    expect(page.locator(".fn-answer")).to_have_count(1)
    begun = time.monotonic()
    ask(page, "Do crabs learn?")
    expect(page.locator(".fn-answer")).to_have_count(2)
    assert time.monotonic() - begun < 8.0


def test_the_reading_stands_above_the_answer_and_is_changed_with_a_click(page: Any, answerer: FakeAnswerer) -> None:
    reading = {"kind": "papers", "filters": {"since": 2019}, "follow_up": "Do crabs learn? And at night?"}
    question = "And at night?"
    answer = make_answer(question, reading=reading, filters={"since": 2019}, scope="2019 or later")
    answerer.scripts[question] = [answer]
    ask(page, "Do crabs learn?")
    expect(page.locator(".fn-answer")).to_have_count(1)
    ask(page, question)
    expect(page.locator(".fn-answer")).to_have_count(2)
    line = page.locator(".fn-turn:last-of-type .fn-reading")
    expect(line.locator(".fn-kind")).to_have_value("papers")
    expect(line).to_contain_text("2019 or later")
    expect(line).to_contain_text("about: Do crabs learn? And at night?")
    line.locator(".fn-kind").select_option("review")
    expect(page.locator(".fn-turn")).to_have_count(3)
    assert answerer.asked_with[-1] == {"wanted": Wanted("review")}
    page.locator(".fn-turn:last-of-type .fn-reading button[data-part=follow_up]").click()
    expect(page.locator(".fn-turn")).to_have_count(4)
    assert answerer.asked_with[-1] == {"wanted": Wanted("review", alone=True)}
