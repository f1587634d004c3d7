"""docs/scaling.md: what it computes follows from what it says was measured."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parent.parent / "docs" / "scaling.md").read_text(encoding="utf-8")
_HOURS = {"min": 1 / 60, "h": 1.0, "days": 24.0, "GB": 1.0}


def table(head: str) -> list[list[str]]:
    """The rows below the head that begins so."""
    lines = PAGE[PAGE.index(f"| {head} |") :].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in (lines[0], *lines[2:])]


def number(text: str) -> float:
    found = re.match(r"[\d,.]++", text)
    assert found is not None
    return float(found[0].replace(",", ""))


def test_the_computed_figures_follow_from_the_measured() -> None:
    passages, records, words, disk, memory, put, _, made = (number(row[-1]) for row in table("measured")[1:])
    (head, *rows) = table("computed")
    for column, size in enumerate((int(number(cell)) for cell in head[1:]), 1):
        many = size * passages
        hours = many * put / 1000 / 3600 * math.log(many) / math.log(18_000)
        wanted = [size * records / 1e6, size * words / 1e6, many * disk / 1e6, many * memory / 1e6,
                  size / made / 3600, hours]  # fmt: skip
        for row, value in zip(rows, wanted, strict=True):
            shown = number(row[column]) * _HOURS[row[column].split()[-1]]
            assert shown == pytest.approx(value, rel=0.06), (row[0], head[column])
