"""``footnote import``: papers from files into a library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rag.cli.importing import ImportTarget, import_file, target_of
from rag.cli.options import library_option
from rag.cli.printing import say
from rag.cli.shared import build_shipped
from rag.errors import ImportFileError, RecordError

if TYPE_CHECKING:
    from rag.config import Settings
    from rag.encoding.paper_encoder import PaperEncoder


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
@click.option("--wait", is_flag=True, help="Wait for the vectors of all papers, however many there are.")
@click.option("--threads", type=int, help="Threads for the embedding (default: the cores that are free).")
def import_(
    files: tuple[Path, ...], library: Path | None, format_: str | None, strict: bool, wait: bool, threads: int | None
) -> None:
    """Add or update papers from FILEs; safe to repeat. The library is made where there is none.

    Excel workbooks, PDFs and ZIP archives of such files are opened; of a folder all files in it are imported.

    A record that cannot be used is named on stderr with file and line and costs no other. A file that cannot be read
    costs no other either, and makes the exit code 1.

    Of a file with more than 500 papers, records and words are stored first, thousands a second: the library can be
    asked then. Vectors follow in the background, unless --wait says to wait for them; 'footnote vectors' has more.
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
    target = target_of(settings, later=True)
    encoder = PaperEncoder(settings.threads)
    failed, stopped = False, None
    try:
        failed = _import_files(files, target, encoder, format_, strict)
    except (RecordError, ImportFileError) as error:
        stopped = error
    finally:
        missing = target.close()
    if missing:
        _go_on(target.path, settings, missing, wait)
    if stopped is not None:
        raise stopped
    if failed:
        raise click.exceptions.Exit(1)


def _import_files(
    files: tuple[Path, ...], target: ImportTarget, encoder: PaperEncoder, format_: str | None, strict: bool
) -> bool:
    """Whether a file could not be read; with ``strict`` that and a bad record are raised."""
    from rag.papers.bibliography import one_line

    failed = False
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
    return failed


def _go_on(path: Path, settings: Settings, missing: int, wait: bool) -> None:
    """See to the vectors of the papers that were stored without."""
    from rag.cli.vectors import compute, start_in_background

    say(f"The library can be asked now: {missing:,} papers are found by their words until they have vectors.", err=True)
    if wait:
        compute(path, settings)
    else:
        start_in_background(path, settings)


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
