"""``python -m scripts.torture``: kills, full disks, jumping clocks and two writers; the figures as JSON.

Exit code 1 where a library was unusable, a paper lost or doubled, an index wrong, or a reader told an error.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any


def main() -> int:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m scripts.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=500, help="kills with readers beside them (default: 500)")
    parser.add_argument("--minutes", type=float, default=1e9, help="fewer kills where these are over before")
    parser.add_argument("--papers", type=int, default=120, help="papers in the pool (default: 120)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parts", default="kills,disks,clock,writers", help="which parts, joined by commas")
    parser.add_argument("--work", type=Path, help="folder to work in, which stays (default: a temporary one)")
    parser.add_argument("--add", action="store_true", help="add to the figures in --out, for several sittings")
    parser.add_argument("--out", type=Path, help="write the figures here")
    options = parser.parse_args()
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    work = (options.work or Path(tempfile.mkdtemp(prefix="footnote-torture-"))).absolute()
    try:
        figures = _run(options, work)
    finally:
        if options.work is None:
            shutil.rmtree(work, ignore_errors=True)
    if options.out and options.out.exists():  # a part that was measured before stays
        before = json.loads(options.out.read_text(encoding="utf-8"))
        figures = before | {
            name: _added(before[name], part) if options.add and name in before and isinstance(part, dict) else part
            for name, part in figures.items()
        }
    text = json.dumps(figures, indent=1, ensure_ascii=False) + "\n"
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text, encoding="utf-8")
    print(text)
    return 1 if _failed(figures) else 0


def _run(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    # Imported late: what is imported here is there in every process that is killed.
    import bm25s  # noqa: F401
    import chromadb.config  # noqa: F401
    import filelock  # noqa: F401

    from scripts.torture import clocks, disks, kills

    for name in ("kills", "disks", "clock", "writers"):
        shutil.rmtree(work / name, ignore_errors=True)
    home = work / "home"
    home.mkdir(parents=True, exist_ok=True)
    parts, papers, seed = options.parts.split(","), options.papers, options.seed
    smaller = max(4, options.kills // 10)
    figures: dict[str, Any] = {"measured": datetime.date.today().isoformat(), "seed": seed, "papers": papers}
    if "disks" in parts:
        figures["disks"] = disks.run(work / "disks", home, papers, smaller // 2, seed)
        _say(f"disks: {figures['disks']}")
    if "writers" in parts:
        figures["writers"] = kills.two_writers(kills.Place(work / "writers", home, papers), smaller // 2, seed, _say)
    if "clock" in parts:
        figures["clock"] = clocks.run(work / "clock", home, papers, smaller, seed)
    if "kills" in parts:
        figures["kills"] = kills.run(
            kills.Place(work / "kills", home, papers), options.kills, seed, _say, minutes=options.minutes
        )
    return figures


def _added(one: Any, other: Any) -> Any:
    """Two results as one: counts are added, lists are joined, words are those of the later one."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {
            name: _added(one[name], other[name]) if name in one and name in other else {**one, **other}[name]
            for name in sorted(one | other)
        }
    return one + other if isinstance(other, (int, list)) else other


def _failed(figures: dict[str, Any]) -> bool:
    parts = [part for part in figures.values() if isinstance(part, dict)]
    return any(part["problems"] or part.get("reader_errors") or part.get("wrong_answers") for part in parts)


def _say(word: str) -> None:
    print(word, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
