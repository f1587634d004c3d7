"""The run; what is done is kept in the folder, and a repeated run goes on behind it.

python -m benchmarks.large --papers-from cs_abstracts.jsonl.xz      all its abstracts: hours
python -m benchmarks.large --papers-from FILE --count 20000
python -m benchmarks.large --count 5000 --no-vectors --compared 200  made abstracts, few vectors: minutes
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import report
from benchmarks.__main__ import Bench
from benchmarks.large import goals
from benchmarks.large.part import write_part
from benchmarks.large.state import State
from benchmarks.large.steps import Steps
from benchmarks.measure import ProcessFailed
from rag.system.machine import commit, machine


def main() -> int:
    """Measure what is not measured yet, write the results, print the table; 1 where a step failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers-from", type=Path, metavar="FILE", help="JSONL, or JSONL.xz; without it they are made")
    parser.add_argument("--count", type=int, default=0, help="papers, from the beginning of the file (default: all)")
    parser.add_argument(
        "--compared", type=int, default=2000, help="papers that the stock chain gets too (default 2000)"
    )
    parser.add_argument("--no-vectors", action="store_true", help="do not wait for the vectors of the large library")
    parser.add_argument("--folder", type=Path, default=Path("build/bench-large"), help="where a run is kept")
    parser.add_argument("--out", type=Path, default=goals.RESULTS, help="folder of the results")
    parser.add_argument("--renew", action="store_true", help="put the latest results into docs/scaling.md")
    options = parser.parse_args()
    if options.count < 0 or options.compared < 1:
        parser.error("--count and --compared are numbers of papers")
    folder = options.folder.absolute()
    on = machine(report.PACKAGES)  # its load is that of other work
    try:
        part = write_part(folder / "papers", options.papers_from, options.count, options.compared)
        source = options.papers_from.name if options.papers_from else "made"
        settings = {"from": source, "papers": part.count, "compared": part.compared_count,
                    "vectors": not options.no_vectors}  # fmt: skip
        state = State(folder, settings)
        Steps(Bench(folder, 1, 0), folder, part, state, not options.no_vectors).all()
    except (OSError, ValueError, ProcessFailed) as error:
        print(error, file=sys.stderr)
        return 1
    now = datetime.now(UTC)
    record = {"finished": now.isoformat(timespec="seconds"), "commit": commit(), "machine": on, **settings,
              "figures": {name: round(value, 4) for name, value in sorted(state.figures.items())},
              "notes": state.notes}  # fmt: skip
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{now:%Y-%m-%d}-{record['commit']}-{part.count}.json"
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(goals.block(record))
    print(f"Written to {path}. The run is kept in {folder}; remove that to measure anew.", file=sys.stderr)
    if options.renew:
        goals.renew(folder=options.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
