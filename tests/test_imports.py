"""The import rules: imports point down the layers, none in a circle, heavy packages wait until they are used."""

from __future__ import annotations

import ast
import graphlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = frozenset(
    {
        "chromadb",
        "gradio",
        "langchain_chroma",
        "langchain_core",
        "llama_cpp",
        "mcp",
        "onnxruntime",
        "sentence_transformers",
        "sklearn",
        "torch",
        "transformers",
    }
)
# langchain_core may be imported where its classes are subclassed; these modules are imported late themselves.
MAY_SUBCLASS_LANGCHAIN = (
    "rag.retrieval.retrievers.", "rag.generation.generators.llama", "rag.output.runnable", "rag.assistants.langchain",
)  # fmt: skip
# Tools are described by the types of their functions; imported late as well.
MAY_IMPORT_MCP = ("rag.assistants.mcp_server",)

# The folders of rag/ from the bottom up: each imports only itself and those before it. docs/architecture.md says why.
LAYERS = (
    "system", "text", "papers", "encoding", "library", "questions", "retrieval", "evidence", "survey", "generation",
    "verification", "history", "output",
)  # fmt: skip
VOCABULARY = ("errors", "datatypes")  # every layer may import these; they import only one another
FACES = ("evaluation", "assistants", "cli", "ui", "api")  # these see everything below, and the top
TOP = ("config", "pipeline", "factory")
# Which of the top each module of the top may import.
MAY_IMPORT_OF_TOP = {"config": set(), "pipeline": set(), "factory": {"config", "pipeline"}}


def module_name(path: Path) -> str:
    """``rag.retrieval.retrievers.dense`` for its file; a package is named like its folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(ROOT.glob("rag/**/*.py"))}


def unit(module: str) -> str:
    """The part of ``rag`` that a module belongs to: the name behind ``rag.``."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imported(tree: ast.AST, module: str, *, top_level: bool, type_checking: bool = False) -> set[str]:
    """Full names of what is imported; with ``top_level`` only what runs when the module is imported."""
    found: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        for node in ast.iter_child_nodes(waiting.pop()):
            if is_type_checking(node) and not type_checking:
                continue
            if top_level and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                continue
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found |= {f"{absolute(node, module)}.{alias.name}" for alias in node.names}
            waiting.append(node)
    return found


def absolute(node: ast.ImportFrom, module: str) -> str:
    if not node.level:
        return node.module or ""
    package = MODULES[module].parent.relative_to(ROOT).parts
    base = package[: len(package) - node.level + 1]
    return ".".join((*base, node.module) if node.module else base)


def units_of(names: set[str]) -> set[str]:
    return {unit(module_of(name)) for name in names if name.startswith("rag.")}


@pytest.fixture(params=sorted(MODULES))
def module(request: pytest.FixtureRequest) -> tuple[str, ast.AST]:
    return request.param, ast.parse(MODULES[request.param].read_text(encoding="utf-8"))


def test_every_module_has_its_place() -> None:
    known = {"", *LAYERS, *VOCABULARY, *FACES, *TOP}
    strangers = sorted(name for name in MODULES if unit(name) not in known)
    assert not strangers, f"{strangers}: put them into a folder of LAYERS, or give the new folder its place there"
    for folder in (*LAYERS, *FACES):
        assert f"rag.{folder}" in MODULES, f"rag/{folder}/ has no __init__.py that says what it is for"


def allowed_for(name: str) -> set[str]:
    """The units that a unit may import."""
    if name in VOCABULARY:
        return set(VOCABULARY[: VOCABULARY.index(name) + 1])
    if name in LAYERS:
        return {*VOCABULARY, *LAYERS[: LAYERS.index(name) + 1]}
    below = {"", *VOCABULARY, *LAYERS}
    if name in TOP:
        return below | {name} | MAY_IMPORT_OF_TOP[name]
    # 'footnote serve' starts the page, 'footnote mcp' the server for assistants.
    # The API stands beside the page, behind its guards and with its roles.
    seen = {"cli": {"assistants", "ui", "api"}, "api": {"ui"}}
    faces = {"evaluation", name, *seen.get(name, ())}
    return below | set(TOP) | faces if name else set()


