"""Make ``papers.jsonl`` from the saved pages of a paper listing.

    python data/make_papers.py FOLDER > data/papers.jsonl

FOLDER holds the pages as ``*.txt``. They are read in the order of their names; a paper that stands on
several pages is written once, as it stands on the first.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rag.datatypes import Paper
from rag.errors import FootnoteError
from rag.papers.identity import normalised_title
from rag.papers.importers import read_papers


def distinct_papers(folder: Path) -> Iterator[Paper]:
    """The papers of all pages, each title once."""
    seen: set[str] = set()
    for page in sorted(folder.glob("*.txt")):
        for paper in read_papers(page, "listing"):
            title = normalised_title(paper.title)
            if title not in seen:
                seen.add(title)
                yield paper


def main() -> int:
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.stderr.write("Usage: python data/make_papers.py FOLDER > data/papers.jsonl\n")
        return 2
    try:
        for paper in distinct_papers(Path(sys.argv[1])):
            record = {"id": paper.id, "title": paper.title, "abstract": paper.abstract, "source": paper.source}
            sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
    except FootnoteError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
