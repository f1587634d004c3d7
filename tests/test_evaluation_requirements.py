"""``footnote eval`` without the packages of the extra ``eval``: one clear sentence, before anything is measured."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rag.errors import EvaluationError
from rag.evaluation.requirements import MEASURING, STOCK_CHAIN, require_packages
from rag.evaluation.retrieval_baselines import baseline_names

ROOT = Path(__file__).parents[1]
TINY = ROOT / "tests" / "samples" / "eval" / "tiny"
COMMAND = "pip install 'footnote[eval]'"
WITHOUT = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == sys.argv[1]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
from rag.cli import main
main(sys.argv[2:])
"""


def test_nothing_is_raised_where_all_are_installed() -> None:
    require_packages(MEASURING, STOCK_CHAIN)


@pytest.mark.parametrize(("group", "module"), [(g, m) for g in (MEASURING, STOCK_CHAIN) for m in g])
def test_a_missing_package_is_named_with_the_command(
    group: dict[str, str], module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # Python's own mark of a module that cannot be imported
    with pytest.raises(EvaluationError) as raised:
        require_packages(group)
    assert str(raised.value).count(group[module]) == 1
    assert str(raised.value).endswith(COMMAND)


def test_retrieval_says_what_to_install_before_it_measures(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, "ir_measures", "eval", "retrieval", str(TINY), "--out", str(tmp_path)],
        cwd=ROOT,
        env={"FOOTNOTE_HOME": str(tmp_path / "home"), "PATH": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == EvaluationError.exit_code, done.stderr
    assert "ir-measures" in done.stderr and COMMAND in done.stderr
    assert "Traceback" not in done.stderr and not list(tmp_path.rglob("*.md"))


@pytest.mark.parametrize(
    ("text", "names"),
    [("none", ()), ("ALL", ("stock", "lead")), (" lead ", ("lead",)), ("lead,stock", ("stock", "lead"))],
)
def test_baselines_come_in_the_order_of_the_report(text: str, names: tuple[str, ...]) -> None:
    assert baseline_names(text, ("stock", "lead")) == names


@pytest.mark.parametrize("text", ["", "other", "all,lead"])
def test_an_unknown_baseline_is_refused(text: str) -> None:
    with pytest.raises(EvaluationError, match="Baselines are none, all or some of stock, lead"):
        baseline_names(text, ("stock", "lead"))
