"""The page as a browser uses it, without a browser: its configuration, its queue, its events, over HTTP.

Gradio's page decides in the browser which handlers an event calls, and which follow from what those changed. The same
is done here, so that every handler runs that would run for a user.
"""

from __future__ import annotations

import json
import socket
import threading
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any

import httpx
from gradio_client.utils import apply_diff

PATIENCE_S = 900.0  # for one event: ten users wait for one another
_API = "/gradio_api"
_LAST = ("process_completed", "unexpected_error")


class PageFailure(Exception):
    """The server answered an event with an error, or not at all."""


class Page:
    """What the server says of itself: components and handlers. The same for all tabs."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        config = httpx.get(f"{self.address}/config", timeout=PATIENCE_S).raise_for_status().json()
        self.components: dict[int, dict[str, Any]] = {one["id"]: one for one in config["components"]}
        self.handlers: list[dict[str, Any]] = config["dependencies"]
        self._ids: dict[str, int] = {}
        for id, one in self.components.items():
            for name in (one["props"].get("elem_id"), one["props"].get("label")):
                if name:
                    self._ids.setdefault(str(name), id)

    def id(self, name: str) -> int:
        """The component with that element id or label."""
        return self._ids[name]

    def called_by(self, component: int | None, event: str) -> list[dict[str, Any]]:
        """The handlers of an event; of the page itself where ``component`` is None."""
        return [
            one
            for one in self.handlers
            if any(kind == event and (component is None or target == component) for target, kind in one["targets"])
        ]

    def following(self, handler: int) -> list[dict[str, Any]]:
        """The handlers that run when another has ended."""
        return [one for one in self.handlers if one["trigger_after"] == handler]


class Connection:
    """What one tab sends and is sent: requests that are answered at once, the queue, and the sign of life.

    Several events may run at the same time; one reader hands each message to whom it is for, as a browser does.
    """

    def __init__(self, address: str, session: str) -> None:
        origin = {"Origin": address, "Sec-Fetch-Site": "same-origin", "Referer": f"{address}/"}
        # The server closes a connection that was idle for 5 s. A browser that meets that moment sends its request
        # again; here idle connections are given up before.
        limits = httpx.Limits(keepalive_expiry=2.0)
        self._http = httpx.Client(base_url=address, headers=origin, timeout=httpx.Timeout(PATIENCE_S), limits=limits)
        self._session = session
        self._lock = threading.Lock()
        self._mail: defaultdict[str, SimpleQueue[dict[str, Any]]] = defaultdict(SimpleQueue)  # by event
        self._waiting: set[str] = set()  # events without an end
        self._reading = False
        self._sockets: list[socket.socket] = []
        self.closed = threading.Event()
        self._http.get("/").raise_for_status()
        threading.Thread(target=self._keep_alive, name="soak-heart", daemon=True).start()

    def close(self) -> None:
        """End every connection, in the middle of whatever runs."""
        self.closed.set()
        with self._lock:
            for one in self._sockets:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
        self._http.close()

    def at_once(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of a handler that is not queued."""
        return self._post("/run/predict", body)

    def queued(self, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The messages of a handler that is, up to its end."""
        event = str(self._post("/queue/join", body)["event_id"])
        with self._lock:
            self._waiting.add(event)
            if not self._reading:
                self._reading = True
                threading.Thread(target=self._read, name="soak-reader", daemon=True).start()
        while True:
            try:
                message = self._mail[event].get(timeout=PATIENCE_S)
            except Empty:
                raise PageFailure(f"Handler {body['fn_index']} came to no end in {PATIENCE_S:.0f} s") from None
            yield message
            if message["msg"] in _LAST:
                return

    def upload(self, name: str, content: str) -> dict[str, Any]:
        """Send a file; how Gradio refers to it."""
        answer = self._http.post(f"{_API}/upload", files={"files": (name, content.encode(), "text/plain")})
        if answer.is_error:
            raise PageFailure(f"HTTP {answer.status_code} of an upload: {answer.text[:300]}")
        return {"path": answer.json()[0], "orig_name": name, "meta": {"_type": "gradio.FileData"}}

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._http.post(f"{_API}{path}", json=body)
        if answer.is_error:
            raise PageFailure(f"HTTP {answer.status_code} of handler {body['fn_index']}: {answer.text[:300]}")
        found: dict[str, Any] = answer.json()
        return found

    @contextmanager
    def _stream(self, path: str, **parameters: str) -> Iterator[httpx.Response]:
        with self._http.stream("GET", f"{_API}{path}", params=parameters, timeout=None) as stream:
            one = stream.extensions["network_stream"].get_extra_info("socket")
            with self._lock:
                self._sockets.append(one)
            try:
                yield stream.raise_for_status()
            finally:
                with self._lock:
                    self._sockets.remove(one)

    def _read(self) -> None:
        """Hand out messages as long as somebody waits for one."""
        while not self.closed.is_set():
            try:
                self._read_once()
            except Exception as error:  # in a thread of its own: who waits is told
                with self._lock:
                    for event in self._waiting:
                        self._mail[event].put({"msg": "unexpected_error", "message": repr(error)})
                    self._waiting.clear()
            with self._lock:
                if not self._waiting:
                    self._reading = False
                    return

    def _read_once(self) -> None:
        with self._stream("/queue/data", session_hash=self._session) as stream:
            for line in stream.iter_lines():
                if not line.startswith("data:"):
                    continue
                message = json.loads(line[5:])
                if event := message.get("event_id"):
                    if message["msg"] in _LAST:
                        with self._lock:
                            self._waiting.discard(event)
                    self._mail[event].put(message)
                elif message["msg"] in ("close_stream", "unexpected_error"):
                    return

    def _keep_alive(self) -> None:
        with suppress(httpx.HTTPError, OSError), self._stream(f"/heartbeat/{self._session}") as stream:
            for _ in stream.iter_lines():
                if self.closed.is_set():
                    return


class Tab:
    """One tab of a browser."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._session = uuid.uuid4().hex[:11]
        self._connection = Connection(page.address, self._session)
        self.values = {id: _first_value(one) for id, one in page.components.items()}
        self._run(page.called_by(None, "load"), None)

    def close(self) -> None:
        """Close it, in the middle of whatever runs."""
        self._connection.close()

    def value(self, name: str) -> Any:
        """What a component holds now."""
        return self.values[self._page.id(name)]

    def html(self) -> str:
        """Everything that the page shows as HTML."""
        return "\n".join(
            str(self.values[id] or "") for id, one in self._page.components.items() if one["type"] == "html"
        )

    def set(self, name: str, value: Any, *events: str) -> None:
        """Type or choose ``value``, with the events that come of it."""
        self.values[self._page.id(name)] = value
        for event in events:
            self.fire(name, event)

    def upload(self, name: str, file: str, content: str) -> None:
        """Give a component a file, with all that follows."""
        self.values[self._page.id(name)] = [self._connection.upload(file, content)]
        self.fire(name, "upload")

    def fire(self, name: str, event: str, data: Mapping[str, Any] | None = None) -> None:
        """Let an event happen, and wait until all that follows from it is over. Raises :class:`PageFailure`."""
        component = self._page.id(name)
        self._run(self._page.called_by(component, event), component, data)

    def beside(self, name: str, event: str, data: Mapping[str, Any] | None = None) -> threading.Thread:
        """Let an event happen while something else is done. What fails once the tab is closed is nobody's loss."""

        def run() -> None:
            try:
                self.fire(name, event, data)
            except Exception:
                if not self._connection.closed.is_set():
                    raise

        thread = threading.Thread(target=run, name="soak-event", daemon=True)
        thread.start()
        return thread

    # --- handlers ---

    def _run(self, handlers: Sequence[dict[str, Any]], trigger: int | None, data: Any = None) -> None:
        for handler in handlers:
            changed = self._call(handler, trigger, data)
            self._run(self._page.following(handler["id"]), None)
            for component in changed:
                self._run(self._page.called_by(component, "change"), component)

    def _call(self, handler: dict[str, Any], trigger: int | None, data: Any) -> list[int]:
        """Run one handler; the components whose value it changed."""
        before = dict(self.values)
        body = {
            "data": [None if self._is_state(id) else self.values[id] for id in handler["inputs"]],
            "event_data": data,
            "fn_index": handler["id"],
            "trigger_id": trigger,
            "session_hash": self._session,
        }
        states: set[int] = set()
        outputs = self._queued(body) if handler["queue"] else iter([self._connection.at_once(body)])
        for output in outputs:
            states |= set(output.get("changed_state_ids") or ())
            for id, value in zip(handler["outputs"], output.get("data") or (), strict=False):
                self._take(id, value)
        shown = [id for id in handler["outputs"] if not self._is_state(id) and self.values[id] != before[id]]
        return [*sorted(states), *shown]

    def _queued(self, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        shown: list[Any] | None = None
        for message in self._connection.queued(body):
            kind, output = message["msg"], message.get("output") or {}
            if kind == "process_generating" and "data" in output:
                shown = _grown(shown, output["data"])
                yield output | {"data": shown}
            elif kind == "process_completed" and message["success"]:
                yield output
            elif kind in _LAST:
                raise PageFailure(f"Handler {body['fn_index']} failed: {output.get('error') or message.get('message')}")

    def _is_state(self, id: int) -> bool:
        return bool(self._page.components[id]["type"] == "state")

    def _take(self, id: int, value: Any) -> None:
        if isinstance(value, dict) and value.get("__type__") == "update":
            if "value" not in value:
                return
            value = value["value"]
        if not self._is_state(id):
            self.values[id] = value


def _first_value(component: Mapping[str, Any]) -> Any:
    """What a component holds once the page is built."""
    props = component["props"]
    if props.get("value") is None:
        return [] if props.get("multiselect") else "" if component["type"] == "textbox" else None
    return props["value"]


def _grown(shown: list[Any] | None, sent: Sequence[Any]) -> list[Any]:
    """The values of a handler that goes on: at first in full, then what has changed of each."""
    if shown is None:
        return list(sent)
    return [apply_diff(before, diff) for before, diff in zip(shown, sent, strict=True)]
