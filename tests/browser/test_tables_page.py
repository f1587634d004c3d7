"""Scopes and tables in a real browser, over the real program and a real library of a few papers."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from rag.config import Settings
from rag.datatypes import Paper
from rag.library.library import Library
from rag.ui.server import launch
from tests.browser.conftest import ask, open_tab
from tests.browser.fakes import HOSTILE
from tests.browser.small_library import Named

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAPERS = [
    *(
        Paper(
            f"net{n:02}",
            f"SmallNet {n}: nets for phones",
            f"However, nets are too expensive for phones in {n} ways. We propose SmallNet {n}, which shares its "
            f"filters. Experiments show that SmallNet {n} outperforms MobileNet by 2.{n}%.",
            ("Ada Strand", "Ben Öre"),
            2010 + n,
            "ICML" if n % 2 else "Nature",
            source=f"file{n % 3}.bib",
        )
        for n in range(12)
    ),
    Paper("hostile", f"SmallNet {HOSTILE}", f"We propose {HOSTILE} for phones. {HOSTILE}", (HOSTILE,), 2015, HOSTILE),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, shared_home: Path) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("tables") / "library"
    encoder = Named()
    with Library.create(folder, embedder=encoder.id) as made:
        made.add(PAPERS, encoder)
    app = launch(Settings(home=shared_home, library=folder, port=0, refuse=False, model="quote"))
    yield app.local_url
    app.close(verbose=False)


def open_tables(page: Any) -> Any:
    open_tab(page, "Tables")
    page.locator("#fn-tables-make").wait_for()
    return page


def make(page: Any, search: str = "SmallNet", typed: str = "") -> Any:
    """The table of a search."""
    page.locator("#fn-tables-search").get_by_role("textbox").fill(search)
    page.locator("#fn-tables-typed").get_by_role("textbox").fill(typed)
    page.locator("#fn-tables-make").click()
    expect(page.locator(".fn-tables-state")).to_contain_text(re.compile(r"^\d+ papers\."), timeout=15_000)
    return page.locator(".fn-tables-table")


def saved(page: Any, button: str) -> str:
    with page.expect_download() as download:
        page.locator(button).click()
    return Path(download.value.path()).read_text(encoding="utf-8")


# --- tables ---


def test_a_cell_opens_its_abstract_with_the_sentence_marked(address: str, open_page: Callable[..., Any]) -> None:
    page = open_tables(open_page(address))
    table = make(page)
    row = table.locator("tbody tr", has_text="SmallNet 3: nets")

    expect(row.locator("td").nth(0)).to_contain_text("However, nets are too expensive for phones in 3 ways.")
    row.locator("td").nth(1).get_by_role("button").click()

    paper = page.locator("#fn-tables-paper")
    expect(paper.locator("mark.fn-support")).to_have_text("We propose SmallNet 3, which shares its filters.")
    expect(paper.locator("h3")).to_have_text("SmallNet 3: nets for phones")
    paper.locator(".fn-card").press("Escape")
    expect(paper.locator(".fn-card")).to_have_count(0)
    expect(row.locator("td").nth(1).get_by_role("button")).to_be_focused()


def test_an_empty_cell_says_why_and_hostile_text_is_text(address: str, open_page: Callable[..., Any]) -> None:
    page = open_tables(open_page(address))
    table = make(page, typed="How many parameters does it have?")
    row = table.locator("tbody tr", has_text="<img src=x")

    expect(row.get_by_label("The abstract does not say")).not_to_have_count(0)
    row.locator("th button").click()
    expect(page.locator("#fn-tables-paper h3")).to_contain_text("<script>")
    assert page.evaluate("window.pwned") is None
    assert page.locator("#fn-tables img").count() == 0


def test_a_table_is_saved_as_csv_and_markdown(address: str, open_page: Callable[..., Any]) -> None:
    page = open_tables(open_page(address))
    make(page)

    lines = list(csv.DictReader(io.StringIO(saved(page, "#fn-tables-csv").removeprefix("\ufeff"))))
    by_id = {paper.id: paper for paper in PAPERS}
    assert {line["Paper id"] for line in lines} == set(by_id)
    for line in lines:
        start, _, end = line["Method (characters)"].partition("-")
        if line["Paper id"] != "hostile":
            assert by_id[line["Paper id"]].abstract[int(start) : int(end)] == line["Method"]
    assert saved(page, "#fn-tables-markdown").startswith("| Paper | Problem | Method | Data | Results | Limits |")


def test_what_is_missing_is_said(address: str, open_page: Callable[..., Any]) -> None:
    page = open_tables(open_page(address))
    error = page.locator("#fn-tables-state .fn-error")

    page.locator("#fn-tables-make").click()
    expect(error).to_have_text("The search is empty. Type what the papers are about.")
    page.get_by_label("Ticked in the library").check()
    page.locator("#fn-tables-make").click()
    expect(error).to_contain_text("No paper is ticked.")
    expect(page.locator("#fn-tables-make")).to_be_visible()


def test_all_papers_of_the_scope(address: str, open_page: Callable[..., Any]) -> None:
    page = open_page(address)
    page.locator(".fn-scope-edit").click()
    page.get_by_label("From year").first.fill("2018")
    page.get_by_label("From year").first.press("Enter")
    expect(page.locator(".fn-scope-chip")).to_contain_text("2018 or later")
    open_tables(page)
    page.get_by_label("All of the scope").check()
    page.locator("#fn-tables-make").click()

    expect(page.locator(".fn-tables-state")).to_contain_text("4 papers.")
    expect(page.locator(".fn-tables-table tbody tr")).to_have_count(4)


# --- the scope of a question ---


def test_the_scope_is_set_shown_used_and_cleared(address: str, open_page: Callable[..., Any]) -> None:
    page = open_page(address)
    line = page.locator(".fn-scope-line")
    expect(line).to_contain_text("all 13 papers")

    page.locator(".fn-scope-edit").click()
    page.get_by_label("From year").first.fill("soon")
    page.get_by_label("From year").first.press("Enter")
    expect(line.get_by_role("alert")).to_contain_text("“soon” is no year.")
    page.get_by_label("From year").first.fill("2019")
    page.get_by_label("From year").first.press("Enter")
    expect(line).to_contain_text("3 of 13 papers")
    ask(page, "How many papers are there?")

    turn = page.locator(".fn-turn").last
    expect(turn).to_contain_text("The scope holds 3 papers (checked 3 of 13: 2019 or later)")
    expect(turn.locator(".fn-scope-used:not(.fn-reading)")).to_contain_text("2019 or later")
    assert turn.locator(".fn-scope-used:not(.fn-reading) button").count() == 0, "it is removed in the bar"
    expect(turn.locator(".fn-answer-years svg")).to_have_attribute("aria-label", re.compile("2019 to 2021"))

    line.locator("[data-action=clear]").click()
    expect(line).to_contain_text("all 13 papers")
    expect(page.get_by_label("From year").first).to_have_value("")


def test_a_filter_read_from_the_question_is_shown_and_taken_back(address: str, open_page: Callable[..., Any]) -> None:
    page = open_page(address)
    ask(page, "What do papers at ICML since 2018 propose for phones?")
    used = page.locator(".fn-turn").last.locator(".fn-reading")
    expect(used).to_contain_text("2018 or later")
    expect(used).to_contain_text("ICML")

    used.get_by_role("button", name="Ask again without “2018 or later”").click()

    expect(page.locator(".fn-turn")).to_have_count(2)
    again = page.locator(".fn-turn").last
    expect(again.locator(".fn-scope-used:not(.fn-reading)")).to_contain_text("ICML")
    expect(again.locator(".fn-reading")).not_to_contain_text("2018")
    expect(again.locator(".fn-scope-used:not(.fn-reading)")).not_to_contain_text("2018")


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark"), (1920, "light")])
def test_screenshots(address: str, open_page: Callable[..., Any], screenshots: Path, width: int, scheme: str) -> None:
    page = open_tables(open_page(address, width, 900, scheme))
    make(page).locator(".fn-cite").first.click()
    expect(page.locator("#fn-tables-paper mark")).to_be_visible()

    page.screenshot(path=screenshots / f"tables-{width}-{scheme}.png")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
        "the page itself must not scroll sideways"
    )
