"""The library tab in a real browser, over the real app and small real libraries."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from rag.config import Settings, with_overrides
from rag.datatypes import Paper
from rag.factory import change_library, close_all, library_manager, open_library, paper_encoder
from rag.library.storage.writing import AT_ONCE
from rag.ui.library_actions import LibraryActions
from rag.ui.server import launch
from tests.browser.conftest import PATIENCE_S
from tests.browser.fakes import HOSTILE, PAPERS

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FILLERS = tuple(
    Paper(f"m{i:03d}", f"Notes on tide pool {i}", f"Pool {i} was cold.", ("Ann Lee",), 1990 + i % 30, "Tide Letters",
          source="pools.bib")
    for i in range(60)
)  # fmt: skip
RTL = Paper("rtl", "מחקר על סרטנים", "סרטנים לומדים מהר.", ("דנה כהן",), 2001, "כתב עת")
PATIENCE = 40_000  # of a machine that does other things too


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with a library of 65 papers."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), port=0, model="quote")
    settings = with_overrides(settings, library=library_manager(settings).create("Shore papers").path)
    with change_library(settings) as library:
        library.add((*PAPERS, RTL, *FILLERS), paper_encoder(settings.threads))
    return settings


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    app = launch(settings)
    yield app.local_url
    app.close(verbose=False)
    close_all()


@pytest.fixture
def tab(address: str, open_page: Callable[..., Any]) -> Callable[..., Any]:
    """Open the page on its library tab; with ``library`` on one that is made for this test and chosen."""

    def tab(library: str = "", **how: Any) -> Any:
        page = open_page(address, patience_s=PATIENCE / 1000, **how)
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        page.get_by_role("tab", name="Library").click()
        expect(page.locator("#fn-library-found")).to_contain_text("papers")
        if library:
            make(page, library)
        return page

    yield tab
    expect.set_options(timeout=1000 * PATIENCE_S)


def make(page: Any, name: str) -> None:
    """A new library, which is chosen then."""
    page.locator("#fn-library-new").click()
    page.get_by_label("Name of the new library").fill(name)
    page.get_by_label("Name of the new library").press("Enter")
    expect(page.locator(".fn-library-name")).to_have_text(name)


def search(page: Any) -> Any:
    return page.locator("#fn-library").get_by_label("Search")


def drop(page: Any, *paths: Path) -> None:
    page.locator("#fn-library-files input[type=file]").set_input_files(list(paths))


def titles(page: Any) -> list[str]:
    return page.locator("[data-open]").all_inner_texts()


def jsonl(path: Path, papers: list[Paper], *lines: str) -> Path:
    fields = ("id", "title", "abstract", "authors", "year", "venue", "doi")
    records = [json.dumps({name: getattr(paper, name) for name in fields}) for paper in papers]
    path.write_text("\n".join([*records, *lines]), encoding="utf-8")
    return path


def test_papers_are_searched_filtered_sorted_and_paged(tab: Callable[..., Any]) -> None:
    page = tab()
    found, table = page.locator("#fn-library-found"), page.locator("#fn-library-table")
    expect(found).to_have_text("65 papers")
    expect(table).to_contain_text("Page 1 of 2")
    assert len(titles(page)) == 50
    search(page).fill("aydın crabs queue")
    expect(found).to_have_text("0 of 65 papers")
    search(page).fill("aydın queue")
    expect(found).to_have_text("1 of 65 papers")
    assert titles(page) == ["Shell Vacancy Chains in Crowded Coves"]
    page.locator("#fn-library-clear").click()
    expect(found).to_have_text("65 papers")
    page.locator("#fn-library").get_by_label("From year").fill("2015")
    expect(found).to_have_text(re.compile(r"1\d of 65 papers"))
    expect(page.locator("#fn-library-years svg")).to_have_attribute("aria-label", re.compile("2015 to 2021"))
    page.locator("#fn-library-clear").click()
    expect(page.locator("#fn-library").get_by_label("From year")).to_have_value("")
    page.locator("[data-sort=title]").click()
    expect(page.locator("th.fn-library-title[aria-sort=ascending]")).to_have_count(1)
    assert titles(page) == sorted(titles(page), key=str.lower)
    page.locator(".fn-library-pager button", has_text="Next").click()
    expect(table).to_contain_text("Page 2 of 2")
    assert len(titles(page)) == 15
    page.locator("#fn-library-filters").get_by_label("Abstract").click()
    page.get_by_role("option", name="without abstract").click()
    expect(found).to_have_text("1 of 65 papers")
    assert titles(page) == ["A Paper Without an Abstract"]


def test_a_venue_is_chosen_from_a_list(tab: Callable[..., Any]) -> None:
    page = tab()
    page.locator("#fn-library").get_by_label("Venues").click()
    page.get_by_role("option", name="Journal of Shore Studies (1)").click()
    expect(page.locator("#fn-library-found")).to_have_text("1 of 65 papers")
    page.locator("#fn-library").get_by_label("Venues").click()
    page.get_by_role("option", name="none (1)").click()
    expect(page.locator("#fn-library-found")).to_have_text("2 of 65 papers")


def test_ticks_are_kept_over_pages_and_searches(tab: Callable[..., Any]) -> None:
    page = tab()
    ticks, boxes = page.locator("#fn-library-ticks"), page.locator("#fn-library-table tbody input[type=checkbox]")
    boxes.nth(0).check()
    boxes.nth(1).check()
    expect(ticks).to_contain_text("2 papers ticked")
    search(page).fill("chains")
    expect(page.locator("#fn-library-found")).to_have_text("1 of 65 papers")
    boxes.nth(0).check()
    expect(ticks).to_contain_text("3 papers ticked")
    search(page).fill("")
    expect(page.locator("#fn-library-found")).to_have_text("65 papers")
    expect(boxes.nth(1)).to_be_checked()
    page.get_by_label("Tick all papers on this page").check()
    expect(ticks).to_contain_text(re.compile("5[01] papers ticked"))
    page.get_by_role("button", name="Tick all 65 found").click()
    expect(ticks).to_contain_text("65 papers ticked")
    page.get_by_role("button", name="Untick all").click()
    expect(ticks).to_contain_text("No paper ticked")
    expect(boxes.nth(1)).not_to_be_checked()


def test_papers_are_exported_ticked_found_or_all(tab: Callable[..., Any]) -> None:
    page = tab()
    menu = page.locator("#fn-library-export")

    def exported(button: str, style: str = "", which: str = "") -> tuple[str, str]:
        menu.get_by_text("Export", exact=True).click()
        if which:
            menu.get_by_label("Which papers").select_option(which)
        menu.get_by_label("Style of references").fill(style)
        with page.expect_download() as waiting:
            menu.get_by_role("button", name=button, exact=True).click()
        return waiting.value.suggested_filename, Path(waiting.value.path()).read_text(encoding="utf-8")

    name, text = exported("BibTeX")
    assert name.endswith(".bib") and text.count("\n@") + text.startswith("@") == 65
    search(page).fill("chains")
    expect(page.locator("#fn-library-found")).to_have_text("1 of 65 papers")
    name, text = exported("References as text", "ieee")
    assert name.endswith(".txt") and text.startswith("[1] ") and text.count("\n") == 1
    search(page).fill("")
    expect(page.locator("#fn-library-found")).to_have_text("65 papers")
    boxes = page.locator("#fn-library-table tbody input[type=checkbox]")
    boxes.nth(0).check()
    boxes.nth(1).check()
    expect(page.locator("#fn-library-ticks")).to_contain_text("2 papers ticked")
    assert len(json.loads(exported("CSL-JSON")[1])) == 2  # what is ticked is meant
    assert len(json.loads(exported("CSL-JSON", which="all")[1])) == 65
    menu.get_by_text("Export", exact=True).click()
    menu.get_by_label("Style of references").fill("no such style")
    menu.get_by_role("button", name="References as text", exact=True).click()
    expect(page.locator("#fn-library-message")).to_contain_text("'no such style' is not a citation style")


def test_an_import_that_is_over_at_once_shows_its_papers(
    tab: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = LibraryActions.start_import

    def over(self: LibraryActions, *given: Any) -> Any:
        job = begin(self, *given)
        for _ in job.states():
            pass
        return job

    monkeypatch.setattr(LibraryActions, "start_import", over)
    page = tab("At once")
    drop(page, jsonl(tmp_path / "one.jsonl", list(PAPERS[:1])))
    page.get_by_role("button", name=PAPERS[0].title).wait_for()


def test_a_paper_is_read_edited_and_deleted(tab: Callable[..., Any], tmp_path: Path, settings: Settings) -> None:
    page = tab("Editing")
    drop(page, jsonl(tmp_path / "two.jsonl", list(PAPERS[:2])))
    expect(page.locator("#fn-library-progress")).to_contain_text("2 added")
    page.get_by_role("button", name=PAPERS[0].title).click()
    paper = page.locator("#fn-library-paper")
    expect(paper).to_contain_text("The effect vanished at night.")
    link = paper.get_by_role("link", name="doi:10.1234/crabs")
    assert link.get_attribute("rel") == "noopener noreferrer nofollow"
    page.locator("#fn-library-edit").click()
    expect(page.locator("#fn-library-editor").get_by_label("Title")).to_have_value(PAPERS[0].title)
    page.locator("#fn-library-editor").get_by_label("DOI").fill("nonsense")
    page.locator("#fn-library-save").click()
    expect(page.locator("#fn-library-message")).to_contain_text("'nonsense' is not a DOI")
    page.locator("#fn-library-editor").get_by_label("DOI").fill("10.1234/new")
    page.locator("#fn-library-editor").get_by_label("Year").fill("1888")
    page.get_by_label("Authors, one a line").fill("New Author\nSecond, Ann")
    page.locator("#fn-library-editor").get_by_label("Abstract").fill("Lobsters are red. They swim.")
    page.locator("#fn-library-save").click()
    expect(page.locator("#fn-library-message")).to_contain_text("Saved.")
    expect(paper).to_contain_text("New Author, Ann Second")
    expect(page.locator("#fn-library-table")).to_contain_text("1888")
    library = open_library(with_overrides(settings, library=settings.home / "libraries" / "Editing"))
    assert [sentence.text for sentence in library.sentences("p1")] == ["Lobsters are red.", "They swim."]
    assert (library.paper("p1").doi, library.verify()) == ("10.1234/new", [])
    page.locator("#fn-library-remove").click()
    page.locator("#fn-library-remove-no").click()
    page.locator("#fn-library-remove").click()
    page.locator("#fn-library-remove-yes").click()
    expect(page.locator("#fn-library-found")).to_have_text("1 papers")
    expect(page.locator("#fn-status")).to_contain_text("1 paper")
    assert titles(page) == [PAPERS[1].title]


def test_an_import_reports_what_was_skipped_and_why(tab: Callable[..., Any], tmp_path: Path) -> None:
    page = tab("Imported")
    expect(page.locator("#fn-library-table")).to_contain_text("no papers yet")
    bad = jsonl(tmp_path / "bad.jsonl", list(PAPERS[:2]), '{"abstract": "no title"}', "{<b>broken</b>")
    same = jsonl(tmp_path / "same.jsonl", [replace(PAPERS[0], id="twin"), *FILLERS[:2]])
    (tmp_path / "paper.pdf").write_bytes(b"%PDF-1.7 ...")
    drop(page, bad, same, tmp_path / "paper.pdf")
    report = page.locator("#fn-library-progress")
    expect(report).to_contain_text("4 added, 0 updated, 0 unchanged, 1 merged, 2 skipped")
    rows = page.locator(".fn-library-report tbody tr")
    expect(rows).to_have_count(4)
    texts = rows.all_inner_texts()
    assert any("bad.jsonl\t3\tskipped\tit has no title" in row for row in texts), texts
    assert any("same.jsonl" in row and "merged" in row and "DOI" in row for row in texts), texts
    assert any("paper.pdf" in row and "not read" in row for row in texts), texts
    expect(page.locator("#fn-status")).to_contain_text("4 papers")
    with page.expect_download() as download:
        page.get_by_role("button", name="Report as CSV").click()
    with Path(download.value.path()).open(encoding="utf-8-sig", newline="") as file:
        assert [row["outcome"] for row in csv.DictReader(file)].count("skipped") == 2
    page.locator("#fn-library-dismiss").click()
    expect(rows).to_have_count(0)
    drop(page, bad)
    expect(report).to_contain_text("0 added, 0 updated, 2 unchanged, 0 merged, 2 skipped")


def test_merged_records_stand_side_by_side_and_are_parted(
    tab: Callable[..., Any], tmp_path: Path, settings: Settings
) -> None:
    page = tab("Merged")
    twin = replace(PAPERS[0], id="twin", title=f"{PAPERS[0].title} {HOSTILE}", venue="Another <b>venue</b>")
    drop(page, jsonl(tmp_path / "twins.jsonl", [replace(PAPERS[0], venue=""), twin]))
    expect(page.locator("#fn-library-progress")).to_contain_text("1 added, 0 updated, 0 unchanged, 1 merged")
    page.locator("#fn-library-merges-open").click()
    view = page.locator("#fn-library-merges")
    expect(view).to_contain_text("1 record was merged into papers.")
    expect(view.locator("caption")).to_have_text("Merged because of the same DOI")
    row = view.locator("tr", has=page.get_by_role("rowheader", name="Venue"))
    expect(row.locator("td").first).to_have_text("Another venue")
    page.get_by_role("button", name="Not the same").click()
    expect(page.locator("#fn-library-message")).to_contain_text("a paper of its own now")
    expect(view).to_contain_text("No record of this library was merged")
    expect(page.locator("#fn-library-found")).to_have_text("2 papers")
    assert page.evaluate("window.pwned") is None
    library = open_library(with_overrides(settings, library=settings.home / "libraries" / "Merged"))
    assert (library.paper(PAPERS[0].id).venue, library.paper("twin").venue) == ("", "Another venue")
    page.locator("#fn-library-merges-open").click()
    expect(view).to_be_empty()
    drop(page, tmp_path / "twins.jsonl")
    expect(page.locator("#fn-library-progress")).to_contain_text("0 added, 0 updated, 2 unchanged, 0 merged")


def test_stop_keeps_what_was_stored(tab: Callable[..., Any], tmp_path: Path) -> None:
    page = tab("Stopped")
    many = [Paper(f"s{i}", f"Paper number {i}", f"It says {i}. " * 40) for i in range(AT_ONCE)]
    drop(page, jsonl(tmp_path / "many.jsonl", many))
    expect(page.locator("#fn-library-progress")).to_contain_text("papers a second")
    page.locator("#fn-library-stop").click()
    expect(page.locator("#fn-library-progress")).to_contain_text("Import stopped")
    stored = int(re.search(r"([\d,]+) added", page.locator("#fn-library-progress").inner_text())[1].replace(",", ""))  # type: ignore[index]
    assert 0 < stored < AT_ONCE
    expect(page.locator("#fn-library-found")).to_have_text(f"{stored:,} papers")


def test_libraries_are_copied_renamed_and_deleted_by_name(tab: Callable[..., Any], settings: Settings) -> None:
    page = tab()
    expect(page.locator("#fn-library-delete")).to_be_disabled()
    page.locator("#fn-library-copy").click()
    expect(page.get_by_label("Name of the copy")).to_have_value("Shore papers copy")
    page.locator("#fn-library-ok").click()
    expect(page.locator(".fn-library-name")).to_have_text("Shore papers copy")
    expect(page.locator("#fn-library-found")).to_have_text("65 papers")
    page.locator("#fn-library-rename").click()
    page.get_by_label("New name").fill("../../escape")
    page.locator("#fn-library-ok").click()
    expect(page.locator("#fn-library-message")).to_contain_text("A name cannot contain /")
    page.get_by_label("New name").fill("Küste & co")
    page.locator("#fn-library-ok").click()
    expect(page.locator(".fn-library-name")).to_have_text("Küste & co")
    expect(page.locator("#fn-choices").get_by_label("Library")).to_have_value("Küste & co")
    page.locator("#fn-library-delete").click()
    box = page.get_by_label(re.compile("deletes 65 papers for good"))
    box.fill("Küste")
    page.locator("#fn-library-ok").click()
    expect(page.locator("#fn-library-message")).to_contain_text("Nothing was deleted")
    assert (settings.home / "libraries" / "Küste & co").exists()
    box.fill("Küste & co")
    page.locator("#fn-library-ok").click()
    expect(page.locator("#fn-library-message")).to_contain_text("was deleted")
    expect(page.locator(".fn-library-name")).to_have_text("Shore papers")
    assert not (settings.home / "libraries" / "Küste & co").exists()


def test_two_browser_tabs_use_two_libraries(tab: Callable[..., Any]) -> None:
    one, other = tab(), tab("Other")
    expect(other.locator("#fn-status")).to_contain_text("0 papers")
    search(one).fill("chains")
    expect(one.locator("#fn-library-found")).to_have_text("1 of 65 papers")
    expect(one.locator("#fn-status")).to_contain_text("65 papers")
    one.locator("#fn-choices").get_by_label("Library").click()
    one.get_by_role("option", name="Other").click()  # made in the other tab meanwhile
    expect(one.locator("#fn-status")).to_contain_text("0 papers")
    expect(search(one)).to_have_value("")


def test_a_library_that_another_process_writes_to_says_so(
    tab: Callable[..., Any], settings: Settings, tmp_path: Path
) -> None:
    page = tab("Busy")
    writer = subprocess.Popen(
        [sys.executable, "-c", "import sys, time; from pathlib import Path; "
         "from rag.library.storage.locking import WriterLock;"
         "lock = WriterLock(Path(sys.argv[1])); print('held', flush=True); time.sleep(120)",
         str(settings.home / "libraries" / "Busy")], stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert writer.stdout is not None
    try:
        assert writer.stdout.readline() == "held\n"
        drop(page, jsonl(tmp_path / "two.jsonl", list(PAPERS[:2])))
        error = page.locator("#fn-library-progress [role=alert]")
        expect(error).to_contain_text(f"is being written to by process {writer.pid}")
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()


def test_hostile_papers_stay_text(tab: Callable[..., Any]) -> None:
    page = tab()
    search(page).fill("img onerror")
    expect(page.locator("#fn-library-found")).to_have_text("1 of 65 papers")
    page.locator("[data-open]").click()
    expect(page.locator("#fn-library-paper h3")).to_contain_text("<script>window.pwned=3</script>")
    assert page.locator("#fn-library-paper a").count() == 0
    assert page.evaluate("window.pwned") is None
    assert HOSTILE.split()[0] in page.locator("#fn-library-paper").inner_text()


def test_the_tab_works_by_keyboard(tab: Callable[..., Any]) -> None:
    page = tab()
    page.locator("[data-sort=title]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("th.fn-library-title[aria-sort=ascending]")).to_have_count(1)
    expect(page.locator("[data-sort=title]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("th.fn-library-title[aria-sort=descending]")).to_have_count(1)
    page.locator("#fn-library-table tbody input").first.focus()
    page.keyboard.press("Space")
    expect(page.locator("#fn-library-ticks")).to_contain_text("1 paper ticked")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".fn-library-paper")).to_be_visible()


@pytest.mark.parametrize("width", [360, 1280, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_the_screen(tab: Callable[..., Any], width: int, scheme: str, screenshots: Path) -> None:
    page = tab(width=width, height=900, scheme=scheme)
    page.locator("[data-open]").nth(1).click()
    expect(page.locator(".fn-library-paper")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=screenshots / f"library-{width}-{scheme}.png", full_page=width == 360)
