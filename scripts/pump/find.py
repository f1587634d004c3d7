"""Every regular expression of ``rag/``: evaluated where it stands in the source, or made where it needs a value."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from types import ModuleType

from scripts.pump.made import MADE

ROOT = Path(__file__).resolve().parents[2]
# Where the flags stand among the arguments of each function of ``re``.
_FLAGS_AT = {"compile": 1, "search": 2, "match": 2, "fullmatch": 2, "findall": 2, "finditer": 2}
_FLAGS_AT |= {"split": 3, "sub": 4, "subn": 4}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Found:
    """A pattern, the place in the source that it comes from, and whether it is held against whole texts there
    (``fullmatch``), which may take longer than to find it in them."""

    where: str
    pattern: re.Pattern[str]
    whole: bool


@dataclass(frozen=True)
class Call:
    """A call of a function of ``re``: its node, the function around it (``<module>`` outside of any), the names that
    the pattern is given, and whether it is made of values that only that function knows."""

    node: ast.Call
    within: str
    names: frozenset[str]
    local: bool


def find_patterns() -> tuple[list[Found], list[str]]:
    """The patterns of ``rag/``, each once, and a sentence for every place whose pattern can neither be evaluated nor is
    made by :data:`scripts.pump.made.MADE`."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "rag").rglob("*.py"))}
    found: dict[tuple[str, int], Found] = {}
    unknown: list[str] = []
    for path, tree in trees.items():
        for one in _of_module(path.relative_to(ROOT).as_posix(), tree, unknown):
            key = (one.pattern.pattern, one.pattern.flags)
            if key not in found or one.whole:
                found[key] = one
    places = {
        f"{path.relative_to(ROOT).as_posix()}:{call.within}" for path, tree in trees.items() for call in _calls(tree)
    }
    unknown += [f"scripts/pump/made.py declares {key!r}, which makes no pattern" for key in MADE.keys() - places]
    return list(found.values()), sorted(unknown)


def _of_module(place: str, tree: ast.Module, unknown: list[str]) -> Iterator[Found]:
    """The patterns of a module; what cannot be known of it is added to ``unknown``."""
    if _hides_re(tree):
        unknown.append(f"{place} imports patterns in another way than by 'import re'")
    calls = list(_calls(tree))
    whole = frozenset(_held_against_whole_texts(tree))
    if not calls and "Pattern" not in ast.dump(tree):
        return
    module = importlib.import_module(place.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    held = list(_held(module))
    yield from (Found(f"{place}:{name}", pattern, name in whole) for name, pattern in held)
    for call in calls:
        is_whole = call.node.func.attr == "fullmatch" or bool(call.names & whole)  # type: ignore[attr-defined]
        pattern = None if call.local else _evaluated(call.node, module)
        if pattern is not None:
            yield Found(f"{place}:{call.node.lineno}", pattern, is_whole)
        elif call.within == "<module>" and call.names & {name for name, _ in held}:
            continue  # made in a loop, and kept in a container
        else:
            made = _made(f"{place}:{call.within}", call, module)
            yield from (Found(f"{place}:{call.within}", one, is_whole) for one in made)
            if not made:
                unknown.append(
                    f"{place}:{call.node.lineno} makes a pattern of values: "
                    f"scripts/pump/made.py must make one as '{place}:{call.within}' does"
                )


def _held_against_whole_texts(tree: ast.Module) -> Iterator[str]:
    """The names of what ``fullmatch`` is called on."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "fullmatch":
            yield from _names(node.func.value)


def _names(node: ast.AST) -> set[str]:
    """The names in an expression: ``a`` and ``b`` of ``a.b``."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} | {
        one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)
    }


