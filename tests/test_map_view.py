"""What of a map goes to the browser: everything of a small one, what is looked at of a large one."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from rag.datatypes import Paper
from rag.survey.library_map import EDGE, Group, LibraryMap
from rag.ui import map_view
from rag.ui.map_view import Box, DrawnMap
from rag.ui.render_map import list_html, looked_at_json, map_json
from rag.ui.shelves import RecordShelf

COUNT = 400
WHOLE = Box(0, 0, EDGE, EDGE)


@pytest.fixture
def drawn() -> DrawnMap:
    rng = np.random.default_rng(3)
    group = rng.integers(0, 3, COUNT)
    places = np.clip(rng.normal(2500 + 2500 * group[:, None], 500, (COUNT, 2)), 0, EDGE).astype(int)
    groups = tuple(
        Group((f"topic{i}",), 2500 + 2500 * i, 2500 + 2500 * i, int((group == i).sum()), i) for i in range(3)
    )
    xs, ys = (tuple(map(int, column)) for column in places.T)
    ids = tuple(f"p{i:03}" for i in range(COUNT))
    papers = [Paper(one, f"Crab {i} <b>", year=2000 + i % 5 if i % 7 else None) for i, one in enumerate(ids)]
    return DrawnMap(LibraryMap("", ids, xs, ys, tuple(map(int, group)), groups), RecordShelf(papers))


@pytest.fixture
def large(drawn: DrawnMap, monkeypatch: pytest.MonkeyPatch) -> DrawnMap:
    monkeypatch.setattr(map_view, "MOST_SENT", 50)
    monkeypatch.setattr(map_view, "MOST_LOOKED_AT", 30)
    return drawn


def test_a_small_map_is_sent_whole(drawn: DrawnMap) -> None:
    sent = json.loads(map_json(drawn))
    assert sent["id"] == list(drawn.library_map.ids) and sent["total"] == COUNT
    assert sent["x"] == list(drawn.library_map.x) and "density" not in sent
    assert "<" not in map_json(drawn)
    assert "more; the Library tab" in list_html(drawn)  # a group names a hundred


def test_of_a_large_map_density_and_some_points_are_sent(large: DrawnMap) -> None:
    sent = json.loads(map_json(large))
    assert len(sent["id"]) == 50 and sent["total"] == COUNT
    assert sent["title"][1] == large.papers[sent["id"][1]].title
    density = sent["density"]
    assert sum(density["papers"]) == COUNT and len(density["cell"]) == len(density["group"])
    cells = Counter(
        int(y * density["side"] // (EDGE + 1)) * density["side"] + int(x * density["side"] // (EDGE + 1))
        for x, y in zip(large.library_map.x, large.library_map.y, strict=True)
    )
    assert dict(zip(density["cell"], density["papers"], strict=True)) == dict(cells)
    years = sum((Counter({int(y): n for y, n in one.items()}) for one in sent["years"]), Counter())
    assert years == Counter(paper.year or 0 for paper in large.papers.values())
    assert list_html(large).count("fn-map-open") == min(300, COUNT)


def test_what_is_looked_at_comes_when_it_is(large: DrawnMap) -> None:
    made = large.library_map
    box = Box(made.x[7] - 100, made.y[7] - 100, made.x[7] + 100, made.y[7] + 100)
    there = [
        one for one, x, y in zip(made.ids, made.x, made.y, strict=True)
        if box.left <= x <= box.right and box.top <= y <= box.bottom
    ]  # fmt: skip
    assert len(there) < 30
    sent = json.loads(looked_at_json(large, box, "", "now"))
    assert sent["id"] == there and sent["found"] is None and sent["time"] == "now"
    assert len(json.loads(looked_at_json(large, WHOLE, "", "now"))["id"]) == 30
    marked = json.loads(looked_at_json(large, box, "", "now", ["p001", "unknown", ""]))["id"]
    assert marked == sorted({*there, "p001"})


def test_titles_are_found_in_the_whole_library(large: DrawnMap) -> None:
    nowhere = Box(-9, -9, -9, -9)
    sent = json.loads(looked_at_json(large, nowhere, "cRab 39", "now"))
    expected = [one for one, paper in large.papers.items() if "39" in paper.title]
    assert sent["id"] == expected and sum(sent["found"].values()) == len(expected)
    many = json.loads(looked_at_json(large, nowhere, "crab", "now"))
    assert len(many["id"]) == 30 and sum(many["found"].values()) == COUNT
    assert json.loads(looked_at_json(large, nowhere, "c", "now"))["found"] is None


def test_rows_are_found_by_id(drawn: DrawnMap) -> None:
    assert [drawn.row_of(one) for one in ("p000", "p399", "p", "p4", "")] == [0, 399, -1, -1, -1]
