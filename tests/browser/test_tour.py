"""The walk of docs/tour.md over the shipped abstracts: one picture for each part of the page.

``FOOTNOTE_SCREENSHOTS=docs/images`` writes the pictures that the documents show; narrow, wide and dark ones are in
the tests of each part.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

from rag.config import Settings
from rag.factory import close_all
from rag.ui.server import launch
from tests.browser.conftest import PATIENCE_S, ask

pytestmark = [pytest.mark.browser, pytest.mark.slow]

QUESTION = "Which papers predict stock prices, and from what data?"
WAIT = 30_000  # ms: the first question loads the encoder


@pytest.fixture(scope="module")
def settings(shipped_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A prepared home of its own: conversations and the map are written into it."""
    home = tmp_path_factory.mktemp("tour") / "home"
    shutil.copytree(shipped_home, home)
    return Settings(home=home, port=0)


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    app = launch(settings)
    yield app.local_url
    app.close(verbose=False)
    close_all()


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """The real program on a busy machine."""
    expect.set_options(timeout=WAIT)
    yield
    expect.set_options(timeout=1000 * PATIENCE_S)


@pytest.fixture
def view(address: str, open_page: Callable[..., Any]) -> Any:
    page = open_page(address, width=1280, height=860, patience_s=30)
    page.set_default_timeout(WAIT)
    return page


@pytest.fixture
def picture(screenshots: Path) -> Callable[[Any, str], None]:
    """Write what a page shows in 256 colours, with the paths that a reader would see."""

    def picture(page: Any, name: str) -> None:
        page.mouse.move(0, 0)
        page.evaluate(
            r"""() => {
                 const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
                 for (let text; (text = texts.nextNode());)
                   text.data = text.data.replace(/\/\S*\/(libraries|models)\//, "~/.local/share/footnote/$1/");
               }"""
        )
        page.wait_for_timeout(400)  # colours fade, panels slide
        path = screenshots / f"{name}.png"
        page.screenshot(path=path)
        with Image.open(path) as taken:
            few = taken.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE)
        few.save(path, optimize=True)
        assert path.stat().st_size < 250_000

    return picture


def go_to(page: Any, tab: str) -> None:
    page.locator("#fn-tabs > .tab-wrapper").get_by_role("tab", name=tab).click()


def answered(page: Any, question: str = QUESTION, turns: int = 1) -> Any:
    """The page after a question; returns the last turn."""
    ask(page, question)
    turn = page.locator("#fn-conversation .fn-turn")
    expect(turn).to_have_count(turns)
    expect(turn.last.locator(".fn-answer, .fn-refusal")).to_be_visible(timeout=WAIT)
    return turn.last


def to_top(page: Any, part: str) -> None:
    """Scroll the page until a part stands near its top."""
    page.locator(part).last.evaluate("one => { one.style.scrollMarginTop = '16px'; one.scrollIntoView(); }")


def tick_found(page: Any, words: str) -> int:
    """Search the Library tab and tick what was found."""
    go_to(page, "Library")
    found = page.locator("#fn-library-found")
    expect(found).to_contain_text("459 papers")
    page.locator("#fn-library").get_by_label("Search").fill(words)
    expect(found).to_have_text(re.compile(r"^\s*\d+ of 459 papers\s*$"))
    count = int(found.inner_text().split()[0])
    page.get_by_role("button", name=f"Tick all {count} found").click()
    expect(page.locator("#fn-library-ticks")).to_contain_text(f"{count} papers ticked")
    return count


def test_a_footnote_opens_the_sentence_behind_it(view: Any, picture: Callable[[Any, str], None]) -> None:
    turn = answered(view)
    assert turn.locator(".fn-sentence").count() >= 2
    assert turn.locator(".fn-sentence:not(:has(.fn-cite))").count() == 0

    turn.locator(".fn-cite").first.click()

    marked = view.locator(".fn-reader mark.fn-support")
    expect(marked).to_be_in_viewport()
    assert marked.inner_text() in view.locator(".fn-reader .fn-abstract").inner_text()
    expect(view.locator(".fn-reader .fn-verdict")).to_contain_text("Supported")
    view.locator(".fn-reader").evaluate("one => { for (; one; one = one.parentElement) one.scrollTop = 0; }")
    picture(view, "chat")


