"""``footnote import`` and ``footnote export``: papers in and out."""

from __future__ import annotations

import json
import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rag.cli.options import advance, build_shipped, library_option, progress_bar
from rag.errors import FootnoteError, ImportFileError, RecordError
from rag.papers.bibliography import one_line

if TYPE_CHECKING:
    from rag.datatypes import Paper
    from rag.encoding.paper_encoder import PaperEncoder
    from rag.library.library import ImportReport, Library

_SHOWN = 20  # bad records and merged duplicates that are named one by one


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@library_option
@click.option(
    "--format",
    "format_",
    metavar="F",
    help="jsonl, arxiv, csv, tsv, bibtex, ris or listing (default: found from the content).",
)
@click.option("--strict", is_flag=True, help="Stop at the first bad record instead of skipping it.")
@click.option("--threads", type=int, help="Threads for the embedding (default: the cores that are free).")
def import_(
    files: tuple[Path, ...], library: Path | None, format_: str | None, strict: bool, threads: int | None
) -> None:
    """Add or update papers from FILEs; safe to repeat. The library is made where there is none.

    A record that cannot be used is named on stderr with file and line and costs no other. A file that cannot be read
    costs no other either, and makes the exit code 1.
    """
    from rag.config import load_settings
    from rag.encoding.paper_encoder import PaperEncoder
    from rag.papers.importers import FORMATS

    settings = load_settings(library=library, threads=threads)
    if format_ is not None and format_ not in FORMATS:
        raise click.BadParameter(
            f"'{format_}' is not a format; use one of {', '.join(FORMATS)}.", param_hint="--format"
        )
    build_shipped(settings)
    target = _Target(settings.library_path.expanduser().absolute())
    encoder = PaperEncoder(settings.threads)
    failed = False
    try:
        for file in files:
            try:
                _import_file(file, target, encoder, format_, strict)
            except RecordError:
                click.echo("Stopped at the first bad record, as --strict asks. What came before it is kept.", err=True)
                raise
            except ImportFileError as error:
                if strict:
                    raise
                failed = True
                click.echo(f"footnote: {one_line(str(error))}", err=True)
    finally:
        target.close()
    if failed:
        raise click.exceptions.Exit(1)


class _Target:
    """The library that is imported into: opened at once, or made when the first paper has been read.

    So a slip of the pen leaves no empty library behind.
    """

    def __init__(self, path: Path) -> None:
        from rag.factory import embedder_id
        from rag.library.library import Library

        self._path, self._embedder = path, embedder_id()
        exists = Library.exists(path)
        self._library = Library.open(path, embedder=self._embedder, read_only=False) if exists else None

    def library(self) -> Library:
        from rag.library.library import Library

        if self._library is None:
            self._library = Library.create(self._path, embedder=self._embedder)
        return self._library

    def close(self) -> None:
        if self._library is not None:
            self._library.close()


def _import_file(file: Path, target: _Target, encoder: PaperEncoder, format_: str | None, strict: bool) -> None:
    from tqdm import tqdm

    from rag.papers.importers import read_papers

    bad = 0

    def note(error: RecordError) -> None:
        nonlocal bad
        bad += 1
        if bad <= _SHOWN:
            tqdm.write(f"skipped: {one_line(str(error))}", file=sys.stderr)

    with progress_bar(file.name, unit="B", unit_scale=True) as bar:

        def read(done: int, total: int) -> None:
            bar.total = total
            bar.n = done

        papers = read_papers(file, format_, on_error=None if strict else note, on_progress=read)
        first = next(papers, None)
        if first is None:
            raise ImportFileError(
                f"{file} holds no paper that can be used. If its format is wrong, name it: --format F"
            )
        library = target.library()
        report = library.add(chain([first], papers), encoder, on_progress=advance(bar))
    if bad > _SHOWN:
        click.echo(f"skipped: {bad - _SHOWN} more records", err=True)
    _name_merged(report)
    click.echo(
        f"{file}: {report.added} added, {report.updated} updated, {report.unchanged} unchanged, "
        f"{report.duplicates} duplicates merged, {bad} skipped; the library holds {library.count} papers."
    )


def _name_merged(report: ImportReport) -> None:
    for record_id, reason in report.merged[:_SHOWN]:
        click.echo(f"merged: {one_line(record_id)}, {one_line(reason)}", err=True)
    if len(report.merged) > _SHOWN:
        click.echo(f"merged: {len(report.merged) - _SHOWN} more records", err=True)


@click.command()
@library_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(["bibtex", "ris", "csl-json", "markdown"]),
    default="bibtex",
    show_default=True,
    help="Of what is written.",
)
@click.option(
    "--answers",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Only the papers cited in this output of 'ask --json' or 'ask --batch'.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write here instead of to stdout.")
def export(library: Path | None, format_: str, answers: Path | None, out: Path | None) -> None:
    """Write the papers of the library, or those that answers cited, as a bibliography."""
    from rag.config import load_settings
    from rag.factory import open_library
    from rag.papers import bibliography

    ids = None if answers is None else _cited_ids(answers)
    settings = load_settings(library=library)
    build_shipped(settings)
    papers: list[Paper] = open_library(settings).papers()
    if ids is not None:
        missing = ids - {paper.id for paper in papers}
        papers = [paper for paper in papers if paper.id in ids]
        if missing:
            click.echo(
                f"{len(missing)} cited papers are not in this library ({one_line(min(missing))} …). "
                "Name the library that gave the answers with --library.",
                err=True,
            )
    text = bibliography.FORMATS[format_](papers)
    if out is not None:
        out.write_text(text, encoding="utf-8", errors="backslashreplace")
    else:
        click.echo(text, nl=not text.endswith("\n"))
    click.echo(f"{len(papers)} papers", err=True)


def _cited_ids(answers: Path) -> set[str]:
    """Ids of the papers cited in one JSON answer or in lines of them."""
    remedy = "Give a file that 'ask --json' or 'ask --batch' wrote."
    try:
        text = answers.read_text(encoding="utf-8-sig")
        try:
            records = [json.loads(text)]
        except json.JSONDecodeError:
            records = [json.loads(line) for line in text.splitlines() if line.strip()]
        return {str(citation["paper_id"]) for record in records for citation in record["citations"]}
    except (ValueError, RecursionError) as error:
        raise FootnoteError(f"{answers} holds no answers ({one_line(str(error))}). {remedy}") from error
    except (TypeError, KeyError) as error:
        raise FootnoteError(f"{answers} holds no answers (it has no citations). {remedy}") from error


COMMANDS = (import_, export)
