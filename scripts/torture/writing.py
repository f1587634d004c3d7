"""The process that is killed: it imports, edits, deletes and exports without end, and notes what it was told.

Before each act it notes what it will do, after it what the library reported. A note is one line, written with one call
of the system: a kill leaves it whole or away.
"""

from __future__ import annotations

import faulthandler
import json
import os
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from rag.library.library import Library
from rag.library.storage import writing
from rag.papers import bibliography
from rag.system.whole_files import write_whole
from scripts.torture.pool import ANCHORS, EMBEDDER, VERSIONS, KnownVectors, pool, version

BATCH = 16  # papers a transaction, so that an import has several
STEPS = {"import": 60_000, "edit": 45_000, "delete": 45_000, "export": 400}  # of each act, counted as below
_PARTS = ("rag/library/library.py", "rag/library/storage/", "rag/system/whole_files.py")


@dataclass(frozen=True, slots=True)
class Work:
    """What one writing process works with. ``papers`` is how many there are in the pool."""

    library: Path
    notes: Path
    papers: int
    encoder: KnownVectors

    def note(self, **content: Any) -> None:
        """Append one line."""
        file = os.open(self.notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, (json.dumps(content) + "\n").encode())
        os.close(file)


def work_until_killed(work: Work, first: str, seed: int, kill_at: int | None = None) -> None:
    """Act after act: ``first``, then others drawn with ``seed``.

    ``kill_at``: the process kills itself at that step of the program's code, which is about :data:`STEPS` long.
    """
    writing.BATCH = BATCH
    where = work.notes.with_suffix(".where").open("w", encoding="utf-8")
    faulthandler.register(signal.SIGUSR1, file=where)
    if kill_at is not None:
        sys.setprofile(_killer(kill_at, where.fileno()))
    draw, kind = random.Random(seed), first
    while True:
        _ACTS[kind](work, draw)
        kind = draw.choice(list(STEPS))


def _killer(at: int, where: int) -> Callable[[FrameType, str, Any], None]:
    """A profiler that ends the process at the ``at``-th call of, or from, the code of libraries."""
    left = at

    def step(frame: FrameType, event: str, _: Any) -> None:
        nonlocal left
        if any(part in frame.f_code.co_filename for part in _PARTS):
            left -= 1
            if left <= 0:
                faulthandler.dump_traceback(where, all_threads=False)
                os.kill(os.getpid(), signal.SIGKILL)

    return step


def _import(work: Work, draw: random.Random) -> None:
    chosen = draw.sample(range(ANCHORS, work.papers), draw.randint(1, min(3 * BATCH, work.papers - ANCHORS)))
    numbers = {pool(work.papers)[at].id: draw.randrange(VERSIONS) for at in chosen}
    papers = [version(pool(work.papers)[at], numbers[pool(work.papers)[at].id]) for at in chosen]
    work.note(act="import", papers=numbers)
    with Library.open(work.library, embedder=EMBEDDER, read_only=False) as library:
        report = library.add(papers, work.encoder)
    work.note(done="import", read=report.read)


def _edit(work: Work, draw: random.Random) -> None:
    with Library.open(work.library, embedder=EMBEDDER, read_only=False) as library:
        present = library.get_papers(paper.id for paper in pool(work.papers)[ANCHORS:])
        if not present:
            return
        chosen = draw.choice(sorted(present))
        paper = next(paper for paper in pool(work.papers) if paper.id == chosen)
        number = draw.randrange(VERSIONS)
        work.note(act="edit", papers={paper.id: number})
        library.revise(version(paper, number), lambda: work.encoder)
    work.note(done="edit")


def _delete(work: Work, draw: random.Random) -> None:
    ids = [paper.id for paper in draw.sample(pool(work.papers)[ANCHORS:], draw.randint(1, BATCH))]
    work.note(act="delete", papers=dict.fromkeys(ids))
    with Library.open(work.library, embedder=EMBEDDER, read_only=False) as library:
        library.remove(ids)
    work.note(done="delete")


def _export(work: Work, draw: random.Random) -> None:
    work.note(act="export", papers={})
    with Library.open(work.library, embedder=EMBEDDER) as library:
        write_whole(work.notes.with_suffix(".bib"), bibliography.FORMATS["bibtex"](library.papers()))
    work.note(done="export")


_ACTS: dict[str, Callable[[Work, random.Random], None]] = {
    "import": _import,
    "edit": _edit,
    "delete": _delete,
    "export": _export,
}
