"""``footnote merges``: which records were merged into which paper, and why; and making them papers of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rag.cli.options import library_option
from rag.cli.printing import say, say_json

if TYPE_CHECKING:
    from rag.library.library import Library


@click.command()
@click.argument("names", nargs=-1, metavar="[LIBRARY] [ID]...")
@library_option
@click.option("--undo", is_flag=True, help="The merges with these IDs were mistakes: part them, for good.")
@click.option("--json", "as_json", is_flag=True, help="Print all fields of both as JSON.")
def merges(names: tuple[str, ...], library: Path | None, undo: bool, as_json: bool) -> None:
    """List the records that were merged into papers, and why; --undo ID... makes papers of their own of some.

    LIBRARY is the folder of the library, as with --library. Each ID is that of a merge (m12), or of a merged record.

    What an undone record had filled in goes out of the other paper. Neither its own file nor another one merges the two
    again.
    """
    from rag.config import load_settings
    from rag.factory import opened_library

    library, ids = _told_apart(names, library, undo)
    settings = load_settings(library=library)
    with opened_library(settings, writing=undo) as opened:
        if undo:
            _undo(opened, ids)
        elif as_json:
            _print_json(opened)
        else:
            _print(opened)


def _told_apart(names: tuple[str, ...], library: Path | None, undo: bool) -> tuple[Path | None, tuple[str, ...]]:
    """The library and the ids of the command line."""
    from rag.library.library import Library

    first_is_library = bool(names) and library is None and (not undo or Library.exists(Path(names[0])))
    if first_is_library:
        library, names = Path(names[0]), names[1:]
    if names and not undo:
        raise click.UsageError(f"'{names[0]}' is left over: IDs go with --undo.")
    if undo and not names:
        raise click.UsageError("Name what is to be undone: --undo ID... ('footnote merges' lists the IDs).")
    return library, names


def _undo(library: Library, ids: tuple[str, ...]) -> None:
    from rag.config import load_settings
    from rag.factory import paper_encoder
    from rag.papers.bibliography import one_line

    made = library.undo_merges(ids, lambda: paper_encoder(load_settings().threads))
    for paper in library.get_papers(made).values():
        say(f"a paper of its own: {one_line(paper.title)} ({one_line(paper.id)})")
    if not made:
        say("Nothing was changed: these were undone before.")


def _print(library: Library) -> None:
    from rag.output.records import merge_lines

    found = library.merges()
    papers = library.get_papers({one.paper_id for one in found})
    for merge in found:
        for line in merge_lines(merge, papers.get(merge.paper_id)):
            say(line)
    _, unknown = library.merge_counts()
    if unknown:
        say(
            f"{unknown:,} more records were merged by an earlier version. Import their files again to see them here.",
            err=True,
        )
    elif not found:
        say("No record of this library was merged into another.")


def _print_json(library: Library) -> None:
    from rag.output.records import merge_json

    found = library.merges()
    papers = library.get_papers({one.paper_id for one in found})
    _, unknown = library.merge_counts()
    say_json({"merges": [merge_json(one, papers.get(one.paper_id)) for one in found], "of_earlier_versions": unknown})
