"""A process that reads the files, and what happens to it: it may die, hang or ask for all memory without harm."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import psutil

from scripts.fuzzing.checks import Reading, allowed_seconds, readings

MEMORY_BYTES = 2 * 2**30  # of address space; what asks for more fails, and is a fault
_PATIENCE = 3.0  # times the processor time that is allowed, before the process is ended

Read = Callable[[Path, int], Iterable[Reading]]


def _work(connection: Connection, read: Read) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    warnings.simplefilter("ignore")
    sys.stderr = open("/dev/null", "w")  # noqa: SIM115, PTH123 - warnings about encodings, once a file
    while (job := connection.recv()) is not None:
        for reading in read(*job):
            connection.send(reading)
        connection.send(None)


class Watchdog:
    """Reads files in a process of its own, which is begun anew when it had to be ended."""

    def __init__(self, read: Read = readings) -> None:
        self._read = read
        self._waiting: deque[tuple[Path, int]] = deque()
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, self._read), daemon=True)
        self._process.start()
        theirs.close()
        self._usage = psutil.Process(self._process.pid)
        for job in self._waiting:
            self._connection.send(job)

    def read(self, path: Path, text_bytes: int) -> list[Reading]:
        """The readings of ``path``; the last has a fault where the process died or was ended for it."""
        self.submit(path, text_bytes)
        return self.next()

    def submit(self, path: Path, text_bytes: int) -> None:
        """Have ``path`` read when those before it have been; at most some dozen may wait."""
        self._waiting.append((path, text_bytes))
        with suppress(OSError):  # it died; next() comes upon that, and sends anew
            self._connection.send((path, text_bytes))

    def next(self) -> list[Reading]:
        """The readings of the file that was submitted first, as :meth:`read` gives them."""
        patience = _PATIENCE * allowed_seconds(self._waiting[0][1])
        found: list[Reading] = []
        while True:
            fault = self._wait(patience)
            if not fault:
                try:
                    reading = self._connection.recv()
                except (EOFError, OSError):
                    fault = f"the process died (exit code {self._exit_code()})"
            if fault:
                self._waiting.popleft()
                self._end()
                self._start()
                after = found[-1].way if found else "the start"
                return [*found, Reading(f"the format after {after}", "", 0, 0, False, patience, fault)]
            if reading is None:
                self._waiting.popleft()
                return found
            found.append(reading)

    def _wait(self, seconds: float) -> str:
        """Wait for the next reading; what is wrong where none comes within so much processor time."""
        began = self._used()
        idle = 0
        while not self._connection.poll(0.25):
            used = self._used()
            if used - began > seconds:
                return f"hangs: ended after {used - began:.0f} s"
            idle = idle + 1 if used == began else 0
            if idle > 4 * 120:
                return "hangs: two minutes without doing anything"
        return ""

    def _used(self) -> float:
        try:
            times = self._usage.cpu_times()
        except psutil.Error:
            return 0.0  # it died; the connection says so
        return float(times.user + times.system)

    def _exit_code(self) -> int | None:
        self._process.join(5)
        return self._process.exitcode

    def _end(self) -> None:
        self._process.kill()
        self._process.join(5)
        self._connection.close()

    def close(self) -> None:
        """End the process."""
        self._end()
