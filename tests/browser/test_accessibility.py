"""axe-core over every tab, light and dark: nothing serious, nothing critical."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Answerers, ask, served_program
from tests.browser.fakes import FASTER, PAPERS, FakeAnswerer, make_answer, make_claim

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE = Path(__file__).parent / "axe" / "axe.min.js"  # fetched by scripts/axe.py


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.is_file():
        reason = f"{AXE} is missing. Install npm and run 'make dev'."
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return AXE.read_text(encoding="utf-8")


def _of_gradio(violation: Any) -> bool:
    """Gradio calls its upload area 'Click to upload or drop files' and writes the same in another order upon it."""
    targets = {" ".join(map(str, node["target"])) for node in violation["nodes"]}
    return violation["id"] == "label-content-name-mismatch" and all(".upload-container" in t for t in targets)


def findings(page: Any, axe: str) -> list[str]:
    """What axe-core calls serious or critical, one line each with the first places."""
    page.wait_for_timeout(400)  # colours fade in
    page.evaluate(axe)
    violations = page.evaluate("axe.run(document, { resultTypes: ['violations'] }).then((r) => r.violations)")
    return [
        f"{v['impact']}: {v['id']} ({v['help']}) at "
        + "; ".join(
            f"{' '.join(map(str, n['target']))} {n['any'][0]['message'] if n['any'] else ''}" for n in v["nodes"][:4]
        )
        for v in violations
        if v["impact"] in ("serious", "critical") and not _of_gradio(v)
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_conversation_has_no_serious_finding(
    served: tuple[str, Answerers], answerer: FakeAnswerer, open_page: Callable[..., Any], axe: str, scheme: str
) -> None:
    page = open_page(served[0], scheme=scheme)
    assert findings(page, axe) == []  # the welcome
    answerer.follow_ups = ("And at night?",)
    answerer.related = PAPERS[:2]
    answerer.scripts["Do crabs learn?"] = [
        make_answer(
            dropped=("Crabs fly.",), retrieved=({"paper_id": "p1", "score": 0.1, "dense": 0.5, "lexical": 2.0},)
        )
    ]
    ask(page, "Do crabs learn?")
    expect(page.locator(".fn-next")).to_be_visible()
    page.locator(".fn-why summary").click()
    page.locator(".fn-dropped summary").click()
    page.locator(".fn-cite").nth(1).click()
    expect(page.locator(".fn-related")).to_be_visible()
    assert findings(page, axe) == []
    page.keyboard.press("Escape")
    page.locator(".fn-cite").nth(1).hover()
    expect(page.locator("#fn-tip")).to_be_visible()
    assert findings(page, axe) == []


@pytest.mark.slow
def test_no_tab_of_the_real_page_has_a_serious_finding(
    small_library: Path, open_page: Callable[..., Any], axe: str
) -> None:
    found: list[str] = []
    with served_program(FOOTNOTE_LIBRARY=str(small_library)) as (address, _):
        for scheme in ("light", "dark"):
            page = open_page(address, scheme=scheme, patience_s=60)
            for name in ("Library", "Tables", "Check a text", "Map", "Models", "Ask"):
                page.get_by_role("tab", name=name).click()
                page.wait_for_timeout(1500)  # the tab asks the server for what it shows
                found += [f"{name}, {scheme}: {finding}" for finding in findings(page, axe)]
            ask(page, "How much faster do crabs choose a shell when they watch a neighbour?")
            expect(page.locator(".fn-answer")).to_be_visible(timeout=30_000)
            page.locator(".fn-cite").first.click()
            expect(page.locator(".fn-reader")).to_be_visible()
            found += [f"answer, {scheme}: {finding}" for finding in findings(page, axe)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["Library", "Tables", "Check a text", "Map", "Models"])
def test_no_tab_has_a_serious_finding(
    served: tuple[str, Answerers], answerer: FakeAnswerer, open_page: Callable[..., Any], axe: str, scheme: str,
    name: str,
) -> None:  # fmt: skip
    page = open_page(served[0], scheme=scheme)
    page.get_by_role("tab", name=name).click()
    expect(page.locator(f"#fn-tab-{name.split()[0].lower()}")).to_be_visible()
    assert findings(page, axe) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_checked_text_has_no_serious_finding(
    served: tuple[str, Answerers], answerer: FakeAnswerer, open_page: Callable[..., Any], axe: str, scheme: str
) -> None:
    texts = {verdict: f"This sentence is {verdict}." for verdict in ("supported", "weak", "contradicted", "nothing")}
    for verdict, text in texts.items():
        sources = [(PAPERS[0], FASTER, verdict)] if verdict != "nothing" else []
        answerer.claims[text] = make_claim(text, verdict, *sources)
    page = open_page(served[0], scheme=scheme)
    page.get_by_role("tab", name="Check a text").click()
    page.locator("#fn-check-text textarea").fill(" ".join(texts.values()))
    page.locator("#fn-check-start").click()
    expect(page.locator(".fn-check-sentence")).to_have_count(4)
    page.locator(".fn-check-source").first.click()
    expect(page.locator("#fn-check-paper mark")).to_be_visible()
    assert findings(page, axe) == []