def _hides_re(tree: ast.Module) -> bool:
    """Whether ``re`` is imported such that its calls cannot be told from others, or another engine is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("re", "regex"):
            return True
        if isinstance(node, ast.Import) and any(
            one.name == "regex" or (one.name == "re" and one.asname) for one in node.names
        ):
            return True
    return False


def _calls(tree: ast.Module) -> Iterator[Call]:
    """The calls of functions of ``re`` that take a pattern."""

    def walk(node: ast.AST, around: tuple[str, ...], names: frozenset[str], local: frozenset[str]) -> Iterator[Call]:
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            around = (*around, node.name)
        if isinstance(node, (*_FUNCTIONS, ast.Lambda)):
            local |= _bound(node)
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = frozenset(name for target in targets for name in _names(target))
        if isinstance(node, ast.Call) and _is_of_re(node.func):
            yield Call(node, ".".join(around) or "<module>", names, bool(_names(node.args[0]) & local))
        for child in ast.iter_child_nodes(node):
            yield from walk(child, around, names, local)

    yield from walk(tree, (), frozenset(), frozenset())


def _is_of_re(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "re"
        and function.attr in _FLAGS_AT
    )


def _bound(scope: ast.AST) -> frozenset[str]:
    """The names that a function binds: its parameters and what it assigns."""
    nodes = list(ast.walk(scope))
    assigned = {one.id for one in nodes if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    return frozenset(assigned | {one.arg for one in nodes if isinstance(one, ast.arg)})


def _evaluated(node: ast.Call, module: ModuleType) -> re.Pattern[str] | None:
    """The pattern of a call, from its arguments as the module sees them; None where they are not all there."""
    at = _FLAGS_AT[node.func.attr]  # type: ignore[attr-defined]
    given = [one.value for one in node.keywords if one.arg == "flags"] or node.args[at : at + 1]
    try:
        text = _value(node.args[0], module)
        flags = _value(given[0], module) if given else 0
    except NameError:
        return None
    return text if isinstance(text, re.Pattern) else re.compile(text, flags)


def _value(expression: ast.expr, module: ModuleType) -> object:
    return eval(compile(ast.Expression(expression), module.__name__, "eval"), dict(vars(module)))


def _made(key: str, call: Call, module: ModuleType) -> list[re.Pattern[str]]:
    """The patterns that a call makes while what is declared for its place runs."""
    lines = range(call.node.lineno, (call.node.end_lineno or call.node.lineno) + 1)
    run = MADE.get(key)
    return [one for file, line, one in _recorded(run) if file == module.__file__ and line in lines] if run else []


def _recorded(run: Callable[[], object]) -> list[tuple[str, int, re.Pattern[str]]]:
    """File, line and pattern of every call of a function of ``re`` while ``run`` runs."""
    made: list[tuple[str, int, re.Pattern[str]]] = []
    compiled = re._compile  # type: ignore[attr-defined]

    def record(pattern: str | re.Pattern[str], flags: int) -> re.Pattern[str]:
        result: re.Pattern[str] = compiled(pattern, flags)
        caller = sys._getframe(2)  # behind the function of re
        made.append((caller.f_code.co_filename, caller.f_lineno, result))
        return result

    re._compile = record  # type: ignore[attr-defined]
    try:
        run()
    finally:
        re._compile = compiled  # type: ignore[attr-defined]
    return made


def _held(module: ModuleType) -> Iterator[tuple[str, re.Pattern[str]]]:
    """The patterns that a module holds by name, in containers too."""
    for name, value in vars(module).items():
        if not name.startswith("__"):
            yield from ((name, one) for one in _within(value, depth=4))


def _within(value: object, depth: int) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, Mapping):
        yield from _of_all((*value.keys(), *value.values()), depth)
    elif depth and isinstance(value, (list, tuple, set, frozenset)):
        yield from _of_all(value, depth)
    elif depth and is_dataclass(value) and not isinstance(value, type):
        yield from _of_all((getattr(value, one.name) for one in fields(value)), depth)
    elif depth and isinstance(value, type) and value.__module__.startswith("rag."):
        yield from _of_all((one for key, one in vars(value).items() if not key.startswith("__")), depth)


def _of_all(values: Iterable[object], depth: int) -> Iterator[re.Pattern[str]]:
    for value in values:
        yield from _within(value, depth - 1)
