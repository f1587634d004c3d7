"""``footnote retractions``: which papers of the library were retracted or corrected."""

from __future__ import annotations

from pathlib import Path

import click

from rag.cli.options import library_option
from rag.cli.printing import say

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("file", type=_FILE, metavar="[FILE]", required=False)
@library_option
def retractions(file: Path | None, library: Path | None) -> None:
    """Mark the papers of the library that FILE says were retracted, corrected or doubted; list all that are.

    FILE is the CSV of the Retraction Watch database, which Crossref publishes: papers are found by DOI and PubMed id.
    It is kept in the library, so that papers imported later are marked too. Without FILE nothing changes.
    """
    from rag.config import load_settings
    from rag.factory import opened_library
    from rag.papers.bibliography import one_line
    from rag.papers.kept_fields import STATUSES
    from rag.papers.retractions import label, read_retraction_watch

    settings = load_settings(library=library)
    with opened_library(settings, writing=file is not None) as opened:
        if file is not None:
            count, changed = opened.note_events(read_retraction_watch(file))
            say(f"{one_line(str(file))}: {count:,} notices kept; they changed the mark of {len(changed):,} papers.")
        marked = sorted((p for p in opened.scan() if p.status), key=lambda p: (STATUSES.index(p.status), p.id))
        for paper in marked:
            say(f"[{label(paper)}] {one_line(paper.title)}  ({one_line(paper.id)})")
        if not marked:
            say("No paper of this library is known to be retracted or corrected.")
