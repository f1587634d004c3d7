"""``footnote zotero``: the papers of Zotero into a library, without an export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rag.cli.importing import ImportTarget, Skipped, name_some, outcome
from rag.cli.options import library_option
from rag.cli.printing import say
from rag.cli.shared import build_shipped, progress_bar
from rag.text.unseen import one_line

if TYPE_CHECKING:
    from rag.config import Settings
    from rag.library.zotero_import import ZoteroImport


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
    from rag.factory import check_writable

    settings = load_settings(library=library, threads=threads)
    if not dry_run:
        check_writable(settings)
    source = _source(settings, data_dir, api, delete_removed)
    found, skipped = source.find(), Skipped("items")
    for error in source.bad:
        skipped(error)
    if found.is_other:
        say("footnote: nothing that was imported before is in this Zotero, so nothing counts as deleted.", err=True)
    name_some("deleted in Zotero: ", map(one_line, found.removed), "")
    if found.removed and not delete_removed:
        say("They stay in the library; --delete-removed deletes them.", err=True)
    if dry_run:
        skipped.say_more()
        gone = f"{len(found.removed)} deleted in Zotero"
        say(f"{len(found.changed)} new or changed, {found.unchanged} unchanged, {gone}, {skipped.count} skipped.")
    else:
        _import(settings, source, skipped)


def _source(settings: Settings, data_dir: Path | None, api: str | None, delete_removed: bool) -> ZoteroImport:
    from rag.library.zotero_import import ZoteroImport
    from rag.papers.zotero.data_folder import find_data_folder
    from rag.papers.zotero.finding import ZoteroPlace, find_zotero

    if api:
        place = ZoteroPlace(api=api)
    elif data_dir is not None:
        place = ZoteroPlace(find_data_folder(data_dir))
    else:
        place = find_zotero(settings.zotero)
    return ZoteroImport(settings.library_path.expanduser().absolute(), place, delete_removed)


def _import(settings: Settings, source: ZoteroImport, skipped: Skipped) -> None:
    from rag.encoding.paper_encoder import PaperEncoder

    build_shipped(settings)
    target = ImportTarget(settings)
    try:
        with progress_bar("Zotero") as bar:
            changed = source.find().changed
            report = target.add(changed, PaperEncoder(settings.threads), bar, skipped, source.in_step)
        also = source.imported(target.library())
        said = outcome(report, skipped.count, also.unchanged, f"{also.deleted} deleted, ")
        say(f"Zotero: {said}; the library holds {target.library().count} papers.")
    finally:
        target.close()
