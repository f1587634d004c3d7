"""A browser without a browser: signs in to a served page and calls its handlers as Gradio's script would."""

from __future__ import annotations

import json
import re
import uuid
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit


class Reply:
    """What came back: status, headers by lower-case name, text."""

    def __init__(self, status: int, headers: list[tuple[str, str]], text: str) -> None:
        self.status, self.text = status, text
        self.headers = {name.lower(): value for name, value in headers}

    @property
    def words(self) -> str:
        """The text without its markup and style sheet."""
        return re.sub(r"<style>.*?</style>|<[^>]*>", " ", self.text)


class PageClient:
    """One browser profile with one tab open. ``headers`` go with every request, ``source`` is where it comes from."""

    def __init__(self, address: str, headers: dict[str, str] | None = None, source: str = "127.0.0.1") -> None:
        self.cookies: dict[str, str] = {}
        self.tab = uuid.uuid4().hex[:10]
        self._netloc, self._headers, self._source = urlsplit(address).netloc, headers or {}, source
        self._config: dict[str, Any] = {}

    # --- plain requests ---

    def request(self, method: str, path: str, body: str | bytes = "", **headers: str) -> Reply:
        connection = HTTPConnection(self._netloc, timeout=60, source_address=(self._source, 0))
        given = {name.replace("_", "-"): value for name, value in headers.items()} | self._headers
        if self.cookies:
            given["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            connection.request(method, path, body or None, given)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        finally:
            connection.close()
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                cookie, _, content = value.partition(";")[0].partition("=")
                self.cookies[cookie] = content.strip('"')
        return Reply(response.status, response.getheaders(), text)

    def sign_in(self, name: str, password: str) -> Reply:
        form = urlencode({"username": name, "password": password})
        return self.request("POST", "/login", form, content_type="application/x-www-form-urlencoded")

    def upload(self, name: str, content: bytes) -> Reply:
        """A file, as the page sends it before it is imported; the answer lists where the server put it."""
        edge = uuid.uuid4().hex
        head = f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{edge}--\r\n".encode()
        return self.request("POST", "/gradio_api/upload", body, content_type=f"multipart/form-data; boundary={edge}")

    # --- handlers ---

    @property
    def config(self) -> dict[str, Any]:
        if not self._config:
            self._config = json.loads(self.request("GET", "/config").text)
        return self._config

    def handlers(self, elem_id: str, event: str) -> list[int]:
        """The handlers of an event of a component, in the order in which they run, those that follow included."""
        ids = {part["id"] for part in self.config["components"] if part["props"].get("elem_id") == elem_id}
        found = [
            handler["id"]
            for handler in self.config["dependencies"]
            if any(part in ids and name == event for part, name in handler["targets"])
        ]
        assert found, f"#{elem_id} has no {event}"
        for one in found:
            found += [h["id"] for h in self.config["dependencies"] if h["trigger_after"] == one]
        return found

    def call(self, handler: int, *values: Any, event: dict[str, Any] | None = None) -> str:
        """Everything that a handler answers, as JSON text. ``values`` stand for its inputs that are no states."""
        told = next(one for one in self.config["dependencies"] if one["id"] == handler)
        kinds = {part["id"]: part["type"] for part in self.config["components"]}
        waiting = list(values)
        data = [None if kinds[part] == "state" else waiting.pop(0) for part in told["inputs"]]
        assert not waiting, f"handler {handler} takes fewer values"
        body = json.dumps({"data": data, "fn_index": handler, "session_hash": self.tab, "event_data": event})
        if told["queue"] is False:
            return self.request("POST", "/gradio_api/run/predict", body, content_type="application/json").text
        joined = self.request("POST", "/gradio_api/queue/join", body, content_type="application/json")
        if joined.status != 200:
            return joined.text
        return self.request("GET", f"/gradio_api/queue/data?session_hash={self.tab}").text

    def press(self, elem_id: str, *values: Any, at: int = 0, event: str = "click", **data: Any) -> str:
        """Call the handler number ``at`` of an event of a component."""
        return self.call(self.handlers(elem_id, event)[at], *values, event=data or None)
