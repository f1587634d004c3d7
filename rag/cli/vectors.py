"""``footnote vectors``: compute what is still missing of a library's vectors, here or in the background."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import TYPE_CHECKING, Any

import click

from rag.cli.options import library_option
from rag.cli.printing import say
from rag.cli.shared import progress_bar, stop_on_interrupt

if TYPE_CHECKING:
    from rag.config import Settings

_GENTLE = 10  # added to the niceness of the process in the background: whatever else runs goes first


@click.command()
@library_option
@click.option(
    "--status", is_flag=True, help="Say how many papers have vectors, and whether the rest is being computed."
)
@click.option("--background", is_flag=True, help="Go on in a process of its own, at low priority, and return at once.")
@click.option("--threads", type=int, help="Threads for the embedding (default: the cores that are free).")
def vectors(library: Path | None, status: bool, background: bool, threads: int | None) -> None:
    """Compute the vectors of papers that were imported without.

    Until then these papers are found by their words. Others may import and ask meanwhile. What a stop or a kill
    leaves undone, the next call does.
    """
    from rag.config import load_settings
    from rag.factory import check_writable, open_library
    from rag.library.embedding import at_work

    settings = load_settings(library=library, threads=threads)
    opened = open_library(settings)
    missing, count, process = opened.without_vectors, opened.count, at_work(opened.path)
    if status or not missing:
        say(f"{count - missing:,} of {count:,} papers have vectors.")
        if missing:
            say(f"Process {process} computes the rest." if process else "Nobody computes the rest: footnote vectors")
    elif process is not None:
        say(f"Process {process} computes them already: 'footnote vectors --status' shows how far it is.", err=True)
    elif background:
        check_writable(settings)
        start_in_background(opened.path, settings)
    else:
        check_writable(settings)
        compute(opened.path, settings)


def compute(path: Path, settings: Settings) -> None:
    """Compute all that is missing, with a progress bar; Ctrl+C ends it after the batch that is under way."""
    from rag.factory import embedder_id, paper_encoder, vector_server
    from rag.library.embedding import compute_vectors

    server = vector_server(settings)
    with progress_bar("vectors", unit=" papers") as bar, stop_on_interrupt() as stop:

        def show(done: int, of: int) -> None:
            bar.total = of
            bar.n = done
            bar.refresh()

        while not compute_vectors(
            path,
            embedder_id(),
            lambda: paper_encoder(settings.threads),
            stop,
            server=server,
            on_progress=show,
        ) and not stop.wait(1):  # another process is at it, and may be stopped before it has done all
            pass
    _say_how_many(path, settings, stop)


def _say_how_many(path: Path, settings: Settings, stop: threading.Event) -> None:
    from rag.factory import embedder_id, vector_server
    from rag.library.library import Library

    with Library.open(path, embedder=embedder_id(), server=vector_server(settings)) as library:
        say(f"{library.count - library.without_vectors:,} of {library.count:,} papers have vectors.")
    if stop.is_set():
        say("Stopped. 'footnote vectors' goes on from there.", err=True)


def start_in_background(path: Path, settings: Settings) -> None:
    """A process of its own that outlives this one, whose output goes into a file beside the library."""
    from rag.library.storage.folder import LOG

    command = [sys.executable, "-m", "rag.cli.background", str(path), str(settings.threads)]
    detached: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        detached = {"creationflags": subprocess.DETACHED_PROCESS | subprocess.BELOW_NORMAL_PRIORITY_CLASS}
    with (path / LOG).open("ab") as log:
        Popen(command, stdin=DEVNULL, stdout=log, stderr=log, close_fds=True, **detached)
    say(
        "Their vectors are computed in the background. 'footnote vectors --status' shows how far that is; if the "
        "computer is switched off meanwhile, 'footnote vectors' goes on.",
        err=True,
    )


def be_gentle() -> None:
    """Let every other process go first, where the system knows how."""
    if hasattr(os, "nice"):
        os.nice(_GENTLE)
