"""The library tab: imports, their progress and their reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rag.errors import FootnoteError
from rag.library.importing import ImportJob
from rag.ui.downloads import download_html
from rag.ui.events import browser_tab, with_request
from rag.ui.library_events import LibraryEvents, Updates, Values, visible
from rag.ui.render_library import progress_html, report_html
from rag.ui.roles import Editor

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
        on, part, changing, gr = self._events.on, self._events.part, self._events.changing, self._events.gr
        for event in library_shown:
            on(event.then, with_request(gr, self._follow), "library", "changes")
        self.begins(part("files").upload, self._begin, "library", "files")
        on(part("stop").click, changing(self._stop), "library", queue=False)
        on(part("dismiss").click, changing(self._dismiss), "library")
        on(part("report").click, self._events.reported(self._save_report), "library")
        app.unload(with_request(gr, self._leave))

    def begins(self, event: Any, handler: Callable[..., Updates], *inputs: str) -> None:
        """Let ``handler`` begin an import at ``event``, and follow it."""
        begun = self._events.on(event, self._events.changing(handler), *inputs)
        self._events.on(begun.then, with_request(self._events.gr, self._follow_begun), "library", "changes")

    def _begin(self, editor: Editor, key: str, paths: list[str] | None) -> Updates:
        return {"files": None} | self.begun(self._actions.start_import(editor, key, paths or []))

    def begun(self, job: ImportJob) -> Updates:
        """An import that has just begun."""
        hidden = visible(False)
        return {
            "import": hidden, "form_row": hidden, "progress": progress_html(job.state),
            "stop": visible(True),
        }  # fmt: skip

    def _stop(self, editor: Editor, key: str) -> Updates:
        self._actions.stop_import(editor, key)
        return {"stop": visible(False)}

    def _dismiss(self, editor: Editor, key: str) -> Updates:
        self._actions.forget_import(editor, key)
        return _NO_IMPORT

    def _save_report(self, key: str) -> Updates:
        return {"report_file": download_html(self._actions.report(key))}

    def _leave(self, request: Any) -> None:
        self._watched.pop(browser_tab(request), None)  # the import itself goes on

    # --- following an import ---

    def _follow(self, request: Any, key: str, changes: int) -> Iterator[Values]:
        """The import of a library that was just shown, if there is one."""
        yield from self._watch(request, key, changes, begun=False)

    def _follow_begun(self, request: Any, key: str, changes: int) -> Iterator[Values]:
        """The import that this browser tab began: the table was shown before it, and it may be over already."""
        yield from self._watch(request, key, changes, begun=True)

    def _watch(self, request: Any, key: str, changes: int, begun: bool) -> Iterator[Values]:
        tab, may_edit = browser_tab(request), self._context.may_edit(request)
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
                    {"progress": progress_html(state), "stop": visible(may_edit and not state.stopping)}
                    | dict.fromkeys(("import", "report", "dismiss"), visible(False))
                )
        yield self._events.values(self._report(key, job, changes, brings_papers, may_edit))

    def _report(self, key: str, job: ImportJob, changes: int, brings_papers: bool, may_edit: bool) -> Updates:
        """The end of an import."""
        state, remarks = job.snapshot()
        done: Updates = {
            "progress": report_html(state, remarks), "stop": visible(False), "import": visible(may_edit),
            "report": visible(bool(remarks)), "dismiss": visible(may_edit),
        }  # fmt: skip
        if brings_papers:
            self._context.forget(key)
            done["changes"] = changes + 1
        return done
