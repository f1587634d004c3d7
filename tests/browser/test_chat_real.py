"""The chat from ``python app.py`` to a footnoted answer in the browser, on real parts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ROOT, ask, served_program

pytestmark = pytest.mark.browser

QUESTION = "How much faster do crabs choose a shell when they watch a neighbour?"


def test_a_real_library_answers_in_the_browser(small_library: Path, open_page: Callable[..., Any]) -> None:
    with served_program(FOOTNOTE_LIBRARY=str(small_library)) as (address, _):
        page = open_page(address)
        expect(page.locator("#fn-status")).to_contain_text("2 papers", timeout=30_000)
        ask(page, QUESTION)
        expect(page.locator(".fn-sentence").first).to_contain_text("31%", timeout=30_000)
        page.locator(".fn-cite").first.click()
        marked = page.locator(".fn-chosen mark.fn-support")
        expect(marked).to_have_text(
            "Crabs that watched a neighbour chose a fitting shell 31% faster than crabs that were alone."
        )
        ask(page, "Who won the football world cup in 2018?")
        expect(page.locator(".fn-refusal")).to_be_visible(timeout=30_000)


def test_the_language_model_writes_a_draft_and_a_checked_answer(
    small_library: Path, open_page: Callable[..., Any]
) -> None:
    with served_program(FOOTNOTE_LIBRARY=str(small_library), FOOTNOTE_MODEL="smollm2") as (address, _):
        page = open_page(address)
        expect(page.locator("#fn-status strong")).to_contain_text("SmolLM2")
        ask(page, QUESTION)
        expect(page.locator(".fn-answer, .fn-refusal").first).to_be_visible(timeout=60_000)
        expect(page.locator(".fn-error")).to_have_count(0)
        if page.locator(".fn-sentence").count():
            assert page.locator(".fn-sentence:not(:has(.fn-cite))").count() == 0


@pytest.mark.slow
def test_the_shipped_library_answers_its_first_example(
    shared_home: Path, open_page: Callable[..., Any], screenshots: Path
) -> None:
    with served_program(FOOTNOTE_HOME=str(shared_home)) as (address, _):
        for scheme in ("light", "dark"):
            page = open_page(address, scheme=scheme, patience_s=150)
            page.locator(".fn-example").first.click()
            expect(page.locator(".fn-sentence").first).to_be_visible(timeout=30_000)
            assert page.locator(".fn-sentence:not(:has(.fn-cite))").count() == 0
            page.locator(".fn-cite").first.click()
            expect(page.locator(".fn-chosen mark.fn-support")).to_be_visible()
            page.wait_for_timeout(500)
            page.screenshot(path=screenshots / f"first-example-{scheme}.png")


def test_a_library_that_is_not_there_is_said_on_the_page(tmp_path: Path, open_page: Callable[..., Any]) -> None:
    with served_program(FOOTNOTE_LIBRARY=str(tmp_path / "nowhere")) as (address, _):
        page = open_page(address, ready="#fn-status .fn-error")
        ask(page, QUESTION)
        expect(page.locator("#fn-conversation .fn-error")).to_contain_text("nowhere", timeout=30_000)
        assert "Traceback" not in page.content()


def test_an_unknown_model_ends_the_program_with_a_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, capture_output=True, text=True, timeout=60,
        env=os.environ | {"FOOTNOTE_PORT": "0", "FOOTNOTE_MODEL": "no-such-model"},
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "no-such-model" in done.stderr
