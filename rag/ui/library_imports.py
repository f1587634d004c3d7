"""The library tab: imports, their progress and their reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rag.errors import FootnoteError
from rag.library.importing import ImportJob
from rag.ui.events import browser_tab, with_request
from rag.ui.library_events import LibraryEvents, Updates, Values, visible
from rag.ui.render_library import progress_html, report_html

_NO_IMPORT: Updates = {
    "progress": "", "stop": visible(False), "report": visible(False), "dismiss": visible(False),
}  # fmt: skip


class ImportProgress:
    """Begins imports and shows each to its end, in every browser tab that has its library open."""

    def __init__(self, events: LibraryEvents) -> None:
        self._events, self._actions, self._context = events, events.library_actions, events.context
        self._watched: dict[str, ImportJob] = {}  # by browser tab: the import whose progress it shows

    def connect(self, app: Any, library_shown: Sequence[Any]) -> None:
        """Connect the events; after those of ``library_shown`` the import of that library is shown."""
        on, part, reported, gr = self._events.on, self._events.part, self._events.reported, self._events.gr
        for event in library_shown:
            on(event.then, with_request(gr, self._follow), "library", "changes")
        begun = on(part("files").upload, reported(self._begin), "library", "files")
        on(begun.then, with_request(gr, self._follow_begun), "library", "changes")
        on(part("stop").click, reported(self._stop), "library", queue=False)
        on(part("dismiss").click, reported(self._dismiss), "library")
        app.unload(with_request(gr, self._leave))

    def _begin(self, key: str, paths: list[str] | None) -> Updates:
        job = self._actions.start_import(key, paths or [])
        hidden = visible(False)
        return {
            "files": None, "import": hidden, "form_row": hidden, "progress": progress_html(job.state),
            "stop": visible(True),
        }  # fmt: skip

    def _stop(self, key: str) -> Updates:
        self._actions.stop_import(key)
        return {"stop": visible(False)}

    def _dismiss(self, key: str) -> Updates:
        self._actions.imports.forget(self._actions.info(key).path)
        return _NO_IMPORT

    def _leave(self, request: Any) -> None:
        self._watched.pop(browser_tab(request), None)  # the import itself goes on

    # --- following an import ---

    def _follow(self, request: Any, key: str, changes: int) -> Iterator[Values]:
        """The import of a library that was just shown, if there is one."""
        yield from self._watch(browser_tab(request), key, changes, begun=False)

    def _follow_begun(self, request: Any, key: str, changes: int) -> Iterator[Values]:
        """The import that this browser tab began: the table was shown before it, and it may be over already."""
        yield from self._watch(browser_tab(request), key, changes, begun=True)

    def _watch(self, tab: str, key: str, changes: int, begun: bool) -> Iterator[Values]:
        try:
            job = self._actions.job(key)
        except FootnoteError:  # said already when the library was shown
            job = None
        if job is None:
            self._watched.pop(tab, None)
            yield self._events.values(_NO_IMPORT)
            return
        self._watched[tab] = job
        brings_papers = begun or not job.state.finished  # else the table was shown after it
        for state in job.states():
            if self._watched.get(tab) is not job:  # this tab shows another library now
                return
            if not state.finished:
                yield self._events.values(
                    {"progress": progress_html(state), "stop": visible(not state.stopping), "import": visible(False)}
                    | {"report": visible(False), "dismiss": visible(False)}
                )
        yield self._events.values(self._report(key, job, changes, brings_papers))

    def _report(self, key: str, job: ImportJob, changes: int, brings_papers: bool) -> Updates:
        """The end of an import."""
        file = self._actions.report_file(key)
        state, remarks = job.snapshot()
        done: Updates = {
            "progress": report_html(state, remarks), "stop": visible(False), "import": visible(True),
            "report": {"visible": file is not None, "value": file}, "dismiss": visible(True),
        }  # fmt: skip
        if brings_papers:
            self._context.forget(key)
            done["changes"] = changes + 1
        return done
