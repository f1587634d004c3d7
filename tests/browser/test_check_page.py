"""The check tab in a real browser: over a fake that gives verdicts, and over real libraries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from rag.config import Settings
from rag.errors import ModelError
from rag.factory import close_all, library_manager
from rag.ui.server import launch
from rag.verification import sources
from rag.verification.entailment import Judgement, Thresholds
from tests.browser.conftest import Answerers, open_tab
from tests.browser.fakes import FASTER, HOSTILE, MOVES, NIGHT, PAPERS, FakeAnswerer, Hold, make_claim, span
from tests.browser.small_library import make_library

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FAST = "Crabs that watch a neighbour are faster."
DARK = "The effect is strongest at night."
SHELLS = "A shell causes four moves."
MOON = "The moon is made of cheese."
DRAFT = f"# Crabs\n\n{FAST} {DARK}\n\n- {SHELLS}\n- {MOON}\n"


@pytest.fixture
def verdicts(answerer: FakeAnswerer) -> FakeAnswerer:
    answerer.claims = {
        FAST: make_claim(FAST, "supported", (PAPERS[0], FASTER, "supported"), (PAPERS[1], MOVES, "weak")),
        DARK: make_claim(DARK, "contradicted", (PAPERS[0], NIGHT, "contradicted")),
        SHELLS: make_claim(SHELLS, "weak", (PAPERS[1], MOVES, "weak")),
    }
    return answerer


def check(page: Any, text: str = DRAFT) -> Any:
    """Paste a text and check it; the list of its sentences."""
    open_tab(page, "Check a text")
    page.get_by_label("Text to check").fill(text)
    page.get_by_role("button", name="Check", exact=True).click()
    return page.locator(".fn-check-sentence")


def test_a_pasted_text_is_marked_and_a_source_opens(verdicts: FakeAnswerer, page: Any) -> None:
    sentences = check(page)
    state = page.locator("#fn-check-state")
    expect(state).to_have_text("4 sentences: 1 supported, 1 weakly supported, 1 contradicted, 1 without a source.")
    expect(state.get_by_role("status")).to_be_visible()
    expect(sentences).to_have_count(4)
    for at, words in enumerate(
        ("✓ supported", "✗ contradicted", "~ weakly supported", "– nothing in the library says so")
    ):
        expect(sentences.nth(at).locator(".fn-check-verdict")).to_have_text(words)
    expect(sentences.nth(3).get_by_role("button")).to_have_count(0)

    source = sentences.nth(1).get_by_role("button")
    source.focus()
    page.keyboard.press("Enter")

    paper = page.locator("#fn-check-paper")
    expect(paper.locator("h3")).to_have_text(PAPERS[0].title)
    expect(paper.locator("mark.fn-support")).to_have_text(NIGHT.text)
    expect(paper.locator(".fn-card")).to_be_focused()
    page.keyboard.press("Escape")
    expect(paper.locator(".fn-card")).to_have_count(0)
    expect(source).to_be_focused()


def test_the_page_fills_as_it_goes_and_stops(verdicts: FakeAnswerer, page: Any) -> None:
    hold = verdicts.claim_holds[DARK] = Hold(stoppable=False)
    sentences = check(page)
    expect(page.locator("#fn-check-state")).to_contain_text("Sentence 2 of 4…")
    expect(sentences).to_have_count(1)
    expect(page.locator("#fn-check-start")).to_be_hidden()
    sentences.first.get_by_role("button").first.click()
    expect(page.locator("#fn-check-paper mark")).to_have_text(FASTER.text)
    page.locator("#fn-check-paper").get_by_role("button", name="Close").click()
    expect(sentences.first.get_by_role("button").first).to_be_focused()

    page.locator("#fn-check-stop").click()
    page.wait_for_timeout(500)  # until the server knows
    hold.released.set()

    expect(page.locator("#fn-check-state")).to_have_text("Stopped after 2 of 4 sentences: 1 supported, 1 contradicted.")
    expect(sentences).to_have_count(2)
    expect(sentences.first.get_by_role("button").first).not_to_be_focused()  # the focus went with Stop
    expect(page.locator("#fn-check-stop")).to_be_hidden()
    expect(page.locator("#fn-check-start")).to_be_visible()


def test_the_focus_stays_while_the_list_grows(verdicts: FakeAnswerer, page: Any) -> None:
    hold = verdicts.claim_holds[DARK] = Hold(stoppable=False)
    sentences = check(page)
    expect(sentences).to_have_count(1)
    second = sentences.first.get_by_role("button").nth(1)
    second.focus()
    hold.released.set()
    expect(sentences).to_have_count(4)
    expect(second).to_be_focused()


def test_what_cannot_be_checked_is_said(verdicts: FakeAnswerer, page: Any) -> None:
    check(page, "")
    alert = page.locator("#fn-check-state").get_by_role("alert")
    expect(alert).to_have_text("There is no text yet. Give a paragraph or a draft to check.")
    check(page, "A word. " * 7_000)
    expect(alert).to_contain_text("The text has 56,000 characters; at most 50,000 are checked at a time.")
    verdicts.claims[MOON] = ModelError("The network is damaged.")
    expect(check(page)).to_have_count(3)
    expect(alert).to_have_text("The network is damaged.")


def test_hostile_text_stays_text(answerer: FakeAnswerer, page: Any) -> None:
    quote = span(PAPERS[2], f"An abstract {HOSTILE} goes on.")
    text = "Crabs & <b>bold</b> <script>window.pwned=4</script> ${window.pwned=5} are here."
    answerer.claims[text] = make_claim(text, "supported", (PAPERS[2], quote, "supported"))
    sentences = check(page, text.replace("<", "\\<").replace("&", "\\&"))
    expect(sentences.first).to_contain_text(text)
    sentences.first.get_by_role("button").click()
    expect(page.locator("#fn-check-paper mark")).to_contain_text("<script>")
    assert page.evaluate("window.pwned") is None
    assert page.locator("#fn-check img, #fn-check script, #fn-check b").count() == 0


def test_a_question_about_an_opened_paper_is_asked(verdicts: FakeAnswerer, page: Any) -> None:
    check(page).first.get_by_role("button").first.click()
    page.locator("#fn-check-paper").get_by_role("button", name="Summarise this paper").click()
    expect(page.locator(".fn-question")).to_have_text(f"Summarise “{PAPERS[0].title}”.")


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The real page over a library of three subjects, and an empty one to choose; the network says nothing."""
    monkeypatch.setattr(sources, "judge_claim", lambda claim, source: Judgement(0.1, 0.1, 0.8))
    monkeypatch.setattr(sources, "thresholds", lambda: Thresholds(0.7, 0.3, 0.7))
    settings = Settings(home=tmp_path, library=make_library(tmp_path / "subjects"), port=0, model="quote")
    library_manager(settings).create("Empty")
    app = launch(settings)
    yield app.local_url
    app.close(verbose=False)
    close_all()


