"""What the library tab does: libraries, their papers and imports, by the key that the page calls a library by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rag.config import Settings
from rag.errors import ImportFileError, LibraryError
from rag.factory import (
    at_close,
    background_vectors,
    change_library,
    library_manager,
    open_library,
    paper_encoder,
    vector_server,
)
from rag.library.import_sources import Source, Upload
from rag.library.importing import ImportJob, Imports
from rag.library.manager import MAX_NAME, LibraryInfo
from rag.library.remarks import remarks_csv
from rag.library.storage.browsing import Facets, PaperFilter, PaperPage
from rag.library.zotero_import import ZoteroImport
from rag.library.zotero_sync import Changes
from rag.output.exports import file_stem
from rag.output.exports.papers import PAPER_FORMATS, export_papers
from rag.papers.revision import revised
from rag.papers.styles.finding import chosen_style
from rag.papers.zotero.finding import find_zotero
from rag.ui.named import NamedByRequest
from rag.ui.render_library import PAGE, View
from rag.ui.render_merges import PAGE as MERGES
from rag.ui.render_merges import MergePage
from rag.ui.roles import Editor

if TYPE_CHECKING:
    from rag.datatypes import Paper, Version
    from rag.library.library import Library
    from rag.output.exports import Files
    from rag.ui.uploads import Uploads

_READ_ONLY = (
    "The shipped abstracts stay as they are. Make a copy of this library or a new one, and change the papers there."
)


_MOST_EXPORTED = 20_000  # papers as one file by way of the page, which holds it whole
_MOST_IN_STYLE = 2_000  # some milliseconds each
_PATIENCE_S = 10.0  # for what an import is storing when the program ends


@dataclass(frozen=True, slots=True)
class TablePage:
    """One page of the table, with the papers by year and the size of the library that are shown around it."""

    view: View
    page: PaperPage
    years: tuple[tuple[int | None, int], ...]
    all_papers: int


class LibraryActions:
    """All libraries of this computer. Shared by all browser tabs; nothing of one tab is kept here.

    Every method raises :class:`rag.errors.FootnoteError` with a sentence for the page. What changes something takes an
    :class:`Editor`, which only who may change it gets.
    """

    def __init__(self, settings: Settings, uploads: Uploads) -> None:
        self._uploads = uploads
        self._named = NamedByRequest(settings)
        self._manager = library_manager(settings)
        self.imports = Imports()
        at_close(lambda: self.imports.stop_all(_PATIENCE_S))

    # --- libraries ---

    def choices(self) -> list[tuple[str, str]]:
        """``(label, key)`` of every library. Labels tell apart those of one name."""
        found = self._manager.list_all()
        names = [info.name for info in found]
        return [
            (info.name if names.count(info.name) == 1 else f"{info.name} ({info.path.parent})", info.key)
            for info in found
        ]

    def info(self, key: str) -> LibraryInfo:
        return self._manager.find(key)

    def version(self, key: str) -> str:
        """Another text after every change of the library, whoever made it; "" where there is none yet."""
        from rag.library.library import Library

        path = self._manager.folder_of(key)
        try:
            return f"{Library.stamp(path)} {Library.commits(path)}"
        except LibraryError:
            return ""

    def make(self, editor: Editor, name: str) -> LibraryInfo:
        return self._manager.create(name)

    def copy(self, editor: Editor, key: str, name: str) -> LibraryInfo:
        self._library(key)  # the shipped one is built at its first use
        info = self.info(key)
        self.imports.check_idle(info.path)
        return self._manager.copy(info, name)

    def rename(self, editor: Editor, key: str, name: str) -> LibraryInfo:
        info = self.info(key)
        self.imports.check_idle(info.path)
        renamed = self._manager.rename(info, name)
        self.imports.forget(info.path)
        return renamed

    def delete_library(self, editor: Editor, key: str, typed: str) -> LibraryInfo:
        """Delete it if ``typed`` is its name; returns what was deleted."""
        info = self.info(key)
        self.imports.check_idle(info.path)
        if typed.strip() != info.name:
            raise LibraryError(f"Nothing was deleted: type the name exactly as it stands here: {info.name}")
        self._manager.delete(info)
        self.imports.forget(info.path)
        return info

    def name_for_copy(self, key: str) -> str:
        """A name that is free for a copy."""
        name = self.info(key).name
        room = MAX_NAME - len(" copy 99")
        return self._manager.propose_name(f"{name[:room]} copy")

    # --- papers ---

    def table_page(self, key: str, view: View) -> TablePage:
        """The page that ``view`` asks for, or the last one where it asks for more."""
        library = self._library(key)
        page = library.page(view.chosen, view.sort, view.descending, view.page * PAGE, PAGE)
        last = max((page.total - 1) // PAGE, 0)
        if view.page > last:
            view = replace(view, page=last)
            page = library.page(view.chosen, view.sort, view.descending, last * PAGE, PAGE)
        return TablePage(view, page, library.years(view.chosen), library.count)

    def facets(self, key: str) -> Facets:
        return self._library(key).facets()

    def count(self, key: str, chosen: PaperFilter) -> int:
        """How many papers the filter leaves."""
        return self._library(key).page(chosen, limit=0).total

    def ids(self, key: str, chosen: PaperFilter) -> list[str]:
        return self._library(key).ids(chosen)

    def paper(self, key: str, paper_id: str) -> Paper:
        try:
            return self._library(key).paper(paper_id)
        except KeyError as error:
            raise LibraryError("This paper has been deleted. Choose another one from the table.") from error

    def versions(self, key: str, paper_id: str) -> tuple[Version, ...]:
        """Other papers of the same work."""
        return self._library(key).versions([paper_id]).get(paper_id, ())

    def revise(self, editor: Editor, key: str, paper_id: str, typed: Mapping[str, str]) -> bool:
        """Save what was typed about a paper; whether it changed anything."""
        settings = self._writable(key)
        paper = revised(self.paper(key, paper_id), typed)
        with change_library(settings) as library:
            return library.revise(paper, lambda: paper_encoder(settings.threads))

    def remove(self, editor: Editor, key: str, ids: Sequence[str]) -> int:
        """Delete papers; how many there were."""
        with change_library(self._writable(key)) as library:
            return library.remove(ids)

    def export(self, key: str, ids: Sequence[str] | None, chosen: PaperFilter, format: str, style: str) -> Files:
        """Papers as a file: those of ``ids``, or else those that ``chosen`` leaves. ``style`` is a style's name."""
        if format not in PAPER_FORMATS:
            raise LibraryError(f"'{format}' is not a format. Use one of {', '.join(PAPER_FORMATS)}.")
        library, kind = self._library(key), PAPER_FORMATS[format]
        wanted = library.ids(chosen) if ids is None else ids
        most = _MOST_IN_STYLE if kind.in_style else _MOST_EXPORTED
        if len(wanted) > most:
            raise LibraryError(
                f"These are {len(wanted):,} papers, and the page exports at most {most:,} in this format. "
                "Filter or tick fewer, or use 'footnote export'."
            )
        papers = list(library.get_papers(wanted).values())
        if not papers:
            raise LibraryError("There is no paper to export. Tick some, or take a filter away.")
        settings = self._named.library(key)
        made = export_papers(papers, format, chosen_style(style, settings.citation_style) if kind.in_style else None)
        return {f"{file_stem(self.info(key).name)}{kind.ending}": made}

    # --- merged records ---

    def merges(self, key: str, page: int) -> MergePage:
        """The page with this number from 0, or the last one where there are fewer."""
        library = self._library(key)
        total, unknown = library.merge_counts()
        page = min(page, max((total - 1) // MERGES, 0))
        found = library.merges(page * MERGES, MERGES)
        return MergePage(found, library.get_papers({one.paper_id for one in found}), page, total, unknown)

    def undo_merge(self, editor: Editor, key: str, name: str) -> list[str]:
        """Make a paper of its own of a merged record; its id, or nothing where that was done before."""
        settings = self._writable(key)
        with change_library(settings) as library:
            return library.undo_merges([name], lambda: paper_encoder(settings.threads))

    # --- imports ---

    def start_import(self, editor: Editor, key: str, files: Sequence[str]) -> ImportJob:
        """Begin to import uploaded files, which are deleted afterwards."""
        if not files:
            raise ImportFileError("No file was chosen. Drop one or more files with papers.")
        paths: list[Path] = []

        def tidy() -> None:
            self._uploads.drop([*paths, *map(Path, files)])

        try:
            settings = self._writable(key)
            paths += self._uploads.take(files)
            return self._start(key, settings, [Upload(path, path.name) for path in paths], tidy)
        except BaseException:
            tidy()
            raise

    def look_at_zotero(self, editor: Editor, key: str) -> tuple[str, Changes, int]:
        """Where Zotero is, what of it is new to a library, and how many of its items cannot be used."""
        settings = self._writable(key)
        place = find_zotero(settings.zotero)
        source = ZoteroImport(self.info(key).path, place, delete_removed=False)
        return str(place), source.find(), len(source.bad)

    def start_zotero(self, editor: Editor, key: str, delete_removed: bool) -> ImportJob:
        """Begin to import what is new or changed in Zotero."""
        settings = self._writable(key)
        return self._start(
            key, settings, [ZoteroImport(self.info(key).path, find_zotero(settings.zotero), delete_removed)]
        )

    def _start(
        self, key: str, settings: Settings, sources: Sequence[Source], on_end: Callable[[], None] = lambda: None
    ) -> ImportJob:
        path = self.info(key).path

        def ended() -> None:
            on_end()
            background_vectors(settings.threads).wake(path, vector_server(settings))

        job = ImportJob(sources, lambda: change_library(settings), lambda: paper_encoder(settings.threads), ended)
        self.imports.start(path, job)
        return job

    def job(self, key: str) -> ImportJob | None:
        """The import into this library that runs, or the last one."""
        return self.imports.get(self.info(key).path)

    def stop_import(self, editor: Editor, key: str) -> None:
        job = self.job(key)
        if job is not None and not job.state.finished:
            job.stop()

    def forget_import(self, editor: Editor, key: str) -> None:
        """Close the report of the last import, for everybody."""
        self.imports.forget(self.info(key).path)

    def report(self, key: str) -> Files:
        """The remarks of the last import as a CSV file; none without any."""
        job = self.job(key)
        # The mark tells spreadsheets that it is UTF-8.
        return {"import report.csv": f"\ufeff{remarks_csv(job.remarks)}"} if job is not None and job.remarks else {}

    # --- inside ---

    def _library(self, key: str) -> Library:
        return open_library(self._named.library(key))

    def _writable(self, key: str) -> Settings:
        info = self.info(key)
        if info.is_shipped:
            raise LibraryError(_READ_ONLY)
        self.imports.check_idle(info.path)
        return self._named.library(key)
