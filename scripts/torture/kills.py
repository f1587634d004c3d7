"""Kills in the middle of imports, edits, deletions and exports, with readers beside them."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rag.library.library import Library
from scripts.torture.checking import Expected, check
from scripts.torture.pool import ANCHORS, EMBEDDER, VERSIONS, known_vectors, pool, version
from scripts.torture.processes import Reader, ask, computed, kill, pause, place, start, wait
from scripts.torture.writing import STEPS, Work, work_until_killed

_LONGEST_S = 1.2  # of computing until a kill by time: several acts
_LONGEST_COMMAND_S = 9.0
_COMMAND = "from rag.cli import main; main()"
_COMMAND_EVERY = 25  # so many kills one of the real command, from its start to its end


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part works: its folder, the home folder with the encoder, and how many papers there are."""

    folder: Path
    home: Path
    papers: int

    def work(self) -> Work:
        """A fresh library with the papers that nobody touches, and what a writing process needs."""
        encoder = known_vectors(self.papers, self.home.parent)
        self.folder.mkdir(parents=True)
        work = Work(self.folder / "library", self.folder / "notes.jsonl", self.papers, encoder)

        def make() -> bool:
            with Library.create(work.library, embedder=EMBEDDER) as library:
                library.add([version(paper, 0) for paper in pool(self.papers)[:ANCHORS]], encoder)
            return True

        if not ask(make, self.folder / "answer.json"):
            raise RuntimeError("the library could not be made")
        return work


def read_notes(work: Work) -> list[dict[str, Any]]:
    """What the writing process noted; the file is emptied."""
    if not work.notes.exists():
        return []
    notes = [json.loads(line) for line in work.notes.read_text(encoding="utf-8").splitlines()]
    work.notes.unlink()
    return notes


def settled(work: Work, expected: Expected) -> list[str]:
    """Check the library after a kill; the problems. ``expected`` goes on from what there is."""
    expected.apply(read_notes(work))
    answer = ask(lambda: check(work.library, work.papers), work.notes.with_name("answer.json"))
    if answer is None:
        return ["unusable: the check itself failed"]
    found = {one: (state[0], state[1]) for one, state in answer["found"].items()}
    problems = [*answer["problems"], *expected.differences(found)]
    expected.settle(found)
    return problems


def run(at: Place, kills: int, seed: int, say: Any, jump: Any = None, minutes: float = 1e9) -> dict[str, Any]:
    """``kills`` kills, fewer where ``minutes`` are over before; ``jump`` is called before each. The figures."""
    work, draw, expected = at.work(), random.Random(seed), Expected()
    expected.settle({paper.id: (0, 0) for paper in pool(at.papers)[:ANCHORS]})
    readers = [Reader(work.library, at.home, at.folder / f"reader{i}.json", at.papers, seed + i) for i in range(2)]
    while any(reader.asked() == 0 for reader in readers):
        pause(0.2)
    places: Counter[str] = Counter()
    acts: Counter[str] = Counter()
    problems: list[str] = []
    commands, begun = 0, time.monotonic()
    for number in range(kills):
        if time.monotonic() - begun > 60 * minutes:
            kills = number
            break
        if jump is not None:
            jump(draw)
        if jump is None and number % _COMMAND_EVERY == _COMMAND_EVERY - 1:
            _kill_command(work, draw)
            commands += 1
            places["the command"] += 1
        else:
            act = _kill(work, list(STEPS)[number % len(STEPS)], draw)
            if act == "ended by itself":
                problems.append(f"kill {number}: the writing process ended by itself; its error is above")
            acts[act] += 1
            places[place(work.notes.with_suffix(".where"))] += 1
        found = settled(work, expected)
        problems += [f"kill {number}: {one}" for one in found]
        if found:
            say(f"kill {number}: {found[:3]}")
        elif number % 10 == 9:
            say(f"{number + 1} kills, {len(expected.states)} papers, {time.monotonic() - begun:.0f} s")
    asked = [reader.end() for reader in readers]
    return {
        "kills": kills,
        "of_them_of_the_command": commands,
        "unusable": sum("unusable" in one for one in problems),
        "lost_or_doubled": sum(" is (" in one or "twice" in one for one in problems),
        "problems": problems,
        "where": dict(sorted(places.items())),
        "acts": dict(sorted(acts.items())),
        "questions": sum(reader["asked"] for reader in asked),
        "wrong_answers": sum(reader["wrong"] for reader in asked),
        "reader_errors": [error for reader in asked for error in reader["errors"]],
        "seconds": round(time.monotonic() - begun),
    }


