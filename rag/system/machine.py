"""The computer and the commit that measured figures belong to."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "bm25s", "chromadb", "ir-measures", "langchain-core", "langchain-huggingface", "llama-cpp-python",
    "sentence-transformers", "torch",
)  # fmt: skip


def machine(packages: Sequence[str] = PACKAGES) -> dict[str, Any]:
    """System, processor, cores, memory in GB (10^9 bytes), load of the last minute, versions of ``packages``."""
    import psutil

    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load": round(psutil.getloadavg()[0], 2),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in packages},
    }


def commit() -> str:
    """The short hash of the commit, with ``-changed`` where tracked files differ; ``unknown`` outside of a checkout."""
    name = _git("rev-parse", "--short=10", "HEAD")
    if not name:
        return "unknown"
    return f"{name}-changed" if _git("status", "--porcelain", "--untracked-files=no") else name


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
