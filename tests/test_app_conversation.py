"""One question from waiting in the queue to its answer, and what the page says about it; without a browser."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from rag.config import Settings
from rag.datatypes import Draft, Preview, Stage
from rag.datatypes import Turn as SpokenTurn
from rag.errors import ConfigError, LibraryLocked
from rag.ui.conversation import Conversations, Turn, asked_again, spoken
from rag.ui.examples import SHIPPED, from_papers
from rag.ui.fair_queue import FairQueue
from rag.ui.render import panel_html, status_html, turn_html
from rag.ui.server import is_loopback, start
from tests.browser.fakes import CHOICES, HOSTILE, PAPERS, FakeAnswerer, Hold, drafted, make_answer


def turns_of(fake: FakeAnswerer, question: str = "Q?", tab: str = "a") -> list[Turn]:
    return list(Conversations(fake.open).ask(tab, question, [], "quote", "quote"))


def test_a_question_grows_through_its_stages_to_an_answer() -> None:
    hold = Hold(0.2)
    fake = FakeAnswerer({"Q?": [Stage("retrieve"), Stage("write"), Draft("a "), Draft("b"), hold, make_answer("Q?")]})
    turns = turns_of(fake)
    assert not any(turn.finished for turn in turns[:-1])
    assert turns[-1].answer == make_answer("Q?")
    assert turns[-1].seconds >= 0.2
    assert any((turn.stage, turn.draft) == ("write", "a b") for turn in turns)


def test_drafts_are_shown_in_bundles() -> None:
    fake = FakeAnswerer({"Q?": [Stage("write"), *(Draft("x") for _ in range(5000)), make_answer("Q?")]})
    assert len(turns_of(fake)) < 50


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            LibraryLocked("Another process writes to the library. Wait for it."),
            "Another process writes to the library.",
        ),
        (ZeroDivisionError("secret"), "Something went wrong inside Footnote (ZeroDivisionError)."),
    ],
)
def test_errors_end_the_turn_with_a_sentence(error: Exception, text: str) -> None:
    last = turns_of(FakeAnswerer({"Q?": [Stage("retrieve"), error]}))[-1]
    assert last.error.startswith(text)
    assert "secret" not in last.error


def test_opening_an_answerer_may_fail_too() -> None:
    def failing(model: str, mode: str, library: str) -> FakeAnswerer:
        raise LibraryLocked("Busy. Wait.")

    assert list(Conversations(failing).ask("a", "Q?", [], "quote", "quote"))[-1].error == "Busy. Wait."


def test_a_pipeline_that_ends_without_an_answer_is_an_error() -> None:
    assert "without an answer" in turns_of(FakeAnswerer({"Q?": [Stage("retrieve")]}))[-1].error


def test_stop_ends_the_question_at_once_even_if_nobody_listens() -> None:
    fake = FakeAnswerer({"Q?": [Stage("write"), Hold(1.0, stoppable=False), make_answer("Q?")]})
    conversations = Conversations(fake.open)
    growing = conversations.ask("a", "Q?", [], "quote", "quote")
    while next(growing).stage != "write":
        pass
    begun = time.monotonic()
    assert conversations.stop("a")
    rest = list(growing)
    assert rest[-1].stopped
    assert time.monotonic() - begun < 0.3
    assert not conversations.stop("a")


def test_a_tab_that_goes_away_stops_its_pipeline() -> None:
    hold = Hold(30)
    fake = FakeAnswerer({"Q?": [Stage("write"), hold]})
    conversations = Conversations(fake.open)
    growing = conversations.ask("a", "Q?", [], "quote", "quote")
    while next(growing).stage != "write":
        pass
    growing.close()  # type: ignore[attr-defined]
    assert list(conversations.ask("b", "Next?", [], "quote", "quote"))[-1].answer is not None


def test_one_tab_has_one_question_at_a_time() -> None:
    conversations = Conversations(FakeAnswerer().open)
    first = conversations.ask("a", "Q?", [], "quote", "quote")
    next(first)
    assert list(conversations.ask("a", "Again?", [], "quote", "quote")) == []
    assert list(first)[-1].answer is not None


def test_questions_to_one_model_wait_in_a_queue_and_to_another_do_not() -> None:
    hold = Hold(30)
    fake = FakeAnswerer({"Slow?": drafted("Slow?", hold)})
    conversations = Conversations(fake.open)
    slow = conversations.ask("a", "Slow?", [], "tiny", "cite")
    while not next(slow).draft:
        pass
    waiting = conversations.ask("b", "Same model?", [], "tiny", "cite")
    assert [(t.stage, t.ahead) for t in (next(waiting), next(waiting))] == [("retrieve", 0), ("wait", 1)]
    assert list(conversations.ask("c", "Other model?", [], "quote", "quote"))[-1].answer is not None
    hold.released.set()
    assert list(slow)[-1].answer is not None
    assert list(waiting)[-1].answer is not None
    assert [question for question, _ in fake.calls] == ["Slow?", "Other model?", "Same model?"]


def test_the_queue_is_fair_and_may_be_left_from_any_place() -> None:
    fair_queue = FairQueue()
    tickets = [fair_queue.take("m") for _ in range(4)]
    assert [fair_queue.wait("m", ticket, 0) for ticket in tickets] == [0, 1, 2, 3]
    fair_queue.give_back("m", tickets[1])
    assert fair_queue.wait("m", tickets[3], 0) == 2
    threading.Timer(0.05, fair_queue.give_back, ("m", tickets[0])).start()
    assert fair_queue.wait("m", tickets[2], 5) == 0
    fair_queue.give_back("m", tickets[0])


def test_the_history_holds_what_was_answered() -> None:
    answered = Turn("Q?", "quote", "quote", answer=make_answer("Q?"))
    failed = replace(answered, answer=None, error="No.")
    stopped = replace(answered, answer=None, stopped=True, draft="half")
    assert spoken([failed, answered, stopped]) == (
        SpokenTurn("user", "Q?"),
        SpokenTurn("assistant", make_answer("Q?").text, ((1, "p1"), (2, "p2"))),
    )


def test_a_huge_question_is_not_repeated_in_full() -> None:
    html = turn_html(Turn("x" * 100_000, "quote", "quote", error="Too long."), 0, True, {}, {})
    assert len(html) < 3_000
    assert "(100,000 characters)" in html


def test_a_stopped_draft_is_marked_as_unchecked() -> None:
    html = turn_html(Turn("Q?", "quote", "quote", stopped=True, draft=HOSTILE), 0, True, {}, {})
    assert "Not checked" in html
    assert "<img" not in html


def test_the_panel_without_an_answer_says_what_will_be_there() -> None:
    assert "appear here" in panel_html(None, {})
    assert "appear here" in panel_html(Turn("Q?", "quote", "quote", error="No."), {})


def test_the_status_tells_the_truth_about_where_the_page_goes() -> None:
    papers = {paper.id: paper for paper in PAPERS}
    assert "Nothing leaves this computer." in status_html(CHOICES[0], "quote", papers, "", private=True)
    served = status_html(CHOICES[0], "quote", papers, "", private=False)
    assert "Nothing leaves this computer" not in served
    assert "network" in served
    assert "Opening the library" in status_html(CHOICES[0], "quote", None, "", private=True)
    broken = status_html(CHOICES[0], "quote", None, f"Broken {HOSTILE}", private=True)
    assert "Opening" not in broken
    assert "<img" not in broken


@pytest.mark.parametrize(
    ("host", "private"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("box", False)]
)
def test_only_loopback_is_private(host: str, private: bool) -> None:
    assert is_loopback(host) is private
    assert is_loopback(Settings().host)


def test_examples_come_from_the_library_where_it_is_the_users_own() -> None:
    questions = from_papers(PAPERS)
    assert questions[0] == f"Summarise “{PAPERS[0].title}”."
    assert not any("Without an Abstract" in question for question in questions)
    assert from_papers([]) == ()
    assert len(set(SHIPPED)) == len(SHIPPED) >= 4


def test_a_port_in_use_is_an_error_with_the_remedy() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError, match="FOOTNOTE_PORT"):
            start(None, "127.0.0.1", taken.getsockname()[1])


# --- quotes, until the model has answered ---


def test_quotes_are_shown_at_once_and_replaced_by_the_checked_answer() -> None:
    quotes, answer = make_answer("Quoted?"), make_answer("Q?")
    steps = [Stage("retrieve"), Preview(quotes), Stage("write"), Draft("a "), Hold(0.3), answer]
    turns = turns_of(FakeAnswerer({"Q?": steps}))
    shown = [turn for turn in turns if turn.preview is not None and turn.answer is None]
    assert shown and not any(turn.finished for turn in shown)
    page = turn_html(shown[-1], 0, True, {}, {})
    assert "Quotes, until the model" in page and "fn-cite" in page.split("Draft, being checked")[0]
    assert turns[-1].answer == answer and not turns[-1].stopped
    assert "Quotes, until the model" not in turn_html(turns[-1], 0, True, {}, {})


def test_who_stops_the_model_keeps_the_quotes_as_the_answer() -> None:
    quotes = make_answer("Quoted?")
    fake = FakeAnswerer({"Q?": [Stage("retrieve"), Preview(quotes), Stage("write"), Hold(30), make_answer("Q?")]})
    conversations = Conversations(fake.open)
    last = None
    for turn in conversations.ask("a", "Q?", [], "quote", "quote"):
        last = turn
        if turn.preview is not None:
            conversations.stop("a")
    assert last is not None and last.stopped and last.answer == quotes
    assert [spoken_turn.content for spoken_turn in spoken([last])] == ["Q?", quotes.text]
    before = replace(last, answer=make_answer("Q?"), stopped=False)
    assert asked_again(before, last).answer == before.answer, "an answer is not given up for quotes"
