"""The import rules: imports point down, steps do not know each other, heavy packages wait until they are used."""

from __future__ import annotations

import ast
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
        "onnxruntime",
        "sentence_transformers",
        "sklearn",
        "torch",
        "transformers",
    }
)
# langchain_core may be imported where its classes are subclassed; these modules are imported late themselves.
MAY_SUBCLASS_LANGCHAIN = ("rag.retrieval.retrievers.", "rag.generation.generators.llama", "rag.output.runnable")

# The vocabulary and pure helpers: these every module may import, and they import only one another.
FOUNDATION = frozenset({"datatypes", "errors", "identity", "offline", "plaintext", "scope", "words"})
# The steps, in the order of the flow. A module counts by its first name: library_storage belongs to no step.
STEPS = frozenset(
    {
        "importers",
        "chunking",
        "encoders",
        "library",
        "retrievers",
        "evidence",
        "prompting",
        "generators",
        "citations",
        "support",
    }
)
COMPOSITION = frozenset({"factory", "pipeline", "cli", "ui", "evaluation"})
MAY_SEE_SETTINGS = frozenset({"factory", "cli", "ui", "config", "evaluation"})


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


def imported(tree: ast.AST, module: str, *, top_level: bool) -> set[str]:
    """Full names of what is imported; with ``top_level`` only what runs when the module is imported."""
    found: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        for node in ast.iter_child_nodes(waiting.pop()):
            if is_type_checking(node):
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
    return {unit(name) for name in names if name.startswith("rag.")}


@pytest.fixture(params=sorted(MODULES))
def module(request: pytest.FixtureRequest) -> tuple[str, ast.AST]:
    return request.param, ast.parse(MODULES[request.param].read_text(encoding="utf-8"))


def test_steps_do_not_import_each_other(module: tuple[str, ast.AST]) -> None:
    name, tree = module
    if unit(name) in STEPS:
        others = units_of(imported(tree, name, top_level=False)) & (STEPS - {unit(name)})
        assert not others, f"{name} is a step and imports the steps {sorted(others)}: pass values through the pipeline"


def test_imports_point_down(module: tuple[str, ast.AST]) -> None:
    name, tree = module
    names = imported(tree, name, top_level=False)
    assert not any(other == "app" or other.startswith("app.") for other in names), "nothing imports app.py"
    if unit(name) not in COMPOSITION:
        upwards = units_of(names) & COMPOSITION
        assert not upwards, f"{name} imports {sorted(upwards)}, which stand above it"
    if unit(name) in FOUNDATION:
        other = units_of(names) - FOUNDATION
        assert not other, f"{name} belongs to the vocabulary and imports {sorted(other)}"


def test_settings_stop_at_the_factory(module: tuple[str, ast.AST]) -> None:
    name, tree = module
    if unit(name) not in MAY_SEE_SETTINGS:
        names = imported(tree, name, top_level=False)
        assert "config" not in units_of(names), f"{name} imports rag.config: let factory.py pass plain values"


def test_heavy_packages_are_imported_when_first_used(module: tuple[str, ast.AST]) -> None:
    name, tree = module
    heavy = {other.split(".")[0] for other in imported(tree, name, top_level=True)} & HEAVY
    if name.startswith(MAY_SUBCLASS_LANGCHAIN):
        heavy -= {"langchain_core"}
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
    late = ("rag.retrieval.retrievers", "rag.generation.generators", "rag.output.runnable", "rag.ui")
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
