"""One process at a time: how long it takes, when it says something, how much memory it holds."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

SAMPLE_SECONDS = 0.02


class ProcessFailed(RuntimeError):
    """A measured process ended with an exit code that does not count as an answer."""


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process. Times are seconds from its start, memory is resident, in MB (10^6 bytes)."""

    seconds: float
    peak_mb: float
    marks: Mapping[str, float] = field(default_factory=dict)
    result: Any = None
    stdout: str = ""


def run(command: Sequence[str], environment: Mapping[str, str], accepted: Sequence[int] = (0,)) -> Run:
    """Run ``command`` to its end.

    Lines of its output that are JSON objects with ``mark`` are timed, the one with ``result`` is kept.
    Memory is the highest sum over the process and its children, sampled every 20 ms, and on Linux never less than
    the kernel's own mark of the process (``VmHWM``), so that a peak between two samples counts; what happens in the
    last 20 ms may be missed. ``ru_maxrss`` would not do: it begins with the memory of the process that started this
    one. Raises :class:`ProcessFailed`.
    """
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=dict(environment), text=True)
        sampler = Sampler(child.pid, marks=True)
        sampler.start()
        lines: list[tuple[float, str]] = []
        assert child.stdout is not None
        for line in child.stdout:
            lines.append((time.perf_counter() - start, line))
        child.wait()
        seconds = time.perf_counter() - start
        sampler.finish()
        if child.returncode not in accepted:
            errors.seek(0)
            said = errors.read().decode("utf-8", "replace")[-2000:]
            raise ProcessFailed(f"{' '.join(command)} ended with {child.returncode}:\n{said}")
    marks, result = _messages(lines)
    return Run(seconds, sampler.peak / 1e6, marks, result, "".join(line for _, line in lines))


def _messages(lines: Sequence[tuple[float, str]]) -> tuple[dict[str, float], Any]:
    marks: dict[str, float] = {}
    result = None
    for seconds, line in lines:
        with contextlib.suppress(json.JSONDecodeError):
            message = json.loads(line)
            if isinstance(message, dict) and "mark" in message:
                marks[message["mark"]] = seconds
            elif isinstance(message, dict) and "result" in message:
                result = message["result"]
    return marks, result


class Sampler(threading.Thread):
    """Watches the resident memory of processes with their children, together, in bytes.

    ``marks``: of one process alone the kernel's own mark counts too, so that a peak between two samples does.
    """

    def __init__(self, *pids: int, every: float = SAMPLE_SECONDS, marks: bool = False) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._pids, self._every, self._marks = pids, every, marks
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(self._every):
            self.sample()

    def sample(self) -> None:
        """Look once more."""
        marked = max(map(_high_water, self._pids)) if self._marks else 0
        self.peak = max(self.peak, marked, sum(_resident(one) for one in members(self._pids)))

    def begin(self) -> None:
        """Forget what was held before."""
        self.peak = 0
        self.sample()

    def finish(self) -> None:
        self._done.set()
        self.join()


def members(pids: Sequence[int]) -> list[psutil.Process]:
    """The processes and their children, those that have not ended."""
    found: list[psutil.Process] = []
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(pid)
            found += [root, *root.children(recursive=True)]
    return found


def computed_by(process: psutil.Process) -> float:
    """Seconds of processor time so far, its children that have ended included; 0 where it has itself."""
    with contextlib.suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)
    return 0.0


def _high_water(pid: int) -> int:
    """The most memory that the process has held since it was started, in bytes; 0 where the system does not say."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) * 1024
    return 0


def _resident(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0  # it has just ended
