"""A clock that jumps: with libfaketime for all processes of the part, and with the times of files, by decades."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

from scripts.torture import kills
from scripts.torture.kills import Place

_LIBRARIES = (
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
)
_DAYS = 7300  # at most so many, forwards or backwards


def run(folder: Path, home: Path, papers: int, jumps: int, seed: int) -> dict[str, Any]:
    """The figures; ``clock`` says whether the clock itself jumped or, without libfaketime, only the times of files."""
    fake = next((one for one in _LIBRARIES if Path(one).exists()), None)
    kills.known_vectors(papers, home.parent)
    environment = dict(os.environ)
    offset = folder.with_name(f"{folder.name}.offset")
    offset.parent.mkdir(parents=True, exist_ok=True)
    offset.write_text("+0", encoding="utf-8")
    if fake:
        environment |= {
            "LD_PRELOAD": fake,
            "FAKETIME_TIMESTAMP_FILE": str(offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
    arguments = [str(folder), str(home), str(papers), str(jumps), str(seed), str(offset)]
    done = subprocess.run(
        [sys.executable, "-m", "scripts.torture.clocks", *arguments],
        check=False, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    if done.returncode:
        return {"kills": 0, "problems": ["the part of the clock failed"]}
    result: dict[str, Any] = json.loads(done.stdout)
    return result | {"clock": "libfaketime and the times of files" if fake else "the times of files"}


def main(folder: str, home: str, papers: str, jumps: str, seed: str, offset: str) -> None:
    """Under the clock that jumps."""

    def jump(draw: random.Random) -> None:
        Path(offset).write_text(f"{draw.randint(-_DAYS, _DAYS):+}d", encoding="utf-8")
        for file in (Path(folder) / "library").rglob("*"):
            moment = draw.randrange(0, 4_000_000_000)
            if file.name != "notes.jsonl" and draw.random() < 0.5:
                try:
                    os.utime(file, (moment, moment))
                except FileNotFoundError:  # a journal that a reader has just rolled back
                    continue

    def say(word: str) -> None:
        print(f"clock: {word}", file=sys.stderr, flush=True)

    print(json.dumps(kills.run(Place(Path(folder), Path(home), int(papers)), int(jumps), int(seed), say, jump)))


if __name__ == "__main__":
    main(*sys.argv[1:])
