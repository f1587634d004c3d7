"""What the server keeps of tabs that were closed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from rag.ui.closed_tabs import KEPT
from rag.ui.page import build_app
from rag.ui.server import start
from scripts.soak.browser import Page, Tab
from tests.browser.conftest import PATIENCE_S, QUESTIONS, Answerers
from tests.browser.fakes import CHOICES


@pytest.fixture
def app() -> Iterator[Any]:
    answerers = Answerers()
    app = build_app(
        answerers.open, CHOICES, model="quote", mode="quote", questions=QUESTIONS, library_service=answerers
    )
    start(app, "127.0.0.1", 0)
    yield app
    app.close(verbose=False)


def ask(tab: Tab, question: str) -> str:
    tab.set("fn-box", question)
    tab.fire("fn-box", "submit")
    return str(tab.value("fn-conversation"))


def test_of_closed_tabs_only_the_last_are_kept(app: Any) -> None:
    page = Page(app.local_url)
    stays = Tab(page)
    assert "Do crabs learn?" in ask(stays, "Do crabs learn?")
    for _ in range(KEPT + 10):
        Tab(page).close()
    held, until = app.state_holder.session_data, time.monotonic() + PATIENCE_S
    while len(held) > KEPT + 1 and time.monotonic() < until:
        time.sleep(0.1)
    assert len(held) <= KEPT + 1
    queue = app._queue
    for beside in (
        app.state_holder.time_last_used,
        queue.pending_messages_per_session,
        queue.pending_event_ids_session,
    ):
        assert set(beside) <= set(held)
    both = ask(stays, "How many papers are there?")
    assert "Do crabs learn?" in both, "a tab that is open keeps its conversation"
    stays.close()
