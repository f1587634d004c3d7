"""What the commands that import share: the library that is imported into, and what is said of the records."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.cli.printing import say
from rag.cli.shared import advance, progress_bar
from rag.errors import ImportFileError, RecordError
from rag.library.storage.writing import AT_ONCE
from rag.text.unseen import one_line

if TYPE_CHECKING:
    from rag.config import Settings
    from rag.datatypes import Paper
    from rag.encoding.paper_encoder import PaperEncoder
    from rag.library.library import ImportReport, Library

SHOWN = 20  # records that are named one by one


def target_of(settings: Settings, later: bool = False) -> ImportTarget:
    """The library of the settings; ``later`` as for :class:`ImportTarget`.

    Raises :class:`rag.errors.LibraryReadOnly` where they say so.
    """
    from rag.factory import check_writable

    check_writable(settings)
    return ImportTarget(settings, later)


class ImportTarget:
    """The library that is imported into: opened at once, or made when the first paper has been read.

    So a slip of the pen leaves no empty library behind.
    """

    def __init__(self, settings: Settings, later: bool = False) -> None:
        """``later``: of many papers at once the vectors are left for later."""
        from rag.factory import embedder_id, vector_server
        from rag.library.library import Library

        self.path, self._later = settings.library_path.expanduser().absolute(), later
        self._embedder, self._server = embedder_id(), vector_server(settings)
        exists = Library.exists(self.path)
        self._library = (
            Library.open(self.path, embedder=self._embedder, read_only=False, server=self._server) if exists else None
        )

    def library(self) -> Library:
        from rag.library.library import Library

        if self._library is None:
            self._library = Library.create(self.path, embedder=self._embedder, server=self._server)
        return self._library

    def add(
        self, papers: Iterable[Paper], encoder: PaperEncoder, bar: Any, skipped: Skipped, in_step: bool = False
    ) -> ImportReport:
        """Import ``papers``, with their progress on ``bar``; then say what was ``skipped`` and merged."""
        few, papers = _looked_into(papers, AT_ONCE + 1) if self._later else (0, papers)
        report = self.library().add(papers, encoder, on_progress=advance(bar), in_step=in_step, later=few > AT_ONCE)
        bar.close()
        skipped.say_more()
        name_some("merged: ", [f"{one_line(one)}, {one_line(reason)}" for one, reason in report.merged], "records")
        if report.duplicates:
            say(f"merged: {report.duplicates:,} records; 'footnote merges' lists them, and undoes mistakes.", err=True)
        return report

    def close(self) -> int:
        """Close the library; returns how many of its papers have no vectors yet."""
        if self._library is None:
            return 0
        missing = self._library.without_vectors
        self._library.close()
        return missing


def _looked_into(papers: Iterable[Paper], most: int) -> tuple[int, Iterator[Paper]]:
    """How many papers there are, ``most`` at most, and all of them; an error between them comes where it came."""
    records = iter(papers)
    first: list[Paper] = []

    def again(error: Exception | None) -> Iterator[Paper]:
        yield from first
        if error is not None:
            raise error
        yield from records

    try:
        first.extend(islice(records, most))
    except Exception as error:
        return len(first), again(error)
    return len(first), again(None)


class Skipped:
    """Names on stderr the first records that cannot be used, and counts the others."""

    def __init__(self, what: str = "records") -> None:
        self.count, self._what = 0, what

    def __call__(self, error: RecordError) -> None:
        from tqdm import tqdm

        self.count += 1
        if self.count <= SHOWN:
            tqdm.write(f"skipped: {one_line(str(error))}", file=sys.stderr)

    def say_more(self) -> None:
        """Say how many there were besides."""
        if self.count > SHOWN:
            say(f"skipped: {self.count - SHOWN} more {self._what}", err=True)


def name_some(outcome: str, names: Iterable[str], what: str) -> None:
    """Name on stderr the first of what had this outcome, and count the others."""
    named = list(names)
    for one in named[:SHOWN]:
        say(f"{outcome}{one}", err=True)
    if len(named) > SHOWN:
        say(f"{outcome}{len(named) - SHOWN} more {what}".rstrip(), err=True)


def outcome(report: ImportReport, skipped: int, unchanged: int = 0, deleted: str = "") -> str:
    """'2 added, 1 updated, …': what became of the records."""
    return (
        f"{report.added} added, {report.updated} updated, {report.unchanged + unchanged} unchanged, "
        f"{report.duplicates} duplicates merged, {deleted}{skipped} skipped"
    )


def import_file(file: Path, target: ImportTarget, encoder: PaperEncoder, format_: str | None, strict: bool) -> None:
    """Import one file, and say what became of it. Raises :class:`ImportFileError` where it cannot be read."""
    from rag.papers.importers import read_papers

    skipped = Skipped()
    with progress_bar(file.name, unit="B", unit_scale=True) as bar:

        def read(done: int, total: int) -> None:
            bar.total = total
            bar.n = done

        papers = read_papers(file, format_, on_error=None if strict else skipped, on_progress=read)
        first = next(papers, None)
        if first is None:
            raise ImportFileError(
                f"{file} holds no paper that can be used. If its format is wrong, name it: --format F"
            )
        report = target.add(chain([first], papers), encoder, bar, skipped)
    say(f"{one_line(str(file))}: {outcome(report, skipped.count)}; the library holds {target.library().count} papers.")
