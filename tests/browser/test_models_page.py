"""The models tab in a real browser, with the small test GGUF."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ggufs import truncated, write_llama
from playwright.sync_api import expect

from rag.config import Settings
from rag.encoding.packaged_weights import gguf_weights
from rag.factory import close_all
from rag.generation.models import add_model, list_models, recommended, speeds
from rag.ui.server import launch
from tests.browser.conftest import open_tab
from tests.browser.small_library import make_library
from tests.browser.test_accessibility import AXE, findings

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@dataclass(frozen=True)
class Served:
    address: str
    home: Path
    files: Path


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_library(tmp_path_factory.mktemp("models-page") / "library")


@pytest.fixture(scope="module")
def served(library: Path, shared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The program over an own list of models, in which there is one."""
    folder = tmp_path_factory.mktemp("models")
    home, files = folder / "home", folder / "files"
    gguf_weights(shared_home / "models")  # slow to prepare: the encoder is made once
    shutil.copytree(shared_home / "models", home / "models")
    (home / "models" / "registry.json").unlink(missing_ok=True)
    files.mkdir()
    add_model(home, write_llama(files / "tiny.gguf"), "tiny")
    app = launch(Settings(home=home, library=library, port=0, threads=1, model="quote"))
    yield Served(app.local_url, home, files)
    app.close(verbose=False)
    close_all()


def open_models(page: Any) -> Any:
    open_tab(page, "Models")
    page.locator(".fn-models-card").first.wait_for(timeout=20_000)
    return page


@pytest.fixture
def page(served: Served, open_page: Callable[..., Any]) -> Any:
    return open_models(open_page(served.address))


def card(page: Any, name: str) -> Any:
    return page.locator(f'.fn-models-card[data-name="{name}"]')


def chosen(page: Any) -> str:
    """The label in the header's list of models."""
    return str(page.get_by_label("Model", exact=True).input_value())


def test_what_is_here_is_described(page: Any, served: Served) -> None:
    model = add_model(served.home, served.files / "tiny.gguf", "tiny")
    tiny = card(page, "tiny")
    for fact in ("Tiny", "F32", "2,048 tokens", model.sha256[:12], "not named in the file", "fits"):
        expect(tiny).to_contain_text(fact)
    expect(tiny).to_contain_text(str(model.path))
    expect(card(page, "quote")).to_contain_text("Answers in this tab")
    expect(page.locator("#fn-models-here")).to_contain_text(re.compile(r"Free memory: \d+\.\d GB"))


def test_every_offer_has_its_command(page: Any) -> None:
    commands = page.locator(".fn-models-command code").all_inner_texts()
    assert commands == [offer.command for offer in recommended()]
    page.locator(".fn-models-command button").first.click()
    expect(page.locator(".fn-models-command button").first).to_have_text("Copied")


def test_another_model_answers_without_a_restart_in_this_tab_only(
    page: Any, served: Served, open_page: Callable[..., Any]
) -> None:
    other = open_models(open_page(served.address))
    card(page, "tiny").get_by_text("Use in this tab").click()
    expect(card(page, "tiny")).to_contain_text("Answers in this tab")
    expect(page.locator("#fn-status")).to_contain_text("Tiny")
    assert chosen(page).startswith("Tiny")
    assert chosen(other) == "built-in quotes"
    expect(card(other, "quote")).to_contain_text("Answers in this tab")


def test_a_file_is_added_used_and_removed(page: Any, served: Served) -> None:
    path = write_llama(served.files / "Second One.gguf", seed=1)
    page.get_by_label("Path of the file").fill(f'"{path}"')
    page.get_by_label("Name (without one").fill("second")
    page.locator("#fn-models-add").click()
    expect(page.locator("#fn-models-said")).to_contain_text("in the list as 'second'", timeout=15_000)
    expect(page.get_by_label("Path of the file")).to_have_value("")
    card(page, "second").get_by_text("Use in this tab").click()
    expect(card(page, "second")).to_contain_text("Answers in this tab")
    page.locator("#fn-tabs").get_by_role("tab", name="Ask").click()
    page.locator("#fn-box textarea").fill("Which crab leaves its shell?")
    page.locator("#fn-ask").click()
    expect(page.locator(".fn-who")).to_contain_text("Tiny", timeout=60_000)
    open_models(page)
    card(page, "second").get_by_text("Remove from the list").click()
    expect(page.locator("#fn-models-said")).to_contain_text("its file stays")
    expect(card(page, "second")).to_have_count(0)
    expect(card(page, "quote")).to_contain_text("Answers in this tab")
    assert path.is_file()
    assert [m.name for m in list_models(served.home) if m.name == "second"] == []


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda folder: "", "Write the path of a GGUF file"),
        (lambda folder: folder / "nowhere.gguf", "There is no file"),
        (lambda folder: folder, "is a folder"),
        (lambda folder: truncated(write_llama(folder / "x.gguf"), folder / "cut.gguf", 0.5), "Download it again"),
        (lambda folder: write_llama(folder / "base.gguf", template=None), "has no chat template"),
    ],
)
def test_a_file_that_cannot_be_added_gets_a_sentence(
    page: Any, served: Served, make: Callable[[Path], Path | str], sentence: str
) -> None:
    page.get_by_label("Path of the file").fill(str(make(served.files)))
    page.locator("#fn-models-add").click()
    expect(page.locator("#fn-models-said .fn-error")).to_contain_text(sentence)
    assert "Traceback" not in page.content()


def test_measuring_a_model(page: Any, served: Served) -> None:
    expect(card(page, "tiny")).to_contain_text("not measured")
    card(page, "tiny").get_by_text("Measure speed").click()
    expect(card(page, "tiny")).to_contain_text(re.compile(r"reads [\d,]+, writes [\d,]+ tokens/s"), timeout=60_000)
    expect(page.locator("#fn-models-said")).to_contain_text("tokens a second here")
    kept = speeds(served.home)[add_model(served.home, served.files / "tiny.gguf", "tiny").sha256]
    assert kept.reading > 0
    assert kept.threads == 1


def test_a_file_that_has_gone_is_said_and_cannot_be_used(served: Served, open_page: Callable[..., Any]) -> None:
    path = write_llama(served.files / "gone.gguf", seed=2)
    add_model(served.home, path, "gone")
    path.unlink()
    page = open_models(open_page(served.address))
    expect(card(page, "gone")).to_contain_text("its file is gone")
    expect(card(page, "gone").get_by_text("Use in this tab")).to_have_count(0)
    card(page, "gone").get_by_text("Remove from the list").click()
    expect(card(page, "gone")).to_have_count(0)


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark"), (1920, "light")])
def test_it_fits_every_width(
    served: Served, open_page: Callable[..., Any], width: int, scheme: str, screenshots: Path
) -> None:
    page = open_models(open_page(served.address, width=width, height=900, scheme=scheme))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=screenshots / f"models-{width}-{scheme}.png")


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is fetched by make dev")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_list_has_no_serious_finding(
    served: Served,
    open_page: Callable[..., Any],
    scheme: str,
) -> None:
    page = open_models(open_page(served.address, scheme=scheme))
    page.get_by_label("Path of the file").fill("/nowhere.gguf")
    page.locator("#fn-models-add").click()
    expect(page.locator("#fn-models-said .fn-error")).to_be_visible()
    assert findings(page, AXE.read_text(encoding="utf-8")) == []
