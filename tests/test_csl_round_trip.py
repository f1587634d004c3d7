"""CSL-JSON that is exported and imported again is the same paper in every field, however often."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rag.datatypes import Paper
from rag.papers.bibliography import to_csl_json
from rag.papers.importers import read_papers
from rag.papers.kept_fields import pack

FULL = Paper(
    "moon-1", "On tides", "Tides follow the moon.", ("Ann Hale", "Bo Ray"), 1987, "Journal of Seas",
    "https://example.org/t", "10.5555/t.1", key="hale:1987", kind="article-journal", tags=("moon", "sea, shallow"),
    collections=("Seas > North",), notes=("read twice", "first\n\nsecond"),
    fields=pack({"volume": "3", "page": "1-9", "issued": {"date-parts": [[1987, 5]]}, "shelf": "B 7"}),
)  # fmt: skip
BARE = Paper("b", "A title alone", kind="article")


@pytest.mark.parametrize("paper", [FULL, BARE, replace(FULL, tags=("moon",), notes=("one",), collections=())])
def test_a_paper_comes_back_in_every_field(paper: Paper, tmp_path: Path) -> None:
    for turn in range(3):
        path = tmp_path / f"{turn}.json"
        path.write_text(to_csl_json([paper]), encoding="utf-8")
        (found,) = read_papers(path)
        kept, back = (replace(one, source="", fields=tuple(sorted(one.fields))) for one in (paper, found))
        assert back == kept
        paper = found
