"""What several commands share: options, the pipeline of the settings, files of many questions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from rag.errors import FootnoteError

if TYPE_CHECKING:
    from rag.config import Settings
    from rag.datatypes import Answer, Paper
    from rag.library.library import ImportProgress
    from rag.pipeline import Pipeline
    from rag.questions.scope import Scope

    ScopeOf = Callable[[Pipeline], Scope | None]

MAX_LINE_BYTES = 16 * 2**20  # of a batch file; a question has at most some thousand characters
_ROLES = ("user", "assistant")
_YEAR = click.IntRange(1000, 2999)
_MOST_NAMED = 10  # venues or sources in a message


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
        click.option(
            "--model", metavar="M", help="writer (the default), quote, smollm2, a registered name or a GGUF file."
        ),
    ):
        command = option(command)
    return command


def scope_options(command: Any) -> Any:
    """``--since``, ``--until``, ``--venue``, ``--source`` and ``--paper`` for a command that searches."""
    for option in (
        click.option("--paper", "papers", metavar="ID", multiple=True, help="Use this paper only; may be repeated."),
        click.option("--source", "sources", metavar="S", multiple=True, help="Use papers of this import file only."),
        click.option("--venue", "venues", metavar="V", multiple=True, help="Use papers of this venue only."),
        click.option("--until", type=_YEAR, metavar="YEAR", help="Use papers of this year or earlier."),
        click.option("--since", type=_YEAR, metavar="YEAR", help="Use papers of this year or later."),
    ):
        command = option(command)
    return command


def scope_of(options: dict[str, Any]) -> tuple[dict[str, Any], ScopeOf]:
    """The other options, and a function that makes the scope of the options above once the library is open."""
    names = ("since", "until", "venues", "sources", "papers")
    chosen = {name: options[name] for name in names}
    since, until = chosen["since"], chosen["until"]
    if since is not None and until is not None and since > until:
        raise click.UsageError(f"--since {since} is later than --until {until}.")
    rest = {name: value for name, value in options.items() if name not in names}
    return rest, lambda pipeline: _scope(chosen, pipeline)


def _scope(chosen: dict[str, Any], pipeline: Pipeline) -> Scope | None:
    """None for all papers. Raises :class:`FootnoteError` for a venue, source or paper that is not in the library."""
    from rag.questions.scope import Scope
    from rag.questions.venues import VenueNames

    if all(value in (None, ()) for value in chosen.values()):
        return None
    labels = pipeline.library.labels()
    venues, names = [], VenueNames({one.venue for one in labels if one.venue})
    for name in chosen["venues"]:
        found = names.resolve(name)
        if not found:
            raise FootnoteError(f"No paper of this library appeared in '{name}'. {_some({o.venue for o in labels})}")
        venues += found
    all_sources, ids = {one.source for one in labels}, {one.id for one in labels}
    sources: list[str] = []
    for name in chosen["sources"]:
        found = sorted(one for one in all_sources if name in (one, one.partition(":")[2]))  # 'bibtex:refs.bib'
        if not found:
            raise FootnoteError(f"No paper of this library comes from '{name}'. {_some(all_sources)}")
        sources += found
    for name in chosen["papers"]:
        if name not in ids:
            raise FootnoteError(f"There is no paper with the id '{name}' in this library. 'footnote search' shows ids.")
    return Scope(chosen["since"], chosen["until"], _once(venues), _once(sources), _once(chosen["papers"]))


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _some(names: set[str]) -> str:
    """'It has: a, b, c and 4 more.'"""
    known = sorted(name for name in names if name)
    more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
    return f"It has: {', '.join(known[:_MOST_NAMED])}{more}." if known else "Its records name none."


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
    from rag.library.library import Library

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
