"""The size of ``rag/`` in figures: ``python scripts/tree_figures.py [FOLDER]``, a part of ``make lint``.

Prints the number of modules, those over 300 lines, the functions over 40 lines, the median length of a function, and
the import cycles. Ends with exit code 1 where a module or a function is too long and its docstring gives no reason, and
where modules import each other in a circle.

A reason is a sentence of the docstring that begins with "Long because", or that has the words "lines" and "because".
"""

from __future__ import annotations

import ast
import re
import statistics
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULE_LINES = 300
FUNCTION_LINES = 40
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n\s*\n")


@dataclass(frozen=True, slots=True)
class Part:
    """A module or a function: where it is, its length in lines, and whether its docstring says why it is long."""

    name: str
    lines: int
    has_reason: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """What is measured of one package. A cycle is a list of the modules in it, sorted by name."""

    modules: tuple[Part, ...]
    functions: tuple[Part, ...]
    cycles: tuple[tuple[str, ...], ...]

    @property
    def long_modules(self) -> list[Part]:
        return [one for one in self.modules if one.lines > MODULE_LINES]

    @property
    def long_functions(self) -> list[Part]:
        return [one for one in self.functions if one.lines > FUNCTION_LINES]

    @property
    def median(self) -> float:
        return statistics.median([one.lines for one in self.functions] or [0])

    @property
    def faults(self) -> bool:
        """Whether something is too long without a reason, or an import goes in a circle."""
        return bool(self.cycles) or not all(one.has_reason for one in (*self.long_modules, *self.long_functions))


def measure(folder: Path) -> Figures:
    """The figures of the package in ``folder``. Lines count as they stand, comments and blank ones included."""
    paths = sorted(folder.rglob("*.py"))
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    trees = {_module_name(path, folder): (path, ast.parse(text)) for path, text in texts.items()}
    modules = [
        Part(str(path.relative_to(folder.parent)), texts[path].count("\n"), gives_reason(ast.get_docstring(tree)))
        for path, tree in trees.values()
    ]
    functions = [part for path, tree in trees.values() for part in _functions(path.relative_to(folder.parent), tree)]
    imports = {
        name: _imports(tree, name, path.name == "__init__.py", set(trees)) for name, (path, tree) in trees.items()
    }
    return Figures(tuple(modules), tuple(functions), tuple(cycles(imports)))


def gives_reason(docstring: str | None) -> bool:
    """Whether a docstring says why what it describes is long."""
    sentences = [" ".join(one.split()) for one in _SENTENCE_END.split(docstring or "")]
    return any(
        one.startswith("Long because") or {"lines", "because"} <= set(re.findall(r"[a-z]+", one.lower()))
        for one in sentences
    )


def cycles(imports: Mapping[str, set[str]]) -> list[tuple[str, ...]]:
    """Groups of modules of which each imports, by way of others, every other one of the group."""
    reached = {name: _reachable(name, imports) for name in imports}
    groups = {
        tuple(sorted({name, *(other for other in reached[name] if name in reached[other])}))
        for name in imports
        if name in reached[name]
    }
    return sorted(groups)


def report(figures: Figures) -> str:
    """The figures as lines of text; what is too long without a reason is marked with an exclamation mark."""
    lines = [
        f"{len(figures.modules)} modules, {len(figures.long_modules)} over {MODULE_LINES} lines",
        *_listed(figures.long_modules),
        f"{len(figures.functions)} functions, {len(figures.long_functions)} over {FUNCTION_LINES} lines, "
        f"median {figures.median:g}",
        *_listed(figures.long_functions),
        f"{len(figures.cycles)} import cycles",
        *(f"  ! {' ↔ '.join(cycle)}" for cycle in figures.cycles),
    ]
    return "\n".join(lines)


def _listed(parts: list[Part]) -> Iterator[str]:
    for one in sorted(parts, key=lambda part: (-part.lines, part.name)):
        yield f"  {' ' if one.has_reason else '!'} {one.lines:4} {one.name}"


def _module_name(path: Path, folder: Path) -> str:
    parts = path.relative_to(folder.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _functions(path: Path, tree: ast.Module) -> Iterator[Part]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield Part(f"{path}:{node.name}", lines, gives_reason(ast.get_docstring(node)))


def _imports(tree: ast.Module, module: str, is_package: bool, known: set[str]) -> set[str]:
    """The modules among ``known`` that ``module`` imports, within functions too; imports for types do not count."""
    found: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        for node in ast.iter_child_nodes(waiting.pop()):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                continue
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = _absolute(node, module, is_package)
                # 'from package import part' loads the part where it is a module, else only the package.
                found |= {name if (name := f"{base}.{alias.name}") in known else base for alias in node.names}
            waiting.append(node)
    return {one for name in found for one in _with_packages(name, module)} & known - {module}


def _with_packages(name: str, module: str) -> Iterator[str]:
    """``name`` and the packages around it, whose ``__init__`` is loaded first, without those that ``module`` is in."""
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        package = ".".join(parts[:length])
        if package == name or not module.startswith(f"{package}."):
            yield package


def _absolute(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    base = parts[: len(parts) - node.level + is_package]
    return ".".join([*base, node.module] if node.module else base)


def _reachable(start: str, imports: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for name in imports[waiting.pop()] - found:
            found.add(name)
            waiting.append(name)
    return found


def main(arguments: list[str]) -> int:
    """Print the figures; 1 where something is at fault, else 0."""
    figures = measure(Path(arguments[0]).resolve() if arguments else ROOT / "rag")
    print(report(figures))
    if figures.faults:
        print("Split what is marked, or say in its docstring: 'Long because …'.", file=sys.stderr)
    return int(figures.faults)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
