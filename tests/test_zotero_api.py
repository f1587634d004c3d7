"""Zotero's API on this computer: a server that answers as it does, and servers that do not."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from rag.errors import ImportFileError
from rag.papers.zotero.items import papers_of
from rag.papers.zotero.local_api import read_api

OWLS = {
    "key": "OWLSOWLS", "version": 3, "itemType": "journalArticle", "title": "Naps of owls", "abstractNote": "They nap.",
    "date": "March 2021", "publicationTitle": "Owls", "creators": [
        {"creatorType": "author", "firstName": "Dora", "lastName": "Elm"},
        {"creatorType": "author", "name": "Owl Group"},
    ], "tags": [{"tag": "sleep", "type": 1}], "collections": ["CHILD234"], "relations": {}, "extra": "",
}  # fmt: skip
NOTE = {"key": "NOTENOTE", "itemType": "note", "parentItem": "OWLSOWLS", "note": "<p>See table 2</p>", "tags": []}
ENTRIES: dict[str, list[dict[str, Any]]] = {
    "/api/users/0/groups": [{"id": 4711, "data": {"id": 4711, "name": "Night ecology"}}],
    "/api/users/0/collections": [
        {"data": {"key": "CHILD234", "name": "Birds", "parentCollection": "PARENT23"}},
        {"data": {"key": "PARENT23", "name": "Thesis", "parentCollection": False}},
    ],
    "/api/users/0/items": [{"data": OWLS}, {"data": NOTE}, {"data": {"key": "FILEFILE", "itemType": "attachment"}}],
    "/api/groups/4711/collections": [],
    "/api/groups/4711/items": [
        {"data": {"key": f"MANY{number:04d}", "itemType": "book", "title": f"Book {number}"}} for number in range(1100)
    ],
}


def answer(path: str) -> tuple[int, bytes]:
    parts = urlsplit(path)
    asked = parse_qs(parts.query)
    entries = ENTRIES.get(parts.path)
    if entries is None:
        return 404, b"Not found"
    start, limit = (int(asked[name][0]) for name in ("start", "limit"))
    return 200, json.dumps(entries[start : start + limit]).encode()


@contextmanager
def server(answer: Callable[[str], tuple[int, bytes]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, content = answer(self.path)
            self.send_response(code)
            if code == 302:
                self.send_header("Location", "http://example.org/")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None: ...

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_port}"
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


def test_items_with_collections_tags_and_notes_of_all_libraries() -> None:
    with server(answer) as address:
        own, group = read_api(address)
    (paper,) = papers_of(own, pytest.fail)
    assert paper.id == "zotero:library/items/OWLSOWLS" and paper.year == 2021
    assert paper.authors == ("Dora Elm", "Owl Group") and paper.tags == ("sleep",)
    assert paper.collections == ("Thesis/Birds",) and paper.notes == ("<p>See table 2</p>",)
    assert group.place == "groups/4711" and len(group.items) == 1100


@pytest.mark.parametrize(("code", "content", "says"), [
    (403, b"Local API is not enabled", "Allow other applications"), (404, b"", "Zotero 7 or later"),
    (302, b"", "answers 302"), (200, b"<html>", "not Zotero's API"), (200, b"{}", "not Zotero's API"),
])  # fmt: skip
def test_what_does_not_answer_so(code: int, content: bytes, says: str) -> None:
    with server(lambda path: (code, content)) as address, pytest.raises(ImportFileError, match=says):
        read_api(address)


def test_nobody_answers() -> None:
    with pytest.raises(ImportFileError, match="does not answer"):
        read_api("http://127.0.0.1:9")


@pytest.mark.parametrize("address", [
    "http://example.org:23119", "https://localhost", "http://localhost@example.org", "http://u@localhost", "file:///etc",
    "http://localhost:x", "http://[::1", "http://localhost.example.org",
])  # fmt: skip
def test_only_this_computer_is_asked(address: str) -> None:
    with pytest.raises(ImportFileError, match="on this computer alone"):
        read_api(address)