def _kill(work: Work, first: str, draw: random.Random) -> str:
    """Kill one writing process: by time, or at a step of its first act. The act that it was at."""
    work.notes.with_suffix(".where").unlink(missing_ok=True)
    seed = draw.randrange(1 << 30)
    if draw.random() < 0.5:
        pid = start(lambda: work_until_killed(work, first, seed))
        computed(pid, draw.uniform(0.0, _LONGEST_S))
        killed = kill(pid)
    else:
        steps = draw.randrange(1, STEPS[first])
        pid = start(lambda: work_until_killed(work, first, seed, steps))
        killed = wait(pid, 60) in (signal.SIGKILL, None)
    if not killed:
        return "ended by itself"
    notes = work.notes.read_text(encoding="utf-8").splitlines() if work.notes.exists() else []
    last = json.loads(notes[-1]) if notes else {}
    return str(last.get("act", "between two acts"))


def _kill_command(work: Work, draw: random.Random) -> None:
    """Kill ``footnote import`` at some moment between its start and its end."""
    papers = [version(paper, 0) for paper in draw.sample(pool(work.papers)[ANCHORS:], 10)]
    file = work.notes.with_name("command.jsonl")
    lines = [{"id": p.id, "title": p.title, "abstract": p.abstract, "authors": p.authors, "year": p.year,
              "venue": p.venue, "url": p.url, "doi": p.doi} for p in papers]  # fmt: skip
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    work.note(act="import", papers={paper.id: 0 for paper in papers})
    process = subprocess.Popen(
        [sys.executable, "-c", _COMMAND, "import", str(file), "--library", str(work.library), "--threads", "1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        env={**os.environ, "FOOTNOTE_HOME": str(work.library.parent)},
    )  # fmt: skip
    computed(process.pid, draw.uniform(0.5, _LONGEST_COMMAND_S))
    process.kill()
    _, said = process.communicate()
    if process.returncode > 0:
        raise RuntimeError(f"footnote import failed: {said.decode()[-500:]}")
    if process.returncode == 0:
        work.note(done="import")


def two_writers(at: Place, rounds: int, seed: int, say: Any) -> dict[str, Any]:
    """Two processes that write all the time, without waiting for each other; one of each round's is killed."""
    work, draw, expected = at.work(), random.Random(seed), Expected()
    expected.settle({paper.id: (0, 0) for paper in pool(at.papers)[:ANCHORS]})
    refused, written, problems = 0, 0, []
    for number in range(rounds):
        both = [replace(work, notes=at.folder / f"writer{i}.jsonl") for i in range(2)]
        seeds = [draw.randrange(1 << 30) for _ in both]
        halves = [range(ANCHORS + i, at.papers, 2) for i in range(2)]
        pids = [start(partial(_write, *arguments)) for arguments in zip(both, seeds, halves, strict=True)]
        computed(pids[0], draw.uniform(0.3, 1.5))
        kill(pids[0])
        both[1].notes.with_suffix(".stop").touch()
        if wait(pids[1], 60) != 0:
            problems.append(f"round {number}: the second writer failed")
        both[1].notes.with_suffix(".stop").unlink()
        for one in both:
            notes = read_notes(one)
            refused += sum("refused" in note for note in notes)
            written += sum("done" in note for note in notes)
            problems += [f"round {number}: {note['failed']}" for note in notes if "failed" in note]
            expected.apply([note for note in notes if "act" in note or "done" in note])
        problems += [f"round {number}: {one}" for one in settled(work, expected)]
        say(f"round {number + 1} of two writers: {written} imports, {refused} refused, {len(problems)} problems")
    return {"rounds": rounds, "imports": written, "refused_with_a_sentence": refused, "problems": problems}


def _write(work: Work, seed: int, own: range) -> None:
    """Import some of one's own papers, again and again; a refusal must name the process that writes."""
    from rag.errors import LibraryLocked

    draw, stop = random.Random(seed), work.notes.with_suffix(".stop")
    while not stop.exists():
        numbers = {at: draw.randrange(VERSIONS) for at in draw.sample(own, 4)}
        papers = [version(pool(work.papers)[at], number) for at, number in numbers.items()]
        try:
            with Library.open(work.library, embedder=EMBEDDER, read_only=False) as library:
                work.note(act="import", papers={pool(work.papers)[at].id: number for at, number in numbers.items()})
                library.add(papers, work.encoder)
                work.note(done="import")
        except LibraryLocked as error:
            sentence = "is being written to by" in str(error) and "Wait until it has finished" in str(error)
            work.note(**({"refused": 1} if sentence else {"failed": str(error)}))
            pause(draw.uniform(0.0, 0.05))
        except Exception as error:
            work.note(failed=f"{type(error).__name__}: {error}")
