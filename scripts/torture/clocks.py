"""A clock that jumps: with libfaketime for all processes of the part, and with the times of files, by decades."""

from __future__ import annotations

import json
import os
import random
import select
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from scripts.torture import kills
from scripts.torture.kills import Place
from scripts.torture.pool import known_vectors

_LIBRARIES = tuple(f"/usr/lib/{kind}-linux-gnu/faketime/libfaketime.so.1" for kind in ("x86_64", "aarch64"))
_DAYS = 7300  # at most so many, forwards or backwards
_PAUSE_S = 0.7  # between two jumps


def run(folder: Path, home: Path, papers: int, count: int, seed: int) -> dict[str, Any]:
    """The figures of ``count`` kills; ``clock`` says what jumped: without libfaketime the times of files alone."""
    fake = next((one for one in _LIBRARIES if Path(one).exists()), None)
    known_vectors(papers, home.parent)
    environment, offset = dict(os.environ), folder.with_name("clock.offset")
    offset.write_text("+0d\n", encoding="utf-8")
    if fake:
        environment |= {
            "LD_PRELOAD": fake,
            "FAKETIME_TIMESTAMP_FILE": str(offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # that one does not jump in any system
        }
    module = [sys.executable, "-m", "scripts.torture.clocks"]
    jumper = subprocess.Popen([*module, "jump", str(offset), str(seed)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    done = subprocess.run(
        [*module, "kill", str(folder), str(home), str(papers), str(count), str(seed)],
        check=False, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    jumps = int(jumper.communicate()[0])
    if done.returncode:
        return {"kills": 0, "problems": ["the part of the clock failed"]}
    result: dict[str, Any] = json.loads(done.stdout)
    return result | {"clock": "libfaketime and the times of files" if fake else "the times of files", "jumps": jumps}


def jump(offset: str, seed: str) -> None:
    """Let the clock jump every so often until standard input is closed; says how often it did."""
    draw, jumps, partial = random.Random(seed), 0, Path(f"{offset}.partial")
    while not select.select([sys.stdin], [], [], _PAUSE_S)[0]:
        partial.write_text(f"{draw.randint(-_DAYS, _DAYS):+}d\n", encoding="utf-8")
        partial.replace(offset)
        jumps += 1
    print(jumps)


def kill(folder: str, home: str, papers: str, count: str, seed: str) -> None:
    """Kills under the clock that jumps; before each, half of the files get times of past and future."""

    def touch(draw: random.Random) -> None:
        for file in (Path(folder) / "library").rglob("*"):
            moment = draw.randrange(0, 4_000_000_000)
            if draw.random() < 0.5:
                with suppress(FileNotFoundError):  # a journal that a reader has just rolled back
                    os.utime(file, (moment, moment))

    def say(word: str) -> None:
        print(f"clock: {word}", file=sys.stderr, flush=True)

    print(json.dumps(kills.run(Place(Path(folder), Path(home), int(papers)), int(count), int(seed), say, touch)))


if __name__ == "__main__":
    (jump if sys.argv[1] == "jump" else kill)(*sys.argv[2:])
