"""A reader: a process that asks as the page does, again and again, and notes every error and every wrong answer.

``python -m scripts.torture.reading LIBRARY HOME NOTES PAPERS SEED``; it ends when its standard input is closed.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rag.config import Settings
from rag.factory import open_answerer
from scripts.torture.pool import ANCHORS, pool, version
from scripts.torture.processes import pause

if TYPE_CHECKING:
    from rag.datatypes import Paper
    from rag.pipeline import Pipeline

_PAUSE_S = 1.0


def _search(pipeline: Pipeline, paper: Paper) -> bool:
    return pipeline.find(paper.title, 1)[0][0].paper.id == paper.id


def _ask(pipeline: Pipeline, paper: Paper) -> bool:
    answer = pipeline.answer(f"What does the paper '{paper.title}' show?")
    return bool(answer.text or answer.refusal)


def _list(pipeline: Pipeline, paper: Paper) -> bool:
    return version(paper, 0) in pipeline.papers()


def _count(pipeline: Pipeline, paper: Paper) -> bool:
    return bool(pipeline.answer("How many papers are there?").text)


def _browse(pipeline: Pipeline, paper: Paper) -> bool:
    from rag.library.storage.browsing import PaperFilter

    return paper.id in pipeline.library.ids(PaperFilter(text=paper.title.split()[0]))


KINDS: tuple[Callable[[Pipeline, Paper], bool], ...] = (_search, _ask, _list, _count, _browse)


def _innermost(error: Exception) -> str:
    """Where it was raised, and what called that."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)


def main(library: str, home: str, notes: str, papers: str, seed: str) -> None:
    """Ask until standard input is closed."""
    settings = Settings(home=Path(home), library=Path(library), model="quote")
    draw, ended = random.Random(int(seed)), threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    asked, wrong, errors = 0, 0, []
    while not ended.is_set():
        paper, kind = draw.choice(pool(int(papers))[:ANCHORS]), draw.choice(KINDS)
        try:
            asked += 1
            if not kind(open_answerer(settings), paper):
                wrong += 1
                errors.append(f"wrong: {kind.__name__} {paper.id}")
        except Exception as error:
            errors.append(f"{kind.__name__}: {type(error).__name__}: {error}: {_innermost(error)}")
        Path(notes).write_text(json.dumps({"asked": asked, "wrong": wrong, "errors": errors}), encoding="utf-8")
        pause(_PAUSE_S)


if __name__ == "__main__":
    main(*sys.argv[1:])
