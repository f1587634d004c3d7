"""The table of the README is the newest result, not last month's."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.evaluation.report import RESULTS, marked_block, readme_block

ROOT = Path(__file__).parent.parent


def test_the_table_of_the_readme_is_the_newest_result() -> None:
    block = marked_block((ROOT / "README.md").read_text(encoding="utf-8"))
    if block is None:
        pytest.skip("README.md has no markers <!-- eval:begin --> and <!-- eval:end --> yet")
    wanted = readme_block(ROOT / RESULTS)
    assert block == wanted, "run: footnote eval answers … --readme README.md, or rag.evaluation.report.renew"
