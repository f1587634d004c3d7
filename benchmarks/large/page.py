"""The page over a large library, in a browser: from the start of the program to what can be used, tab by tab."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.api import served
from benchmarks.measure import Sampler

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PATIENCE_MS = 900_000  # what takes longer is not measured
REPEATS = 5
SOME = re.compile(r"of .* papers")  # '1,200 of 173,222 papers'


def page_figures(home: Path, library: Path, since: int, word: str) -> dict[str, float]:
    """Seconds of what a reader does first, and the most memory of the program in MB; {} where there is no browser.

    ``since`` and ``word``: a year and a word that some papers have and others do not.
    """
    if not CHROMIUM.exists():
        return {}
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        tab = browser.new_page()
        tab.set_default_timeout(PATIENCE_MS)
        begun = time.perf_counter()
        with served(home, "--library", str(library), "--model", "quote") as (address, program):
            sampler = Sampler(program.pid, every=0.1, marks=True)
            sampler.start()
            try:
                ready = time.perf_counter() - begun
                figures = {"page_ready_s": ready} | _used(tab, address, begun, since, word)
            finally:
                browser.close()
                sampler.finish()
        return figures | {"page_mb": sampler.peak / 1e6}


def _used(tab: Any, address: str, begun: float, since: int, word: str) -> dict[str, float]:
    tab.goto(f"http://{address}")
    tab.locator("#fn-box textarea").wait_for()
    figures = {"page_usable_s": time.perf_counter() - begun}
    found = tab.locator("#fn-library-found")

    def filtered(fill: Callable[[], None]) -> float:
        seconds = _seconds(fill, lambda: found.filter(has_text=SOME).wait_for())
        tab.locator("#fn-library-clear").click()
        found.filter(has_not_text=SOME).filter(has_text="papers").wait_for()
        return seconds

    figures["library_tab_s"] = _seconds(
        lambda: tab.get_by_role("tab", name="Library").click(), lambda: tab.locator("[data-sort=title]").wait_for()
    )
    orders = ["ascending", "descending"] * REPEATS
    figures["library_sorted_s"] = statistics.median(_sorted(tab, "title", order) for order in orders[:REPEATS])
    year = tab.locator("#fn-library").get_by_label("From year")
    text = tab.locator("#fn-library-text textarea, #fn-library-text input").first
    figures["library_filtered_s"] = statistics.median(
        filtered(lambda: year.fill(str(since))) for _ in range(REPEATS)
    )  # fmt: skip
    figures["library_text_s"] = statistics.median(filtered(lambda: text.fill(word)) for _ in range(REPEATS))
    figures["map_s"] = _seconds(
        lambda: tab.get_by_role("tab", name="Map").click(), lambda: tab.locator(".fn-map[data-drawn]").wait_for()
    )
    return figures


def _sorted(tab: Any, column: str, order: str) -> float:
    head = tab.locator(f"th.fn-library-{column}[aria-sort={order}]")
    return _seconds(lambda: tab.locator(f"[data-sort={column}]").click(), lambda: head.wait_for())


def _seconds(act: Callable[[], None], see: Callable[[], None]) -> float:
    """From what the reader does to what the reader sees."""
    begun = time.perf_counter()
    act()
    see()
    return time.perf_counter() - begun
