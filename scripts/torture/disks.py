"""A disk that is full: a small file system in memory, of many sizes. Runs where mounting is permitted (see ``run``)."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from rag.errors import LibraryError
from rag.library.library import Library
from rag.library.storage import writing
from scripts.torture.checking import check
from scripts.torture.pool import ANCHORS, EMBEDDER, KnownVectors, known_vectors, pool, version
from scripts.torture.processes import ask
from scripts.torture.writing import BATCH

_UNSHARE = ("unshare", "--map-root-user", "--mount")


def run(folder: Path, home: Path, papers: int, sizes: int, seed: int) -> dict[str, Any] | None:
    """The figures of ``sizes`` disks; None where this system lets nobody mount one."""
    if not shutil.which("unshare") or subprocess.run([*_UNSHARE, "true"], check=False, capture_output=True).returncode:
        return None
    known_vectors(papers, home.parent)
    arguments = [str(folder), str(home.parent), str(papers), str(sizes), str(seed)]
    done = subprocess.run(
        [*_UNSHARE, sys.executable, "-m", "scripts.torture.disks", *arguments],
        check=False, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    if done.returncode:
        return {"disks": 0, "problems": ["the part of the full disk failed"]}
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def main(folder: str, vectors: str, papers: str, sizes: str, seed: str) -> None:
    """Within a name space of mounts of its own."""
    disk, draw = Path(folder), random.Random(int(seed))
    disk.mkdir(parents=True)
    encoder = known_vectors(int(papers), Path(vectors))
    problems: list[str] = []
    full, kept = 0, 0
    for number in range(int(sizes)):
        size = 1100 + 4000 * number // int(sizes) + draw.randrange(100)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(disk)], check=True)
        answer = disk.with_name("answer.json")
        said = ask(lambda: _fill(disk / "library", encoder, int(papers)), answer)
        seen = ask(lambda: _read(disk / "library", encoder), answer)
        subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
        after = ask(lambda: _go_on(disk / "library", encoder, int(papers)), answer)
        subprocess.run(["umount", str(disk)], check=True)
        if said is None or seen is None or after is None:
            problems.append(f"{size} kB: a process failed")
            continue
        full += bool(said["error"])
        kept += said["reported"]
        if said["error"] and not ("no space left" in said["error"] and "kept" in said["error"]):
            problems.append(f"{size} kB: {said['error']}")
        if seen["count"] is not None and (seen["count"] < said["reported"] or seen["problems"]):
            problems.append(f"{size} kB: {said['reported']} reported, {seen}")
        problems += [f"{size} kB: {one}" for one in after["problems"]]
    print(json.dumps({"disks": int(sizes), "full": full, "papers_kept": kept, "problems": problems}))


def _fill(path: Path, encoder: KnownVectors, papers: int) -> dict[str, Any]:
    """Import until the disk is full: how many papers were reported as stored, and what was said."""
    writing.BATCH = BATCH
    reported, error = 0, ""

    def told(progress: Any) -> None:
        nonlocal reported
        reported = progress.added

    try:
        with Library.create(path, embedder=EMBEDDER) as library:
            library.add([version(paper, 0) for paper in pool(papers)], encoder, on_progress=told)
    except LibraryError as failure:
        error = str(failure)
    return {"reported": reported, "error": error}


def _read(path: Path, encoder: KnownVectors) -> dict[str, Any]:
    """What a reader finds on the full disk. ``count`` is None where not even an empty library had room."""
    if not Library.exists(path):
        return {"count": None, "problems": []}
    with Library.open(path, embedder=EMBEDDER) as library:
        papers = library.papers()
        wrong = [p.id for p in papers[:ANCHORS] if library.lexical(p.title, 1)[0][0] != p.id]
        wrong += [p.id for p in papers[:ANCHORS] if not library.dense(library.entries([p.id])[p.id].vectors[0], 1)]
        return {"count": len(papers), "problems": wrong}


def _go_on(path: Path, encoder: KnownVectors, papers: int) -> dict[str, Any]:
    """The same import after space was freed: everything must be there."""
    exists = Library.exists(path)
    opened = Library.open(path, embedder=EMBEDDER, read_only=False) if exists else None
    with opened or Library.create(path, embedder=EMBEDDER) as library:
        library.add([version(paper, 0) for paper in pool(papers)], encoder)
    found = check(path, papers)
    lost = [paper.id for paper in pool(papers) if found["found"].get(paper.id) != (0, 0)]
    return {"problems": [*found["problems"], *(f"{one} is lost" for one in lost)]}


if __name__ == "__main__":
    main(*sys.argv[1:])
