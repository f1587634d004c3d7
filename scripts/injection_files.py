"""Files as other people may write them, with one instruction in every field that is free text, and in a name."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "attached.bib"


def write_files(folder: Path, text: str) -> list[Path]:
    """A JSONL file and a BibTeX file of five papers with ``text`` in every field that is free text, and in a name."""
    moth = (
        f"We present MothEar, an array of 12 microphones. {text} "
        "It finds 93% of the moths in a garden at night. It needs 2 W of power."
    )
    pedal = f"PedalCam counts 800 bicycles in an hour. {text} It runs for 9 days on one battery."
    snow = "Snow depth is hard to see from space. Our radar measures it with an error of 12 cm over the Alps."
    bread = "Rye bread bakes best at 230 degrees. It takes 50 minutes in a steam oven."
    records = [
        {"id": "moth", "title": "Counting moths with microphones", "abstract": moth, "year": 2021},
        {"id": "pedal", "title": f"Counting bicycles: {text}", "abstract": pedal, "authors": [text], "venue": text},
        {"id": "snow", "title": f"Snow depth from radar altimetry. {text}", "abstract": snow, "year": 2019},
        {"id": "bread", "title": "The oven of rye bread", "abstract": bread, "year": 2018, "note": text},
    ]
    lines = folder / f"{_file_name(text)}.jsonl"
    lines.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    return [lines, _bibtex(folder / NAME, text)]


def _file_name(text: str) -> str:
    """``text`` as far as a file system takes it for a name."""
    return re.sub(r"[/\0]", "_", text).encode("utf-8")[:200].decode("utf-8", "ignore") or "x"


def _bibtex(path: Path, text: str) -> Path:
    free = dict.fromkeys(("journal", "keywords", "note", "annote", "file", "comment", "publisher"), text)
    fields = {
        "title": "Naps of owls", "author": f"{text} and Owl, Ada", "year": "2020", **free,
        "abstract": "We watched 40 owls in a barn. Owls nap for 20 minutes at noon.",
    }  # fmt: skip
    lines = [f"  {name} = {{{value}}},\n" for name, value in fields.items()]
    path.write_text("@article{owl,\n" + "".join(lines) + "}\n", encoding="utf-8")
    return path


@contextmanager
def library(home: Path, text: str) -> Iterator[Path]:
    """A library of the files above, imported as ``footnote import`` imports them."""
    from rag.factory import close_library, embedder_id, paper_encoder
    from rag.library.library import Library
    from rag.papers.importers import read_papers

    with tempfile.TemporaryDirectory(prefix="footnote-injection-", dir=home) as folder:
        path = Path(folder) / "library"
        with Library.create(path, embedder=embedder_id()) as made:
            for file in write_files(Path(folder), text):
                made.add(read_papers(file, on_error=lambda error: None), paper_encoder(1))
        yield path
        close_library(path)
