"""Kept conversations on the page, without a browser: what a tab gets back, and the list as HTML."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from rag.config import Settings
from rag.datatypes import Paper
from rag.errors import ConversationNotFound, LibraryNotFound
from rag.history.models import ConversationInfo, LibraryMark, Opened
from rag.history.store import ConversationStore
from rag.questions.scope import Scope
from rag.ui.conversation import Turn
from rag.ui.conversation_recorder import ConversationRecorder, to_kept, to_turn
from rag.ui.downloads import download_html
from rag.ui.page_context import LibraryService, PageContext
from rag.ui.render_history import day_of, list_html, notice_html, rating_html, stale_html
from tests.browser.fakes import CHOICES, HOSTILE, PAPERS, FakeAnswerer, make_answer, make_refusal
from tests.test_presentation import Markup


class OneLibrary(LibraryService):
    """One library whose revision a test sets, and none anywhere else."""

    revision = "f" * 8

    def fingerprint(self, library: str) -> str:
        if library:
            raise LibraryNotFound(f"There is no library in {library}.")
        return self.revision


@pytest.fixture
def library_service() -> OneLibrary:
    return OneLibrary()


@pytest.fixture
def recorder(tmp_path: Path, library_service: OneLibrary) -> ConversationRecorder:
    context = PageContext(FakeAnswerer(papers=PAPERS[1:]).open, CHOICES, Settings(home=tmp_path), library_service)
    return ConversationRecorder(context, ConversationStore(tmp_path))


def answered(question: str = "Do crabs learn?", **changes: object) -> Turn:
    return replace(Turn(question, "quote", "quote", make_answer(question), seconds=0.2), **changes)  # type: ignore[arg-type]


def test_a_turn_comes_back_as_it_was() -> None:
    turns = (
        answered(scope=Scope(since=2020), library="/a", rating=-1, note="wrong"),
        Turn("q", "tiny", "cite", error="It failed."),
        Turn("q", "tiny", "cite", stopped=True, draft="Crabs"),
    )
    assert tuple(to_turn(to_kept(turn)) for turn in turns) == turns


def test_only_what_is_finished_is_kept(recorder: ConversationRecorder) -> None:
    opened = recorder.keep("", Opened(), [answered(), Turn("And?", "quote", "quote", stage="write")], "")
    assert [turn.question for turn in recorder.store.conversation("", opened.id).turns] == ["Do crabs learn?"]
    assert recorder.keep("", opened, [], "") == opened


def test_a_conversation_of_the_library_that_was_started_with_names_none(
    recorder: ConversationRecorder, library_service: OneLibrary
) -> None:
    opened = recorder.keep("", Opened(), [answered()], "")
    info = recorder.store.conversation("", opened.id).info
    assert info.library.name == "Shipped abstracts"
    assert Path(info.library.path).is_absolute()
    found = recorder.reopen("", opened.id)
    assert (found.library, found.problem, found.opened) == ("", "", opened)
    assert found.turns[0].stale == ()  # the same fingerprint: nothing is compared
    library_service.revision = "e" * 8
    assert [one.number for one in recorder.reopen("", opened.id).turns[0].stale] == [1, 1]  # the first paper is gone


def test_a_library_that_is_gone_costs_the_check_and_not_the_conversation(recorder: ConversationRecorder) -> None:
    opened = recorder.keep("", Opened(), [answered(library="/no/such")], "/no/such")
    found = recorder.reopen("", opened.id)
    assert found.library == "/no/such"
    assert "There is no library in /no/such" in found.problem
    assert found.turns[0].answer == make_answer()


def test_a_rating_reaches_an_answer_that_was_not_kept_yet(recorder: ConversationRecorder) -> None:
    turn = answered()
    turns, opened = recorder.rate("", Opened(), [turn], "", turn.id, 1, None)
    assert turns[0].rating == 1
    assert recorder.store.conversation("", opened.id).turns[0].rating == 1
    turns, _ = recorder.rate("", opened, turns, "", turn.id, 1, " fine ")
    assert (turns[0].rating, turns[0].note) == (1, "fine")
    with pytest.raises(ConversationNotFound):
        recorder.rate("", opened, turns, "", "another", 1, None)


def test_another_user_gets_nothing(recorder: ConversationRecorder) -> None:
    opened = recorder.keep("ada", Opened(), [answered()], "")
    for attempt in (
        lambda: recorder.reopen("ben", opened.id),
        lambda: recorder.export("ben", opened.id, "json", "", ""),
    ):
        with pytest.raises(ConversationNotFound):
            attempt()


def test_an_exported_refusal_names_its_nearest_papers(recorder: ConversationRecorder) -> None:
    turn = Turn("Who won?", "quote", "quote", make_refusal())
    opened = recorder.keep("", Opened(), [turn], "")
    recorder._context.papers("")
    [text] = recorder.export("", opened.id, "markdown", turn.id, "").values()
    assert "Shell Vacancy Chains" in text


def info(id: str, title: str, changed: float) -> ConversationInfo:
    return ConversationInfo(id, title, LibraryMark(name=HOSTILE), changed, changed, 1)


def test_the_list_is_grouped_by_day_and_shows_titles_as_text() -> None:
    now = time.mktime((2026, 3, 2, 12, 0, 0, 0, 0, -1))
    day = 86_400
    infos = [
        info("a", HOSTILE, now),
        info("b", "B", now - day),
        info("c", "C", now - 4 * day),
        info("d", "D", now - 40 * day),
    ]
    page = Markup(list_html(infos, "b", "", now))
    groups = [attributes["aria-label"] for name, attributes in page.tags if name == "section"]
    assert groups == ["Today", "Yesterday", "Last 7 days", "January 2026"]
    assert not {"img", "script"} & {name for name, _ in page.tags}
    assert HOSTILE in page.text
    current = [a for name, a in page.tags if name == "button" and a.get("aria-current")]
    assert len(current) == 1
    labels = [a["aria-label"] for name, a in page.tags if name == "summary"]
    assert labels[1] == "More for B"
    assert "kept here" in list_html([], "", "") and "No conversation has" in list_html([], "", "zebra")


def test_midnight_parts_the_days() -> None:
    midnight = time.mktime((2026, 3, 2, 0, 0, 0, 0, 0, -1))
    assert day_of(midnight, midnight + 60) == "Today"
    assert day_of(midnight - 1, midnight + 60) == "Yesterday"


def test_what_stands_below_an_answer_is_text() -> None:
    turn = answered(rating=-1, note=f"{HOSTILE}</textarea>")
    page = Markup(rating_html(turn))
    pressed = {a["data-rating"]: a["aria-pressed"] for name, a in page.tags if a.get("data-rating")}
    assert pressed == {"1": "false", "-1": "true"}
    assert not {"img", "script"} & {name for name, _ in page.tags}
    from rag.history.stale import Change, StaleCitation

    stale = StaleCitation(1, Paper("p", HOSTILE), HOSTILE, Change.GONE)
    assert not {"img", "script"} & {name for name, _ in Markup(stale_html([stale])).tags}
    assert "<img" not in notice_html(HOSTILE, True)
    assert stale_html(()) == "" == notice_html("") == download_html({})
