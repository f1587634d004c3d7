"""The map tab in a real browser, over a real library of a few papers and over the points of forty thousand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from rag.config import Settings
from rag.survey.library_map import EDGE, Group, LibraryMap
from rag.ui.server import launch
from tests.browser.conftest import open_tab
from tests.browser.small_library import PAPERS, make_library
from tests.browser.test_accessibility import AXE, findings

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_library(tmp_path_factory.mktemp("mapped") / "library")


@pytest.fixture(scope="module")
def address(library: Path, shared_home: Path) -> Iterator[str]:
    app = launch(Settings(home=shared_home, library=library, port=0, model="quote"))
    yield app.local_url
    app.close(verbose=False)


def open_map(page: Any) -> Any:
    """The page with its map drawn."""
    open_tab(page, "Map")
    page.locator(".fn-map[data-drawn]").wait_for(timeout=30_000)
    return page


@pytest.fixture
def mapped(address: str, open_page: Callable[..., Any]) -> Any:
    return open_map(open_page(address))


def list_entry(page: Any, paper_id: str) -> Any:
    """The entry of a paper in the list below the map."""
    page.locator("#fn-map-list details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    return page.locator(f'.fn-map-open[data-paper="{paper_id}"]')


def test_every_paper_is_drawn_and_every_topic_named(mapped: Any, library: Path) -> None:
    assert mapped.locator(".fn-map").get_attribute("data-drawn") == str(len(PAPERS))
    legend = mapped.locator(".fn-map-group")
    expect(legend).to_have_count(3)
    assert sum(int(text) for text in mapped.locator(".fn-map-count").all_inner_texts()) == len(PAPERS)
    words = " ".join(legend.all_inner_texts())
    assert all(word in words for word in ("crab", "star", "bread"))
    assert (library / "map.json").is_file()
    ink = mapped.evaluate(
        "() => { const c = document.querySelector('.fn-map-stage canvas');"
        " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 200; return n; }"
    )
    assert ink > 20 * len(PAPERS), "no points on the canvas"


def test_labels_do_not_overlap(mapped: Any) -> None:
    shown = mapped.locator(".fn-map-labels > div:not(.fn-map-hidden)")
    expect(shown).to_have_count(3)
    boxes = [one.bounding_box() for one in shown.all()]
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            apart = (
                a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
                or a["y"] + a["height"] <= b["y"] or b["y"] + b["height"] <= a["y"]
            )  # fmt: skip
            assert apart, boxes


def test_a_paper_of_the_list_opens_and_can_be_asked_about(mapped: Any) -> None:
    list_entry(mapped, "star03").click()
    card = mapped.locator(".fn-map-paper")
    expect(card.locator("h3")).to_have_text("On stars, part 3")
    expect(card).to_contain_text("Ada Strand")
    expect(card).to_contain_text("Neutron stars spin.")
    expect(card.locator("a[href='https://doi.org/10.1234/star3']")).to_have_attribute("rel", re.compile("noreferrer"))
    question = mapped.locator("#fn-map-question textarea")
    expect(question).to_have_value('Summarise the paper "On stars, part 3"')
    mapped.locator("#fn-map-ask").click()
    expect(mapped.locator(".fn-question")).to_have_text('Summarise the paper "On stars, part 3"', timeout=20_000)
    expect(mapped.locator("#fn-tab-ask")).to_be_visible()


def test_keys_go_from_paper_to_paper_and_open_one(mapped: Any) -> None:
    canvas = mapped.locator(".fn-map-stage canvas")
    canvas.focus()
    said = mapped.locator(".fn-map-said")
    canvas.press("ArrowRight")
    expect(said).not_to_have_text("")
    first = said.inner_text()
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
        canvas.press(key)
    assert said.inner_text() != "" and first != ""
    expect(mapped.locator(".fn-map-tip")).to_be_visible()
    canvas.press("Enter")
    title = mapped.locator(".fn-map-paper h3")
    expect(title).to_be_visible()
    assert said.inner_text().startswith(title.inner_text()[:20])
    canvas.press("Escape")
    expect(mapped.locator(".fn-map-tip")).to_be_hidden()


def test_a_click_on_a_point_opens_it_and_hovering_names_it(mapped: Any) -> None:
    canvas = mapped.locator(".fn-map-stage canvas")
    canvas.focus()
    canvas.press("ArrowRight")  # where a paper is, the tip stands above or below it
    tip = mapped.locator(".fn-map-tip")
    expect(tip).to_be_visible()
    named = tip.locator("b").inner_text()
    box, whole = tip.bounding_box(), canvas.bounding_box()
    mapped.evaluate("document.activeElement.blur()")
    expect(tip).to_be_hidden()
    x = box["x"] + box["width"] / 2
    for y in (box["y"] + box["height"] + 14, box["y"] - 14):
        if whole["y"] < y < whole["y"] + whole["height"]:
            mapped.mouse.move(x, y)
            mapped.wait_for_timeout(60)
            if tip.is_visible():
                break
    expect(tip.locator("b")).to_have_text(named)
    mapped.mouse.click(x, y)
    expect(mapped.locator(".fn-map-paper h3")).to_have_text(named)


def scale(page: Any) -> float:
    """Distance of two labels on the screen: grows with the zoom."""
    return float(
        page.evaluate(
            "() => { const m = [...document.querySelectorAll('.fn-map-labels > div')].map(d => new"
            " DOMMatrix(d.style.transform)); return Math.hypot(m[0].e - m[1].e, m[0].f - m[1].f); }"
        )
    )


@pytest.mark.parametrize("how", ["wheel", "key", "button"])
def test_zooming(mapped: Any, how: str) -> None:
    canvas = mapped.locator(".fn-map-stage canvas")
    before = scale(mapped)
    box = canvas.bounding_box()
    if how == "wheel":
        mapped.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        mapped.mouse.wheel(0, 120)
    elif how == "key":
        canvas.focus()
        canvas.press("-")
    else:
        mapped.get_by_role("button", name="Zoom out").click()
    mapped.wait_for_timeout(200)
    assert scale(mapped) < before * 0.95
    mapped.get_by_role("button", name="Show the whole map").click()
    mapped.wait_for_timeout(600)
    assert scale(mapped) == pytest.approx(before, rel=0.05)


def test_dragging_moves_the_map_and_opens_nothing(mapped: Any) -> None:
    label = mapped.locator(".fn-map-labels > div:not(.fn-map-hidden)").first
    before, box = label.bounding_box(), mapped.locator(".fn-map-stage canvas").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    mapped.mouse.move(*middle)
    mapped.mouse.down()
    mapped.mouse.move(middle[0] + 30, middle[1] + 18, steps=4)
    mapped.mouse.up()
    mapped.wait_for_timeout(200)
    after = label.bounding_box()
    assert (after["x"] - before["x"], after["y"] - before["y"]) == pytest.approx((30, 18), abs=2.5)
    expect(mapped.locator(".fn-map-paper")).to_have_count(0)


def test_the_legend_highlights_a_topic(mapped: Any) -> None:
    button = mapped.locator(".fn-map-group").nth(1)
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(mapped.locator(".fn-map-labels > div:not(.fn-map-hidden)")).to_have_count(1)
    expect(mapped.locator("svg.fn-map-years")).to_have_class(re.compile("fn-map-parted"))
    assert any(
        float(h) > 0 for h in mapped.locator(".fn-map-part").evaluate_all("p => p.map(e => e.getAttribute('height'))")
    )
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(mapped.locator(".fn-map-labels > div:not(.fn-map-hidden)")).to_have_count(3)


def test_searching_titles(mapped: Any) -> None:
    mapped.get_by_label("Find titles").fill("STÁR part 1")
    expect(mapped.locator(".fn-map-found")).to_have_text(f"3 of {len(PAPERS)}")
    mapped.get_by_label("Find titles").fill("nothing like it")
    expect(mapped.locator(".fn-map-found")).to_have_text(f"0 of {len(PAPERS)}")
    mapped.get_by_label("Find titles").press("Escape")
    expect(mapped.locator(".fn-map-found")).to_have_text("")


def test_colour_by_year_and_the_years_as_bars(mapped: Any) -> None:
    expect(mapped.locator(".fn-map-bar")).to_have_count(12)
    expect(mapped.locator("#fn-map-years")).to_contain_text("1 without a year")
    before = mapped.evaluate("document.querySelector('.fn-map-stage canvas').toDataURL()")
    mapped.get_by_role("radio", name="year").check(force=True)
    expect(mapped.locator(".fn-map-ramp")).to_have_text(re.compile(r"2001\s*2012"))
    mapped.wait_for_timeout(150)
    assert mapped.evaluate("document.querySelector('.fn-map-stage canvas').toDataURL()") != before


def test_papers_of_the_conversation_are_marked(address: str, open_page: Callable[..., Any]) -> None:
    page = open_page(address)
    page.locator("#fn-box textarea").fill("Which hermit crab leaves its shell for a larger shell?")
    page.locator("#fn-ask").click()
    page.locator(".fn-sentence, .fn-refusal").first.wait_for(timeout=30_000)
    cites = page.locator(".fn-sentence .fn-cite").count()
    open_map(page)
    key = page.locator(".fn-map-cited-key")
    if cites:
        expect(key).to_be_visible()
    else:
        expect(key).to_be_hidden()


def test_a_hostile_paper_is_only_text(mapped: Any) -> None:
    list_entry(mapped, "hostile").click()
    expect(mapped.locator(".fn-map-paper h3")).to_contain_text("<img src=x onerror=window.pwned=1>")
    mapped.get_by_label("Find titles").fill("onerror")
    mapped.get_by_label("Find titles").press("Enter")
    mapped.wait_for_timeout(500)
    assert mapped.evaluate("window.pwned") is None
    assert mapped.locator(".fn-map img, #fn-map-list img, #fn-map-side img").count() == 0


@pytest.mark.parametrize(
    ("width", "height", "scheme"),
    [(360, 740, "light"), (1280, 860, "dark"), (1920, 1080, "light"), (2560, 1300, "dark")],
)
def test_it_fits_every_width(
    address: str, open_page: Callable[..., Any], width: int, height: int, scheme: str, screenshots: Path
) -> None:
    page = open_map(open_page(address, width=width, height=height, scheme=scheme))
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = page.locator(".fn-map-stage canvas").bounding_box()
    assert 280 < box["width"] <= width
    page.screenshot(path=screenshots / f"map-{width}-{scheme}.png")


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is fetched by make dev")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_drawn_map_has_no_serious_finding(
    address: str,
    open_page: Callable[..., Any],
    scheme: str,
) -> None:
    page = open_map(open_page(address, scheme=scheme))
    list_entry(page, "star03").click()
    expect(page.locator(".fn-map-paper")).to_be_visible()
    page.locator(".fn-map-group").first.click()
    page.locator(".fn-map-numbers summary").click()
    assert findings(page, AXE.read_text(encoding="utf-8")) == []


def many(papers: int) -> LibraryMap:
    """As many points in twelve round clouds."""
    rng = np.random.default_rng(3)
    group = rng.integers(0, 12, papers)
    centres = rng.uniform(1500, EDGE - 1500, (12, 2))
    places = np.clip(centres[group] + rng.normal(0, 500, (papers, 2)), 0, EDGE).astype(int)
    groups = tuple(
        Group((f"topic{i}", "other"), *(int(v) for v in centres[i]), int((group == i).sum()), i) for i in range(12)
    )
    xs, ys = (tuple(map(int, column)) for column in places.T)
    return LibraryMap("", tuple(f"p{i}" for i in range(papers)), xs, ys, tuple(map(int, group)), groups)


def test_forty_thousand_points_do_not_freeze_the_page(
    library: Path, shared_home: Path, open_page: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.ui.maps.library_map", lambda library, say: many(40_000))
    app = launch(Settings(home=shared_home, library=library, port=0, model="quote"))
    try:
        page = open_map(open_page(app.local_url))
        drawn = page.locator(".fn-map")
        assert drawn.get_attribute("data-drawn") == "40000"
        expect(drawn).to_have_attribute(
            "data-points", re.compile("^(9|1.)...$")
        )  # 8,000, and some of what is looked at
        page.get_by_role("button", name="Zoom in").click(click_count=4, delay=50)
        page.wait_for_timeout(1500)
        closer = [int(one) for one in [drawn.get_attribute("data-points")]]
        assert closer[0] > 8_000
        took = page.evaluate(
            """async () => {
              const canvas = document.querySelector(".fn-map-stage canvas"), box = canvas.getBoundingClientRect();
              const frame = () => new Promise(requestAnimationFrame);
              await frame();
              const begun = performance.now();
              for (let i = 0; i < 6; i++) {
                canvas.dispatchEvent(new WheelEvent("wheel", {
                  deltaY: -40, clientX: box.x + box.width / 2, clientY: box.y + box.height / 2,
                  bubbles: true, cancelable: true,
                }));
                await frame(); await frame();
              }
              return (performance.now() - begun) / 6;
            }"""
        )
        print(json.dumps({"ms_a_frame": round(took, 1)}))
        assert took < 700, f"{took:.0f} ms a frame"
    finally:
        app.close(verbose=False)
