"""Files of many questions: ``--batch FILE --out FILE``, JSON lines in and out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import click

from rag.cli.printing import say
from rag.errors import FootnoteError
from rag.text.unseen import escaped_json

MAX_LINE_BYTES = 16 * 2**20  # a question has at most some thousand characters
IN_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
OUT_FILE = click.Path(path_type=Path, dir_okay=False)
_ROLES = ("user", "assistant")


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


def batch_records(path: Path, text: str, more: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The records of a batch file: each with ``id`` and ``text`` (a key) as text, and ``history`` as a list of turns.

    The keys ``more`` may be there or not; what they hold is text, empty where they are missing.

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
                problem, record = _batch_record(raw, text, more)
                if problem:
                    raise FootnoteError(f"{path}:{number}: {problem}. Correct the line; nothing was answered yet.")
                records.append(record)
    if not records:
        raise FootnoteError(f'{path} holds no questions. Write one a line: {{"id": "1", "{text}": "…"}}')
    return records


def _batch_record(raw: bytes, text: str, more: Sequence[str]) -> tuple[str, dict[str, Any]]:
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
    odd = next((key for key in more if not isinstance(record.get(key), str | int | None)), None)
    if odd is not None:
        return f"'{odd}' must be text", {}
    known = {key: str(record[key]) if record.get(key) is not None else "" for key in more}
    return "", {"id": str(record["id"]), text: str(record[text]), "history": turns} | known


@contextmanager
def json_lines(path: Path) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A function that writes one record a line at once, so that a run that ends early leaves what it has done."""
    # A half surrogate, which UTF-8 cannot hold, becomes the escape that JSON has for it.
    with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
        yield lambda record: _write_line(file, record)


def _write_line(file: TextIO, record: dict[str, Any]) -> None:
    file.write(escaped_json(json.dumps(record, ensure_ascii=False)) + "\n")
    file.flush()


def end_batch(count: int, failed: int, out: Path) -> None:
    """Say on stderr what was written. Ends with exit code 1 where a line has an error."""
    say(f"{count} lines in {out}{f', {failed} of them with an error' if failed else ''}", err=True)
    if failed:
        raise click.exceptions.Exit(1)
