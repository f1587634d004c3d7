"""The one address that the programs are given: ``python -m benchmarks.peers.gateway --port N --upstream URL …``.

``/v1/chat/completions`` goes to ``llama_cpp.server``, one request at a time, with what that server leaves undone:

- calls of tools are read out of the model's text (:mod:`benchmarks.peers.tool_calls`);
- an answer ends after ``LONGEST`` tokens where the client names no number, because a small model may repeat itself
  until its context is full.

``/v1/embeddings`` is all-MiniLM-L6-v2, the weights and the encoder that Footnote itself uses for questions. Everything
is on loopback.
"""

from __future__ import annotations

import argparse
import json
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.peers.tool_calls import calls_in, without_calls
from rag.encoding.query_encoder import QueryEncoder
from rag.system.offline import enforce_offline

LONGEST = 1024
# What llama_cpp.server knows; what else clients send (ways of caching, of reasoning) is for other servers.
KNOWN = (
    "frequency_penalty", "logit_bias", "max_tokens", "messages", "model", "presence_penalty", "response_format",
    "seed", "stop", "temperature", "tools", "top_p",
)  # fmt: skip


class Gateway:
    """Requests as objects in, replies as objects out."""

    def __init__(self, upstream: str, models: Path, threads: int, seconds: float = 3600) -> None:
        self._upstream = upstream
        self._seconds = seconds
        self._encoder = QueryEncoder(models, threads)
        self._one = threading.Lock()
        self._direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def reply(self, path: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The reply to one request. Raises ``KeyError`` for a path that is not served."""
        return {"/v1/chat/completions": self.chat, "/v1/embeddings": self.embeddings}[path](request)

    def embeddings(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Unit vectors of 384 floats for ``input``, a text or a list of them."""
        given = request["input"]
        texts = [given] if isinstance(given, str) else list(given)
        data = [
            {"object": "embedding", "index": place, "embedding": [float(x) for x in vector]}
            for place, vector in enumerate(self._encoder.encode(texts))
        ]
        usage = {"prompt_tokens": 0, "total_tokens": 0}
        return {"object": "list", "model": request.get("model", ""), "data": data, "usage": usage}

    def chat(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """What the model says to the messages; its calls of tools as ``tool_calls``."""
        with self._one:
            reply = self._asked(forwarded(request))
        names = [tool["function"]["name"] for tool in request.get("tools") or ()]
        for choice in reply["choices"] if names else ():
            _with_calls(choice, names)
        return reply

    def _asked(self, request: Mapping[str, Any]) -> dict[str, Any]:
        sent = urllib.request.Request(
            f"{self._upstream}/v1/chat/completions",
            json.dumps(request).encode(),
            {"Content-Type": "application/json"},
        )
        with self._direct.open(sent, timeout=self._seconds) as answer:
            return dict(json.load(answer))


def forwarded(request: Mapping[str, Any]) -> dict[str, Any]:
    """The request as ``llama_cpp.server`` understands it: known keys, texts as texts, calls as the texts they were."""
    longest = request.get("max_tokens") or request.get("max_completion_tokens") or LONGEST
    messages = [_plain(message) for message in request["messages"]]
    return {k: v for k, v in request.items() if k in KNOWN and v is not None} | {
        "messages": messages,
        "max_tokens": longest,
    }


def _plain(message: Mapping[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    if isinstance(content, list):  # the parts of a message
        content = "\n".join(part.get("text", "") for part in content)
    plain = {**message, "content": content or ""}
    if plain["role"] == "assistant":
        return without_calls(plain)
    kept = {"role": "system" if plain["role"] == "developer" else plain["role"], "content": plain["content"]}
    return kept | ({"tool_call_id": plain["tool_call_id"]} if "tool_call_id" in plain else {})


def _with_calls(choice: dict[str, Any], names: list[str]) -> None:
    """Turn the calls in the text of one choice into ``tool_calls``."""
    found = calls_in(choice["message"].get("content") or "", names)
    if found:
        choice["finish_reason"] = "tool_calls"
        choice["message"]["content"] = None
        choice["message"]["tool_calls"] = [
            {
                "id": f"call_{uuid.uuid4().hex[:12]}",
                "type": "function",
                "function": {"name": call["name"], "arguments": json.dumps(call["arguments"])},
            }
            for call in found
        ]


def handler(gateway: Gateway) -> type[BaseHTTPRequestHandler]:
    """A handler of requests for ``gateway``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(200, {"object": "list", "data": []})

        def do_POST(self) -> None:
            try:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if body.get("stream"):
                    self._send(400, {"error": {"message": "This address does not stream. Ask without 'stream'."}})
                    return
                self._send(200, gateway.reply(self.path, body))
            except KeyError as error:
                self._send(404, {"error": {"message": f"Not served here, or missing in the request: {error}"}})
            except urllib.error.HTTPError as error:
                said = error.read().decode("utf-8", "replace")[:2000]
                self._send(error.code, {"error": {"message": said}})

        def _send(self, status: int, reply: Mapping[str, Any]) -> None:
            body = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Silence: a line a request is of use to nobody."""

    return Handler


def main() -> int:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--threads", type=int, default=1, help="of MiniLM")
    parser.add_argument("--home", type=Path, required=True, help="keeps MiniLM as GGUF in its folder 'models'")
    options = parser.parse_args()
    enforce_offline()
    gateway = Gateway(options.upstream, options.home / "models", options.threads)
    ThreadingHTTPServer(("127.0.0.1", options.port), handler(gateway)).serve_forever()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
