"""Which word index: bm25s made whole at each change, segments, SQLite's FTS5 and Tantivy, over the same stems.

python -m benchmarks.word_index PAPERS.jsonl.xz                     all of them, a table on stdout
python -m benchmarks.word_index PAPERS.jsonl --papers 20000 --only segments,fts5

Each works in processes of its own: one builds, adds ten papers and deletes ten, one opens what it left and searches.
Tantivy is no dependency of Footnote: ``pip install tantivy`` first. Papers are objects with ``id``, ``title``, and
``abstract`` or ``text``.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.word_indexes import CONTENDERS, Papers
from rag.text.tokenization import stems

QUESTIONS = 100
DEPTH = 1000  # papers that retrieval asks the word index for
FEW = 10  # papers added and deleted


def read_papers(path: Path, most: int) -> Papers:
    """``(id, title and abstract)`` of the first ``most`` papers, ordered by id."""
    opened: Any = lzma.open if path.suffix == ".xz" else open
    found = []
    with opened(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            found.append((record["id"], f"{record['title']}\n{record.get('abstract') or record.get('text', '')}"))
            if len(found) == most:
                break
    return sorted(found)


def questions(papers: Papers) -> list[dict[str, float]]:
    """Weighted stems: of some words of a paper, and of 30 as feedback makes them."""
    chance = random.Random(0)
    found = []
    for number in range(QUESTIONS):
        words = stems(chance.choice(papers)[1])
        chosen = chance.sample(words, min(len(words), 30 if number % 2 else 6))
        found.append({word: 1.0 + chance.random() * (number % 2) for word in Counter(chosen)})
    return found


def build(name: str, papers: Papers, folder: Path) -> dict[str, float]:
    """Seconds of computing to build, to add ten papers and to delete ten, and as a clock says; peak memory."""
    index = CONTENDERS[name](folder)
    figures = {}
    for what, act in (
        ("build", lambda: index.build(papers[FEW:])),
        ("add", lambda: index.add(papers[:FEW])),
        ("delete", lambda: index.delete([one for one, _ in papers[FEW : 2 * FEW]])),
        ("again", lambda: index.add(papers[FEW : 2 * FEW])),
    ):
        start = time.process_time(), time.perf_counter()
        act()
        figures[what] = time.process_time() - start[0]
        figures[f"{what}_waited"] = time.perf_counter() - start[1]
    figures["build_mb"] = _peak_mb()
    figures["disk_mb"] = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
    return figures


def search(name: str, asked: list[dict[str, float]], folder: Path) -> dict[str, Any]:
    """Seconds to open, milliseconds of computing a question when warm, peak memory, and what was found."""
    start = time.perf_counter()
    index = CONTENDERS[name](folder)
    index.open()
    first = index.search(asked[0], DEPTH)
    opened = time.perf_counter() - start
    for terms in asked[:20]:
        index.search(terms, DEPTH)
    times, found = [], []
    for terms in asked:
        start = time.process_time()  # other work on the machine does not count
        best = index.search(terms, DEPTH)
        times.append(1000 * (time.process_time() - start))
        found.append([one for one, _ in best[:10]])
    p95 = statistics.quantiles(times, n=20)[-1]
    return {"open": opened, "p50": statistics.median(times), "p95": p95, "search_mb": _peak_mb(), "found": found,
            "first": len(first)}  # fmt: skip


def _peak_mb() -> float:
    # Not getrusage, which begins with the memory of the process that started this one.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _child(step: str, name: str, source: Path, folder: Path) -> Any:
    command = [sys.executable, "-m", "benchmarks.word_index", str(source), "--step", step, "--only", name]
    done = subprocess.run([*command, "--folder", str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def table(figures: dict[str, dict[str, Any]]) -> str:
    """One row for each; ``same`` is the share of questions with the first one's ten best papers in the same order."""
    keys = "build add delete again again_waited open p50 p95 build_mb search_mb disk_mb same shared".split()
    lines = ["| | " + " | ".join(keys) + " |", "|---" * (len(keys) + 1) + "|"]
    reference = next(iter(figures.values()))["found"]
    for name, one in figures.items():
        pairs = list(zip(one["found"], reference, strict=True))
        one["same"] = statistics.mean(a == b for a, b in pairs)
        one["shared"] = statistics.mean(len({*a} & {*b}) / max(1, len(b)) for a, b in pairs)
        lines.append(f"| {name} | " + " | ".join(f"{one[key]:.3g}" for key in keys) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("papers_file", type=Path)
    parser.add_argument("--papers", type=int, default=0, help="only so many")
    parser.add_argument("--only", default=",".join(CONTENDERS))
    parser.add_argument("--step", choices=("build", "search"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.step:
        work = json.loads(chosen.papers_file.read_text(encoding="utf-8"))
        step: Any = build if chosen.step == "build" else search
        print(json.dumps(step(chosen.only, work, chosen.folder)))
        return
    figures: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        papers = read_papers(chosen.papers_file, chosen.papers)
        source, asked = Path(folder, "papers.json"), Path(folder, "questions.json")
        source.write_text(json.dumps(papers), encoding="utf-8")
        asked.write_text(json.dumps(questions(papers)), encoding="utf-8")
        for name in chosen.only.split(","):
            place = Path(folder, name)
            place.mkdir()
            figures[name] = _child("build", name, source, place) | _child("search", name, asked, place)
            print(name, {key: value for key, value in figures[name].items() if key != "found"}, file=sys.stderr)
    print(table(figures))


if __name__ == "__main__":
    main()
