"""The check tab without a browser: what is shown of a text while it is checked, and that no text becomes markup."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import factory
from rag.config import Settings
from rag.datatypes import Paper, Sentence, StopSignal
from rag.errors import ModelError
from rag.ui.page_context import LibraryService, PageContext
from rag.ui.render_check import checked_html, opened_html, progress_html, summary_html
from rag.ui.server import Libraries
from rag.ui.text_checker import TextChecker, Updates
from rag.verification import sources
from rag.verification.claims import LONGEST_TEXT, CheckedClaim
from rag.verification.entailment import Judgement, Thresholds
from tests.browser.fakes import CHOICES, FASTER, HOSTILE, MOVES, NIGHT, PAPERS, FakeAnswerer, make_claim
from tests.browser.small_library import make_library
from tests.test_presentation import Markup

SUPPORTED = make_claim("Watching crabs are faster.", "supported", (PAPERS[0], FASTER, "supported"))
DENIED = make_claim("The effect lasts all night.", "contradicted", (PAPERS[0], NIGHT, "contradicted"))
WEAK = make_claim("One shell moves many.", "weak", (PAPERS[1], MOVES, "weak"))
NOTHING = CheckedClaim("The moon is far.", "nothing", 0.1)
ALL = (SUPPORTED, DENIED, WEAK, NOTHING)
TEXT = " ".join(one.text for one in ALL)


class Verdicts(LibraryService):
    """Gives these verdicts; before each it calls ``meanwhile`` with how many it has given."""

    def __init__(self, checked: Sequence[CheckedClaim | Exception] = ALL) -> None:
        self.checked = checked
        self.asked: list[tuple[str, list[str]]] = []
        self.meanwhile = lambda done: None

    def claims(self, library: str, sentences: Sequence[str], stop: StopSignal) -> Iterator[CheckedClaim]:
        self.asked.append((library, list(sentences)))
        for done, one in enumerate(self.checked):
            self.meanwhile(done)
            if stop.is_set():
                return
            if isinstance(one, Exception):
                raise one
            yield one


def checker(service: Verdicts | None = None) -> TextChecker:
    return TextChecker(PageContext(FakeAnswerer().open, CHOICES, library_service=service or Verdicts()))


def run(text: str = TEXT, service: Verdicts | None = None) -> list[Updates]:
    return list(checker(service).check("tab", text, "lib"))


def seen(html: str) -> str:
    return " ".join(Markup(html).text.split())


# --- checking ---


def test_a_text_is_checked_sentence_by_sentence() -> None:
    service = Verdicts()
    first, *_, last = run(service=service)

    assert service.asked == [("lib", [one.text for one in ALL])]
    assert "Sentence 1 of 4…" in seen(first["state"]) and first["list"] == "" and first["paper"] == ""
    assert last["result"] == ALL
    assert seen(last["state"]) == ("4 sentences: 1 supported, 1 weakly supported, 1 contradicted, 1 without a source.")
    assert 'role="status"' in first["state"] and 'role="status"' in last["state"]
    assert "<progress" in first["state"] and "<progress" not in last["state"]


def test_a_check_is_stopped_and_keeps_what_it_has() -> None:
    service = Verdicts()
    at_work = checker(service)
    service.meanwhile = lambda done: at_work.stop("tab") if done == 2 else None

    *_, last = at_work.check("tab", TEXT, "")

    assert last["result"] == (SUPPORTED, DENIED)
    assert seen(last["state"]) == "Stopped after 2 of 4 sentences: 1 supported, 1 contradicted."
    assert len(list(at_work.check("tab", TEXT, ""))) > 1, "and the next check goes on"


def test_of_a_check_that_is_forgotten_nothing_more_is_shown() -> None:
    service = Verdicts([SUPPORTED, ModelError("gone")])
    at_work = checker(service)
    service.meanwhile = lambda done: at_work.forget("tab") if done == 1 else None

    assert [bool(updates["result"]) for updates in at_work.check("tab", TEXT, "")] == [False, True]


def test_one_check_at_a_time_in_each_browser_tab() -> None:
    at_work = checker()
    running = at_work.check("one", TEXT, "")
    next(running)
    assert list(at_work.check("one", TEXT, "")) == []
    assert len(list(at_work.check("two", TEXT, ""))) > 1
    running.close()
    assert len(list(at_work.check("one", TEXT, ""))) > 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "There is no text yet. Give a paragraph"),
        (" \n\t", "There is no text yet. Give a paragraph"),
        ("# Only a heading\n\n```\ncode()\n```", "headings, tables and code are not checked"),
        ("A word. " * (LONGEST_TEXT // 8 + 1), "at most 50,000 are checked at a time. Check it in parts."),
    ],
)
def test_what_cannot_be_checked_is_said(text: str, words: str) -> None:
    service = Verdicts()
    (only,) = run(text, service)
    assert words in seen(only["state"]) and 'role="alert"' in only["state"]
    assert not service.asked


def test_an_error_ends_the_check_and_keeps_what_was_shown() -> None:
    *_, before, last = run(service=Verdicts([SUPPORTED, DENIED, ModelError("The network is damaged.")]))
    assert before["result"] == (SUPPORTED, DENIED)
    assert set(last) == {"state"} and "The network is damaged." in last["state"]


def test_a_hostile_text_is_checked_like_any_other() -> None:
    texts = [f"{HOSTILE} is a sentence.", "\x00\x1b[31m\udcff red and dead.", "> " * 300 + "deep down.", "[x](" * 500]
    for text in texts:
        assert "state" in run(text)[-1]


def test_the_real_library_that_is_chosen_is_asked(
    footnote_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "judge_claim", lambda claim, source: Judgement(0.1, 0.1, 0.8))
    monkeypatch.setattr(sources, "thresholds", lambda: Thresholds(0.7, 0.3, 0.7))
    chosen = str(make_library(tmp_path / "library"))
    service = Libraries(lambda library: Settings(home=footnote_home, library=Path(library)))
    try:
        sentences = ["Sourdough bread rises.", "Penguins swim under the ice of Mars."]
        bread, penguins = service.claims(chosen, sentences, threading.Event())
    finally:
        factory.close_all()
    assert (bread.verdict, penguins.verdict) == ("supported", "nothing")
    assert {(c.paper_id[:5], c.quote) for c in bread.citations} == {("bread", "Sourdough bread rises.")}


# --- reading ---


def marked(html: str) -> list[str]:
    return [part.split("</mark>")[0] for part in html.split('<mark class="fn-support">')[1:]]


def test_a_source_opens_its_abstract_with_the_quote_marked() -> None:
    at_work = checker()
    assert marked(at_work.open(ALL, 0, 0, "")) == [FASTER.text]
    assert marked(at_work.open(ALL, 1, 0, "")) == [NIGHT.text]
    assert [at_work.open(ALL, *place, "") for place in ((3, 0), (4, 0), (0, 1), (-1, 0), (0, -1))] == [""] * 5


def test_a_paper_that_changed_has_no_mark_and_one_that_is_gone_says_so() -> None:
    changed = replace(PAPERS[0], abstract="Another abstract altogether, and long enough to have all the places. " * 5)
    assert marked(opened_html(changed, SUPPORTED.citations[0])) == []
    gone = make_claim("Gone.", "supported", (Paper("gone", "Gone", FASTER.text), FASTER, "supported"))
    assert "no longer in the library" in checker().open((gone,), 0, 0, "")


# --- rendering ---


def test_a_verdict_is_told_by_sign_and_words() -> None:
    text = seen(checked_html(ALL))
    for expected in (
        "✓ supported", "✗ contradicted", "~ weakly supported", "– nothing in the library says so",
        "✓ says so", "✗ contradicts it", "~ says something like it", PAPERS[0].title,
    ):  # fmt: skip
        assert expected in text


@pytest.mark.parametrize(
    ("checked", "count", "expected"),
    [
        ((SUPPORTED,), 1, "1 sentence: 1 supported."),
        ((SUPPORTED,) * 5 + (DENIED, NOTHING), 7, "7 sentences: 5 supported, 1 contradicted, 1 without a source."),
        ((), 3, "Stopped after 0 of 3 sentences."),
        ((replace(NOTHING, verdict="unsupported"),), 1, "1 sentence: 1 without a source."),
    ],
)
def test_the_summary_counts(checked: Sequence[CheckedClaim], count: int, expected: str) -> None:
    assert seen(summary_html(checked, count)) == expected


def test_progress_names_the_sentence_that_is_checked() -> None:
    assert seen(progress_html(2, 12)) == "Sentence 3 of 12…"
    assert seen(progress_html(12, 12)) == "Sentence 12 of 12…"


@given(st.text(max_size=60).map(lambda text: f"{text}<i onclick='x'>\"&lt;"))
def test_no_text_makes_markup(text: str) -> None:
    paper = Paper(text, text, text, (text,), 2020, text, f"javascript:{text}", text)
    one = make_claim(text, "supported", (paper, Sentence(text, 0, len(text)), "contradicted"))
    for html in (checked_html([one, replace(one, verdict="nothing")]), opened_html(paper, one.citations[0])):
        page = Markup(html)
        assert not {tag for tag, _ in page.tags} & {"i", "script", "img", "iframe"}
        assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
        assert not any("javascript" in (attributes.get("href") or "") for _, attributes in page.tags)


def test_two_threads_do_not_share_a_check() -> None:
    at_work, ends = checker(), []
    threads = [
        threading.Thread(target=lambda tab=tab: ends.append(list(at_work.check(tab, TEXT, ""))[-1]["result"]))
        for tab in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends == [ALL] * 4
