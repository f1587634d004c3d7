"""The figures as the tables of docs/reliability.md: ``python -m scripts.torture.page RESULTS.json`` renews them."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
Table = dict[str, str]  # first column to second


def tables(figures: dict[str, Any]) -> dict[str, Table]:
    """The table under each heading of the page."""
    kills, disks, clock, writers = (figures[part] for part in ("kills", "disks", "clock", "writers"))
    told = len(kills["problems"]) - kills["unusable"] - kills["lost_or_doubled"]
    jumped = len(clock["problems"]) + len(clock["reader_errors"]) + clock["wrong_answers"]
    counts = {
        "Kills": {
            "kills (SIGKILL)": kills["kills"],
            "of them of the command `footnote import`": kills["of_them_of_the_command"],
            "unusable libraries": kills["unusable"],
            "papers lost or doubled": kills["lost_or_doubled"],
            "indexes that did not agree with the records": told,
            "questions that readers asked meanwhile": kills["questions"],
            "wrong answers": kills["wrong_answers"],
            "errors that readers were told": len(kills["reader_errors"]),
        },
        "Where the kills fell": kills["where"],
        "A full disk": {
            "disks of different sizes": disks["disks"],
            "of them full before the import ended": disks["full"],
            "problems": len(disks["problems"]),
        },
        "A clock that jumps": {
            "jumps of the clock": clock["jumps"],
            "kills meanwhile": clock["kills"],
            "problems": jumped,
        },
        "Two writers": {
            "rounds, one writer killed in each": writers["rounds"],
            "imports that went through": writers["imports"],
            "refusals, each with a sentence": writers["refused_with_a_sentence"],
            "problems": len(writers["problems"]),
        },
    }
    return {heading: {name: f"{count:,}" for name, count in rows.items()} for heading, rows in counts.items()}


def read(page: str, heading: str) -> Table:
    """The rows of the table under ``heading`` of the page."""
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    cells = re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|$", section[1] if section else "", re.MULTILINE)
    return dict(cells[1:])  # the first row is the head; the line below it has no blanks


def renewed(page: str, figures: dict[str, Any]) -> str:
    """The page with the tables of these figures."""
    for heading, rows in tables(figures).items():
        lines = "".join(f"| {name} | {value} |\n" for name, value in rows.items())
        table = rf"(^## {re.escape(heading)}\n(?:(?!^## ).*\n)*?\|[^\n]*\|\n\|---\|---\|\n)(?:\|.*\n)*"
        page = re.sub(table, lambda found, lines=lines: found[1] + lines, page, flags=re.MULTILINE)
    return page


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text("utf-8"), json.loads(Path(sys.argv[1]).read_text("utf-8"))), "utf-8")
