"""Kept conversations on the page: list, search, reopen, rename, delete, rate, export, sign in."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from rag.config import Settings
from rag.datatypes import Paper
from rag.evaluation.datasets import read_questions
from rag.factory import close_all, open_history
from rag.system.auth_setting import open_accounts
from rag.ui.page import build_app
from rag.ui.page_context import LibraryService
from rag.ui.server import start
from tests.browser.conftest import QUESTIONS, ask
from tests.browser.fakes import (
    CHOICES,
    FASTER,
    HOSTILE,
    PAPERS,
    FakeAnswerer,
    Hold,
    make_answer,
    make_hostile_answer,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ACCOUNTS = "ada:correct horse,ben:battery staple"


@dataclass
class Library(LibraryService):
    """A library that a test may change, and what answers from it."""

    papers: tuple[Paper, ...] = PAPERS
    revision: str = "f" * 8
    answerer: FakeAnswerer = field(default_factory=FakeAnswerer)

    def open(self, model: str, mode: str, library: str = "") -> FakeAnswerer:
        self.answerer._papers = self.papers
        return self.answerer.open(model, mode, library)

    def fingerprint(self, library: str) -> str:
        return self.revision


@dataclass
class Served:
    address: str
    settings: Settings
    library: Library


def serve(home: Path, papers: Path, auth: str = "") -> tuple[Any, Served]:
    settings, library = Settings(home=home, model="quote"), Library()
    # A small library in the place of the shipped one, which would be built while the tests run.
    shutil.copytree(papers, settings.library_path)
    accounts = open_accounts(auth, home)
    app = build_app(
        library.open, CHOICES, model="quote", mode="quote", questions=QUESTIONS, settings=settings,
        library_service=library, accounts=accounts,
    )  # fmt: skip
    start(app, "127.0.0.1", 0, accounts)
    return app, Served(app.local_url, settings, library)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, small_library: Path) -> Iterator[Served]:
    app, served = serve(tmp_path_factory.mktemp("kept"), small_library)
    yield served
    app.close(verbose=False)
    close_all()


@pytest.fixture
def here(running: Served) -> Served:
    """The page with nothing kept yet and the library as it was."""
    store = open_history(running.settings)
    for info in store.conversations(""):
        store.delete("", info.id)
    running.library.papers, running.library.revision = PAPERS, "f" * 8
    running.library.answerer = FakeAnswerer()
    return running


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, small_library: Path) -> Iterator[Served]:
    app, served = serve(tmp_path_factory.mktemp("guarded"), small_library, ACCOUNTS)
    yield served
    app.close(verbose=False)
    close_all()


def titles(page: Any) -> list[str]:
    return page.locator(".fn-history-title").all_text_contents()


def asked(page: Any, question: str) -> None:
    """Ask, and wait until the answer is kept."""
    before = page.locator("#fn-conversation .fn-turn").count()
    ask(page, question)
    page.locator("#fn-conversation .fn-turn .fn-answer").nth(before).wait_for()
    page.locator(".fn-history-open[aria-current]", has_text=f"{before + 1} question").wait_for()


def anew(page: Any) -> None:
    """Begin a new conversation."""
    page.locator("#fn-new").click()
    page.locator(".fn-welcome").wait_for()
    page.locator(".fn-history-open[aria-current]").wait_for(state="detached")


def menu(page: Any, title: str, action: str) -> None:
    row = page.locator(".fn-history-item", has_text=title)
    row.locator("summary").click()
    row.get_by_role("button", name=action, exact=True).click()


def test_a_conversation_is_there_after_the_page_was_closed(here: Served, open_page: Callable[..., Any]) -> None:
    page = open_page(here.address)
    assert "kept here" in page.locator("#fn-history-list").inner_text()
    asked(page, "Do crabs learn?")
    asked(page, "And at night?")
    anew(page)
    asked(page, "Why shells?")
    page.close()
    again = open_page(here.address)
    again.locator(".fn-history-item").first.wait_for()
    assert titles(again) == ["Why shells?", "Do crabs learn?"]
    again.get_by_role("button", name="Do crabs learn?").first.click()
    again.locator(".fn-turn").nth(1).wait_for()
    assert again.locator(".fn-question").all_text_contents() == ["Do crabs learn?", "And at night?"]
    assert again.locator(".fn-history-open[aria-current]").inner_text().startswith("Do crabs learn?")
    assert not again.locator(".fn-stale").count()
    again.locator(".fn-cite").first.click()
    again.locator("#fn-panel .fn-support:visible", has_text=FASTER.text).first.wait_for()
    # It goes on where it was, with what was said as history.
    asked(again, "A third one?")
    assert [turn.content for turn in here.library.answerer.calls[-1][1]][::2] == ["Do crabs learn?", "And at night?"]
    assert len(open_history(here.settings).conversations("")) == 2


def test_footnotes_of_a_changed_library_are_flagged_and_show_the_kept_sentence(
    here: Served, open_page: Callable[..., Any]
) -> None:
    page = open_page(here.address)
    asked(page, "Do crabs learn?")
    page.close()
    changed = replace(PAPERS[0], abstract=PAPERS[0].abstract.replace("31%", "13%"))
    here.library.papers, here.library.revision = (changed, *PAPERS[2:]), "e" * 8
    again = open_page(here.address)
    again.locator(".fn-history-open").click()
    stale = again.locator(".fn-stale li")
    stale.first.wait_for()
    assert stale.count() == 2
    assert "no longer says this" in stale.nth(0).inner_text()
    assert FASTER.text in stale.nth(0).inner_text()
    assert "no longer in the library" in stale.nth(1).inner_text()
    again.locator(".fn-cite").first.click()
    again.locator("#fn-panel .fn-support:visible", has_text="31% faster").first.wait_for()


def test_the_list_is_searched_by_what_was_said(here: Served, open_page: Callable[..., Any]) -> None:
    page = open_page(here.address)
    asked(page, "Do crabs learn?")
    anew(page)
    asked(page, "Why zebras?")
    page.get_by_label("Search conversations").fill("zeb")
    page.locator(".fn-history-item", has_text="Do crabs").wait_for(state="detached")
    assert titles(page) == ["Why zebras?"]
    page.get_by_label("Search conversations").fill("nothingofthesort")
    page.get_by_text("No conversation has these words.").wait_for()
    page.get_by_label("Search conversations").fill("")
    page.locator(".fn-history-item").nth(1).wait_for()


def test_renaming_and_deleting_by_keyboard(here: Served, open_page: Callable[..., Any]) -> None:
    page = open_page(here.address)
    asked(page, "Do crabs learn?")
    anew(page)
    asked(page, "Why shells?")
    page.locator(".fn-history-open").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the menu of 'Do crabs learn?'
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Rename
    page.keyboard.type("About <b>crabs</b>")
    page.keyboard.press("Enter")
    page.locator(".fn-history-title", has_text="About <b>crabs</b>").wait_for()
    focused = "document.activeElement.closest('.fn-history-item')?.innerText ?? document.activeElement.ariaLabel"
    page.wait_for_function(f"({focused} ?? '').includes('About')")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator(".fn-menu[open]").wait_for()
    page.keyboard.press("Escape")
    assert not page.locator(".fn-menu[open]").count()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Delete…").press("Enter")
    page.get_by_role("button", name="Keep").press("Enter")
    assert len(titles(page)) == 2
    page.get_by_role("button", name="Delete…").press("Enter")
    page.get_by_role("button", name="Delete", exact=True).press("Enter")
    page.locator(".fn-history-item", has_text="About").wait_for(state="detached")
    assert titles(page) == ["Why shells?"]
    assert page.locator(".fn-question").inner_text() == "Why shells?"  # the open one stays
    menu(page, "Why shells?", "Delete…")
    page.get_by_role("button", name="Delete", exact=True).click()
    page.locator(".fn-welcome").wait_for()  # it was the open one
    asked(page, "Anew?")
    assert titles(page) == ["Anew?"]


def test_a_rating_and_a_note_become_an_evaluation_set(
    here: Served, open_page: Callable[..., Any], tmp_path: Path
) -> None:
    page = open_page(here.address)
    asked(page, "Do crabs learn?")
    page.get_by_role("button", name="Good answer").click()
    page.get_by_text("Rating kept.").wait_for()
    page.locator("summary", has_text="Note").click()
    page.get_by_label("Note on this answer").fill("very <i>good</i>")
    page.get_by_role("button", name="Save note").click()
    page.get_by_text("Note kept.").wait_for()
    page.close()
    again = open_page(here.address)
    again.locator(".fn-history-open").click()
    again.locator(".fn-thumb-up[aria-pressed=true]").wait_for()
    assert again.get_by_label("Note on this answer").input_value() == "very <i>good</i>"
    with again.expect_download() as waiting:
        again.get_by_role("button", name="Export rated answers").click()
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    [question] = read_questions(path)
    assert question.gold == (PAPERS[0].title, PAPERS[1].title)
    again.get_by_role("button", name="Good answer").click()  # and back
    again.locator(".fn-thumb-up[aria-pressed=false]").wait_for()
    again.get_by_role("button", name="Export rated answers").click()
    again.locator("#fn-history-notice", has_text="No answer is marked good").wait_for()


def test_a_conversation_and_one_answer_are_exported(
    here: Served, open_page: Callable[..., Any], tmp_path: Path
) -> None:
    page = open_page(here.address)
    asked(page, "Do crabs learn?")
    asked(page, "And at night?")
    with page.expect_download() as waiting:
        menu(page, "Do crabs learn?", "Pandoc Markdown with .bib")
    assert waiting.value.suggested_filename == "do-crabs-learn.zip"
    waiting.value.save_as(tmp_path / "a.zip")
    archive = zipfile.ZipFile(io.BytesIO((tmp_path / "a.zip").read_bytes()))
    assert sorted(archive.namelist()) == ["do-crabs-learn.bib", "do-crabs-learn.md"]
    turn = page.locator(".fn-turn").nth(1)
    turn.locator("summary", has_text="Export").click()
    with page.expect_download() as waiting:
        turn.get_by_role("button", name="JSON with the trace").click()
    waiting.value.save_as(tmp_path / "b.json")
    record = json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))
    assert [one["question"] for one in record["turns"]] == ["And at night?"]
    page.locator("#fn-history-notice", has_text="and-at-night.json").wait_for()
    turn.locator("summary", has_text="Export").click()
    turn.get_by_label("Style of references").fill("ieee")
    with page.expect_download() as waiting:
        turn.get_by_role("button", name="References as text").click()
    assert Path(waiting.value.path()).read_text(encoding="utf-8").startswith("[1] ")
    turn.locator("summary", has_text="Export").click()
    turn.get_by_label("Style of references").fill("../../etc/passwd")
    turn.get_by_role("button", name="Markdown", exact=True).click()
    page.locator("#fn-history-notice", has_text="is not a citation style").wait_for()


def test_two_tabs_keep_their_own_conversations(here: Served, open_page: Callable[..., Any]) -> None:
    one = open_page(here.address)
    two = open_page(here.address, like=one)
    asked(one, "Do crabs learn?")
    asked(two, "Why shells?")
    asked(one, "And at night?")
    store = open_history(here.settings)
    kept = {info.title: info.turns for info in store.conversations("")}
    assert kept == {"Do crabs learn?": 2, "Why shells?": 1}


def test_another_conversation_is_not_opened_while_a_question_runs(here: Served, open_page: Callable[..., Any]) -> None:
    page = open_page(here.address)
    asked(page, "Do crabs learn?")
    anew(page)
    hold = Hold()
    here.library.answerer.scripts["Slow?"] = [hold, make_answer("Slow?")]
    ask(page, "Slow?")
    page.locator("#fn-stop").wait_for()
    page.locator(".fn-history-open").click()
    assert page.evaluate("document.activeElement.id") == "fn-stop"
    hold.released.set()
    page.locator(".fn-history-item", has_text="Slow?").wait_for()
    assert sorted(titles(page)) == ["Do crabs learn?", "Slow?"]


def test_hostile_text_stays_text(here: Served, open_page: Callable[..., Any]) -> None:
    page = open_page(here.address)
    here.library.answerer.scripts[HOSTILE] = [make_hostile_answer(HOSTILE)]
    asked(page, HOSTILE)
    here.library.papers, here.library.revision = PAPERS[:2], "e" * 8
    anew(page)
    page.locator(".fn-history-open").click()
    page.locator(".fn-stale").wait_for()
    assert "<script>" in page.locator(".fn-stale").inner_text()
    assert page.evaluate("window.pwned") is None


def test_the_menu_and_the_list_fit_a_small_screen(
    here: Served, open_page: Callable[..., Any], screenshots: Path
) -> None:
    page = open_page(here.address, width=360, height=740)
    fold = page.get_by_role("button", name="Conversations")
    assert fold.get_attribute("aria-expanded") == "false"
    ask(page, "Do crabs learn?")
    page.locator(".fn-thumb").first.wait_for()
    fold.click()
    page.locator(".fn-history-menu summary").click()
    sheet = page.locator(".fn-history-menu .fn-menu-sheet").bounding_box()
    assert sheet is not None and sheet["x"] >= 0 and sheet["x"] + sheet["width"] <= 360
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.screenshot(path=screenshots / "history-360.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures(here: Served, open_page: Callable[..., Any], screenshots: Path, scheme: str) -> None:
    page = open_page(here.address, scheme=scheme, height=900)
    asked(page, "Do crabs learn?")
    anew(page)
    asked(page, "How far does one empty shell carry through a crowded cove, and what stops the chain of moves?")
    here.library.papers, here.library.revision = PAPERS[1:], "e" * 8
    page.locator(".fn-history-open").nth(1).click()
    page.locator(".fn-stale").wait_for()
    page.get_by_role("button", name="Good answer").click()
    page.locator(".fn-history-menu summary").first.click()
    page.screenshot(path=screenshots / f"history-{scheme}.png")
    assert page.locator(".fn-menu[open]").count() == 1


# Passwords


def sign_in(page: Any, name: str, password: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_users_have_histories_of_their_own(guarded: Served, open_page: Callable[..., Any]) -> None:
    ada = open_page(guarded.address, ready="input[type=password]")
    sign_in(ada, "ada", "battery staple")
    ada.get_by_role("alert").filter(has_text="wrong").wait_for()
    sign_in(ada, "ada", "correct horse")
    ada.locator("#fn-box").wait_for()
    asked(ada, "Do crabs learn?")
    assert "Signed in as ada" in ada.locator("#fn-history-foot").inner_text()
    ben = open_page(guarded.address, ready="input[type=password]")
    sign_in(ben, "ben", "battery staple")
    ben.get_by_text("Signed in as ben").wait_for()
    assert titles(ben) == []
    store = open_history(guarded.settings)
    assert [info.title for info in store.conversations("ada")] == ["Do crabs learn?"]
    # Not even with the id of another user's conversation.
    id = store.conversations("ada")[0].id
    asked(ben, "Why shells?")
    row = ben.locator(".fn-history-item")
    row.evaluate("(row, id) => { row.dataset.id = id; }", id)
    row.locator(".fn-history-open").click()
    ben.locator("#fn-history-notice", has_text="There is no conversation").wait_for()
    assert ben.locator(".fn-question").all_text_contents() == ["Why shells?"]
    ben.get_by_role("button", name="Sign out").click()
    ben.locator("input[type=password]").wait_for()


def test_a_page_without_a_password_beyond_this_computer_says_so(open_page: Callable[..., Any], tmp_path: Path) -> None:
    library = Library()
    app = build_app(library.open, CHOICES, model="quote", mode="quote", private=False, library_service=library)
    start(app, "127.0.0.1", 0)
    try:
        page = open_page(app.local_url)
        assert "without a password" in page.get_by_role("alert").first.inner_text()
    finally:
        app.close(verbose=False)