def test_imports_point_down(module: tuple[str, ast.AST]) -> None:
    """Imports within functions and for type checkers count as well: they too say what a module knows."""
    name, tree = module
    names = imported(tree, name, top_level=False, type_checking=True)
    assert not any(other == "app" or other.startswith("app.") for other in names), "nothing imports app.py"
    wrong = units_of(names) - allowed_for(unit(name)) - {""}
    assert not wrong, f"{name} may not import rag.{', rag.'.join(sorted(wrong))}"


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The groups of modules that need one another (Tarjan 1972), by way of ``graphlib``."""
    order = graphlib.TopologicalSorter(graph)
    try:
        order.prepare()
    except graphlib.CycleError as error:
        return [error.args[1]]
    return []


def test_no_module_needs_itself_by_way_of_others() -> None:
    graph: dict[str, set[str]] = {}
    for name, path in MODULES.items():
        names = imported(ast.parse(path.read_text(encoding="utf-8")), name, top_level=False)
        graph[name] = {module_of(other) for other in names if other.startswith("rag")} - {name, ""}
    assert not cycles(graph)


def module_of(name: str) -> str:
    """The module that a full name belongs to: itself, or that of which it is a part; a package is its __init__."""
    while name and name not in MODULES:
        name = name.rpartition(".")[0]
    return "" if name == "rag" else name


def test_heavy_packages_are_imported_when_first_used(module: tuple[str, ast.AST]) -> None:
    name, tree = module
    heavy = {other.split(".")[0] for other in imported(tree, name, top_level=True)} & HEAVY
    if name.startswith(MAY_SUBCLASS_LANGCHAIN):
        heavy -= {"langchain_core"}
    if name.startswith(MAY_IMPORT_MCP):
        heavy -= {"mcp"}
    assert not heavy, f"{name} imports {sorted(heavy)} at module level: import inside the function that uses it"


def test_type_checking_imports_are_the_only_exception() -> None:
    """The walker itself: what it must see, and what it must not."""
    source = """
import json
from rag.errors import FootnoteError
if TYPE_CHECKING:
    import torch
try:
    import chromadb
except ImportError:
    pass
class A:
    import gradio
    def f(self):
        import llama_cpp
"""
    tree = ast.parse(source)
    assert imported(tree, "rag.errors", top_level=True) == {"json", "rag.errors.FootnoteError", "chromadb", "gradio"}
    assert "llama_cpp" in imported(tree, "rag.errors", top_level=False)


def loaded_after(code: str) -> set[str]:
    """Names of the top-level modules that a fresh interpreter has loaded after ``code``."""
    script = f"{code}\nimport json, sys\nprint('\\n' + json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_loads_no_heavy_package() -> None:
    loaded = loaded_after("""
import rag.cli
try:
    rag.cli.main(["--help"])
except SystemExit as end:
    assert not end.code, end.code
""")
    assert "rag" in loaded
    assert not loaded & HEAVY


def test_importing_every_module_leaves_the_environment_alone(tmp_path: Path) -> None:
    """Nothing happens at import: no folder is made, no variable set, no heavy package loaded by the light ones."""
    late = ("rag.retrieval.retrievers", "rag.generation.generators", "rag.output.runnable", "rag.assistants", "rag.ui",
            "rag.api")  # fmt: skip
    names = [name for name in MODULES if not name.startswith(late) and not name.endswith("__main__")]
    code = f"""
import importlib, os
before = dict(os.environ)
os.chdir({str(tmp_path)!r})
for name in {names!r}:
    importlib.import_module(name)
assert dict(os.environ) == before, sorted(set(os.environ) ^ set(before))
assert os.listdir() == [], os.listdir()
"""
    assert not loaded_after(code) & HEAVY
