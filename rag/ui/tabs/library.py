"""The library tab: libraries, their papers, imports.

Gradio finds out from annotations that a handler wants the request or the event, so the annotations of the inner
functions are real classes: this module does without postponed evaluation.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from rag.errors import FootnoteError
from rag.library.importing import ImportJob
from rag.library.storage.browsing import PaperFilter
from rag.papers.revision import FIELDS, fields_of
from rag.ui.library_actions import LibraryActions
from rag.ui.library_layout import lay_out
from rag.ui.page_context import PageContext
from rag.ui.render_library import (
    NO_PAPER,
    View,
    error_html,
    found_html,
    note_html,
    paper_html,
    progress_html,
    report_html,
    shelf_html,
    table_html,
    ticks_html,
    working_html,
    years_html,
)
from rag.ui.render_map import question_about

_QUIET = {"show_progress": "hidden", "api_visibility": "private"}
_MOST_VALUES = 1000  # venues and sources that are offered; the search finds the others
_WITHOUT = " "  # stands for papers that have no venue or source: a list of choices cannot hold an empty one
_FORMS = {
    "new": ("Name of the new library", "Make it"),
    "copy": ("Name of the copy", "Copy"),
    "rename": ("New name", "Rename"),
    "delete": ("", "Delete for good"),
}
_TYPED = ("text", "since", "until")
_FILTERS = ("text", "since", "until", "venues", "sources", "abstract")

Updates = dict[str, Any]  # part → its new value or update; "library." goes without saying


def build(gr: Any, context: PageContext) -> None:
    """Lay out the tab."""
    parts = context.parts
    states = {"view": View(), "ticked": [], "shown": [], "open": "", "form": "", "changes": 0, "question": ""}
    for name, value in states.items():
        parts[f"library.{name}"] = gr.State(value)
    if context.settings is None:
        gr.HTML(error_html("There are no libraries on this page. Start the program with 'footnote serve'."))
        return
    lay_out(gr, parts)


def wire(gr: Any, app: Any, context: PageContext) -> None:
    """Connect the events."""
    if context.settings is None:
        return
    Page(gr, context, LibraryActions(context.settings)).wire(app)


class Page:
    """The handlers. What belongs to one browser tab comes in through arguments."""

    def __init__(self, gr: Any, context: PageContext, library_actions: LibraryActions) -> None:
        self.gr, self.context, self.library_actions = gr, context, library_actions
        self.parts = context.parts
        self._watched: dict[str, ImportJob] = {}  # by browser tab: the import whose progress it shows
        self._names = [name.removeprefix("library.") for name in self.parts if name.startswith("library.")]

    def part(self, name: str) -> Any:
        return self.parts[name[1:] if name.startswith("^") else f"library.{name}"]

    def wire(self, app: Any) -> None:
        """Connect every event of the tab and the choice of the library in the header."""
        gr, part = self.gr, self.part
        outputs = self._outputs()

        def on(event: Any, handler: Callable[..., Any], *names: str, **more: Any) -> Any:
            return event(handler, [part(name) for name in names], outputs, **(_QUIET | more))

        library = "^library"
        self._wire_shelf(on, app)
        latest = {"trigger_mode": "always_last"}
        # A text that is pasted or dropped is a change and no input.
        filters = [part(name).change if name in _TYPED else part(name).input for name in _FILTERS]
        chosen = [part(n) for n in (library, "view", "ticked", *_FILTERS)]
        gr.on(filters, self._told(self.filter, clear=False), chosen, outputs, **_QUIET, **latest)
        on(part("clear").click, self._told(self.clear), library, "view", "ticked")
        # Every click, in its order: what comes while an earlier one is served must not be lost.
        each = {"trigger_mode": "multiple", "concurrency_limit": 1}
        on(part("table").apply, self.turn_page(gr), library, "view", "ticked", **each)
        on(part("table").select, self.open_paper(gr), library, **each)
        for name in ("table", "ticks"):
            on(part(name).tick, self.tick(gr), library, "view", "ticked", **each)
        on(part("changes").change, self.refresh, library, "view", "ticked")
        on(part("ticked").change, self._told(self.show_ticks, clear=False), library, "view", "ticked", "shown")
        on(part("edit").click, self._told(self.edit), library, "open")
        fields = [f"field_{name}" for name in FIELDS]
        saving = on(part("save").click, self._saying("Saving…"))
        saving.then(self._told(self.save), [part(n) for n in (library, "open", "changes", *fields)], outputs, **_QUIET)
        on(part("discard").click, lambda: self.updates({"editor": _shown(False), "paper_tools": _shown(True)}))
        on(part("remove").click, lambda: self.updates({"sure": _shown(True), "paper_tools": _shown(False)}))
        on(part("remove_no").click, lambda: self.updates({"sure": _shown(False), "paper_tools": _shown(True)}))
        removing = on(part("remove_yes").click, self._saying("Deleting…"))
        told = self._told(self.remove)
        removing.then(told, [part(n) for n in (library, "open", "ticked", "changes")], outputs, **_QUIET)
        self.context.ask_from(part("ask").click, part("question"))

    def _wire_shelf(self, on: Callable[..., Any], app: Any) -> None:
        gr, part, library = self.gr, self.part, "^library"
        outputs = self._outputs()
        choice = self.parts["library_choice"]
        choice.input(lambda key: self.updates({"message": ""} | self._go(key)), [choice], outputs, **_QUIET)
        choice.focus(lambda: gr.update(choices=self.library_actions.choices()), None, [choice], **_QUIET)
        for event in (app.load, part(library).change):
            shown = on(event, self.show, library)
            shown.then(self.follow(gr), [part(library), part("changes")], outputs, **_QUIET)
        for name in _FORMS:
            on(part(name).click, self._told(lambda key, form=name: self.open_form(key, form)), library)
        submits = [part("ok").click, part("name").submit]
        working = gr.on(submits, self._saying("Working…"), None, outputs, **_QUIET)
        form = [part(n) for n in (library, "form", "name")]
        working.then(self._told(self.submit_form), form, outputs, **_QUIET)
        on(part("cancel").click, lambda: self.updates({"form_row": _shown(False), "message": ""}))
        begun = on(part("files").upload, self._told(self.begin_import), library, "files")
        begun.then(self.follow(gr, begun=True), [part(library), part("changes")], outputs, **_QUIET)
        on(part("stop").click, self._told(self.stop_import), library, queue=False)
        on(part("dismiss").click, self._told(self.dismiss), library)
        app.unload(self.leave(gr))

    def _outputs(self) -> list[Any]:
        own = [self.part(name) for name in (*self._names, "^library", "^library_choice")]
        return [*own, *self.context.view_parts]

    def updates(self, values: Updates) -> dict[Any, Any]:
        """What Gradio takes for an answer."""
        view = dict(zip(self.context.view_parts, values.pop("^view", ()), strict=False))
        nothing = {self.part("view"): self.gr.skip()}  # an empty answer is taken for a missing one
        return (
            nothing
            | view
            | {
                self.part(name): self.gr.update(**value) if isinstance(value, dict) else value
                for name, value in values.items()
            }
        )

    def _told(self, handler: Callable[..., Updates], clear: bool = True) -> Callable[..., dict[Any, Any]]:
        """``handler``, its errors as a sentence on the page. ``clear``: what was said before goes."""

        def told(*values: Any) -> dict[Any, Any]:
            try:
                return self.updates(({"message": ""} if clear else {}) | handler(*values))
            except FootnoteError as error:
                return self.updates({"message": error_html(str(error))})

        return told

    def _saying(self, words: str) -> Callable[[], dict[Any, Any]]:
        """Says what is being done, since it may take seconds."""
        return lambda: self.updates({"message": working_html(words)})

    # --- libraries ---

    def _go(self, key: str) -> Updates:
        """To another library, and to a new conversation: the footnotes of the old one point into the library left."""
        return {"^library": key, "^view": self.context.view([], key)}

    def show(self, key: str) -> dict[Any, Any]:
        """Everything of the tab, anew: another library was chosen, or the page was opened."""
        shown: Updates = _NO_FILTERS | {"ticked": [], "form_row": _shown(False)} | self._no_paper()
        try:
            shown["^library_choice"] = {"choices": self.library_actions.choices(), "value": key}
            shown |= self._shelf(key) | self._facets(key, {"value": []}) | self._table(key, View(), [])
        except FootnoteError as error:
            shown |= {"message": error_html(str(error)), "table": "", "found": "", "years": "", "ticks": ""}
        return self.updates(shown)

    def refresh(self, key: str, view: View, ticked: list[str]) -> dict[Any, Any]:
        """After a change of the papers."""
        try:
            return self.updates(self._facets(key) | self._table(key, view, ticked))
        except FootnoteError as error:
            return self.updates({"message": error_html(str(error))})

    def _shelf(self, key: str) -> Updates:
        shelf = self.library_actions.shelf(key)
        own = {"interactive": shelf.is_own}
        return {
            "shelf": shelf_html(shelf), "rename": own, "delete": own, "import": _shown(shelf.is_writable),
            "copy": {"interactive": not shelf.problem},
        }  # fmt: skip

    def _facets(self, key: str, more: Mapping[str, Any] = MappingProxyType({})) -> Updates:
        facets = self.library_actions.facets(key)

        def choices(values: Sequence[tuple[str, int]]) -> list[tuple[str, str]]:
            return [(f"{name or 'none'} ({count:,})", name or _WITHOUT) for name, count in values[:_MOST_VALUES]]

        return {
            "venues": {"choices": choices(facets.venues), **more},
            "sources": {"choices": choices(facets.sources), **more},
            "shelf": shelf_html(self.library_actions.shelf(key)),
        }

    def open_form(self, key: str, form: str) -> Updates:
        label, verb = _FORMS[form]
        shelf = self.library_actions.shelf(key)
        value = {"copy": self.library_actions.name_for_copy(key), "rename": shelf.name}.get(form, "")
        if form == "delete":
            papers = "1 paper" if shelf.papers == 1 else f"{shelf.papers:,} papers"
            label = f"This deletes {papers} for good. To go on, type the name of the library: {shelf.name}"
        return {
            "form": form, "form_row": _shown(True), "name": {"label": label, "value": value},
            "ok": {"value": verb, "variant": "stop" if form == "delete" else "primary"},
        }  # fmt: skip

    def submit_form(self, key: str, form: str, name: str) -> Updates:
        closed: Updates = {"form_row": _shown(False), "name": ""}
        if form == "delete":
            gone = self.library_actions.delete_library(key, name)
            self.context.forget(key)
            return closed | self._go("") | {"message": note_html(f"The library {gone.name} was deleted.")}
        made = {
            "new": lambda: self.library_actions.make(name),
            "copy": lambda: self.library_actions.copy(key, name),
            "rename": lambda: self.library_actions.rename(key, name),
        }[form]()
        # The same papers under another name: the conversation goes on.
        return closed | ({"^library": made.key} if form == "rename" else self._go(made.key))

    # --- the table ---

    def _table(self, key: str, view: View, ticked: Sequence[str]) -> Updates:
        sheet = self.library_actions.sheet(key, view)
        filtered = view.chosen != PaperFilter()
        ids = [paper.id for paper in sheet.page.papers]
        return {
            "view": sheet.view, "shown": ids, "table": table_html(sheet.view, sheet.page, filtered),
            "found": found_html(sheet.page.total, sheet.all_papers, filtered), "years": years_html(sheet.years),
            "ticks": ticks_html(ticked, ids, sheet.page.total),
        }  # fmt: skip

    def filter(self, key: str, view: View, ticked: list[str], text: str, since: Any, until: Any, venues: list[str],
               sources: list[str], abstract: str) -> Updates:  # fmt: skip
        chosen = PaperFilter(
            text.strip(), None if since is None else int(since), None if until is None else int(until),
            tuple(name.strip() for name in venues), tuple(name.strip() for name in sources),
            {"with": True, "without": False}.get(abstract),
        )  # fmt: skip
        if chosen == view.chosen:  # the fields were emptied with the filter itself
            return {}
        return self._table(key, replace(view, chosen=chosen, page=0), ticked)

    def clear(self, key: str, view: View, ticked: list[str]) -> Updates:
        return _NO_FILTERS | self._table(key, replace(view, chosen=PaperFilter(), page=0), ticked)

    def turn_page(self, gr: Any) -> Callable[..., dict[Any, Any]]:
        def turn_page(key: str, view: View, ticked: list[str], event: gr.EventData) -> dict[Any, Any]:
            if event.sort:
                view = replace(view, sort=str(event.sort), descending=event.descending == "true", page=0)
            else:
                view = replace(view, page=max(int(event.page), 0))
            return self._told(self._table)(key, view, ticked)

        return turn_page

    def tick(self, gr: Any) -> Callable[..., dict[Any, Any]]:
        def tick(key: str, view: View, ticked: list[str], event: gr.EventData) -> dict[Any, Any]:
            if event.what == "page":
                shown, here = set(map(str, event.shown)), [str(one) for one in event.ticked]
                return self.updates({"ticked": [one for one in ticked if one not in shown] + here})
            if event.what == "none":
                return self.updates({"ticked": []})
            return self._told(self._tick_all)(key, view, ticked)

        return tick

    def _tick_all(self, key: str, view: View, ticked: list[str]) -> Updates:
        there = set(ticked)
        return {"ticked": [*ticked, *(one for one in self.library_actions.ids(key, view.chosen) if one not in there)]}

    def show_ticks(self, key: str, view: View, ticked: list[str], shown: list[str]) -> Updates:
        return {"ticks": ticks_html(ticked, shown, len(self.library_actions.ids(key, view.chosen)))}

    # --- one paper ---

    def _no_paper(self) -> Updates:
        hidden = _shown(False)
        return {"open": "", "paper": NO_PAPER, "paper_tools": hidden, "sure": hidden, "editor": hidden}

    def open_paper(self, gr: Any) -> Callable[..., dict[Any, Any]]:
        def open_paper(key: str, event: gr.EventData) -> dict[Any, Any]:
            return self._told(self._paper)(key, str(event.paper))

        return open_paper

    def _paper(self, key: str, paper_id: str) -> Updates:
        paper, writable = self.library_actions.paper(key, paper_id), self.library_actions.shelf(key).is_writable
        return self._no_paper() | {
            "open": paper_id, "paper": paper_html(paper), "paper_tools": _shown(True),
            "question": question_about(paper), "edit": _shown(writable), "remove": _shown(writable),
        }  # fmt: skip

    def edit(self, key: str, paper_id: str) -> Updates:
        typed = fields_of(self.library_actions.paper(key, paper_id))
        values = {f"field_{name}": text for name, text in typed.items()}
        return values | {"editor": _shown(True), "paper_tools": _shown(False)}

    def save(self, key: str, paper_id: str, changes: int, *typed: str) -> Updates:
        changed = self.library_actions.revise(key, paper_id, dict(zip(FIELDS, typed, strict=True)))
        self.context.forget(key)
        note = note_html("Saved." if changed else "Nothing was changed.")
        return self._paper(key, paper_id) | {"message": note, "changes": changes + changed}

    def remove(self, key: str, paper_id: str, ticked: list[str], changes: int) -> Updates:
        self.library_actions.remove(key, [paper_id])
        self.context.forget(key)
        left = [one for one in ticked if one != paper_id]
        note = note_html("The paper was deleted.")
        return self._no_paper() | {"message": note, "ticked": left, "changes": changes + 1}

    # --- imports ---

    def begin_import(self, key: str, paths: list[str] | None) -> Updates:
        job = self.library_actions.start_import(key, paths or [])
        return {
            "files": None,
            "import": _shown(False),
            "form_row": _shown(False),
            "progress": progress_html(job.state),
            "stop": _shown(True),
        }

    def follow(self, gr: Any, begun: bool = False) -> Callable[..., Iterator[dict[Any, Any]]]:
        """Shows an import to its end. ``begun``: it began after the table was shown, and may be over already."""

        def follow(key: str, changes: int, request: gr.Request) -> Iterator[dict[Any, Any]]:
            tab = str(request.session_hash)
            try:
                job = self.library_actions.job(key)
            except FootnoteError:  # said already when the library was shown
                job = None
            if job is None:
                self._watched.pop(tab, None)
                yield self.updates(_NO_IMPORT)
                return
            self._watched[tab] = job
            yield from self._progress(tab, key, job, changes, begun or not job.state.finished)

        return follow

    def _progress(self, tab: str, key: str, job: ImportJob, changes: int, news: bool) -> Iterator[dict[Any, Any]]:
        for state in job.states():
            if self._watched.get(tab) is not job:  # this tab shows another library now
                return
            if not state.finished:
                yield self.updates(
                    {"progress": progress_html(state), "stop": _shown(not state.stopping), "import": _shown(False)}
                    | {"report": _shown(False), "dismiss": _shown(False)}
                )
        file = self.library_actions.report_file(key)
        done: Updates = {
            "progress": report_html(job.state, job.remarks), "stop": _shown(False), "import": _shown(True),
            "report": {"visible": file is not None, "value": file}, "dismiss": _shown(True),
        }  # fmt: skip
        if news:  # else the table was shown after it
            self.context.forget(key)
            done["changes"] = changes + 1
        yield self.updates(done)

    def leave(self, gr: Any) -> Callable[..., None]:
        def leave(request: gr.Request) -> None:
            self._watched.pop(str(request.session_hash), None)  # the import itself goes on

        return leave

    def stop_import(self, key: str) -> Updates:
        self.library_actions.stop_import(key)
        return {"stop": _shown(False)}

    def dismiss(self, key: str) -> Updates:
        self.library_actions.imports.forget(self.library_actions.shelf(key).path)
        return _NO_IMPORT


def _shown(visible: bool) -> dict[str, Any]:
    return {"visible": visible}


_NO_FILTERS: Updates = {
    "text": "", "since": None, "until": None, "venues": {"value": []}, "sources": {"value": []}, "abstract": "",
}  # fmt: skip
_NO_IMPORT: Updates = {
    "progress": "", "stop": _shown(False), "report": _shown(False), "dismiss": _shown(False),
}  # fmt: skip
