"""An environment of its own for each program, under ``build/peers/environments``; the project's stays as it is.

``requirements/NAME.txt`` pins everything in it. An environment is made once, and anew where its file has changed.
"""

from __future__ import annotations

import hashlib
import shutil
import site
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "requirements"


class CannotInstall(RuntimeError):
    """A program that could not be installed; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Environment:
    """``name`` is that of its file of requirements. ``python`` is the oldest that the program runs on.

    With ``over_project`` it sees the project's packages too, and only what is missing there is installed: the model's
    server is then the very llama.cpp that Footnote runs.
    """

    name: str
    python: tuple[int, int] = (3, 11)
    over_project: bool = False


SERVER = Environment("server", over_project=True)
PAPERQA = Environment("paperqa")
HAIKU = Environment("haiku", (3, 12))


def made(environment: Environment, folder: Path, newer: Path | None = None) -> Path:
    """The interpreter of ``environment`` in ``folder``. Needs a network where it is not there yet.

    ``newer`` is an interpreter for a program that the running one is too old for; without it the path is searched.

    Raises :class:`CannotInstall`.
    """
    place = folder / environment.name
    requirements = REQUIREMENTS / f"{environment.name}.txt"
    stamp = place / f".installed-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]}"
    python = place / "bin" / "python"
    if not stamp.exists():
        shutil.rmtree(place, ignore_errors=True)
        _run([_interpreter(environment, newer), "-m", "venv", str(place)], environment)
        if environment.over_project:
            _see_project(place)
        _run([str(python), "-m", "pip", "install", "--quiet", "-r", str(requirements)], environment)
        stamp.touch()
    return python


def _interpreter(environment: Environment, newer: Path | None) -> str:
    """An interpreter that is new enough: this one, else ``newer``, else the first on the path that runs."""
    if sys.version_info[:2] >= environment.python:
        return sys.executable
    if newer is not None:
        return str(newer)
    tried = [f"python3.{minor}" for minor in range(environment.python[1], environment.python[1] + 3)]
    for name in tried:
        found = shutil.which(name)
        if found and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0:
            return found
    raise CannotInstall(
        f"{environment.name} needs Python {environment.python[0]}.{environment.python[1]} or newer, and none of "
        f"{', '.join(tried)} is on the path. Name one with --python."
    )


def _see_project(place: Path) -> None:
    own = next(place.glob("lib/python*/site-packages"))
    (own / "project.pth").write_text("\n".join(_project_packages()) + "\n", encoding="utf-8")


def _project_packages() -> list[str]:
    """Where the packages of the running interpreter lie, those of its own ``.pth`` files included."""
    return [path for path in sys.path if path.endswith("site-packages")] or site.getsitepackages()


def _run(command: list[str], environment: Environment) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotInstall(f"{environment.name} could not be installed: {' '.join(command)}\n{done.stderr[-2000:]}")
