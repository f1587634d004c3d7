"""What a runner and :mod:`benchmarks.peers.asking` say to each other: one JSON object a line, in both directions.

A runner is started with one argument, the file of its :class:`Task`. When it is ready it writes
``{"ready": SETTINGS}``, then for every question ``{"id", "question", "history"}`` that it reads one :class:`Answer`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO


@dataclass(frozen=True, slots=True)
class Task:
    """What every program is given. ``address`` ends with ``/v1``; ``folder`` is the program's own, for its index.

    ``patience`` is how many seconds one question may take. ``gguf`` and ``threads`` are for a program that loads the
    model itself; ``gguf`` is empty where it is to use none.
    """

    papers: str
    folder: str
    address: str
    model: str
    patience: float
    threads: int
    gguf: str = ""

    @classmethod
    def read(cls, path: str) -> Task:
        """The task of a file that :func:`benchmarks.peers.asking.ask` wrote."""
        return cls(**json.loads(Path(path).read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. ``text`` is without citation marks, ``shown`` as its reader sees it, ``cited`` are paper ids.

    ``written`` counts the different sources that the text and the program's citations name, ``existing`` those of
    them that were there to be cited. ``refused`` is None where the program has no sign of its own for a refusal.
    """

    text: str
    shown: str
    cited: tuple[str, ...] = ()
    written: int = 0
    existing: int = 0
    refused: bool | None = None
    error: str = ""


def papers_of(task: Task) -> list[dict[str, Any]]:
    """The records, in the order of the file."""
    with Path(task.papers).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def whole_question(record: Mapping[str, Any]) -> str:
    """The question, with the user turn before it where there is one: for programs that take a text and no history."""
    before = [turn["content"] for turn in record.get("history", ()) if turn["role"] == "user"][-1:]
    return " ".join([*before, record["question"]])


def own_output() -> TextIO:
    """The standard output for lines; whatever else the process prints goes to its standard error from now on."""
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return lines


def serve(out: TextIO, settings: Mapping[str, Any], answer: Callable[[Mapping[str, Any]], Answer]) -> None:
    """Answer every line of the standard input. Whatever an answer raises becomes its ``error``: it is a finding."""
    _write(out, {"ready": dict(settings)})
    for line in sys.stdin:
        record = json.loads(line)
        begun = time.perf_counter()
        try:
            said = answer(record)
        except Exception as error:
            said = Answer("", "", error=f"{type(error).__name__}: {error}"[:500])
        _write(out, {"id": record["id"], "seconds": round(time.perf_counter() - begun, 3), **asdict(said)})


def _write(out: TextIO, message: Mapping[str, Any]) -> None:
    out.write(json.dumps(message, ensure_ascii=False) + "\n")
    out.flush()
