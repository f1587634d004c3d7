"""Servers for tests, on loopback: one that misbehaves as it is told, and llama-cpp-python's own with a small GGUF."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Reply = Callable[["Handler"], None]

OPENAI = {"object": "list", "data": [{"id": "big-7b", "object": "model", "owned_by": "somebody"}]}


class FakeServer:
    """Answers by path; a path that has no reply is 404. ``asked`` holds what came, with its headers and its body."""

    def __init__(self, replies: dict[str, Reply]) -> None:
        self.replies = replies
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        self.gone = threading.Event()  # somebody left before the end
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def bodies(self, path: str = "/v1/chat/completions") -> list[Any]:
        """The bodies that were sent to a path."""
        return [body for asked, _, body in self.asked if asked == path]


class Handler(BaseHTTPRequestHandler):
    """One request to a :class:`FakeServer`."""

    protocol_version = "HTTP/1.1"
    fake: FakeServer

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.fake.asked.append((self.path, headers, json.loads(body) if body else None))
        self.close_connection = True
        try:
            self.fake.replies.get(self.path, says({"error": {"message": "no such page"}}, 404))(self)
        except (BrokenPipeError, ConnectionResetError):
            self.fake.gone.set()

    do_GET = do_POST = _handle

    def begin(self, status: int, kind: str, **headers: str) -> None:
        """Status and headers of a body that ends with the connection."""
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("connection", "close")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def write(self, text: str | bytes) -> None:
        self.wfile.write(text.encode() if isinstance(text, str) else text)
        self.wfile.flush()

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def serving(replies: dict[str, Reply], port: int = 0) -> Iterator[FakeServer]:
    """A server on a free port, or on ``port``."""
    fake = FakeServer(replies)
    server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (Handler,), {"fake": fake}))
    server.daemon_threads = True
    fake.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def says(value: Any, status: int = 200, **headers: str) -> Reply:
    """A reply of JSON."""

    def reply(handler: Handler) -> None:
        handler.begin(status, "application/json", **headers)
        handler.write(json.dumps(value))

    return reply


def page(text: str, status: int = 200, kind: str = "text/html") -> Reply:
    """A reply of any text."""

    def reply(handler: Handler) -> None:
        handler.begin(status, kind)
        handler.write(text)

    return reply


def event(text: str = "", **more: Any) -> str:
    """One event of a stream, as OpenAI's has it."""
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": None, **more}
    return f"data: {json.dumps({'object': 'chat.completion.chunk', 'choices': [choice]})}\n\n"


END = event(finish_reason="stop") + "data: [DONE]\n\n"


def streams(*parts: str | float, end: str = END) -> Reply:
    """A reply of words, each an event; a number is a pause in seconds, text that begins with 'data:' goes as it is."""

    def reply(handler: Handler) -> None:
        handler.begin(200, "text/event-stream; charset=utf-8")
        for part in parts:
            if isinstance(part, str):
                handler.write(part if part.startswith(("data:", ":")) else event(part))
            else:
                _wait(handler, part)
        handler.write(end)

    return reply


def in_turn(*replies: Reply) -> Reply:
    """One reply after the other; the last one from then on."""
    waiting = list(replies)
    return lambda handler: (waiting.pop(0) if len(waiting) > 1 else waiting[0])(handler)


def _wait(handler: Handler, seconds: float) -> None:
    """Pause, and notice when the other side leaves."""
    until = time.monotonic() + seconds
    handler.connection.settimeout(0.02)
    while time.monotonic() < until:
        try:
            if not handler.connection.recv(1):
                handler.fake.gone.set()
                raise BrokenPipeError
        except TimeoutError:
            continue
        except OSError:
            handler.fake.gone.set()
            raise BrokenPipeError from None


def chat(reply: Reply, listing: Reply | None = None, **more: Reply) -> dict[str, Reply]:
    """Replies of a server with one model."""
    return {"/v1/models": listing or says(OPENAI), "/v1/chat/completions": reply, **more}


def free_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def llama_cpp_server(model: Path, *arguments: str, port: int = 0) -> Iterator[str]:
    """llama-cpp-python's own server with a GGUF; yields its address once it answers."""
    port = port or free_port()
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(model), "--host", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--n_threads", "1", "--verbose", "false", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(1200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, "llama_cpp.server ended at once"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()
