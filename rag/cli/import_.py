"""``footnote import``: papers from files into a library."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rag.cli.options import library_option
from rag.cli.printing import say
from rag.cli.shared import advance, build_shipped, progress_bar
from rag.errors import ImportFileError, RecordError

if TYPE_CHECKING:
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
    help="json, jsonl, arxiv, csv, tsv, bibtex, ris, nbib, pubmed-xml, pubmed-text, wos, wos-tab, refworks, enw, "
    "endnote-xml, zotero-rdf, mods, dublin-core or listing (default: found from the content).",
)
@click.option("--strict", is_flag=True, help="Stop at the first bad record instead of skipping it.")
@click.option("--threads", type=int, help="Threads for the embedding (default: the cores that are free).")
def import_(
    files: tuple[Path, ...], library: Path | None, format_: str | None, strict: bool, threads: int | None
) -> None:
    """Add or update papers from FILEs; safe to repeat. The library is made where there is none.

    Excel workbooks, PDFs and ZIP archives of such files are opened; of a folder all files in it are imported.

    A record that cannot be used is named on stderr with file and line and costs no other. A file that cannot be read
    costs no other either, and makes the exit code 1.
    """
    from rag.config import load_settings
    from rag.encoding.paper_encoder import PaperEncoder
    from rag.papers.bibliography import one_line
    from rag.papers.importers import FORMATS

    settings = load_settings(library=library, threads=threads)
    if format_ is not None and format_ not in FORMATS:
        raise click.BadParameter(
            f"'{format_}' is not a format; use one of {', '.join(FORMATS)}.", param_hint="--format"
        )
    build_shipped(settings)
    target = ImportTarget(settings.library_path.expanduser().absolute())
    encoder = PaperEncoder(settings.threads)
    failed = False
    try:
        for file in _files(files):
            try:
                import_file(file, target, encoder, format_, strict)
            except RecordError:
                say("Stopped at the first bad record, as --strict asks. What came before it is kept.", err=True)
                raise
            except ImportFileError as error:
                if strict:
                    raise
                failed = True
                say(f"footnote: {one_line(str(error))}", err=True)
    finally:
        target.close()
    if failed:
        raise click.exceptions.Exit(1)


def _files(named: tuple[Path, ...]) -> Iterator[Path]:
    """The files that were named, and in place of a folder those in it and below, hidden ones left out, by name."""
    for path in named:
        if path.is_dir():
            inside = sorted(path.rglob("*"))
            yield from (
                one
                for one in inside
                if one.is_file() and not any(part.startswith(".") for part in one.relative_to(path).parts)
            )
        else:
            yield path


class ImportTarget:
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


def import_file(file: Path, target: ImportTarget, encoder: PaperEncoder, format_: str | None, strict: bool) -> None:
    from tqdm import tqdm

    from rag.papers.bibliography import one_line
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
        say(f"skipped: {bad - _SHOWN} more records", err=True)
    _name_merged(report)
    if report.duplicates:
        say(f"merged: {report.duplicates:,} records; 'footnote merges' lists them, and undoes mistakes.", err=True)
    say(
        f"{one_line(str(file))}: {report.added} added, {report.updated} updated, {report.unchanged} unchanged, "
        f"{report.duplicates} duplicates merged, {bad} skipped; the library holds {library.count} papers."
    )


def _name_merged(report: ImportReport) -> None:
    from rag.papers.bibliography import one_line

    for record_id, reason in report.merged[:_SHOWN]:
        say(f"merged: {one_line(record_id)}, {one_line(reason)}", err=True)
    if len(report.merged) > _SHOWN:
        say(f"merged: {len(report.merged) - _SHOWN} more records", err=True)
