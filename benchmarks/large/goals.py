"""The goals beside the figures: the printed table, the results, the block of docs/scaling.md.

python -m benchmarks.large.goals    renews the block from the results
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import readme
from benchmarks.report import Target, target_row

RESULTS = Path(__file__).parent.parent / "results" / "large"
PAGE = Path(__file__).parent.parent.parent / "docs" / "scaling.md"
YARDSTICK = 173_000  # papers that the goals are for

GOALS = (
    Target("first answer after the start of the import", "first_answer_s", 90.0, "s"),
    Target("import without vectors, papers a second", "without_vectors_papers_s", 2000.0, "papers", at_least=True),
    Target("vectors, abstracts a second against the stock chain", "ours_papers_s", 2.5, "×", "stock_papers_s", True),
    Target("ten papers added", "ten_added_s", 2.0, "s"),
    Target("search, warm, half of them", "search_p50_s", 0.06, "s"),
    Target("search, warm, 95 of 100", "search_p95_s", 0.15, "s"),
    Target("search among the papers of some years, 95 of 100", "scoped_p95_s", 0.2, "s"),
    Target("cold `footnote ask --model quote`", "cold_ask_s", 3.0, "s"),
    Target("memory of one question", "ask_mb", 600.0, "MB"),
    Target("memory of the page", "page_mb", 1000.0, "MB"),
    Target("disk a paper", "disk_bytes", 5800.0, "bytes"),
    Target("page: from the start of the program to a question", "page_usable_s", 6.0, "s"),
    Target("Library tab: sorted", "library_sorted_s", 0.3, "s"),
    Target("Library tab: from a year on", "library_filtered_s", 0.3, "s"),
    Target("Library tab: papers with a word", "library_text_s", 0.3, "s"),
    Target("map drawn", "map_s", 3.0, "s"),
)


def table(record: Mapping[str, Any]) -> str:
    """The goals with what was measured, as Markdown."""
    rows = [target_row(one, record["figures"]) for one in GOALS]
    return "\n".join(["| | goal | measured | |", "|---|---|---|---|", *rows])


def block(record: Mapping[str, Any]) -> str:
    """What docs/scaling.md says: how it was measured, the table, and what else is known."""
    place, figures = record["machine"], record["figures"]
    words = [
        f"{record['papers']:,} abstracts on {place['cores']} cores with a load of {place['load']:.1f} from other work, "
        f"measured on {record['finished'][:10]} at {record['commit']} by `make bench-large`. The goals are for "
        f"{YARDSTICK:,} abstracts on 2 cores that do nothing else."
        + ("" if record["vectors"] else " Its vectors were not waited for: it was searched by words.")
    ]
    beside = []
    if {"stock_papers_s", "ours_papers_s"} <= figures.keys():
        beside = [
            f"The same {record['compared']:,} abstracts beside a stock chain (Chroma, LangChain, MiniLM): "
            f"from process start to the last vector {figures['ours_papers_s']:.1f} a second in "
            f"{figures['ours_import_mb']:.0f} MB of memory, the stock chain {figures['stock_papers_s']:.1f} in "
            f"{figures['stock_import_mb']:.0f} MB; {figures['ours_disk_bytes'] / 1000:.1f} kB of disk a paper, the "
            f"stock chain {figures['stock_disk_bytes'] / 1000:.1f} kB."
        ]
    notes = [" ".join(record["notes"])] if record["notes"] else []
    return "\n\n".join([*map(readme.wrapped, words), table(record), *map(readme.wrapped, beside + notes)])


def latest(folder: Path = RESULTS) -> dict[str, Any] | None:
    """The newest results of the largest library; None where there are none."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    return max(records, key=lambda one: (one["papers"], one["finished"]), default=None)


def renew(page: Path = PAGE, folder: Path = RESULTS) -> None:
    """Put the latest results into the page. Raises ``ValueError`` where either lacks what is needed."""
    record = latest(folder)
    if record is None:
        raise ValueError(f"There are no results in {folder}: run 'make bench-large'.")
    text = readme.renewed(page.read_text(encoding="utf-8"), record, {"large": block})
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    try:
        renew()
    except ValueError as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None
