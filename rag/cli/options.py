"""Options that several commands share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import click

from rag.errors import FootnoteError


def library_option(command: Any) -> Any:
    """``--library DIR`` for a command."""
    return click.option(
        "--library",
        type=click.Path(path_type=Path),
        help="Folder of the library (default: $FOOTNOTE_LIBRARY, else the shipped abstracts).",
    )(command)


def model_options(command: Any) -> Any:
    """``--model``, ``--mode`` and ``--seed`` for a command that answers."""
    for option in (
        click.option("--seed", type=int, help="Seed of a model that draws lots (temperature above 0)."),
        click.option("--mode", type=click.Choice(["quote", "cite", "free"]), help="How closely the answer is held."),
        click.option("--model", metavar="M", help="quote, smollm2, a registered name or a GGUF file (default: quote)."),
    ):
        command = option(command)
    return command


def batch_lines(path: Path, keys: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The records of a batch file, each checked to hold ``keys`` as text.

    Raises :class:`FootnoteError` naming file and line.
    """
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except json.JSONDecodeError as error:
                raise FootnoteError(f"{path}:{number}: not JSON ({error.msg}). Correct the line.") from error
            if not isinstance(record, dict) or not all(isinstance(record.get(k), str | int) for k in keys):
                raise FootnoteError(f"{path}:{number}: a record needs {' and '.join(keys)}. Correct the line.")
            yield record


def write_json_line(out: TextIO, record: dict[str, Any]) -> None:
    """One record, written at once, so that a run that ends early leaves what it has done."""
    out.write(json.dumps(record, ensure_ascii=False) + "\n")
    out.flush()
