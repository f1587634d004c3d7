"""The library tab: which library is open; making, copying, renaming and deleting libraries."""

from __future__ import annotations

from typing import Any

from rag.errors import FootnoteError
from rag.ui.events import QUIET, with_request
from rag.ui.library_events import CONVERSATION, LibraryEvents, Updates, Values, visible
from rag.ui.library_papers import NO_FILTERS, NO_OPEN_PAPER, facet_updates, table_updates
from rag.ui.library_zotero import CLOSED, may_read_zotero
from rag.ui.render_library import View, library_html, note_html
from rag.ui.render_messages import error_html, reader_html
from rag.ui.roles import Editor

_FORMS = {  # the form that a button opens → the label of its field, and what its own button says
    "new": ("Name of the new library", "Make it"),
    "copy": ("Name of the copy", "Copy"),
    "rename": ("New name", "Rename"),
    "delete": ("", "Delete for good"),
}


class LibraryChoice:
    """Choosing a library, and the forms that change which libraries there are."""

    def __init__(self, events: LibraryEvents) -> None:
        self._events, self._actions, self._context = events, events.library_actions, events.context

    def connect(self, app: Any) -> list[Any]:
        """Connect the events; those after which another library is shown."""
        self._connect_forms()
        return self._connect_choice(app)

    # --- the choice ---

    def _connect_choice(self, app: Any) -> list[Any]:
        on, choice = self._events.on, self._events.part("library_choice")
        on(choice.input, self._choose, "library_choice")
        choice.focus(self._choices, None, [choice], **QUIET)
        show = with_request(self._events.gr, self._show)
        return [on(event, show, "library") for event in (app.load, self._events.part("library").change)]

    def _choose(self, key: str) -> Values:
        return self._events.values({"message": ""} | self._open(key))

    def _choices(self) -> Any:
        return self._events.gr.update(choices=self._actions.choices())

    def _open(self, key: str) -> Updates:
        """Another library with a new conversation: the footnotes of the old one point into the library before."""
        return {"library": key, CONVERSATION: self._context.view([], key)}

    def _show(self, request: Any, key: str) -> Values:
        """Everything of the tab, anew: another library was chosen, or the page was opened."""
        shown: Updates = NO_FILTERS | {"ticked": [], "form_row": visible(False)} | NO_OPEN_PAPER | CLOSED
        try:
            shown["library_choice"] = {"choices": self._actions.choices(), "value": key}
            shown |= self._summary(key, self._context.may_edit(request))
            shown |= facet_updates(self._actions, key, {"value": []})
            shown |= table_updates(self._actions, key, View(), [])
        except FootnoteError as error:
            shown |= {"message": error_html(str(error)), "table": "", "found": "", "years": "", "ticks": ""}
        return self._events.values(shown)

    def _summary(self, key: str, may_edit: bool) -> Updates:
        info = self._actions.info(key)
        own = {"interactive": info.is_own, "visible": may_edit}
        return {
            "summary": library_html(info), "new": visible(may_edit),
            "reader": "" if may_edit else reader_html(self._context.read_only),
            "rename": own, "delete": own, "import": visible(may_edit and info.is_writable),
            "zotero": visible(may_edit and may_read_zotero(self._context)),
            "copy": {"interactive": not info.problem, "visible": may_edit},
        }  # fmt: skip

    # --- the forms ---

    def _connect_forms(self) -> None:
        on, part, changing = self._events.on, self._events.part, self._events.changing
        for name in _FORMS:
            on(part(name).click, changing(lambda _, key, form=name: self._open_form(key, form)), "library")
        working = self._events.on_any([part("ok").click, part("name").submit], self._events.announce("Working…"))
        on(working.then, changing(self._submit_form), "library", "form", "name")
        on(part("cancel").click, self._events.always({"form_row": visible(False), "message": ""}))

    def _open_form(self, key: str, form: str) -> Updates:
        label, verb = _FORMS[form]
        info = self._actions.info(key)
        value = {"copy": self._actions.name_for_copy(key), "rename": info.name}.get(form, "")
        if form == "delete":
            papers = "1 paper" if info.papers == 1 else f"{info.papers:,} papers"
            label = f"This deletes {papers} for good. To go on, type the name of the library: {info.name}"
        return {
            "form": form, "form_row": visible(True), "name": {"label": label, "value": value},
            "ok": {"value": verb, "variant": "stop" if form == "delete" else "primary"},
        }  # fmt: skip

    def _submit_form(self, editor: Editor, key: str, form: str, name: str) -> Updates:
        closed: Updates = {"form_row": visible(False), "name": ""}
        if form == "delete":
            gone = self._actions.delete_library(editor, key, name)
            self._context.forget(key)
            return closed | self._open("") | {"message": note_html(f"The library {gone.name} was deleted.")}
        if form == "rename":  # the same papers under another name: the conversation goes on
            return closed | {"library": self._actions.rename(editor, key, name).key}
        made = self._actions.make(editor, name) if form == "new" else self._actions.copy(editor, key, name)
        return closed | self._open(made.key)
