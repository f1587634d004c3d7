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


class Answer:
    """What a handler answered: all of it as ``text``, and at its end each component's new value or update."""

    def __init__(self, text: str, elem_ids: list[str]) -> None:
        self.text = text
        lines = [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:")]
        last = next((one["output"] for one in reversed(lines) if "output" in one), None)
        values = (json.loads(text) if last is None and text.startswith("{") else last or {}).get("data") or []
        self.by_id: dict[str, Any] = {name: value for name, value in zip(elem_ids, values, strict=False) if name}

    def __contains__(self, words: str) -> bool:
        return words in self.text

    def update(self, elem_id: str) -> dict[str, Any]:
        """The properties that a component gets."""
        value = self.by_id[elem_id]
        return {**value, **value.get("props", {})} if isinstance(value, dict) else {"value": value}


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

    def handler(self, event: str, *outputs: str) -> int:
        """The first handler of an event that has all these components among its outputs."""
        ids = {part["id"]: part["props"].get("elem_id") for part in self.config["components"]}
        return next(
            one["id"]
            for one in self.config["dependencies"]
            if any(name == event for _, name in one["targets"])
            and {*outputs} <= {ids.get(part) for part in one["outputs"]}
        )

    def call(self, handler: int, *values: Any, event: dict[str, Any] | None = None) -> Answer:
        """What a handler answers. ``values`` stand for its inputs that are no states, which the server has."""
        told = next(one for one in self.config["dependencies"] if one["id"] == handler)
        kinds = {part["id"]: part["type"] for part in self.config["components"]}
        waiting = list(values)
        data = [None if kinds[part] == "state" else waiting.pop(0) for part in told["inputs"]]
        assert not waiting, f"handler {handler} takes fewer values"
        body = json.dumps({"data": data, "fn_index": handler, "session_hash": self.tab, "event_data": event})
        path = "run/predict" if told["queue"] is False else "queue/join"
        reply = self.request("POST", f"/gradio_api/{path}", body, content_type="application/json")
        if path == "queue/join" and reply.status == 200:
            reply = self.request("GET", f"/gradio_api/queue/data?session_hash={self.tab}")
        elem_ids = {part["id"]: part["props"].get("elem_id") or "" for part in self.config["components"]}
        return Answer(reply.text, [elem_ids[one] for one in told["outputs"]])

    def press(self, elem_id: str, *values: Any, at: int = 0, event: str = "click", **data: Any) -> Answer:
        """Call the handler number ``at`` of an event of a component."""
        return self.call(self.handlers(elem_id, event)[at], *values, event=data or None)
