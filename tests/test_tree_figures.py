"""The script that measures the size of ``rag/``: what it counts, what it lets pass, what it stops at."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.tree_figures import cycles, gives_reason, main, measure, report

LONG = "\n".join(f"    x{number} = {number}" for number in range(45))


def package(folder: Path, modules: dict[str, str]) -> Path:
    """A package ``p`` with these modules, by their paths in it without the ending."""
    for name, text in {"__init__": "", **modules}.items():
        path = folder / "p" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "p"


def test_what_is_counted(tmp_path: Path) -> None:
    folder = package(
        tmp_path,
        {"short": "def f():\n    pass\n", "many": "x = 1\n" * 301, "long": f"def g():\n{LONG}\n"},
    )
    figures = measure(folder)
    assert len(figures.modules) == 4
    assert [(one.name, one.lines) for one in figures.long_modules] == [("p/many.py", 301)]
    assert [(one.name, one.lines) for one in figures.long_functions] == [("p/long.py:g", 46)]
    assert figures.median == 24
    assert figures.faults


def test_a_reason_lets_it_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many = '"""Names.\n\nLong because every name of the format stands here."""\n' + "x = 1\n" * 300
    long = f'def g():\n    """Sums up. More than 40 lines because the steps share\n    their figures."""\n{LONG}\n'
    folder = package(tmp_path, {"many": many, "long": long})
    assert main([str(folder)]) == 0
    assert "3 modules, 1 over 300 lines" in capsys.readouterr().out
    (folder / "long.py").write_text(f'def g():\n    """Sums up."""\n{LONG}\n', encoding="utf-8")
    assert main([str(folder)]) == 1
    assert "  !   47 p/long.py:g" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("Writes. Long because each key is one branch.", True),
        ("Writes.\n\nLong because each key is one branch", True),
        ("It has 60 lines because each\nkey is one branch.", True),
        ("Reads JSON lines.", False),
        ("Reads JSON lines. Stops early because a file may be cut.", False),
        ("As long because of nothing.", False),
        (None, False),
    ],
)
def test_what_a_reason_is(docstring: str | None, expected: bool) -> None:
    assert gives_reason(docstring) is expected


def test_import_cycles(tmp_path: Path) -> None:
    folder = package(
        tmp_path,
        {
            "one": "from p.two import x\n",
            "two": "from . import three\n",
            "three": "import p.one\n",
            "apart": "from p import one\n",
            "types": "if TYPE_CHECKING:\n    from p import typed\n",
            "typed": "from p import types\n",
            "late": "def f():\n    from p import later\n",
            "later": "from p.late import f\n",
        },
    )
    assert measure(folder).cycles == (("p.late", "p.later"), ("p.one", "p.three", "p.two"))
    assert "2 import cycles\n  ! p.late ↔ p.later\n  ! p.one ↔ p.three ↔ p.two" in report(measure(folder))


def test_a_package_that_loads_its_own_modules_is_no_cycle(tmp_path: Path) -> None:
    """But one whose ``__init__`` reaches a module that loads a module of the package is."""
    folder = package(tmp_path, {"a/__init__": "from p.a.b import x\n", "a/b": "import p\nx = 1\n"})
    assert measure(folder).cycles == ()
    (folder / "a" / "__init__.py").write_text("from p.c import x\n", encoding="utf-8")
    (folder / "c.py").write_text("from p.a.b import x\n", encoding="utf-8")
    assert measure(folder).cycles == (("p.a", "p.c"),)


def test_no_imports_no_cycles() -> None:
    assert cycles({}) == []
    assert cycles({"a": set(), "b": {"a"}}) == []
