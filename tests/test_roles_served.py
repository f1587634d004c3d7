"""Readers and editors over HTTP, against the page as it is served: every handler that changes something asks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from rag.config import Settings
from rag.factory import close_all, library_manager, open_history, open_library
from rag.papers.revision import FIELDS
from rag.system.users_file import UsersFile
from rag.ui.server import launch
from tests.browser.small_library import make_library
from tests.page_client import Answer, PageClient

PASSWORDS = {"rita": "a reader's word", "rob": "another reader", "edda": "an editor's word"}
REFUSED = "You are signed in as a reader"
TYPED = ["Another title" if name == "title" else "2001" if name == "year" else "" for name in FIELDS]


@dataclass(frozen=True)
class Served:
    address: str
    settings: Settings
    signed_in: dict[str, PageClient]

    def libraries(self) -> set[str]:
        return {info.name for info in library_manager(self.settings).list_all()}

    def client(self, name: str) -> PageClient:
        """Another tab of the browser in which ``name`` has signed in."""
        if name not in self.signed_in:
            self.signed_in[name] = PageClient(self.address)
            assert self.signed_in[name].sign_in(name, PASSWORDS[name]).status == 303
        tab = PageClient(self.address)
        tab.cookies = self.signed_in[name].cookies
        return tab


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("roles")
    users = UsersFile(home / "users.json")
    for name, password in PASSWORDS.items():
        users.add(name, password, "editor" if name == "edda" else "reader")
    library = make_library(home / "libraries" / "Shore papers")
    settings = Settings(home=home, library=library, port=0, model="quote", threads=1, zotero=str(home / "nothing"))
    app = launch(settings)
    yield Served(app.local_url, settings, {})
    app.close(verbose=False)
    close_all()


def chosen_paper(client: PageClient) -> Answer:
    """Open a paper beside the table, as the handlers that edit and delete need it."""
    return client.press("fn-library-table", event="select", paper="crab00")


@dataclass(frozen=True)
class Change:
    """One handler that changes something: component, event, its place among the handlers, values, event data."""

    elem_id: str
    values: tuple[Any, ...] = ()
    at: int = 0
    event: str = "click"
    data: tuple[tuple[str, Any], ...] = ()

    def by(self, client: PageClient) -> Answer:
        return client.press(self.elem_id, *self.values, at=self.at, event=self.event, **dict(self.data))


CHANGES = {
    "open the form for a new library": Change("fn-library-new"),
    "open the form for a copy": Change("fn-library-copy"),
    "open the form for another name": Change("fn-library-rename"),
    "open the form that deletes": Change("fn-library-delete"),
    "make, copy, rename or delete": Change("fn-library-ok", ("Tide papers",), at=1),
    "edit a paper": Change("fn-library-edit"),
    "save a paper": Change("fn-library-save", tuple(TYPED), at=1),
    "delete a paper": Change("fn-library-remove-yes", at=1),
    "import files": Change("fn-library-files", ([],), event="upload"),
    "look at Zotero": Change("fn-library-zotero", at=1),
    "import from Zotero": Change("fn-library-zotero-import", (False,)),
    "stop an import": Change("fn-library-stop"),
    "close a report": Change("fn-library-dismiss"),
    "add a model": Change("fn-models-add", ("/nowhere.gguf", "", "quote")),
    "remove a model": Change(
        "fn-models-here", ("quote",), event="select", data=(("action", "remove"), ("name", "tiny"))
    ),
    "measure a model": Change(
        "fn-models-here", ("quote",), event="select", data=(("action", "measure"), ("name", "tiny"))
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_reader_is_refused_at_every_handler_that_changes_something(served: Served, change: str) -> None:
    before = served.libraries(), open_library(served.settings).fingerprint
    rita = served.client("rita")
    chosen_paper(rita)
    assert REFUSED in CHANGES[change].by(rita)
    assert (served.libraries(), open_library(served.settings).fingerprint) == before
    assert not (served.settings.home / "models" / "registry.json").exists()


@pytest.mark.parametrize("change", CHANGES)
def test_an_editor_is_not(served: Served, change: str) -> None:
    said = CHANGES[change].by(served.client("edda"))
    assert REFUSED not in said
    assert "Not authenticated" not in said and '"success": false' not in said, said[-500:]


def test_an_editor_makes_renames_and_deletes_a_library(served: Served) -> None:
    edda = served.client("edda")

    def form(button: str, typed: str) -> Answer:
        edda.press(f"fn-library-{button}")
        return edda.press("fn-library-ok", typed, at=1)

    form("new", "Cove papers")
    assert "Cove papers" in served.libraries()
    form("rename", "Bay papers")
    assert {"Cove papers", "Bay papers"} & served.libraries() == {"Bay papers"}
    form("copy", "Bay papers twice")
    form("delete", "Bay papers twice")
    assert "Bay papers twice" not in served.libraries() and "Bay papers" in served.libraries()


def test_an_editor_edits_and_deletes_papers(served: Served) -> None:
    edda = served.client("edda")
    chosen_paper(edda)
    assert "Saved." in edda.press("fn-library-save", *TYPED, at=1)
    assert open_library(served.settings).paper("crab00").title == "Another title"
    edda.press("fn-library-table", event="select", paper="crab01")
    edda.press("fn-library-remove-yes", at=1)
    with pytest.raises(KeyError):
        open_library(served.settings).paper("crab01")


def test_only_editors_upload(served: Served) -> None:
    refused = served.client("rita").upload("papers.bib", b"@article{a, title={T}}")
    assert refused.status == 403 and REFUSED in refused.text
    kept = json.loads(served.client("edda").upload("papers.bib", b"@article{a, title={T}}").text)
    assert [Path(one).name for one in kept] == ["papers.bib"]


def test_a_role_counts_from_the_next_request_on(served: Served) -> None:
    rob = served.client("rob")
    users = UsersFile(served.settings.home / "users.json")
    assert REFUSED in rob.press("fn-library-new")
    users.set_role("rob", "editor")
    assert REFUSED not in rob.press("fn-library-new")
    users.set_role("rob", "reader")
    assert REFUSED in rob.press("fn-library-new")


def test_a_reader_is_shown_no_button_that_would_be_refused(served: Served) -> None:
    for name, may in (("rita", False), ("edda", True)):
        client = served.client(name)
        opened = client.call(client.handler("load", "fn-library-summary"))
        assert (REFUSED in opened) is not may
        for button in ("new", "copy", "rename", "delete", "import", "zotero"):
            assert opened.update(f"fn-library-{button}")["visible"] is may, button
        paper = chosen_paper(client)
        assert [paper.update(f"fn-library-{button}")["visible"] for button in ("edit", "remove")] == [may, may]
        models = client.call(
            client.handler("select", "fn-models-adding"), "quote", event={"index": 5, "value": "Models"}
        )
        assert models.update("fn-models-adding")["visible"] is may
        assert ("Measure speed" in models) is may


def test_nobody_reads_the_conversations_of_another(served: Served) -> None:
    rita, rob = served.client("rita"), served.client("rob")
    rita.press("fn-box", "Which crabs choose shells?", "quote", "quote", event="submit")
    store = open_history(served.settings)
    assert "Which crabs choose shells?" in keep(rita)
    [info] = store.conversations("rita")
    for event, data in (
        ("select", {"conversation": info.id}),
        ("edit", {"conversation": info.id, "title": "Mine now"}),
        ("delete", {"conversation": info.id}),
    ):
        said = rob.press("fn-history-list", "", event=event, **data)
        assert "There is no conversation" in said and "crabs choose" not in said, event
    said = rob.press("fn-history-list", event="download", conversation=info.id, format="markdown", turn="")
    assert "There is no conversation" in said and "crabs choose" not in said
    assert [one.title for one in store.conversations("rita")] == ["Which crabs choose shells?"]
    assert store.conversations("rob") == []


def keep(client: PageClient) -> Answer:
    """What happens after an answer has come."""
    ids = {part["id"]: part["props"].get("elem_id") for part in client.config["components"]}
    wanted = [None, "fn-history-list", "fn-history-notice"]  # the first is a state
    handlers = client.config["dependencies"]
    return client.call(next(one["id"] for one in handlers if [ids.get(part) for part in one["outputs"]] == wanted), "")


def test_nobody_speaks_in_the_name_of_anothers_tab(served: Served) -> None:
    rita, rob, again = served.client("rita"), served.client("rob"), served.client("rita")
    rita.press("fn-box", "Which crabs choose shells?", "quote", "quote", event="submit")
    seen = rita.handler("change", "fn-status", "fn-conversation", "fn-panel")
    rob.tab = again.tab = rita.tab
    assert "Which crabs choose shells?" in rita.call(seen, "quote", "quote")
    assert "Which crabs choose shells?" in again.call(seen, "quote", "quote")
    said = rob.call(seen, "quote", "quote")
    assert "belongs to somebody else" in said and "crabs choose" not in said
    for path in (f"queue/data?session_hash={rita.tab}", f"heartbeat/{rita.tab}"):
        assert rob.request("GET", f"/gradio_api/{path}").status == 403


def test_without_accounts_everybody_may_do_everything(served: Served, tmp_path: Path) -> None:
    app = launch(replace(served.settings, home=tmp_path))
    try:
        client = PageClient(app.local_url)
        assert REFUSED not in client.press("fn-library-new")
        assert client.upload("papers.bib", b"@article{a, title={T}}").status == 200
        assert "Signed in" not in client.request("GET", "/").text
    finally:
        app.close(verbose=False)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_page_whose_accounts_others_can_read_lets_nobody_in(served: Served) -> None:
    path, edda = served.settings.home / "users.json", served.client("edda")
    path.chmod(0o644)
    try:
        assert edda.request("GET", "/config").status == 503
        assert edda.sign_in("edda", PASSWORDS["edda"]).status == 503
    finally:
        path.chmod(0o600)
    assert edda.request("GET", "/config").status == 200
