"""``footnote import`` and ``footnote export``: papers in and out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rag.cli.options import library_option
from rag.errors import ImportFileError, LibraryError, RecordError

if TYPE_CHECKING:
    from rag.datatypes import Paper
    from rag.library import ImportProgress

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
    """Add or update papers from FILEs; safe to repeat. The library is made where there is none."""
    from rag.config import load_settings
    from rag.encoders import PaperEncoder
    from rag.factory import embedder_id, prepare_library
    from rag.importers import FORMATS
    from rag.library import Library

    settings = load_settings(library=library, threads=threads)
    if format_ is not None and format_ not in FORMATS:
        raise click.BadParameter(
            f"'{format_}' is not a format; use one of {', '.join(FORMATS)}.", param_hint="--format"
        )
    if settings.is_shipped_library:
        prepare_library(settings)
    path = settings.library_path.expanduser().absolute()
    exists = Library.exists(path)
    opened = Library.open(path, embedder=embedder_id(), read_only=False) if exists else None
    # A library is made only once the first file has been seen to be readable, so that a slip of the pen leaves nothing.
    encoder = PaperEncoder(settings.threads)
    failed: list[str] = []
    try:
        for file in files:
            try:
                if opened is None:
                    _probe(file, format_)
                    opened = Library.create(path, embedder=embedder_id())
                _import_file(file, opened, encoder, format_, strict)
            except ImportFileError as error:
                if strict:
                    raise
                failed.append(str(error))
                click.echo(f"footnote: {error}", err=True)
    finally:
        if opened is not None:
            opened.close()
    if failed:
        raise click.exceptions.Exit(1)


def _probe(file: Path, format_: str | None) -> None:
    from rag.importers import detect_format

    if format_ is None or not file.is_file():
        detect_format(file)


def _import_file(file: Path, library: Any, encoder: Any, format_: str | None, strict: bool) -> None:
    from tqdm import tqdm

    from rag.importers import read_papers

    bad: list[RecordError] = []

    def note(error: RecordError) -> None:
        bad.append(error)
        if len(bad) <= _SHOWN:
            tqdm.write(f"skipped: {error}", file=sys.stderr)

    with tqdm(unit="B", unit_scale=True, desc=file.name, file=sys.stderr, disable=None, leave=False) as bar:

        def read(done: int, total: int) -> None:
            bar.total = total
            bar.n = done

        def advance(progress: ImportProgress) -> None:
            bar.set_postfix_str(f"{progress.read} papers, {progress.stage}")
            bar.refresh()

        report = library.add(
            read_papers(file, format_, on_error=None if strict else note, on_progress=read),
            encoder,
            on_progress=advance,
        )
    if len(bad) > _SHOWN:
        click.echo(f"skipped: {len(bad) - _SHOWN} more records", err=True)
    click.echo(
        f"{file}: {report.added} added, {report.updated} updated, {report.unchanged} unchanged, "
        f"{report.duplicates} duplicates merged, {len(bad)} skipped; the library holds {library.count} papers."
    )


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
    from rag import bibliography
    from rag.config import load_settings
    from rag.factory import open_library

    papers: list[Paper] = open_library(load_settings(library=library)).papers()
    if answers is not None:
        ids = _cited_ids(answers)
        papers = [p for p in papers if p.id in ids]
    writers = {
        "bibtex": bibliography.to_bibtex,
        "ris": bibliography.to_ris,
        "csl-json": bibliography.to_csl_json,
        "markdown": bibliography.to_markdown_list,
    }
    text = writers[format_](papers)
    if out is not None:
        out.write_text(text, encoding="utf-8")
    else:
        click.echo(text, nl=not text.endswith("\n"))
    click.echo(f"{len(papers)} papers", err=True)


def _cited_ids(answers: Path) -> set[str]:
    """Ids of the papers cited in one JSON answer or in lines of them."""
    text = answers.read_text(encoding="utf-8")
    try:
        records = [json.loads(text)]
    except json.JSONDecodeError:
        try:
            records = [json.loads(line) for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError as error:
            raise LibraryError(f"{answers} holds no answers ({error}). Give a file that 'ask --json' wrote.") from error
    if not all(isinstance(r, dict) and isinstance(r.get("citations"), list) for r in records):
        raise LibraryError(f"{answers} holds no answers. Give a file that 'ask --json' or 'ask --batch' wrote.")
    return {c["paper_id"] for r in records for c in r["citations"]}


COMMANDS = (import_, export)
