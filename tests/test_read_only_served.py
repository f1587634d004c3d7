"""Page and API of a program that was started with ``--read-only``, while another program changes its library."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from rag.config import Settings
from rag.factory import close_all, embedder_id
from rag.library.library import Library
from rag.ui.library_actions import LibraryActions
from rag.ui.library_events import LibraryEvents
from rag.ui.library_versions import NewVersions
from rag.ui.server import launch
from rag.ui.uploads import Uploads
from tests.api_parts import served as served_program
from tests.browser.small_library import make_library
from tests.cli_parts import footnote, write_lines
from tests.page_client import PageClient
from tests.test_read_only import content
from tests.test_roles_served import CHANGES, chosen_paper

REFUSED = "started read-only"
SEARCH = {"query": "moths and geckos on glass"}
GECKO = {"id": "gecko", "title": "Geckos on glass", "abstract": "Geckos hold on to glass for 41 minutes."}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    home = tmp_path_factory.mktemp("read-only")
    library = make_library(home / "libraries" / "Shore papers")
    settings = Settings(
        home=home, library=library, port=0, model="quote", threads=1, zotero=str(home / "nothing"), read_only=True
    )
    app = launch(settings)
    yield app.local_url, library
    app.close(verbose=False)
    close_all()


@pytest.mark.parametrize("change", CHANGES)
def test_every_handler_that_changes_something_refuses(page: tuple[str, Path], change: str) -> None:
    address, library = page
    before, client = content(library), PageClient(address)
    chosen_paper(client)
    assert REFUSED in CHANGES[change].by(client)
    assert content(library) == before


def test_no_button_is_shown_that_would_be_refused(page: tuple[str, Path]) -> None:
    client = PageClient(page[0])
    loaded = client.call(client.handler("load", "fn-library-summary"))
    for name in ("new", "copy", "rename", "delete", "import", "zotero"):
        assert loaded.update(f"fn-library-{name}").get("visible") is False, name
    assert "served read-only" in loaded


def test_the_api_reads_what_another_program_writes_and_refuses_to_write(tmp_path: Path, shared_home: Path) -> None:
    gecko = write_lines(tmp_path / "gecko.jsonl", GECKO)
    with served_program(tmp_path, shared_home, "--read-only") as program, program.client() as client:
        with gecko.open("rb") as file:
            refused = client.post("/api/v1/papers", files={"file": file})
        assert (refused.status_code, REFUSED in refused.json()["detail"]) == (403, True)
        assert client.delete("/api/v1/papers/moths").status_code == 403
        before = content(program.library)
        assert client.get("/api/v1/search", params=SEARCH).json()["hits"]
        assert content(program.library) == before
        footnote("import", gecko, "--library", program.library)
        until = time.monotonic() + 60
        while client.get("/api/v1/papers/gecko").status_code != 200:
            assert time.monotonic() < until, "the new paper is not seen"
            time.sleep(0.2)
        before = content(program.library)
        found = client.get("/api/v1/search", params=SEARCH).json()["hits"]
        assert found[0]["paper_id"] == "gecko"
        assert content(program.library) == before


def test_the_page_notices_what_another_program_has_changed(tmp_path: Path) -> None:
    library = make_library(tmp_path / "libraries" / "Shore papers")
    settings = Settings(home=tmp_path, library=library, model="quote", read_only=True)
    actions, forgotten = LibraryActions(settings, Uploads(tmp_path)), list[str]()
    events = SimpleNamespace(library_actions=actions, context=SimpleNamespace(forget=forgotten.append))
    versions, before = NewVersions(cast(LibraryEvents, events)), actions.version("")
    assert before and versions._look("", before, 3) == {} and forgotten == []
    with Library.open(library, embedder=embedder_id(), read_only=False) as opened:
        opened.remove([opened.papers()[0].id])
    now = actions.version("")
    assert versions._look("", before, 3) == {"seen": now, "changes": 4} and forgotten == [""]
    assert versions._look("", now, 4) == {}
