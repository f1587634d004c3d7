"""The conversations that were kept, left of the one that is open: list, search, rename, delete, export, rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rag.errors import FootnoteError
from rag.history.models import Opened
from rag.ui.components import html
from rag.ui.conversation import Turn
from rag.ui.conversation_recorder import ConversationRecorder
from rag.ui.downloads import download_html
from rag.ui.events import QUIET, UNQUEUED, with_request, with_request_and_event
from rag.ui.page_context import PageContext
from rag.ui.render_history import foot_html, head_html, list_html, notice_html

# Handlers that write wait for one another: each must see which conversation the one before has opened.
_ONE_BY_ONE = {**QUIET, "concurrency_limit": 1, "concurrency_id": "history"}


def build(gr: Any, context: PageContext) -> None:
    """Lay out the column; called inside ``gr.Column(elem_id="fn-history")``, which shows while it has content.

    It has none for a page without settings: there is no place to keep anything then.
    """
    if context.settings is None:
        return
    parts = context.parts
    parts["history.opened"] = gr.State(Opened())
    _html(gr, "head", head_html(), "head")
    parts["history.notice"] = _html(gr, "notice")
    with gr.Column(elem_id="fn-history-body", min_width=0):
        parts["history.search"] = gr.Textbox(
            label="Search conversations", show_label=False, placeholder="Search conversations", lines=1, max_lines=1,
            min_width=0, elem_id="fn-history-search", container=False,
        )  # fmt: skip
        parts["history.list"] = _html(gr, "list", "", "list")
        parts["history.foot"] = _html(gr, "foot", foot_html(""), "foot")
    parts["history.answers"] = _html(gr, "answers", "", "answers")
    parts["history.download"] = _html(gr, "download", "", "download")


def _html(gr: Any, name: str, value: str = "", role: str = "") -> Any:
    return html(gr, f"fn-history-{name}", value, script="tabs/history.js" if role else "", role=role)


def wire(gr: Any, app: Any, context: PageContext) -> None:
    """Connect the events."""
    if context.settings is None:
        return
    from rag.factory import open_history

    recorder = ConversationRecorder(context, open_history(context.settings))
    HistoryEvents(gr, context, recorder).connect(app)


class HistoryEvents:
    """What is done with kept conversations. Whatever fails is said in the notice above the list."""

    def __init__(self, gr: Any, context: PageContext, recorder: ConversationRecorder) -> None:
        self._gr, self._context, self._recorder = gr, context, recorder
        self._parts = context.parts
        self._notice, self._list = self._parts["history.notice"], self._parts["history.list"]
        names = ("turns", "library", "history.opened", "history.search")
        self._here = [self._parts[name] for name in names]

    def connect(self, app: Any) -> None:
        """Connect every event."""
        self._connect_list(app)
        self._connect_conversations()
        self._connect_answers()

    def _reported(self, handler: Callable[..., Any], skipped: int, intro: str = "") -> Callable[..., Any]:
        """``handler``, an error of it as the notice, which is its last output; the ``skipped`` ones before it stay."""

        def reported(*values: Any) -> Any:
            try:
                return handler(*values)
            except FootnoteError as error:
                return *([self._gr.skip()] * skipped), notice_html(f"{intro}{error}", True)

        return reported

    # --- the list ---

    def _connect_list(self, app: Any) -> None:
        gr, (turns, _, opened, search) = self._gr, self._here
        found, begin = [self._list, self._notice], self._reported(self._list_anew, 1)
        app.load(with_request(gr, self._start), [search], [*found, self._parts["history.foot"]], **QUIET)
        self._parts["new"].click(with_request(gr, begin), [search], found, **UNQUEUED)
        find = with_request(gr, self._reported(self._find, 1))
        search.change(find, [turns, opened, search], found, trigger_mode="always_last", **QUIET)

    def _start(self, request: Any, search: str) -> tuple[Any, ...]:
        begin = self._reported(self._list_anew, 1)
        user = self._context.user(request)
        return *begin(request, search), foot_html(user, self._context.may_edit(request))

    def _list_anew(self, request: Any, search: str) -> tuple[str, str]:
        return self._find(request, [], Opened(), search)

    def _find(self, request: Any, turns: list[Turn], opened: Opened, search: str) -> tuple[str, str]:
        return self._list_html(request, self._recorder.current(opened, turns), search), ""

    def _list_html(self, request: Any, opened: Opened, search: str) -> str:
        user = self._context.user(request)
        return list_html(self._recorder.store.conversations(user, search), opened.id, search)

    # --- one conversation ---

    def _connect_conversations(self) -> None:
        gr, here = self._gr, self._here
        turns, library, opened, search = here
        view, said = self._context.view_parts, [self._list, self._notice]
        keep = with_request(gr, self._reported(self._keep, 2, "This conversation is not kept. "))
        turns.change(keep, here, [opened, *said], **_ONE_BY_ONE)
        reopen = with_request_and_event(gr, self._reported(self._reopen, len(view) + 3))
        self._list.select(reopen, here, [*view, library, opened, *said], **_ONE_BY_ONE)
        rename = with_request_and_event(gr, self._reported(self._rename, 1))
        self._list.edit(rename, [turns, opened, search], said, **UNQUEUED)
        delete = with_request_and_event(gr, self._reported(self._delete, len(view) + 1))
        self._list.delete(delete, here, [*view, *said], **_ONE_BY_ONE)

    def _keep(self, request: Any, turns: list[Turn], library: str, opened: Opened, search: str) -> tuple[Any, str, str]:
        kept = self._recorder.keep(self._context.user(request), opened, turns, library)
        now = self._recorder.current(kept, turns)
        return self._gr.skip() if kept == opened else kept, self._list_html(request, now, search), ""

    def _reopen(
        self, request: Any, event: Any, turns: list[Turn], library: str, opened: Opened, search: str
    ) -> tuple[Any, ...]:
        found = self._recorder.reopen(self._context.user(request), str(event.conversation))
        view = self._context.view(found.turns, found.library)
        listed = self._list_html(request, found.opened, search)
        return *view, found.library, found.opened, listed, notice_html(found.problem, True)

    def _rename(self, request: Any, event: Any, turns: list[Turn], opened: Opened, search: str) -> tuple[str, str]:
        self._recorder.store.rename(self._context.user(request), str(event.conversation), str(event.title))
        return self._list_html(request, self._recorder.current(opened, turns), search), notice_html("Renamed.")

    def _delete(
        self, request: Any, event: Any, turns: list[Turn], library: str, opened: Opened, search: str
    ) -> tuple[Any, ...]:
        """Delete a conversation; the page is emptied where it is the one that it shows."""
        deleted = str(event.conversation)
        self._recorder.store.delete(self._context.user(request), deleted)
        now = self._recorder.current(opened, turns)
        shows_it = now.id == deleted
        view = self._context.view([], library) if shows_it else [self._gr.skip()] * len(self._context.view_parts)
        return *view, self._list_html(request, now, search), notice_html("Deleted.")

    # --- one answer ---

    def _connect_answers(self) -> None:
        gr, answers = self._gr, self._parts["history.answers"]
        turns, library, opened, _ = self._here
        rate = with_request_and_event(gr, self._reported(self._rate, 2))
        answers.like(rate, self._here, [turns, opened, self._notice], **_ONE_BY_ONE)
        exporting = [part.download for part in (self._list, answers, self._parts["history.foot"])]
        outputs = [self._parts["history.download"], self._notice]
        gr.on(exporting, with_request_and_event(gr, self._export), [library, opened], outputs, **UNQUEUED)

    def _rate(
        self, request: Any, event: Any, turns: list[Turn], library: str, opened: Opened, search: str
    ) -> tuple[Any, ...]:
        user, rating = self._context.user(request), int(event.rating)
        note = None if event.note is None else str(event.note)
        rated = self._recorder.rate(user, opened, turns, library, str(event.turn), rating, note)
        return *rated, notice_html("Note kept." if note is not None else "Rating kept.")

    def _export(self, request: Any, event: Any, library: str, opened: Opened) -> tuple[str, str]:
        user = self._context.user(request)
        try:
            if event.format == "evaluation":
                made = self._recorder.evaluation(user)
            else:
                id = str(event.conversation or opened.id)
                made = self._recorder.export(
                    user, id, str(event.format), str(event.turn or ""), library, str(getattr(event, "style", "") or "")
                )
            return download_html(made), notice_html(f"Exported: {', '.join(made)}.")
        except FootnoteError as error:
            return "", notice_html(str(error), True)
