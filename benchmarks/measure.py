"""One process at a time: how long it takes, when it says something, how much memory it holds."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
    Memory is the highest sum over the process and its children, sampled every 20 ms, and never less
    than the kernel's own figure for the process (``ru_maxrss``). Raises :class:`ProcessFailed`.
    """
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=dict(environment), text=True)
        sampler = _Sampler(child.pid)
        sampler.start()
        lines: list[tuple[float, str]] = []
        assert child.stdout is not None
        for line in child.stdout:
            lines.append((time.perf_counter() - start, line))
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        sampler.finish()
        if child.returncode not in accepted:
            errors.seek(0)
            said = errors.read().decode("utf-8", "replace")[-2000:]
            raise ProcessFailed(f"{' '.join(command)} ended with {child.returncode}:\n{said}")
    marks, result = _messages(lines)
    peak = max(sampler.peak, usage.ru_maxrss * _MAXRSS_UNIT)
    return Run(seconds, peak / 1e6, marks, result, "".join(line for _, line in lines))


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


# Kilobytes on Linux, bytes on macOS (getrusage(2)).
_MAXRSS_UNIT = 1024 if os.uname().sysname == "Linux" else 1


class _Sampler(threading.Thread):
    """Watches the resident memory of a process and its children, in bytes."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._pid = pid
        self._done = threading.Event()

    def run(self) -> None:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self._pid)
            while not self._done.wait(SAMPLE_SECONDS):
                tree = [process, *process.children(recursive=True)]
                self.peak = max(self.peak, sum(_resident(member) for member in tree))

    def finish(self) -> None:
        self._done.set()
        self.join()


def _resident(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0  # it has just ended
