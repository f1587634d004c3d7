"""Sound files to begin with: those of folders, and what these may lack."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

MOST_BYTES = 100_000


class Sample(NamedTuple):
    """A file by name, and its content."""

    name: str
    content: bytes


_ABSTRACT = (
    "Graphs are drawn from $O(n^{1/2})$ samples with 97.5\\% accuracy. We show \\textbf{that} naïve methods fail; "
    "see https://example.org/a_b;c=1 (p<sup>2</sup> &lt; 0.05). It holds for 10<sup>5</sup> trees as well."
)
_JSONL = {
    "id": "a1",
    "title": "On Graphs",
    "abstract": _ABSTRACT,
    "authors": ["Ann Lee", {"given": "Bo", "family": "Chan"}],
    "year": 2019,
    "doi": "10.1000/ABC.1",
    "url": "https://example.org/p",
    "venue": "J. of Graphs",
}
_BUILT_IN = {
    "jsonl": json.dumps(_JSONL) + "\n",
    "tsv": "title\tabstract\tyear\nOn Graphs\tA short one.\t2019\n",
    "bibtex": '@string{g = {Graphs}}\n@comment{x}\n@misc(x, title="One", journal = g, month = jan, year = 2019)\n',
}


def samples(folders: Iterable[Path]) -> list[Sample]:
    """The built-in samples, then the files of the folders up to 100 KB, by path: the same order everywhere."""
    found = [Sample(f"built-in {name}", text.encode()) for name, text in _BUILT_IN.items()]
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix not in (".md", ".py") and path.name != "expect.json":
                content = path.read_bytes()
                if 0 < len(content) <= MOST_BYTES:
                    found.append(Sample(path.relative_to(folder).as_posix(), content))
    return found
