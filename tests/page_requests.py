"""Requests to a served page as any program may send them: with any header, to any handler, with any value."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

API = "/gradio_api"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    text: str


@dataclass
class Visitor:
    """One browser tab, or what pretends to be one. ``cookie`` is that of somebody who has signed in."""

    address: str
    headers: dict[str, str] = field(default_factory=dict)
    session: str = field(default_factory=lambda: uuid.uuid4().hex)

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """``headers`` with ``_`` for ``-``; a ``body`` that can be iterated over is sent without its length."""
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        connection = HTTPConnection(urlsplit(self.address).netloc, timeout=60)
        try:
            chunked = not isinstance(body, bytes | str | None)
            connection.request(method, path, body=body, headers=sent, encode_chunked=chunked)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, text)
        finally:
            connection.close()

    def sign_in(self, name: str, password: str) -> None:
        form = {"Content_Type": "application/x-www-form-urlencoded"}
        reply = self.request("POST", "/login", f"username={name}&password={password}", **form)
        assert reply.status == 303, reply
        self.headers["Cookie"] = reply.headers["set-cookie"].split(";")[0]

    def upload(self, *files: tuple[str, bytes], **headers: str) -> Reply:
        body = b"".join(multipart(*files))
        return self.request("POST", f"{API}/upload", body, **({"Content_Type": MULTIPART} | headers))

    def uploaded(self, name: str, content: bytes) -> str:
        reply = self.upload((name, content))
        assert reply.status == 200, reply
        return str(json.loads(reply.text)[0])

    def call(self, component: str, event: str, data: list[Any], event_data: Any = None) -> str:
        """What the handler of an event of a component, by its ``elem_id`` or label, answers, as JSON text."""
        config = json.loads(self.request("GET", "/config").text)
        handler = _handler(config, component, event)
        body = {"fn_index": handler["id"], "data": data, "session_hash": self.session, "event_data": event_data}
        kind = {"Content_Type": "application/json"}
        if not handler["queue"]:
            return self.request("POST", f"{API}/run/predict", json.dumps(body), **kind).text
        joined = self.request("POST", f"{API}/queue/join", json.dumps(body), **kind)
        assert joined.status == 200, joined
        return self._answer(json.loads(joined.text)["event_id"])

    def _answer(self, event_id: str) -> str:
        connection = HTTPConnection(urlsplit(self.address).netloc, timeout=60)
        connection.request("GET", f"{API}/queue/data?session_hash={self.session}", headers=self.headers)
        said = []
        for line in connection.getresponse():
            if line.startswith(b"data:"):
                message = json.loads(line[5:])
                if message["msg"] in ("process_generating", "process_completed"):
                    said.append(message["output"])
                if message["msg"] in ("process_completed", "close_stream"):
                    break
        connection.close()
        return json.dumps(said)


BOUNDARY = "----footnote-test"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


def multipart(*files: tuple[str, bytes]) -> Iterator[bytes]:
    """The body of an upload."""
    for name, content in files:
        disposition = f'Content-Disposition: form-data; name="files"; filename="{name}"'
        yield f"--{BOUNDARY}\r\n{disposition}\r\nContent-Type: application/octet-stream\r\n\r\n".encode()
        yield content
        yield b"\r\n"
    yield f"--{BOUNDARY}--\r\n".encode()


def _handler(config: Any, component: str, event: str) -> Any:
    ids = [
        one["id"]
        for one in config["components"]
        if component in (one["props"].get("elem_id"), one["props"].get("label"))
    ]
    found = [
        handler for handler in config["dependencies"]
        if any(target[0] in ids and target[1] == event for target in handler["targets"])
    ]  # fmt: skip
    assert found, (component, event)
    return found[0]
