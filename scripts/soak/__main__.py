"""Let ten users work with the page, and judge what that leaves behind.

    python -m scripts.soak --minutes 60 --out benchmarks/results/reliability

The page is a program of its own in a home that is made for it. Its memory, open files and threads are looked at every
ten seconds; errors are those of HTTP, sentences of error on the page, and whatever it writes to stderr. After every
sixth of the time, of which the first is the warm-up, all rest for a moment, so that what is in memory can be compared.
Ends with 1 where something is not as it must be.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rag.system.machine import commit, machine
from scripts.soak.browser import Page
from scripts.soak.judging import Figures, judge
from scripts.soak.server import ROOT, Sample, Server, make_home, serving
from scripts.soak.users import QUESTIONS, Errors, User

EVERY_S = 10.0
SETTLE_S = 20.0  # until the server has noticed that a tab is closed
PARTS = 6
SMALLEST = "tiny1"
_LEAVING_S = 900.0  # for what is under way at the end
PACKAGES = ("gradio", "llama-cpp-python", "chromadb", "onnxruntime", "torch")


def main(arguments: Sequence[str]) -> int:
    """0 where everything is as it must be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "reliability")
    parser.add_argument(
        "--home", type=Path, help="a home folder with the shipped library, to copy instead of making it"
    )
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="footnote-soak-") as made:
        folder = Path(made)
        home, second = make_home(folder, _models(folder), given.home)
        with serving(folder, home) as server:
            record, figures = _soak(server, given.users, given.minutes * 60, str(second))
    given.out.mkdir(parents=True, exist_ok=True)
    file = given.out / f"soak-{datetime.date.today().isoformat()}.json"
    file.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    sys.stderr.write(f"{json.dumps(record['figures'])}\n{file}\n")
    sys.stderr.write("".join(f"{fault}\n" for fault in figures.faults))
    return 1 if figures.faults else 0


def _models(folder: Path) -> list[Path]:
    """Two small models beside those that come with the program: their text is noise, which the check replaces."""
    sys.path.insert(0, str(ROOT / "tests"))
    from ggufs import write_llama

    return [write_llama(folder / f"tiny{n}.gguf", seed=n) for n in (1, 2)]


def _soak(server: Server, users: int, seconds: float, second: str) -> tuple[dict[str, Any], Figures]:
    page, errors = Page(server.address), Errors()
    models = ("quote", "writer", "smollm2", SMALLEST, "tiny2")
    working = [User(n, page, models, ("", second), errors) for n in range(1, users + 1)]
    for action in working[0].actions:  # what is opened once is open from here on
        working[0].do(action)
    working[0].leave()
    time.sleep(SETTLE_S)
    samples, rests = _watch(server, working, seconds)
    time.sleep(SETTLE_S)
    gone = server.sample()
    for line in server.said():
        errors.add("server", "stderr", line)
    figures = judge(samples, rests, gone, len(errors.found))
    done: Counter[str] = sum((user.done for user in working), Counter())
    record = {
        "date": datetime.date.today().isoformat(),
        "commit": commit(),
        "machine": machine(PACKAGES),
        "users": users,
        "figures": asdict(figures) | {"faults": figures.faults},
        "done": dict(sorted(done.items())),
        "errors": errors.found,
        "samples": [one.as_record() for one in samples],
        "rests": [one.as_record() for one in (*rests, gone)],
    }
    return record, figures


def _watch(server: Server, users: Sequence[User], seconds: float) -> tuple[list[Sample], list[Sample]]:
    """Let the users work for so long: samples while they do, and one at rest after every sixth."""
    ended, awake = threading.Event(), threading.Event()
    work = (ended, awake)
    threads = [threading.Thread(target=user.work, args=work, name=user.name, daemon=True) for user in users]
    for thread in threads:
        thread.start()
    samples: list[Sample] = []
    rests: list[Sample] = []
    for _ in range(PARTS):
        awake.set()
        until = time.monotonic() + seconds / PARTS
        while time.monotonic() < until and server.running:
            samples.append(server.sample())
            _say(samples[-1], users)
            time.sleep(EVERY_S)
        awake.clear()
        rests.append(_at_rest(server, users))
    ended.set()
    awake.set()
    for thread in threads:
        thread.join(_LEAVING_S)
    return samples, rests


def _at_rest(server: Server, users: Sequence[User]) -> Sample:
    """What is in memory once all have ended what they do, with the smallest model."""
    until = time.monotonic() + _LEAVING_S
    for user in users:
        user.resting.wait(max(0.0, until - time.monotonic()))
    users[0].ask_with(SMALLEST, QUESTIONS["several papers"][0])
    time.sleep(SETTLE_S)
    return server.sample()


def _say(sample: Sample, users: Sequence[User]) -> None:
    done = sum(user.done.total() for user in users)
    sys.stderr.write(
        f"{sample.seconds:6.0f} s  {sample.resident / 1e6:6.0f} MB  {sample.private / 1e6:6.0f} MB private  "
        f"{sample.handles:4} handles  {sample.connections:3} connections  {sample.threads:3} threads  "
        f"{sample.temporary:3} temporary files  {done} done\n"
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
