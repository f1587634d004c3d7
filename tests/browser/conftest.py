"""A served page over fake answerers, a real Chromium, and a list of every request that the page made."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from rag.datatypes import Answer, StopSignal
from rag.retrieval.related import Related
from rag.ui.page import build_app
from rag.ui.page_context import LibraryService
from rag.ui.server import start
from rag.verification.claims import CheckedClaim
from tests.browser.fakes import CHOICES, PAPERS, FakeAnswerer

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
PATIENCE_S = 20  # how long a test waits for what shall appear; machines are busy
QUESTIONS = ("Do crabs learn?", "How many papers are there?")


class Answerers(LibraryService):
    """Stands before the fake of the current test, so that one served page does for all tests."""

    def __init__(self) -> None:
        self.current = FakeAnswerer()

    def open(self, model: str, mode: str, library: str = "") -> FakeAnswerer:
        return self.current.open(model, mode, library)

    def related(self, library: str, paper_id: str) -> list[Related]:
        return [Related(paper, 0.71) for paper in self.current.related if paper.id != paper_id]

    def follow_ups(self, library: str, answer: Answer, asked: Sequence[str]) -> list[str]:
        return [question for question in self.current.follow_ups if question not in asked]

    def claims(self, library: str, sentences: Sequence[str], stop: StopSignal) -> Iterator[CheckedClaim]:
        for sentence in sentences:
            if stop.is_set():
                return
            if hold := self.current.claim_holds.get(sentence):
                hold.wait(None)
            said = self.current.claims.get(sentence, CheckedClaim(sentence, "nothing", 0.0))
            if isinstance(said, Exception):
                raise said
            yield said


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import expect, sync_playwright

    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing. Install Debian's package 'chromium': apt-get install chromium")
    expect.set_options(timeout=1000 * PATIENCE_S)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[str, Answerers]]:
    """Address of the page, and the answerers behind it."""
    answerers = Answerers()
    app = build_app(
        answerers.open, CHOICES, model="quote", mode="quote", questions=QUESTIONS, library_service=answerers
    )
    start(app, "127.0.0.1", 0)
    yield app.local_url, answerers
    app.close(verbose=False)


@contextmanager
def served_program(**environment: str) -> Iterator[tuple[str, float]]:
    """``python app.py`` on a free port: its address, and the seconds until it could be opened."""
    begun = time.monotonic()
    program = subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"FOOTNOTE_PORT": "0"} | environment,
    )  # fmt: skip
    assert program.stderr is not None
    try:
        said: list[str] = []
        for line in program.stderr:
            said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+/?", line):
                yield found[0], time.monotonic() - begun
                return
        pytest.fail(f"app.py ended: {''.join(said)}")
    finally:
        program.terminate()
        program.wait(timeout=20)
        program.stderr.close()


@pytest.fixture(scope="session")
def small_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of two papers, made by ``footnote import``."""
    folder = tmp_path_factory.mktemp("small")
    records = folder / "papers.jsonl"
    fields = ("id", "title", "abstract", "authors", "year", "venue", "url", "doi")
    lines = [json.dumps({name: getattr(paper, name) for name in fields}) for paper in PAPERS[:2]]
    records.write_text("\n".join(lines), encoding="utf-8")
    library = folder / "library"
    command = [sys.executable, "-c", "import sys; from rag.cli import main; sys.exit(main())", "import", str(records)]
    done = subprocess.run([*command, "--library", str(library)], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return library


@pytest.fixture
def answerer(served: tuple[str, Answerers]) -> FakeAnswerer:
    """The fake that answers in this test."""
    served[1].current = FakeAnswerer()
    return served[1].current


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Open an address in a fresh browser profile. When the test ends, no request may have left loopback, and no
    script may have failed."""
    contexts: list[Any] = []
    requests: list[str] = []
    failures: list[str] = []

    def open_page(
        address: str,
        width: int = 1280,
        height: int = 800,
        scheme: str = "light",
        like: Any = None,  # a page whose profile is shared
        ready: str = "",  # what shows that the page is usable; by default the number of papers
        patience_s: float = 30,
    ) -> Any:
        if like is None:
            contexts.append(chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme))
        page = (like.context if like is not None else contexts[-1]).new_page()
        page.set_default_timeout(1000 * PATIENCE_S)
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.goto(address)
        sign = page.locator(ready) if ready else page.locator("#fn-status", has_text=re.compile(r"\d papers"))
        sign.wait_for(timeout=1000 * patience_s)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert requests, "the test never opened the page"
    foreign = [
        url for url in requests if urlsplit(url).hostname != "127.0.0.1" and not url.startswith(("data:", "blob:"))
    ]
    assert not foreign, f"the page asked for {foreign}"
    assert not failures, failures


@pytest.fixture
def page(served: tuple[str, Answerers], answerer: FakeAnswerer, open_page: Callable[..., Any]) -> Any:
    """The chat at 1280 by 800, light, answered by ``answerer``."""
    return open_page(served[0])


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Where screenshots go: ``$FOOTNOTE_SCREENSHOTS`` as it was when the tests began, else a temporary folder."""
    folder = Path(_SCREENSHOTS) if _SCREENSHOTS else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    return folder


# Read now: tests run without the FOOTNOTE_ variables of the user.
_SCREENSHOTS = os.environ.get("FOOTNOTE_SCREENSHOTS", "")


def ask(page: Any, question: str) -> None:
    """Type a question and send it."""
    page.locator("#fn-box textarea").fill(question)
    page.locator("#fn-box textarea").press("Enter")


def open_tab(page: Any, name: str) -> None:
    """Go to a tab of the page; on narrow screens it hides behind '…'."""
    tab = page.locator("#fn-tabs > .tab-wrapper").get_by_role("tab", name=name)
    if tab.is_visible():
        tab.click()
    else:
        page.locator("#fn-tabs .overflow-menu > button").click()
        page.locator("#fn-tabs .overflow-dropdown button", has_text=name).click()