def test_an_answer_says_why(view: Any, picture: Callable[[Any, str], None]) -> None:
    turn = answered(view)
    turn.locator(".fn-why > summary").click()

    candidates = turn.get_by_label("Candidates with their scores").locator("tbody tr")
    expect(candidates.first).to_be_visible()
    assert candidates.filter(has_text="[1]").count() == 1
    to_top(view, ".fn-why")
    picture(view, "why")


def test_what_the_library_does_not_hold_is_refused(view: Any, picture: Callable[[Any, str], None]) -> None:
    turn = answered(view, "What is the best pizza in Naples?")
    expect(turn.locator(".fn-refusal")).to_be_visible()
    assert turn.locator(".fn-cite").count() == 0
    picture(view, "refusal")


def test_a_question_keeps_to_its_scope(view: Any, picture: Callable[[Any, str], None]) -> None:
    count = tick_found(view, "graph networks")
    go_to(view, "Ask")
    view.locator(".fn-scope-edit").click()
    view.get_by_label("Only papers ticked in the library").check()
    expect(view.locator(".fn-scope-line")).to_contain_text(f"{count} of 459 papers")

    turn = answered(view, "Why do deep graph networks lose accuracy, and what helps?")

    expect(turn.locator(".fn-scope-used:not(.fn-reading)")).to_contain_text(f"{count} chosen papers")
    assert "graph" in turn.locator(".fn-answer").inner_text()
    picture(view, "scope")


def test_the_library_is_searched_and_ticked(view: Any, picture: Callable[[Any, str], None]) -> None:
    count = tick_found(view, "object detection")
    rows = view.locator("#fn-library-table tbody tr")
    expect(rows).to_have_count(count)
    rows.first.locator("[data-open]").click()
    expect(view.locator(".fn-library-paper .fn-abstract")).to_contain_text(re.compile("detect", re.IGNORECASE))
    picture(view, "library")


def test_papers_stand_side_by_side(view: Any, picture: Callable[[Any, str], None]) -> None:
    go_to(view, "Tables")
    view.locator("#fn-tables-search").get_by_role("textbox").fill("object detection backbones")
    view.locator("#fn-tables-most").get_by_role("spinbutton").fill("6")
    view.locator("#fn-tables-make").click()
    expect(view.locator(".fn-tables-state")).to_contain_text("6 papers.")
    rows = view.locator(".fn-tables-table tbody tr")
    expect(rows).to_have_count(6)

    view.locator(".fn-tables-table .fn-cite").first.click()

    marked = view.locator("#fn-tables-paper mark.fn-support")
    expect(marked).to_be_visible()
    assert marked.inner_text() in rows.first.inner_text()
    to_top(view, "#fn-tables-tools")
    picture(view, "tables")


def test_the_map_shows_every_paper(view: Any, picture: Callable[[Any, str], None]) -> None:
    answered(view)
    go_to(view, "Map")
    drawn = view.locator(".fn-map[data-drawn]")
    drawn.wait_for()
    assert drawn.get_attribute("data-drawn") == "459"
    assert sum(map(int, view.locator(".fn-map-count").all_inner_texts())) == 459
    picture(view, "map")


def test_the_models_are_described(view: Any, picture: Callable[[Any, str], None]) -> None:
    go_to(view, "Models")
    card = view.locator('.fn-models-card[data-name="writer"]')
    expect(card).to_contain_text("Answers in this tab")
    expect(view.locator("#fn-models-here")).to_contain_text("SmolLM2")
    expect(view.locator(".fn-models-command code").first).to_contain_text("footnote models pull")
    picture(view, "models")


def test_conversations_are_kept_and_exported(view: Any, picture: Callable[[Any, str], None]) -> None:
    answered(view, "What is SpineNet?")
    answered(view, "How many FLOPs does it save?", turns=2)
    kept = view.locator(".fn-history-item:has([aria-current])")
    expect(kept).to_contain_text("What is SpineNet?")
    expect(kept).to_contain_text("2 questions")

    kept.locator("summary").click()

    expect(kept.get_by_role("button", name="Pandoc Markdown with .bib")).to_be_visible()
    picture(view, "conversations")


def test_a_password_keeps_the_page(
    settings: Settings, open_page: Callable[..., Any], picture: Callable[[Any, str], None]
) -> None:
    app = launch(replace(settings, auth="ada:a long password"))
    try:
        page = open_page(app.local_url, width=1280, height=380, ready="input[type=password]")
        assert page.locator("#fn-box").count() == 0
        picture(page, "password")
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill("a long password")
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#fn-history-foot")).to_contain_text("Signed in as ada")
    finally:
        app.close(verbose=False)
