"""``footnote watch``: what is saved in a folder is imported."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rag.cli.importing import ImportTarget, import_file
from rag.cli.options import library_option
from rag.cli.printing import say
from rag.cli.shared import build_shipped
from rag.errors import ImportFileError, LibraryLocked, VectorServerError
from rag.text.unseen import one_line

if TYPE_CHECKING:
    from rag.config import Settings
    from rag.library.watching import FolderWatch, Look

_ROUNDS = 30  # that --once waits for files that are being written


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="FOLDER")
@library_option
@click.option("--once", is_flag=True, help="Import what is there now, and end.")
@click.option(
    "--every",
    type=click.FloatRange(0.1, 3600),
    default=2.0,
    show_default=True,
    metavar="S",
    help="Seconds from one look to the next.",
)
@click.option("--threads", type=int, help="Threads for the embedding (default: the cores that are free).")
def watch(folder: Path, library: Path | None, once: bool, every: float, threads: int | None) -> None:
    """Import what is saved in FOLDER and the folders in it, until Ctrl+C.

    A file that is being written is waited for. One that cannot be read is named once, and tried again when it changes
    or when the command is started anew. What was imported is not imported again after a restart, nor under another
    name. Nothing is deleted from the library when a file is.
    """
    from rag.config import load_settings
    from rag.factory import check_writable
    from rag.library.watching import FolderWatch

    settings = load_settings(library=library, threads=threads)
    check_writable(settings)
    build_shipped(settings)
    target = settings.library_path.expanduser().absolute()
    watcher = _Rounds(FolderWatch(folder.absolute(), target), settings)
    try:
        with _ended_by_the_system():
            if not once:
                say(f"Watching {one_line(f'{folder} for the library {target}')} (Ctrl+C ends it).", err=True)
            for number in range(_ROUNDS) if once else iter(int, 1):
                time.sleep(every if number or not once else 0)
                watcher.look()
                if once and number and not watcher.has_more:
                    break
    except KeyboardInterrupt:
        say("Stopped. What was imported is kept; the next start goes on from there.", err=True)
        return
    if watcher.failed or watcher.has_more:
        raise click.exceptions.Exit(1)


class _Rounds:
    """One look after another, and the imports that each leads to. What goes wrong again and again is said once."""

    def __init__(self, watch: FolderWatch, settings: Settings) -> None:
        self._watch, self._settings = watch, settings
        self._said = ""
        self.failed = False  # some file could not be read
        self.has_more = False  # some file is being written, or the library is

    def look(self) -> None:
        """Look once, and import what is ready. The library is open for writing only while there is something."""
        try:
            ready = self._watch.ready()
            self.has_more = self._watch.waiting
            if ready:
                self._import(ready)
            self._said = ""
        except (LibraryLocked, VectorServerError) as error:  # the files stay ready
            self._hold_on(str(error))
        except OSError as error:  # a network drive that is gone may come back
            self._hold_on(f"{error.filename or 'The folder'}: {error.strerror or error}. Waiting until it can be read.")

    def _import(self, ready: list[tuple[Path, Look]]) -> None:
        from rag.encoding.paper_encoder import PaperEncoder

        target = ImportTarget(self._settings)
        encoder = PaperEncoder(self._settings.threads)  # let go afterwards: it takes half a gigabyte
        try:
            for path, look in ready:
                try:
                    import_file(path, target, encoder, None, strict=False)
                    self._watch.imported(path, look)
                except ImportFileError as error:
                    self.failed = True
                    self._watch.failed(path, look)
                    say(f"footnote: {one_line(str(error))}", err=True)
        finally:
            target.close()

    def _hold_on(self, message: str) -> None:
        self.has_more = True
        if message != self._said:
            say(f"footnote: {one_line(message)}", err=True)
        self._said = message


@contextmanager
def _ended_by_the_system() -> Iterator[None]:
    """SIGTERM, which systemd and Docker send, ends it as Ctrl+C does."""

    def end(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
