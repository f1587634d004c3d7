"""``footnote import``: papers from files into a library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from rag.cli.importing import import_file, target_of
from rag.cli.options import library_option
from rag.cli.printing import say
from rag.cli.shared import build_shipped
from rag.errors import ImportFileError, RecordError


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
    target = target_of(settings)
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
