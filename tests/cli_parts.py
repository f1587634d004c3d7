"""How the tests call the command line: in this process where speed matters, as a program where that is the point."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from rag.cli import main

COMMAND = str(Path(sys.executable).parent / "footnote")


def footnote(
    *arguments: object,
    code: int | Sequence[int] = 0,
    home: Path | None = None,
    input: str | bytes | None = None,
    **variables: str,
) -> Result:
    """Run a command in this process; its exit code must be ``code``, and it must not have failed unexpectedly."""
    environment = {**variables, **({"FOOTNOTE_HOME": str(home)} if home is not None else {})}
    # Colours and widths aside this is the program: the same parsing, the same edge that catches errors.
    result = CliRunner().invoke(main, [str(a) for a in arguments], env=environment, input=input)
    said = f"footnote {' '.join(map(str, arguments))[:200]}\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
    assert result.exit_code in ([code] if isinstance(code, int) else code), said
    assert "Traceback" not in result.output and "unexpected" not in result.stderr, said
    assert result.exception is None or isinstance(result.exception, SystemExit), said
    return result


def program(
    *arguments: object, home: Path, code: int | Sequence[int] = 0, prefix: Sequence[str] = (), **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the installed command as a process of its own."""
    done = subprocess.run(
        [*prefix, COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        env={**os.environ, "FOOTNOTE_HOME": str(home), **variables},
        check=False,
    )
    assert done.returncode in ([code] if isinstance(code, int) else code), f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return done


def json_lines(path: Path) -> list[dict[str, Any]]:
    """The records of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_lines(path: Path, *records: object) -> Path:
    """JSON lines from records; text as it is."""
    lines = [record if isinstance(record, str) else json.dumps(record, ensure_ascii=False) for record in records]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


# For libraries of a few papers, where what counts is the command and not the judgement of the evidence.
WILLING = {"FOOTNOTE_REFUSE": "no"}
MOTHS = {
    "id": "moth",
    "title": "Counting moths with microphones",
    "abstract": "We present MothEar, an array of 12 microphones. It finds 93% of the moths in a garden at night. "
    "It needs 2 W of power.",
    "year": 2021,
    "authors": ["Ada Moth", "Ben Lamp"],
    "doi": "10.1234/moth",
}
SNOW = {
    "id": "snow",
    "title": "Snow depth from radar altimetry",
    "abstract": "Snow depth is hard to see from space. Our radar measures it with an error of 12 cm over the Alps.",
    "year": 2019,
}
