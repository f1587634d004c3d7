"""docs/architecture.md is the map of the tree: every folder is on it, in the order that holds, and every door opens."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from tests.test_imports import FACES, LAYERS, TOP, VOCABULARY

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
DRAWINGS = re.findall(r"^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
FOLDERS = {path.parent.name for path in ROOT.glob("rag/*/__init__.py")}


def test_every_folder_is_described_and_no_other() -> None:
    described = re.findall(r"^\| `rag/(\w+)/` \|", PAGE, re.MULTILINE)
    assert described == [*LAYERS, *FACES]
    assert set(described) == FOLDERS
    assert set(re.findall(r"\brag/(\w+)/", PAGE)) == FOLDERS


def test_the_file_to_read_first_is_there() -> None:
    rows = re.findall(r"^\| `rag/(\w+)/` \| `([^`]+)` \|", PAGE, re.MULTILINE)
    assert len(rows) == len(FOLDERS)
    for folder, name in rows:
        assert (ROOT / "rag" / folder / name).is_file(), f"rag/{folder}/{name}"


def test_the_drawing_has_the_layers_in_the_order_that_is_held() -> None:
    drawn = re.findall(r"^ │ ([a-z]+) {2,}", DRAWINGS[0], re.MULTILINE)
    top, faces = drawn[-len(TOP) - len(FACES) : -len(FACES)], drawn[-len(FACES) :]
    assert drawn == [*VOCABULARY, *LAYERS, *top, *faces]
    assert (sorted(top), sorted(faces)) == (sorted(TOP), sorted(FACES))


def test_the_doors_of_the_drawing_open() -> None:
    """In the order in which the pipeline calls them."""
    doors = re.findall(r"\b((?:[a-z_]+\.){2}[A-Za-z_]+)\b", DRAWINGS[1])
    assert len(doors) == 7
    pipeline = (ROOT / "rag" / "pipeline.py").read_text(encoding="utf-8")
    for door in doors:
        module, _, name = door.rpartition(".")
        assert callable(getattr(importlib.import_module(f"rag.{module}"), name)), door
        assert re.search(rf"^from rag\.{module} import .*\b{name}\b", pipeline, re.MULTILINE), door


def test_the_frame_of_the_layers_is_straight() -> None:
    framed = [line for line in DRAWINGS[0].splitlines() if line[1] in "┌│├└"]
    assert len(framed) > len(FOLDERS)
    assert {len(line) for line in framed} == {len(framed[0])}
