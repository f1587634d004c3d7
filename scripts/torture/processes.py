"""Starting, killing and asking processes. This process has one thread and nothing open, so that it may fork."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_FRAME = re.compile(r'File "[^"]*/(rag/[\w/]+)\.py", line \d+ in (\w+)')
_GROUPS = (  # by the innermost function of the program, the first that fits
    ("the vector index", ("storage/vectors", "storage/indexing")),
    ("the word index", ("storage/words/",)),
    ("the manifest", ("storage/manifest", "storage/recovering")),
    ("the lock", ("storage/locking",)),
    ("the database", ("storage/database", "storage/papers", "storage/browsing", "storage/stored_paper")),
    (
        "the records of an import",
        (
            "storage/writing",
            "storage/paper_writer",
            "storage/matching",
            "storage/merges",
            "library/chunking",
            "papers/identity",
            "text/",
        ),
    ),
    ("an export", ("system/whole_files", "papers/bibliography", "papers/exporters")),
)


def _moments(seconds: float) -> Iterator[None]:
    """Moments 5 ms apart for so many seconds, counted by sleeping: no clock is looked at, which may jump."""
    for _ in range(int(seconds / 0.005)):
        yield
        pause(0.005)


def pause(seconds: float) -> None:
    """``time.sleep``, which libfaketime hinders."""
    select.select([], [], [], seconds)


def start(act: Callable[[], object]) -> int:
    """Run ``act`` in a forked process; its id. An exception is printed and gives the exit status 1."""
    pid = os.fork()
    if pid:
        return pid
    try:
        act()
        status = 0
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stderr.flush()
    os._exit(status)


def ask(act: Callable[[], Any], answer: Path, seconds: float = 300.0) -> Any:
    """The JSON value that ``act`` returns in a forked process, by way of the file ``answer``; None where it failed."""
    answer.unlink(missing_ok=True)
    pid = start(lambda: answer.write_text(json.dumps(act()), encoding="utf-8"))
    wait(pid, seconds)
    return json.loads(answer.read_text(encoding="utf-8")) if answer.exists() else None


def wait(pid: int, seconds: float) -> int | None:
    """Wait for the end of a child: its status; None, and it is killed, where it takes longer."""
    for _ in _moments(seconds):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def computed(pid: int, seconds: float, longest: float = 120.0) -> None:
    """Wait until a process has computed for so many seconds, has ended, or ``longest`` is over.

    Not so many seconds of the clock: on a busy machine a process would always be killed at its beginning.
    """
    tick = os.sysconf("SC_CLK_TCK")
    for _ in _moments(longest):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
        except OSError:
            return
        if fields[0] == "Z" or (int(fields[11]) + int(fields[12])) / tick >= seconds:
            return


def kill(pid: int) -> bool:
    """Let a child say where it is, and end it with SIGKILL; whether it had not ended by itself before."""
    if os.waitpid(pid, os.WNOHANG)[0]:
        return False
    os.kill(pid, signal.SIGUSR1)
    pause(0.001)
    os.kill(pid, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def place(where: Path) -> str:
    """In which part of the program a killed process was, from the stack that it wrote."""
    frames = _FRAME.findall(where.read_text(encoding="utf-8")) if where.exists() else []
    if any(name in ("_recover", "open") and "library/library" in module for module, name in frames):
        return "opening a library"
    for module, _ in frames:
        for group, parts in _GROUPS:
            if any(part in module for part in parts):
                return group
    return "between two steps"


class Reader:
    """A reader in a process of its own: ``scripts.torture.reading``."""

    def __init__(self, library: Path, home: Path, notes: Path, papers: int, seed: int) -> None:
        self._notes = notes
        arguments = [str(library), str(home), str(notes), str(papers), str(seed)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "scripts.torture.reading", *arguments], stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def asked(self) -> int:
        """How many questions so far."""
        try:
            return int(json.loads(self._notes.read_text(encoding="utf-8"))["asked"])
        except (OSError, ValueError):
            return 0

    def end(self) -> dict[str, Any]:
        """End it; what it noted."""
        _, said = self._process.communicate()
        if self._process.returncode or not self._notes.exists():
            return {"asked": 0, "wrong": 0, "errors": [f"the reader ended: {said.decode()[-500:]}"]}
        notes: dict[str, Any] = json.loads(self._notes.read_text(encoding="utf-8"))
        return notes
