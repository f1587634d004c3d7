"""The conversations that were kept, left of the one that is open: list, search, rename, delete, export, rate."""

from importlib.resources import files
from typing import Any

from rag.errors import FootnoteError
from rag.history.models import Opened
from rag.ui.conversation import Turn
from rag.ui.conversation_recorder import ConversationRecorder, download_html
from rag.ui.page_context import PageContext
from rag.ui.render_history import foot_html, head_html, list_html, notice_html

_QUIET = {"show_progress": "hidden", "api_visibility": "private"}
_FAST = {**_QUIET, "queue": False}
# What writes waits for what writes: each must see which conversation the one before has opened.
_ONE_BY_ONE = {**_QUIET, "concurrency_limit": 1, "concurrency_id": "history"}


def build(gr: Any, context: PageContext) -> None:
    """Lay out the column; called inside ``gr.Column(elem_id="fn-history")``, which shows while it has content.

    It has none for a page without settings: there is no place to keep anything then.
    """
    if context.settings is None:
        return
    parts = context.parts
    parts["history.opened"] = gr.State(Opened())
    script = files("rag.ui.tabs").joinpath("history.js").read_text(encoding="utf-8")

    def html(name: str, value: str, role: str = "") -> Any:
        start = f"({script})({{role: '{role}', element, trigger, watch}});" if role else None
        return gr.HTML(value, elem_id=f"fn-history-{name}", apply_default_css=False, js_on_load=start)

    html("head", head_html(), "head")
    parts["history.notice"] = html("notice", "")
    with gr.Column(elem_id="fn-history-body", min_width=0):
        parts["history.search"] = gr.Textbox(
            label="Search conversations", show_label=False, placeholder="Search conversations", lines=1, max_lines=1,
            min_width=0, elem_id="fn-history-search", container=False,
        )  # fmt: skip
        parts["history.list"] = html("list", "", "list")
        parts["history.foot"] = html("foot", foot_html(""), "foot")
    parts["history.answers"] = html("answers", "", "answers")
    parts["history.download"] = html("download", "", "download")


def wire(gr: Any, app: Any, context: PageContext) -> None:
    """Connect the events. Whatever fails is said in the notice above the list."""
    if context.settings is None:
        return
    from rag.factory import open_history

    parts = context.parts
    recorder = ConversationRecorder(context, open_history(context.settings))
    turns, library, opened = parts["turns"], parts["library"], parts["history.opened"]
    search, notice, listed = parts["history.search"], parts["history.notice"], parts["history.list"]
    here = [turns, library, opened, search]

    def shown(request: Any, current: Opened, search: str) -> str:
        return list_html(recorder.store.conversations(context.user(request), search), current.id, search)

    def started(search: str, request: gr.Request) -> tuple[Any, ...]:
        listed, said = begin(search, request)
        return listed, foot_html(context.user(request)), said

    def find(turns: list[Turn], current: Opened, search: str, request: gr.Request) -> tuple[Any, str]:
        try:
            return shown(request, recorder.current(current, turns), search), ""
        except FootnoteError as error:
            return gr.skip(), notice_html(str(error), True)

    def begin(search: str, request: gr.Request) -> tuple[Any, str]:
        return find([], Opened(), search, request)

    def keep(
        turns: list[Turn], library: str, current: Opened, search: str, request: gr.Request
    ) -> tuple[Any, Any, str]:
        try:
            kept = recorder.keep(context.user(request), current, turns, library)
            return gr.skip() if kept == current else kept, shown(request, recorder.current(kept, turns), search), ""
        except FootnoteError as error:
            return gr.skip(), gr.skip(), notice_html(f"This conversation is not kept. {error}", True)

    def reopen(
        turns: list[Turn], library: str, current: Opened, search: str, request: gr.Request, event: gr.EventData
    ) -> tuple[Any, ...]:
        try:
            found = recorder.reopen(context.user(request), str(event.conversation))
            view = context.view(found.turns, found.library)
            said = notice_html(found.problem, True)
            return *view, found.library, found.opened, shown(request, found.opened, search), said
        except FootnoteError as error:
            return *([gr.skip()] * (len(context.view_parts) + 3)), notice_html(str(error), True)

    def rename(
        turns: list[Turn], current: Opened, search: str, request: gr.Request, event: gr.EventData
    ) -> tuple[Any, str]:
        try:
            recorder.store.rename(context.user(request), str(event.conversation), str(event.title))
            return shown(request, recorder.current(current, turns), search), notice_html("Renamed.")
        except FootnoteError as error:
            return gr.skip(), notice_html(str(error), True)

    def delete(
        turns: list[Turn], library: str, current: Opened, search: str, request: gr.Request, event: gr.EventData
    ) -> tuple[Any, ...]:
        nothing = [gr.skip()] * len(context.view_parts)
        try:
            recorder.store.delete(context.user(request), str(event.conversation))
            open_now = recorder.current(current, turns)
            view = context.view([], library) if open_now.id == str(event.conversation) else nothing
            return *view, shown(request, open_now, search), notice_html("Deleted.")
        except FootnoteError as error:
            return *nothing, gr.skip(), notice_html(str(error), True)

    def rate(
        turns: list[Turn], library: str, current: Opened, search: str, request: gr.Request, event: gr.EventData
    ) -> tuple[Any, ...]:
        note = None if event.note is None else str(event.note)
        try:
            rating = int(event.rating)
            rated = recorder.rate(context.user(request), current, turns, library, str(event.turn), rating, note)
            return *rated, notice_html("Note kept." if note is not None else "Rating kept.")
        except FootnoteError as error:
            return gr.skip(), gr.skip(), notice_html(str(error), True)

    def export(library: str, current: Opened, request: gr.Request, event: gr.EventData) -> tuple[str, str]:
        user = context.user(request)
        try:
            if event.format == "evaluation":
                made = recorder.evaluation(user)
            else:
                id = str(event.conversation or current.id)
                made = recorder.export(user, id, str(event.format), str(event.turn or ""), library)
            return download_html(made), notice_html(f"Exported: {', '.join(made)}.")
        except FootnoteError as error:
            return "", notice_html(str(error), True)

    download = [parts["history.download"], notice]
    app.load(started, [search], [listed, parts["history.foot"], notice], **_QUIET)
    turns.change(keep, here, [opened, listed, notice], **_ONE_BY_ONE)
    parts["new"].click(begin, [search], [listed, notice], **_FAST)
    search.change(find, [turns, opened, search], [listed, notice], trigger_mode="always_last", **_QUIET)
    listed.select(reopen, here, [*context.view_parts, library, opened, listed, notice], **_ONE_BY_ONE)
    listed.edit(rename, [turns, opened, search], [listed, notice], **_FAST)
    listed.delete(delete, here, [*context.view_parts, listed, notice], **_ONE_BY_ONE)
    parts["history.answers"].like(rate, here, [turns, opened, notice], **_ONE_BY_ONE)
    gr.on(
        [listed.download, parts["history.answers"].download, parts["history.foot"].download],
        export,
        [library, opened],
        download,
        **_FAST,
    )
