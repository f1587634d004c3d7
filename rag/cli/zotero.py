"""``footnote zotero``: the papers of Zotero into a library, without an export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rag.cli.import_ import ImportTarget
from rag.cli.options import library_option
from rag.cli.printing import say
from rag.cli.shared import advance, build_shipped, progress_bar
from rag.errors import ImportFileError, RecordError
from rag.text.unseen import one_line

if TYPE_CHECKING:
    from rag.config import Settings
    from rag.library.zotero_sync import Changes

_SHOWN = 20  # items that are named one by one


@click.command()
@library_option
@click.option("--data-dir", type=click.Path(path_type=Path), help="The folder of Zotero's data (default: found).")
@click.option("--api", metavar="URL", help="Ask the running Zotero (7 or later), as in http://localhost:23119.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--delete-removed", is_flag=True, help="Delete papers that were deleted in Zotero from the library too.")
@click.option("--threads", type=int, help="Threads for the embedding (default: the cores that are free).")
def zotero(
    library: Path | None,
    data_dir: Path | None,
    api: str | None,
    dry_run: bool,
    delete_removed: bool,
    threads: int | None,
) -> None:
    """Add or update the papers of Zotero, with collections, tags and notes; safe to repeat.

    Zotero may run meanwhile: its database is copied, and never written to. A later run takes only what changed, and
    names the papers that were deleted in Zotero. Libraries of groups are imported as well.
    """
    from rag.config import load_settings

    settings = load_settings(library=library, threads=threads)
    target = settings.library_path.expanduser().absolute()
    found, skipped = _read(target, data_dir, api)
    if found.is_other:
        say("footnote: nothing that was imported before is in this Zotero, so nothing counts as deleted.", err=True)
    _name_removed(found.removed, delete_removed)
    if dry_run:
        gone = f"{len(found.removed)} deleted in Zotero"
        say(f"{len(found.changed)} new or changed, {found.unchanged} unchanged, {gone}, {skipped} skipped.")
    else:
        _import(settings, target, found, delete_removed, skipped)


def _read(target: Path, data_dir: Path | None, api: str | None) -> tuple[Changes, int]:
    """What is new in Zotero, and how many items cannot be used; those are named on stderr."""
    from rag.library.zotero_sync import changes
    from rag.papers.zotero.data_folder import find_data_folder
    from rag.papers.zotero.database import read_database
    from rag.papers.zotero.items import papers_of
    from rag.papers.zotero.local_api import read_api

    bad: list[RecordError] = []
    libraries = read_api(api) if api else read_database(find_data_folder(data_dir))
    papers = [paper for one in libraries for paper in papers_of(one, bad.append)]
    for error in bad[:_SHOWN]:
        say(f"skipped: {one_line(str(error))}", err=True)
    if len(bad) > _SHOWN:
        say(f"skipped: {len(bad) - _SHOWN} more items", err=True)
    if not papers:
        raise ImportFileError("Zotero holds no paper that can be used.")
    there = [f"zotero:{one.place}/items/{item.get('key')}" for one in libraries for item in one.items]
    return changes(target, papers, [one.place for one in libraries], there), len(bad)


def _import(settings: Settings, path: Path, found: Changes, delete: bool, skipped: int) -> None:
    from rag.encoding.paper_encoder import PaperEncoder
    from rag.library.zotero_sync import remember

    build_shipped(settings)
    target = ImportTarget(path)
    try:
        library = target.library()
        deleted = library.remove(found.removed) if delete else 0
        with progress_bar("Zotero") as bar:
            report = library.add(found.changed, PaperEncoder(settings.threads), on_progress=advance(bar), in_step=True)
        remember(path, found, forget=delete)
        say(
            f"Zotero: {report.added} added, {report.updated} updated, {found.unchanged + report.unchanged} unchanged, "
            f"{report.duplicates} duplicates merged, {deleted} deleted, {skipped} skipped; the library holds "
            f"{library.count} papers."
        )
    finally:
        target.close()


def _name_removed(removed: tuple[str, ...], delete: bool) -> None:
    for one in removed[:_SHOWN]:
        say(f"deleted in Zotero: {one_line(one)}", err=True)
    if len(removed) > _SHOWN:
        say(f"deleted in Zotero: {len(removed) - _SHOWN} more", err=True)
    if removed and not delete:
        say("They stay in the library; --delete-removed deletes them.", err=True)
