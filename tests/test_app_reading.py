"""The line above an answer that says how its question was read, and what changing a part of it asks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag.datatypes import Scope, Wanted
from rag.ui.conversation import Conversations, Turn, read_otherwise
from rag.ui.render import turn_html
from rag.ui.render_scope import reading_html, used_html
from tests.browser.fakes import HOSTILE, FakeAnswerer, make_answer

READING = {"kind": "papers", "filters": {"since": 2019}, "follow_up": f"Crabs? {HOSTILE}"}
FILTERS = {"since": 2019, "venues": ["Nature"]}
ANSWER = make_answer("Q?", reading=READING, filters=FILTERS, scope="2019 or later, Nature")
TURN = Turn("Q?", "quote", "quote", answer=ANSWER)


def test_each_part_of_the_last_reading_can_be_changed() -> None:
    html = reading_html(ANSWER, 3, last=True)
    assert '<option value="papers" selected>several papers</option>' in html
    assert html.count("<option") == 8
    for part in ("years", "venues", "follow_up"):
        assert f'data-part="{part}"' in html
    assert html.count('data-turn="3"') == 4
    assert "<img" not in html and "<script" not in html


def test_older_readings_are_words_alone() -> None:
    html = reading_html(ANSWER, 0, last=False)
    assert "several papers" in html and "Nature" in html
    assert "<select" not in html and "<button" not in html


def test_an_answer_from_before_there_were_readings_shows_what_it_was_limited_to() -> None:
    old = replace(ANSWER, trace=replace(ANSWER.trace, reading={}))
    assert reading_html(old, 0, last=True) == ""
    assert 'data-part="venues"' in used_html(old, 0, last=True)
    assert used_html(ANSWER, 0, last=True) == ""


def test_the_reading_stands_above_the_answer() -> None:
    html = turn_html(TURN, 0, True, {}, {})
    assert html.index("fn-reading") < html.index("fn-answer")


@pytest.mark.parametrize(
    ("part", "kind", "scope", "wanted"),
    [
        ("kind", "review", None, Wanted("review")),
        ("kind", "nonsense", None, Wanted()),
        ("follow_up", "", None, Wanted(alone=True)),
        ("years", "", Scope(venues=("Nature",), literal=True), Wanted()),
        ("venues", "", Scope(2019, literal=True), Wanted()),
    ],
)
def test_a_changed_part_is_asked_again_so(part: str, kind: str, scope: Scope | None, wanted: Wanted) -> None:
    changed = read_otherwise(TURN, part, kind)
    assert (changed.question, changed.scope, changed.wanted) == ("Q?", scope, wanted)


def test_changes_add_up() -> None:
    changed = read_otherwise(read_otherwise(TURN, "follow_up"), "kind", "compare")
    assert changed.wanted == Wanted("compare", alone=True)


def test_what_is_wanted_reaches_the_answerer() -> None:
    fake = FakeAnswerer()
    conversations = Conversations(fake.open)
    *_, last = conversations.ask("a", "Q?", [], "quote", "quote", "", None, Wanted("review"))
    list(conversations.ask("a", "Q?", [], "quote", "quote"))
    assert fake.asked_with == [{"wanted": Wanted("review")}, {}]
    assert last.wanted == Wanted("review")
