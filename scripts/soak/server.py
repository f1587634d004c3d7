"""The page as a program of its own, in a home that was made for it, and what it takes of the computer."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
PAPERS = ROOT / "data" / "papers.jsonl"
_FOOTNOTE = (sys.executable, "-c", "from rag.cli import main; main()")
_START_S = 600.0
_ADDRESS = re.compile(r"Footnote is at (http://\S+)")


@dataclass(frozen=True, slots=True)
class Sample:
    """What the server and its children take: memory in bytes, open files and connections, threads."""

    seconds: float
    resident: int
    private: int
    handles: int
    connections: int
    threads: int
    temporary: int  # files in its temporary folder

    def as_record(self) -> dict[str, float]:
        """For JSON."""
        return asdict(self)


class Server:
    """A running page. ``folder`` holds its home, its temporary files and what it writes to stderr."""

    def __init__(self, process: subprocess.Popen[str], address: str, folder: Path) -> None:
        self.address = address
        self._process, self._folder = process, folder
        self._begun = time.monotonic()

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def sample(self) -> Sample:
        """What it takes now."""
        processes = [psutil.Process(self._process.pid)]
        processes += processes[0].children(recursive=True)
        taken = [0] * 5
        for one in processes:
            with suppress(psutil.NoSuchProcess), one.oneshot():
                memory = one.memory_full_info()
                connections = len(one.net_connections())
                values = (memory.rss, memory.uss, one.num_fds() - connections, connections, one.num_threads())
                taken = [a + b for a, b in zip(taken, values, strict=True)]
        left = sum(len(files) for _, _, files in os.walk(self._folder / "tmp"))
        return Sample(round(time.monotonic() - self._begun, 1), *taken, left)

    def said(self) -> list[str]:
        """What it wrote to stderr, but for where it is."""
        lines = (self._folder / "stderr.txt").read_text(encoding="utf-8", errors="replace").splitlines()
        return [line for line in lines if line.strip() and not _ADDRESS.search(line)]


def make_home(folder: Path, models: list[Path], prepared: Path | None) -> tuple[Path, Path]:
    """A home with the shipped library and one of sixty papers, and ``models`` registered; the home and the second.

    ``prepared`` is a home that has the shipped library already.
    """
    home = folder / "home"
    if prepared is not None:
        shutil.copytree(prepared, home)
    sixty = folder / "sixty.jsonl"
    sixty.write_text("".join(PAPERS.read_text(encoding="utf-8").splitlines(keepends=True)[:60]), encoding="utf-8")
    second = home / "libraries" / "second"
    for model in models:
        _footnote(home, "models", "add", str(model))
    _run(home, "-m", "scripts.prepare")
    if not (second / "manifest.json").exists():
        _footnote(home, "import", str(sixty), "--library", str(second))
    return home, second


@contextmanager
def serving(folder: Path, home: Path) -> Iterator[Server]:
    """The page on a free port; ended as Ctrl+C ends it."""
    (folder / "tmp").mkdir(exist_ok=True)
    environment = _environment(home) | {"TMPDIR": str(folder / "tmp"), "PYTHONUNBUFFERED": "1"}
    with (folder / "stderr.txt").open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [*_FOOTNOTE, "serve", "--port", "0", "--model", "quote"],
            env=environment, stderr=errors, stdout=subprocess.DEVNULL, text=True, cwd=ROOT,
            preexec_fn=_listen_to_interrupts,
        )  # fmt: skip
    try:
        yield Server(process, _address(process, folder / "stderr.txt"), folder)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(120)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def _listen_to_interrupts() -> None:
    """A program that was started in the background ignores Ctrl+C, and so would those that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _address(process: subprocess.Popen[str], said: Path) -> str:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and process.poll() is None:
        if found := _ADDRESS.search(said.read_text(encoding="utf-8")):
            return found[1]
        time.sleep(0.2)
    raise SystemExit(f"The page did not start: {said.read_text(encoding='utf-8')}")


def _environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FOOTNOTE_")}
    return kept | {"FOOTNOTE_HOME": str(home)}


def _footnote(home: Path, *arguments: str) -> None:
    _run(home, *_FOOTNOTE[1:], *arguments)


def _run(home: Path, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, *arguments], env=_environment(home), cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {done.stderr}")
