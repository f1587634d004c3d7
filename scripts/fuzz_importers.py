"""Read thousands of broken files of papers: none may crash a reader, keep it busy or bring forth a broken paper.

    python -m scripts.fuzz_importers --files 10000 --seed 1 [--samples FOLDER ...] [--out FOLDER] [--others]

Each file, up to 100 KB, is made from the seed and its number alone: a sound file after a few mutations, or one
written by the grammar of a format, one in eight of them packed. It is read as a user imports it and once with each
format named, in a process that is ended where it hangs. ``--only N`` makes and reads file N again. Ends with 1 where
there is a fault.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from scripts.fuzzing import other_readers
from scripts.fuzzing.checks import SECONDS, TEXT_BYTES, Reading, allowed_seconds, readings
from scripts.fuzzing.grammar import generated
from scripts.fuzzing.mutations import mutated
from scripts.fuzzing.packing import packed
from scripts.fuzzing.samples import Sample, samples
from scripts.fuzzing.watchdog import Read, Watchdog

_SHIPPED_SAMPLES = Path(__file__).parent.parent / "tests" / "samples"
_GENERATED, _PACKED = 5, 8  # one file in so many
_SLOWEST = 5
_PROCESSES, _AHEAD = 2, 24  # files that are made ahead


class Broken(NamedTuple):
    """A broken file: its number, how it came about, its bytes, and how many bytes of text it holds at most."""

    number: int
    origin: str
    content: bytes
    text_bytes: int


@dataclass
class Findings:
    """What was found so far; ``faults`` and ``slowest`` hold file and reading."""

    files: int = 0
    total_bytes: int = 0
    papers: int = 0
    reported: int = 0
    refused: int = 0
    readings: int = 0
    detected: Counter[str] = field(default_factory=Counter)
    origins: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)  # by the way of reading
    faults: list[tuple[Broken, Reading]] = field(default_factory=list)
    slowest: list[tuple[Broken, Reading]] = field(default_factory=list)

    def add(self, file: Broken, readings: Sequence[Reading]) -> None:
        self.files += 1
        self.total_bytes += len(file.content)
        self.origins[_family(file.origin)] += 1
        self.detected[(readings[0].format or "none") if readings else "none"] += 1
        for reading in readings:
            self.readings += 1
            self.papers += reading.papers
            self.reported += reading.reported
            self.refused += reading.refused
            self.accepted[reading.way] += not reading.refused
            if reading.fault:
                self.faults.append((file, reading))
        worst = max(readings, key=lambda reading: reading.seconds)
        self.slowest = sorted([*self.slowest, (file, worst)], key=lambda pair: -_share(*pair))[:_SLOWEST]


def _share(file: Broken, reading: Reading) -> float:
    """Of the time that the file may take."""
    return reading.seconds / allowed_seconds(file.text_bytes)


def _family(origin: str) -> str:
    if origin.startswith("hypothesis"):
        return "written by a grammar"
    return "packed" if " packed " in origin else "mutated"


def broken_files(count: int, seed: int, known: Sequence[Sample]) -> Iterator[Broken]:
    """``count`` files, each made from ``seed`` and its number: one can be made again without the others."""
    written = generated(count // _GENERATED, seed)
    for number in range(count):
        rng = Random(f"{seed}/{number}")
        index, rest = divmod(number, _GENERATED)
        if rest == 0 and index < len(written):
            origin, content = written[index]
        else:
            origin, content = mutated(rng, known)
        text_bytes = len(content)
        if rng.randrange(_PACKED) == 0:
            way, content, text_bytes = packed(rng, content)
            origin = f"{origin} packed {way}"
        yield Broken(number, origin, content, text_bytes)


def fuzz(files: Iterator[Broken], read: Read = readings, keep: Path | None = None, progress: int = 0) -> Findings:
    """Read all files in two processes.

    Files with a fault are written to ``keep``; every ``progress`` files a line says how far it is.
    """
    findings, watchdogs = Findings(), [Watchdog(read) for _ in range(_PROCESSES)]
    with tempfile.TemporaryDirectory() as folder:
        for file, found in _readings(files, watchdogs, Path(folder)):
            before = len(findings.faults)
            findings.add(file, found)
            for _, reading in findings.faults[before:]:
                print(f"file {file.number} ({file.origin}), read as {reading.way}: {reading.fault}", flush=True)
            if keep is not None and len(findings.faults) > before:
                keep.mkdir(parents=True, exist_ok=True)
                (keep / f"{file.number}.bin").write_bytes(file.content)
            if progress and findings.files % progress == 0:
                share = _share(*findings.slowest[0])
                print(
                    f"{findings.files} files, {len(findings.faults)} faults, slowest {share:.0%} of its time",
                    flush=True,
                )
    for watchdog in watchdogs:
        watchdog.close()
    return findings


def _readings(
    files: Iterator[Broken], watchdogs: Sequence[Watchdog], folder: Path
) -> Iterator[tuple[Broken, list[Reading]]]:
    """Each file with its readings, in order; some are made while those before them are read."""
    waiting: deque[tuple[Broken, Watchdog, Path]] = deque()
    for number, file in enumerate(files):
        watchdog, path = watchdogs[number % len(watchdogs)], folder / f"{number}.txt"
        path.write_bytes(file.content)
        watchdog.submit(path, file.text_bytes)
        waiting.append((file, watchdog, path))
        if len(waiting) > _AHEAD:
            yield _first_of(waiting)
    while waiting:
        yield _first_of(waiting)


def _first_of(waiting: deque[tuple[Broken, Watchdog, Path]]) -> tuple[Broken, list[Reading]]:
    file, watchdog, path = waiting.popleft()
    found = watchdog.next()
    path.unlink()
    return file, found


def record(findings: Findings, seed: int, minutes: float) -> dict[str, Any]:
    """The findings as JSON keeps them."""
    hangs = sum("hangs" in r.fault or r.fault.startswith("took") for _, r in findings.faults)
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "seed": seed,
        "files": findings.files,
        "megabytes": round(findings.total_bytes / 1e6, 1),
        "readings": findings.readings,
        "crashes": len(findings.faults) - hangs,
        "hangs": hangs,
        "limit_seconds_per_100_kb_of_text": SECONDS * 1e5 / TEXT_BYTES,
        "papers": findings.papers,
        "records_reported": findings.reported,
        "readings_refused": findings.refused,
        "files_by_detected_format": dict(sorted(findings.detected.items())),
        "files_by_origin": dict(sorted(findings.origins.items())),
        "slowest": [_case(*pair) for pair in findings.slowest],
        "faults": [_case(*pair) for pair in findings.faults],
        "minutes": round(minutes, 1),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("bibtexparser", "rispy", "pylatexenc", "charset-normalizer")},
    }


def _case(file: Broken, reading: Reading) -> dict[str, Any]:
    return {
        "file": file.number,
        "origin": file.origin,
        "bytes": len(file.content),
        "text_bytes": file.text_bytes,
        "read_as": reading.way,
        "seconds": round(reading.seconds, 2),
        "fault": reading.fault,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the files, read them, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--samples", type=Path, nargs="*", default=[], help="more folders of sound files")
    parser.add_argument("--out", type=Path, help="folder for the result")
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"), help="folder for files that found a fault")
    parser.add_argument("--others", action="store_true", help="read them as models, batches and collections instead")
    parser.add_argument("--only", type=int, help="the number of one file")
    options = parser.parse_args(arguments)
    known = samples([_SHIPPED_SAMPLES, *(folder for folder in options.samples if folder.is_dir())])
    if options.others:
        known = other_readers.SAMPLES
    files = broken_files(options.files, options.seed, known)
    if options.only is not None:
        files = (file for file in files if file.number == options.only)
    began = time.monotonic()
    findings = fuzz(files, other_readers.readings if options.others else readings, options.keep, progress=500)
    result = record(findings, options.seed, (time.monotonic() - began) / 60)
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    print(text, end="")
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / f"{result['date']}-{'others' if options.others else 'importers'}.json").write_text(
            text, encoding="utf-8"
        )
    return 1 if findings.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