def test_the_library_that_is_chosen_is_asked(real: str, open_page: Callable[..., Any]) -> None:
    page = open_page(real)
    sentences = check(page, "Sourdough bread rises.")
    expect(sentences.locator(".fn-check-verdict")).to_have_text("✓ supported")
    sentences.get_by_role("button").first.click()
    expect(page.locator("#fn-check-paper mark")).to_have_text("Sourdough bread rises.")

    page.locator("#fn-choices").get_by_label("Library").click()
    page.get_by_role("option", name="Empty").click()

    expect(sentences).to_have_count(0)
    expect(page.locator(".fn-check-hint")).to_be_visible()
    expect(page.locator("#fn-check-paper .fn-card")).to_have_count(0)
    expect(check(page, "Sourdough bread rises.").locator(".fn-check-verdict")).to_have_text(
        "– nothing in the library says so"
    )


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_screenshots(
    served: tuple[str, Answerers], verdicts: FakeAnswerer, open_page: Callable[..., Any], screenshots: Path, width: int,
    scheme: str,
) -> None:  # fmt: skip
    page = open_page(served[0], width, 900, scheme)
    check(page).first.get_by_role("button").first.click()
    expect(page.locator("#fn-check-paper mark")).to_be_visible()
    page.screenshot(path=screenshots / f"check-{width}-{scheme}.png")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
