"""What is in a library after a kill: against what was reported, and its parts against each other."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rag.library.library import Library
from rag.library.storage.browsing import PaperFilter
from rag.library.storage.stored_paper import content_hash
from scripts.torture.pool import ANCHORS, EMBEDDER, VERSIONS, pool, version

State = tuple[int | None, int | None]  # of a paper: its version, and that of its last imported record; None: away
_AWAY: State = (None, None)


@dataclass(slots=True)
class Expected:
    """What must be in the library: by id the states that a paper may be in, one where everything was reported."""

    states: dict[str, set[State]] = field(default_factory=dict)

    def apply(self, notes: list[dict[str, Any]]) -> None:
        """Follow the notes of a process. Its last act may have no report: then each paper is as before or as after."""
        for at, note in enumerate(notes):
            if "act" in note:
                done = at + 1 < len(notes) and "done" in notes[at + 1]
                for one, number in note["papers"].items():
                    before = self.states.get(one, {_AWAY})
                    after = {_after(note["act"], state, number) for state in before}
                    self.states[one] = after if done else before | after

    def differences(self, found: dict[str, State]) -> list[str]:
        """Papers that are lost, in a state that nobody asked for, or there though they were deleted."""
        wrong = []
        for one in sorted(self.states.keys() | found.keys()):
            state, allowed = found.get(one, _AWAY), self.states.get(one, {_AWAY})
            if state not in allowed:
                wrong.append(f"{one} is {state}, not one of {sorted(map(str, allowed))}")
        return wrong

    def settle(self, found: dict[str, State]) -> None:
        """Go on from what there is."""
        self.states = {one: {state} for one, state in found.items()}


def _after(act: str, state: State, number: int | None) -> State:
    there, record = state
    if act == "delete":
        return _AWAY
    if act == "edit":
        return state if there is None else (number, record)
    return state if record == number and there is not None else (number, number)


def check(path: Path, papers: int) -> dict[str, Any]:
    """Open for reading, then for writing, which recovers; ``problems`` and ``found``: the state of each paper."""
    problems: list[str] = []
    with Library.open(path, embedder=EMBEDDER) as reader:
        problems += _reader_problems(reader, papers)
    with Library.open(path, embedder=EMBEDDER, read_only=False) as library:
        problems += library.verify()
    with Library.open(path, embedder=EMBEDDER) as library:
        problems += library.verify()
        problems += _reader_problems(library, papers)
        problems += _index_problems(library)
        found = _states(path, library, papers)
    left = [one.name for one in path.rglob("*") if one.name.endswith((".partial", ".tmp", ".discarded"))]
    problems += [f"left behind: {name}" for name in left if name != "manifest.json.partial"]
    return {"problems": problems, "found": found, "papers": len(found)}


def _reader_problems(library: Library, papers: int) -> list[str]:
    """What somebody who asks for the papers that nobody touches does not find."""
    wrong = []
    for paper in pool(papers)[:ANCHORS]:
        if library.get_papers([paper.id]).get(paper.id) != version(paper, 0):
            wrong.append(f"{paper.id} is not as it was imported")
            continue
        if library.lexical(paper.title, 1)[0][0] != paper.id:
            wrong.append(f"{paper.id} is not found by its title")
        if library.dense(library.entries([paper.id])[paper.id].vectors[0], 1)[0][0].paper_id != paper.id:
            wrong.append(f"{paper.id} is not found by its vector")
    return wrong


def _index_problems(library: Library) -> list[str]:
    """Every paper in every index: as often as in the database, with the vectors of the database."""
    import numpy as np

    papers = library.papers()
    ids = [paper.id for paper in papers]
    wrong = []
    if len({paper.title for paper in papers}) != len(papers):
        wrong.append("a paper is there twice")
    if library._load_bm25().ids != ids:
        wrong.append("the word index holds other papers")
    if library.ids(PaperFilter()) != ids or library.count != len(ids):
        wrong.append("browsing finds other papers")
    for paper in papers[:: max(1, len(papers) // 20)]:
        if paper.id not in library.ids(PaperFilter(text=" ".join(paper.title.split()[:3]))):
            wrong.append(f"the full-text index lacks {paper.id}")
    stored: dict[str, Any] = {}
    for one in library.entries(ids).values():
        stored |= {p.id: row for p, row in zip(one.passages, one.passage_vectors, strict=True)}
    if not stored:
        return wrong
    kept = library._vectors.collection.get(include=["embeddings"])
    if sorted(kept["ids"]) != sorted(stored):
        return [*wrong, "the vector index holds other passages"]
    for one, row in zip(kept["ids"], kept["embeddings"], strict=True):
        if not np.allclose(row, stored[one], atol=2e-3):
            wrong.append(f"the vector index has another vector of {one}")
    for one in sorted(stored)[:: max(1, len(stored) // 40)]:
        if library._vectors.search(stored[one], 1)[0].score < 0.999:
            wrong.append(f"the vector index does not find {one}")
    return wrong


def _states(path: Path, library: Library, papers: int) -> dict[str, State]:
    by_hash = {content_hash(version(p, n)): n for p in pool(papers) for n in range(VERSIONS)}
    with closing(sqlite3.connect(f"{(path / 'papers.sqlite').as_uri()}?mode=ro", uri=True)) as db:
        records = dict(db.execute("SELECT id, hash FROM records").fetchall())
    return {
        paper.id: (by_hash.get(content_hash(paper)), by_hash.get(records.get(paper.id, "")))
        for paper in library.papers()
    }
