"""What several commands share: options, the pipeline of the settings, files of many questions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from rag.errors import FootnoteError

if TYPE_CHECKING:
    from rag.config import Settings
    from rag.datatypes import Answer, Paper
    from rag.library import ImportProgress
    from rag.pipeline import Pipeline

MAX_LINE_BYTES = 16 * 2**20  # of a batch file; a question has at most some thousand characters
_ROLES = ("user", "assistant")


class _Folder(click.Path):
    """A folder. An empty name is refused: it would mean the current folder, and most often is an unset variable."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("the name of the folder is empty.", param, ctx)
        return super().convert(value, param, ctx)


def library_option(command: Any) -> Any:
    """``--library DIR`` for a command."""
    return click.option(
        "--library",
        metavar="DIR",
        type=_Folder(path_type=Path),
        help="Folder of the library (default: $FOOTNOTE_LIBRARY, else the shipped abstracts).",
    )(command)


def model_options(command: Any) -> Any:
    """``--model``, ``--mode`` and ``--seed`` for a command that answers."""
    for option in (
        click.option("--seed", type=int, help="Seed of a model that draws lots (temperature above 0)."),
        click.option("--mode", type=click.Choice(["quote", "cite", "free"]), help="Quotes, cited text or free text."),
        click.option("--model", metavar="M", help="quote, smollm2, a registered name or a GGUF file (default: quote)."),
    ):
        command = option(command)
    return command


def open_pipeline(options: dict[str, Any]) -> Pipeline:
    """The pipeline of the settings; says on stderr what takes its time at first use."""
    from rag.config import load_settings
    from rag.factory import open_answerer

    settings = load_settings(**options)
    build_shipped(settings)
    return open_answerer(settings)


def build_shipped(settings: Settings) -> None:
    """Build the library of the shipped abstracts where it is meant and missing, and say so on stderr."""
    from rag.factory import prepare_library
    from rag.library import Library

    if not settings.is_shipped_library or Library.exists(settings.library_path):
        return
    click.echo("Building the library of the shipped abstracts; this happens once.", err=True)
    with progress_bar("abstracts") as bar:
        prepare_library(settings, advance(bar))


@contextmanager
def progress_bar(name: str, **options: Any) -> Iterator[Any]:
    """A ``tqdm`` bar on stderr; nothing is drawn where that is no terminal."""
    import sys

    from tqdm import tqdm

    with tqdm(desc=name, file=sys.stderr, disable=None, leave=False, **options) as bar:
        yield bar


def advance(bar: Any) -> Callable[[ImportProgress], None]:
    """Show the progress of an import on ``bar``."""

    def show(progress: ImportProgress) -> None:
        bar.set_postfix_str(f"{progress.read} papers, {progress.stage}")
        bar.refresh()

    return show


def nearest(pipeline: Pipeline, answer: Answer) -> dict[str, Paper]:
    """The papers that a refusal names, by id."""
    return pipeline.library.get_papers(answer.refusal.nearest) if answer.refusal is not None else {}


def one_or_batch(text: str | None, batch: Path | None, out: Path | None, name: str) -> None:
    """Raise :class:`click.UsageError` unless there is either one question or a batch with a place to write to."""
    if (text is None) == (batch is None):
        raise click.UsageError(f"Give either a {name} or --batch FILE with --out FILE.")
    if (batch is None) != (out is None):
        raise click.UsageError("--batch and --out go together.")
    if out is None or batch is None:
        return
    if not out.absolute().parent.is_dir():
        raise click.UsageError(f"The folder of --out {out} does not exist. Make it, or name another file.")
    if out.resolve() == batch.resolve():
        raise click.UsageError("--out must be another file than --batch.")


def batch_records(path: Path, text: str) -> list[dict[str, Any]]:
    """The records of a batch file: each with ``id`` and ``text`` (a key) as text, and ``history`` as a list of turns.

    All are read before the first is answered, so that a slip in the last line does not cost the run. Raises
    :class:`FootnoteError` naming file and line.
    """
    records = []
    with path.open("rb") as file:
        number = 0
        while raw := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(raw) > MAX_LINE_BYTES:
                raise FootnoteError(f"{path}:{number}: longer than {MAX_LINE_BYTES >> 20} MiB. Shorten the line.")
            raw = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
            if raw.strip():
                problem, record = _batch_record(raw, text)
                if problem:
                    raise FootnoteError(f"{path}:{number}: {problem}. Correct the line; nothing was answered yet.")
                records.append(record)
    if not records:
        raise FootnoteError(f'{path} holds no questions. Write one a line: {{"id": "1", "{text}": "…"}}')
    return records


def _batch_record(raw: bytes, text: str) -> tuple[str, dict[str, Any]]:
    """What is wrong with a line, and the record where nothing is."""
    try:
        record = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return "not UTF-8", {}
    except json.JSONDecodeError as error:
        return f"not JSON ({error.msg})", {}
    except (ValueError, RecursionError):
        return "not JSON that can be read", {}
    if not isinstance(record, dict) or not all(isinstance(record.get(key), str | int) for key in ("id", text)):
        return f"a record needs 'id' and '{text}', both text", {}
    turns = record.get("history") or []
    sound = isinstance(turns, list) and all(
        isinstance(turn, dict) and turn.get("role") in _ROLES and isinstance(turn.get("content"), str) for turn in turns
    )
    if not sound:
        return "'history' must be a list of turns with 'role' (user or assistant) and 'content'", {}
    return "", {"id": str(record["id"]), text: str(record[text]), "history": turns}


@contextmanager
def json_lines(path: Path) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A function that writes one record a line at once, so that a run that ends early leaves what it has done."""
    # A half surrogate, which UTF-8 cannot hold, becomes the escape that JSON has for it.
    with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
        yield lambda record: _write_line(file, record)


def _write_line(file: TextIO, record: dict[str, Any]) -> None:
    file.write(json.dumps(record, ensure_ascii=False) + "\n")
    file.flush()
