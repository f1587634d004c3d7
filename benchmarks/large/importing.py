"""An import that is asked while it runs: when the first answer comes, when the last record is found, when it ends."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.large.state import State
from benchmarks.measure import ProcessFailed, Sampler

_BETWEEN_S = 1.0  # pause between two questions to a library that is being imported, at least
_SHARE = 0.05  # of the time so far, where that is longer: the questions must not cost the import much
_KEPT_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Probe:
    """``name``: the figure for when ``succeeds`` first does so, in seconds since the import began."""

    name: str
    succeeds: Callable[[], bool]


@dataclass
class WatchedImport:
    """One import by the command line. ``name`` is its name in the state, where it goes on after a stop."""

    command: list[str]
    environment: dict[str, str]
    log: Path
    state: State
    name: str
    probes: list[Probe] = field(default_factory=list)

    def run(self) -> dict[str, float]:
        """Seconds to the end, those to each probe, peak memory in MB. Raises :class:`ProcessFailed`.

        The process is ended where the run is stopped; what it has stored stays, and the next run goes on with it.
        """
        before, begun = self.state.spent(self.name), time.perf_counter()
        waiting = [one for one in self.probes if one.name not in self.state.figures]
        with self.log.open("ab") as log:
            child = subprocess.Popen(self.command, stdout=log, stderr=log, env=self.environment)
        sampler = Sampler(child.pid, every=0.2, marks=True)
        sampler.start()

        def elapsed() -> float:
            return before + time.perf_counter() - begun

        ended = threading.Event()
        # In a thread of its own: a question may take longer than what is left of the import.
        asking = threading.Thread(target=self._ask, args=(waiting, elapsed, ended), daemon=True)
        asking.start()
        try:
            while child.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(_KEPT_EVERY_S)
                self.state.spend(self.name, elapsed())
        finally:
            ended.set()
            if child.poll() is None:
                child.terminate()
                child.wait(60)
            sampler.finish()
        if child.returncode:
            raise ProcessFailed(f"{' '.join(self.command)} ended with {child.returncode}: see {self.log}")
        asking.join()
        return {"seconds": self.state.spent(self.name), "mb": sampler.peak / 1e6} | {
            one.name: self.state.figures[one.name] for one in self.probes if one.name in self.state.figures
        }

    def _ask(self, waiting: list[Probe], elapsed: Callable[[], float], ended: threading.Event) -> None:
        """Ask one probe after the other until each has succeeded; one that fails after the end is not measured."""
        ended.wait(_BETWEEN_S)
        while waiting:
            is_last = ended.is_set()
            if waiting[0].succeeds():
                self.state.keep(**{waiting.pop(0).name: elapsed()})
            elif is_last:
                waiting.pop(0)
            else:
                ended.wait(max(_BETWEEN_S, _SHARE * elapsed()))


def finds(stdout: str, paper_id: str) -> bool:
    """Whether what ``footnote search --json`` printed has this paper among its hits."""
    with contextlib.suppress(json.JSONDecodeError, KeyError, TypeError):
        return any(one["paper_id"] == paper_id for one in json.loads(stdout)["hits"])
    return False


def stop_background(library: Path) -> int:
    """End what an import left working on a library of this run: processes that name its folder. How many there were."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if str(library) in process.cmdline():
                process.terminate()
                found.append(process)
    psutil.wait_procs(found, timeout=60)
    return len(found)
