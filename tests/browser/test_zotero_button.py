"""Zotero in the Library tab: what is there is said, imported and stopped; its tags and collections limit questions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from rag.config import Settings, with_overrides
from rag.factory import close_all, library_manager
from rag.library.storage.writing import AT_ONCE
from rag.ui.server import launch
from tests.browser.conftest import PATIENCE_S, open_tab
from tests.zotero_parts import MOTHS, OWLS, ZoteroData

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE = 120_000  # the encoder is loaded, on a machine that does other things too
MANY = AT_ONCE - 10  # of more, the vectors come later, and nothing is slow enough to be stopped


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ZoteroData:
    data = ZoteroData(tmp_path_factory.mktemp("user") / "Zotero")
    moths = data.add("MOTHS234", MOTHS, tags=["light, “warm”"])
    data.add("OWLSOWLS", OWLS, tags=["sleep"])
    data.add("PLAIN234", {"itemType": "book", "title": "Without an abstract <img src=x onerror=window.pwned=1>"})
    data.collect(["Thesis", "Chapter 2"], moths)
    return data


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, data: ZoteroData) -> Iterator[str]:
    home = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, port=0, model="quote", threads=1, zotero=str(data.folder))
    app = launch(with_overrides(settings, library=library_manager(settings).create("Night papers").path))
    yield app.local_url
    app.close(verbose=False)
    close_all()


@pytest.fixture
def page(address: str, open_page: Callable[..., Any]) -> Iterator[Any]:
    """The page on its Library tab."""
    page = open_page(address, patience_s=PATIENCE / 1000, ready="#fn-tabs")
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    open_tab(page, "Library")
    yield page
    expect.set_options(timeout=1000 * PATIENCE_S)


def choose(page: Any, within: str, label: str, option: str) -> None:
    page.locator(within).get_by_label(label).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_zotero_is_found_imported_and_its_groups_are_scopes(page: Any, data: ZoteroData, screenshots: Path) -> None:
    panel, progress = page.locator("#fn-library-zotero-panel"), page.locator("#fn-library-progress")
    expect(page.locator("#fn-library").get_by_label("Tags")).to_have_count(0)
    page.get_by_role("button", name="Zotero", exact=True).click()
    expect(panel).to_contain_text("Zotero, 2 items with abstracts, 1 without, not read into this library before")
    expect(panel).to_contain_text("3 items new or changed.")
    page.screenshot(path=screenshots / "zotero.png")
    page.get_by_role("button", name="Import from Zotero").click()
    expect(progress).to_contain_text("Import finished. 3 added")
    expect(panel).to_be_hidden()
    expect(page.locator("#fn-library-found")).to_have_text("3 papers")

    choose(page, "#fn-library-filters", "Collections", "Thesis (1)")
    expect(page.locator("#fn-library-found")).to_have_text("1 of 3 papers")
    page.locator("#fn-library-clear").click()
    choose(page, "#fn-library-filters", "Tags", "light, “warm” (1)")
    expect(page.locator("#fn-library-found")).to_have_text("1 of 3 papers")
    page.locator("[data-open]").first.click()
    expect(page.locator(".fn-library-fields")).to_contain_text("Thesis/Chapter 2")
    page.screenshot(path=screenshots / "zotero-filtered.png", full_page=True)
    assert page.evaluate("window.pwned") is None

    open_tab(page, "Ask")
    page.locator("[data-action=edit]").click()
    choose(page, "#fn-scope-fields", "Collections", "Thesis")
    bar = page.locator("#fn-scope-bar")
    expect(bar).to_contain_text("in Thesis")
    expect(bar).to_contain_text("1 of 3 papers")
    page.get_by_role("button", name="Remove “in Thesis” from the scope").click()
    expect(bar).to_contain_text("all 3 papers")

    data.run("INSERT INTO deletedItems (itemID) SELECT itemID FROM items WHERE key = 'OWLSOWLS'")
    open_tab(page, "Library")
    page.get_by_role("button", name="Zotero", exact=True).click()
    expect(panel).to_contain_text("last read today")
    panel.get_by_label("Delete the paper that Zotero no longer has").check()
    page.get_by_role("button", name="Import from Zotero").click()
    expect(progress).to_contain_text("1 deleted")
    page.get_by_role("button", name="Zotero", exact=True).click()
    expect(panel).to_contain_text("Nothing has changed since.")
    expect(page.get_by_role("button", name="Import from Zotero")).to_be_hidden()
    page.get_by_role("button", name="Close", exact=True).click()
    expect(panel).to_be_hidden()


def test_an_import_is_stopped_and_goes_on(page: Any, data: ZoteroData) -> None:
    for number in range(MANY):
        text = f"Study number {number} watched bats. " * 40
        data.add(
            f"BATS{number:04d}".replace("0", "O"), {"itemType": "book", "title": f"Bats {number}", "abstractNote": text}
        )
    page.get_by_role("button", name="Zotero", exact=True).click()
    expect(page.locator("#fn-library-zotero-panel")).to_contain_text(f"{MANY} items new or changed.")
    page.get_by_role("button", name="Import from Zotero").click()
    progress = page.locator("#fn-library-progress")
    expect(progress).to_contain_text("papers a second")
    page.locator("#fn-library-stop").click()
    expect(progress).to_contain_text("Import stopped")
    stored = int(re.search(r"(\d+) added", progress.inner_text())[1])  # type: ignore[index]
    assert 0 < stored < MANY
    page.get_by_role("button", name="Zotero", exact=True).click()
    expect(page.locator("#fn-library-zotero-panel")).to_contain_text(f"{MANY} items new or changed.")


def test_a_zotero_that_cannot_be_read_says_why(page: Any, data: ZoteroData) -> None:
    aside = data.file.with_name("aside")
    data.file.rename(aside)
    try:
        page.get_by_role("button", name="Zotero", exact=True).click()
        expect(page.locator("#fn-library-message")).to_contain_text("There is no zotero.sqlite")
        data.file.write_bytes(b"no database")
        page.get_by_role("button", name="Zotero", exact=True).click()
        expect(page.locator("#fn-library-message")).to_contain_text("cannot be read")
        expect(page.locator("#fn-library-zotero-panel")).to_be_hidden()
    finally:
        aside.replace(data.file)
