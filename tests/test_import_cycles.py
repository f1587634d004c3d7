"""No two modules of the generators and models import each other, not even inside functions or for types alone."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDER = "rag/generation"


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST, modules: set[str]) -> set[str]:
    """Every one of ``modules`` that some import statement of ``tree`` names, wherever it stands."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, "absolute imports only"
            submodules = {f"{node.module}.{alias.name}" for alias in node.names}
            # 'from package import module' imports the module; 'from module import name' the module itself.
            found |= (submodules & modules) or {node.module}
    return found & modules


def imports_within(sources: dict[str, str]) -> dict[str, set[str]]:
    """What each module imports of the others."""
    return {name: imported(ast.parse(text), set(sources)) - {name} for name, text in sources.items()}


def test_no_cycle_in_the_generation_folder() -> None:
    sources = {module_name(p): p.read_text(encoding="utf-8") for p in sorted((ROOT / FOLDER).rglob("*.py"))}
    assert len(sources) > 20
    TopologicalSorter(imports_within(sources)).prepare()


def test_a_cycle_through_a_function_is_seen() -> None:
    sources = {"a": "import b", "b": "def f():\n    from a import g"}
    with pytest.raises(CycleError):
        TopologicalSorter(imports_within(sources)).prepare()
