"""The HTTP API under load: searches of ten clients at once, questions of three, on the shipped abstracts.

python -m benchmarks.api --out benchmarks/results/api/FILE.json

Serves the program in a process of its own, with a data folder of its own unless ``--home`` names one. Every search asks
something that was not asked before in the run. ``cpu_ms`` is what the program computed for one request, which other
work on the machine changes far less than how long it took. Fails where any request fails. docs/api.md has the newest
results.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from benchmarks.measure import computed_by
from benchmarks.workload import load_papers, make_questions
from rag.system.machine import commit, machine
from rag.system.offline import OFFLINE_ENVIRONMENT

SEARCHING, ASKING = 10, 3  # clients at once
SEARCHES, QUESTIONS, WARMING = 800, 12, 50
V1 = "/api/v1"
RESULTS = Path(__file__).parent / "results" / "api"
Ask = Callable[[HTTPConnection, str], int]


@contextmanager
def served(home: Path, *options: str) -> Iterator[tuple[str, psutil.Process]]:
    """The address of a program that is ready, and its process; ``options`` are those of ``footnote serve``."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FOOTNOTE_")}
    environment = inherited | OFFLINE_ENVIRONMENT | {"FOOTNOTE_HOME": str(home), "FOOTNOTE_PORT": "0"}
    command = str(Path(sys.executable).parent / "footnote")
    child = subprocess.Popen([command, "serve", *options], stderr=subprocess.PIPE, text=True, env=environment)
    assert child.stderr is not None
    try:
        address = re.search(r"http://\S+", child.stderr.readline())
        assert address is not None
        threading.Thread(target=child.stderr.read, daemon=True).start()
        yield urlsplit(address[0]).netloc, psutil.Process(child.pid)
    finally:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:  # what a shell began in the background hears no such signal
            child.terminate()
            child.wait(60)


def request(connection: HTTPConnection, path: str, body: Any) -> int:
    """The status of one request; its answer is read to the end."""
    connection.request("POST", f"{V1}/{path}", json.dumps(body), {"content-type": "application/json"})
    response = connection.getresponse()
    response.read()
    return response.status


def search(connection: HTTPConnection, text: str) -> int:
    """The status of a search for ten papers."""
    return request(connection, "search", {"query": text})


def ask(connection: HTTPConnection, text: str) -> int:
    """The status of a question."""
    return request(connection, "ask", {"question": text})


def load(address: str, program: psutil.Process, clients: int, texts: list[str], send: Ask) -> dict[str, Any]:
    """``texts`` sent by so many clients at once, each of which waits for one answer before it asks again."""
    seconds: list[float] = []
    failed: list[int] = []
    waiting, lock = iter(texts), threading.Lock()

    def client(_: int) -> None:
        connection = HTTPConnection(address, timeout=600)
        while True:
            with lock:
                text = next(waiting, None)
            if text is None:
                return
            begun = time.perf_counter()
            status = send(connection, text)
            with lock:
                seconds.append(time.perf_counter() - begun)
                if status != 200:
                    failed.append(status)

    begun, computed = time.perf_counter(), computed_by(program)
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(client, range(clients)))
    took = time.perf_counter() - begun
    computed = computed_by(program) - computed
    p95 = statistics.quantiles(seconds, n=20)[-1]
    return {
        "clients": clients, "requests": len(texts), "failed": len(failed), "per_second": round(len(texts) / took, 1),
        "cpu_ms": round(1000 * computed / len(texts), 1), "p50_ms": round(1000 * statistics.median(seconds)),
        "p95_ms": round(1000 * p95),
    }  # fmt: skip


def measured(home: Path) -> dict[str, Any]:
    """Both loads on one program."""
    papers = load_papers()
    questions = make_questions(papers, sum(bool(paper.get("abstract")) for paper in papers), seed=1)
    texts = list(dict.fromkeys([*questions, *(str(paper["title"]) for paper in papers)]))
    random.Random(1).shuffle(texts)
    with served(home) as (address, program):
        ask(HTTPConnection(address, timeout=600), questions[0])  # the library is built, the models are loaded
        load(address, program, 2, texts[SEARCHES : SEARCHES + WARMING], search)
        return {
            "search": load(address, program, SEARCHING, texts[:SEARCHES], search),
            "ask": load(address, program, ASKING, questions[:QUESTIONS], ask),
        }


def newest(folder: Path = RESULTS) -> dict[str, Any]:
    """The results that were measured last."""
    found = (json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json"))
    return dict(max(found, key=lambda one: str(one["measured"])))


def sentence(folder: Path = RESULTS) -> str:
    """What docs/api.md says of the speed."""
    result = newest(folder)
    one, asked, on = result["search"], result["ask"], result["machine"]
    return (
        f"On {on['cores']} cores with a load of {on['load']:.1f} from other work, {one['clients']} clients at once got "
        f"{one['per_second']:.0f} searches a second of the shipped abstracts, half of them within {one['p50_ms']} ms; "
        f"one search takes {one['cpu_ms']:.0f} ms of processor time. Of {asked['requests']} questions of "
        f"{asked['clients']} clients at once {asked['failed'] or 'none'} failed."
    )


def main() -> int:
    """Measure, write, and say how it went; 1 where a request failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--home", type=Path, help="a data folder whose library is built already")
    options = parser.parse_args()
    on = machine(("fastapi", "gradio"))  # its load is that of other work
    with tempfile.TemporaryDirectory() as folder:
        figures = measured(options.home or Path(folder))
    when = datetime.now(UTC).isoformat(timespec="seconds")
    text = json.dumps({"measured": when, "commit": commit(), "machine": on, **figures}, indent=1)
    print(text)
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(f"{text}\n", encoding="utf-8")
    return 1 if figures["search"]["failed"] or figures["ask"]["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
