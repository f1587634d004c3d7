"""Says what a machine lacks for the first installation, one sentence each, before anything is installed.

    python3 scripts/preflight.py                    Python, venv, SQLite, compilers, disk space
    .venv/bin/python scripts/preflight.py --index   the same as far as it still matters, and the package index
                                                    that pip is configured with

Exit code 0 when nothing is missing, else 1. It imports the standard library only and is written for
Python 3.6, so that it can tell an old Python that it is too old.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OLDEST = (3, 11)
GB = 1e9
# Measured: the environment takes 2.5 GB; unpacking torch and compiling llama.cpp take 1.2 GB for a while.
INSTALLED_GB = 3.0
TEMPORARY_GB = 1.5
# What torch drags in on Linux where the index offers its CUDA build only.
CUDA_GB = 7.0
ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "constraints.txt"
CXX = ("c++", "g++", "clang++")
CC = ("cc", "gcc", "clang")


def check_python(version, maxsize):
    """Sentences about the interpreter: ``version`` like sys.version_info, ``maxsize`` like sys.maxsize."""
    if tuple(version[:2]) < OLDEST:
        first = "remove .venv, " if sys.prefix != sys.base_prefix else ""
        return [
            f"Python {version[0]}.{version[1]} is too old: {first}"
            "install Python 3.11 or newer, then run 'make PYTHON=python3.11 run'."
        ]
    if maxsize <= 2**32:
        return ["This Python is a 32-bit build, for which there is no torch: install a 64-bit Python 3.11 or newer."]
    return []


def check_venv(find_spec=importlib.util.find_spec):
    """Debian and Ubuntu ship Python without these two."""
    missing = [name for name in ("venv", "ensurepip") if find_spec(name) is None]
    if not missing:
        return []
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    return [
        f"This Python has no module {' and no module '.join(missing)}: "
        f"install it (Debian, Ubuntu: 'apt-get install {package}') and repeat."
    ]


def check_sqlite(connect=None):
    """The library and the kept conversations are searched with SQLite's full-text index, which a Python may lack."""
    try:
        import sqlite3
    except ImportError:
        return ["This Python has no module sqlite3: install another Python 3.11 or newer and repeat."]
    connection = (connect or sqlite3.connect)(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE words USING fts5 (text)")
    except sqlite3.OperationalError:
        return [
            f"This Python's SQLite {sqlite3.sqlite_version} was built without FTS5, which searches the papers: "
            "use another Python, for example with 'rm -rf .venv; make PYTHON=python3.12 run'."
        ]
    finally:
        connection.close()
    return []


def check_compilers(environ=os.environ):
    """llama-cpp-python is compiled by pip; macOS has a ``c++`` that only says that there is none, so run it."""
    missing = []
    for language, variable, names in (("C++", "CXX", CXX), ("C", "CC", CC)):
        candidates = [environ[variable]] if environ.get(variable) else list(names)
        if not any(works(name, environ) for name in candidates):
            missing.append(language)
    if not missing:
        return []
    return [
        f"No {' and no '.join(missing)} compiler was found, and llama.cpp is compiled once: "
        "install one (Debian, Ubuntu: 'apt-get install g++'; macOS: 'xcode-select --install') and repeat."
    ]


def works(command, environ=os.environ):
    """Whether ``command --version`` runs."""
    path = shutil.which(command.split()[0], path=environ.get("PATH"))
    if path is None:
        return False
    try:
        return (
            subprocess.call([path, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20) == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def check_space(folder, temporary, installed_gb=INSTALLED_GB, disk_usage=shutil.disk_usage):
    """Room for the environment in ``folder`` and for unpacking in ``temporary``, added up where they share a disk."""
    same = Path(folder).stat().st_dev == Path(temporary).stat().st_dev
    needs = [(folder, installed_gb + (TEMPORARY_GB if same else 0))]
    if not same:
        needs.append((temporary, TEMPORARY_GB))
    missing = []
    for where, gigabytes in needs:
        free = disk_usage(str(where)).free / GB
        if free < gigabytes:
            instead = "" if where == folder else ", or set TMPDIR to a folder with more,"
            missing.append(
                f"{where} has {free:.1f} GB free and the installation needs {gigabytes:.1f} GB: "
                f"free some space{instead} and repeat."
            )
    return missing


def pinned(name, path=CONSTRAINTS):
    """The requirement ``name==version`` of the constraints file."""
    with path.open() as lines:
        for line in lines:
            if line.lower().startswith(name.lower() + "=="):
                return line.strip()
    raise SystemExit(f"{path} does not pin {name}: run 'make constraints'.")


def ask_index(requirement, run=subprocess.run):
    """What pip would install for ``requirement``: its report, or None where it finds nothing. Installs nothing."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet"]
        command += ["--retries", "1", "--timeout", "20", "--report", str(report), requirement]
        done = run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if done.returncode != 0:
            return None
        return json.loads(report.read_text(encoding="utf-8"))["install"][0]


def check_index(ask=ask_index, folder=ROOT):
    """Whether the index can be reached, has torch for this Python, and which build of it."""
    if ask(pinned("rispy")) is None:
        return [
            "The package index cannot be reached, and the first installation needs it: connect this computer to the "
            "network (or point pip to a mirror: 'pip config list' shows what it uses) and repeat."
        ]
    torch = ask(pinned("torch"))
    if torch is None:
        return [
            f"There is no {pinned('torch')} for Python {sys.version_info[0]}.{sys.version_info[1]} on this machine: "
            "use another Python from 3.11 to 3.13, for example with 'rm -rf .venv; make PYTHON=python3.12 run'."
        ]
    if any(name.startswith("nvidia-") for name in torch["metadata"].get("requires_dist", []) if "extra ==" not in name):
        return check_space(folder, tempfile.gettempdir(), installed_gb=INSTALLED_GB + CUDA_GB)
    return []


def installed(package):
    """Whether the package is in the environment of this interpreter, found without importing it."""
    return importlib.util.find_spec(package) is not None


def main(arguments):
    """Print what is missing on stderr and return the exit code."""
    missing = check_python(sys.version_info, sys.maxsize)
    if not missing:
        if "--index" not in arguments:
            missing += check_venv()
        missing += check_sqlite()
        if not installed("llama_cpp"):
            missing += check_compilers()
        if not installed("torch"):
            missing += check_space(ROOT, tempfile.gettempdir())
        if not missing and "--index" in arguments:
            missing += check_index()
    for sentence in missing:
        sys.stderr.write(sentence + "\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
