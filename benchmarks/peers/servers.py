"""The model's server and the gateway before it, started on free ports and stopped again; all on loopback."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rag.system.offline import OFFLINE_ENVIRONMENT

ROOT = Path(__file__).parent.parent.parent
CONTEXT = 16384
# One request after the other, none broken off for the next; the chat template is the model's own. Without logits for
# every token of a prompt, which the server keeps unless told otherwise: gigabytes, and half as much time again.
OPTIONS = {
    "--n_ctx": str(CONTEXT),
    "--seed": "0",
    "--interrupt_requests": "False",
    "--logits_all": "False",
}
SECONDS_TO_START = 120


class ServerFailed(RuntimeError):
    """A server that did not start; the message has the end of what it said."""


@dataclass(frozen=True, slots=True)
class Served:
    """Where the programs ask, and which processes answer them."""

    address: str
    processes: tuple[int, ...]


def quiet_environment(home: Path) -> dict[str, str]:
    """The environment without settings of the user, telemetry or proxies; ``home`` keeps what is written."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("FOOTNOTE_") and "proxy" not in k.lower()}
    return inherited | OFFLINE_ENVIRONMENT | {"FOOTNOTE_HOME": str(home), "PYTHONPATH": str(ROOT)}


@contextlib.contextmanager
def serving(gguf: Path, server_python: Path, folder: Path, threads: int) -> Iterator[Served]:
    """Both servers for ``gguf`` while the context lasts, the model on ``threads``; what they say goes to ``folder``,
    the weights of MiniLM to ``home`` beside it.

    Raises :class:`ServerFailed`.
    """
    upstream, port = _free_port(), _free_port()
    environment = quiet_environment(folder.parent / "home")
    model = [str(server_python), "-m", "llama_cpp.server", "--model", str(gguf), "--model_alias", "local"]
    place = ["--host", "127.0.0.1", "--port", str(upstream)]
    own = OPTIONS | {"--n_threads": str(threads), "--n_threads_batch": str(threads)}
    options = [part for pair in own.items() for part in pair]
    before = [sys.executable, "-m", "benchmarks.peers.gateway", "--port", str(port)]
    before += ["--upstream", f"http://127.0.0.1:{upstream}", "--home", str(folder.parent / "home")]
    before += ["--threads", str(threads)]
    with contextlib.ExitStack() as stack:
        commands = {"server": ([*model, *place, *options], upstream), "gateway": (before, port)}
        processes = [
            stack.enter_context(_running(command, environment, folder / f"{name}.log", at))
            for name, (command, at) in commands.items()
        ]
        yield Served(f"http://127.0.0.1:{port}/v1", tuple(process.pid for process in processes))


@contextlib.contextmanager
def _running(
    command: list[str], environment: dict[str, str], log: Path, port: int
) -> Iterator[subprocess.Popen[bytes]]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as said:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=said, stderr=said)
        try:
            _wait(process, port, log)
            yield process
        finally:
            process.terminate()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            direct.open(f"http://127.0.0.1:{port}/v1/models", timeout=2).close()
            return
        time.sleep(0.2)
    raise ServerFailed(f"{process.args!r} did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
