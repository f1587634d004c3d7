"""One program asked all questions: a line for each answer in a file of its own, and a second run goes on behind it.

``peak_mb`` is the most that the program and the servers that it asks held together while it answered, in MB (10^6
bytes); ``cpu_seconds`` the time that they computed, which other work on the machine changes little.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import Sampler, computed_by, members
from benchmarks.peers.runners.lines import Task
from benchmarks.peers.servers import ROOT, Served, quiet_environment
from rag.datatypes import Turn
from rag.evaluation.datasets import EvalQuestion

SAMPLE_SECONDS = 0.1


class RunnerFailed(RuntimeError):
    """A program that ended before it was done; the message has the end of what it said."""


@dataclass(frozen=True, slots=True)
class Program:
    """One column of the tables. ``own_model``: it loads the model itself and asks no server."""

    key: str
    label: str
    runner: str
    own_model: bool = False
    gguf: bool = True


PROGRAMS = (
    Program("footnote", "Footnote, the writer", "footnote", own_model=True, gguf=False),
    Program("footnote-gguf", "Footnote, the same model", "footnote", own_model=True),
    Program("paperqa", "paper-qa", "paperqa"),
    Program("haiku", "haiku.rag", "haiku"),
)


def answered(path: Path) -> dict[str, dict[str, Any]]:
    """The lines of a file by the id of their question; a line that a killed run left half written is not one."""
    found: dict[str, dict[str, Any]] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                record = json.loads(line)
                found[record["id"]] = record
    return found


def ask(
    program: Program,
    python: Path,
    task: Task,
    served: Served | None,
    questions: Sequence[EvalQuestion],
    answers: Path,
    until: float,
) -> Iterator[Mapping[str, Any]]:
    """Ask what ``answers`` does not hold yet, until ``until`` (a time of :func:`time.time`), and yield each new line.

    Raises :class:`RunnerFailed`.
    """
    left = [q for q in questions if q.id not in answered(answers)]
    if not left or time.time() >= until:
        return
    folder = Path(task.folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "task.json").write_text(json.dumps(asdict(task)), encoding="utf-8")
    _end_last_line(answers)
    with _runner(program, python, folder) as process, answers.open("a", encoding="utf-8") as file:
        about = _line_of(process, folder)["ready"]
        watched = Watch((process.pid, *(served.processes if served and not program.own_model else ())))
        with watched:
            for question in left:
                if time.time() >= until:
                    return
                watched.begin()
                _send(process, question)
                line = {**about, **_line_of(process, folder), **watched.figures()}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                file.flush()
                yield line


@contextlib.contextmanager
def _runner(program: Program, python: Path, folder: Path) -> Iterator[subprocess.Popen[str]]:
    # Long look-ups of prices and names of models are for those who pay: litellm has the table in its package.
    environment = quiet_environment(folder.parent / "home") | {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "HAIKU_RAG_DISABLE_UPDATE_CHECK": "1",
        "PQA_HOME": str(folder),
    }
    command = [str(python), "-m", f"benchmarks.peers.runners.{program.runner}", str(folder / "task.json")]
    with (folder / "stderr.log").open("ab") as errors:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        try:
            yield process
        finally:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()


def _send(process: subprocess.Popen[str], question: EvalQuestion) -> None:
    assert process.stdin is not None
    history = [_turn(turn) for turn in question.history]
    process.stdin.write(json.dumps({"id": question.id, "question": question.question, "history": history}) + "\n")
    process.stdin.flush()


def _turn(turn: Turn) -> dict[str, str]:
    return {"role": turn.role, "content": turn.content}


def _line_of(process: subprocess.Popen[str], folder: Path) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        said = (folder / "stderr.log").read_text(encoding="utf-8", errors="replace")[-2000:]
        raise RunnerFailed(f"The program in {folder} ended with {process.wait()}:\n{said}")
    return dict(json.loads(line))


def _end_last_line(path: Path) -> None:
    """What a killed run left half written becomes a line of its own, which nobody reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")


class Watch:
    """Some processes with their children: the most memory that they held and what they computed since :meth:`begin`."""

    def __init__(self, processes: Sequence[int]) -> None:
        self._processes, self._computed = tuple(processes), 0.0
        self._sampler = Sampler(*self._processes, every=SAMPLE_SECONDS)

    def __enter__(self) -> Watch:
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._sampler.finish()

    def begin(self) -> None:
        """Forget the question before."""
        self._sampler.begin()
        self._computed = self._cpu()

    def figures(self) -> dict[str, float]:
        """Since :meth:`begin`."""
        self._sampler.sample()
        return {
            "peak_mb": round(self._sampler.peak / 1e6, 1),
            "cpu_seconds": round(self._cpu() - self._computed, 2),
        }

    def _cpu(self) -> float:
        return sum(map(computed_by, members(self._processes)))
