"""The page: a header with the choices of this browser tab, and below it one tab for each kind of work, in Gradio."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rag.config import Settings
from rag.system.accounts import NOBODY, Accounts
from rag.ui import ask
from rag.ui.chat import Chat, mode_choices
from rag.ui.closed_tabs import forget_closed_tabs
from rag.ui.components import html
from rag.ui.conversation import Choice, OpenAnswerer, Turn
from rag.ui.events import QUIET, UNQUEUED
from rag.ui.page_context import LibraryService, PageContext
from rag.ui.render_messages import open_to_all_html
from rag.ui.tabs import check as check_tab
from rag.ui.tabs import library as library_tab
from rag.ui.tabs import map as map_tab
from rag.ui.tabs import models as models_tab
from rag.ui.tabs import tables as tables_tab
from rag.ui.uploads import MAX_AGE_S, uploads_of_this_process

_SWEEP_EVERY_S = 600
TABS = {
    "library": ("Library", library_tab),
    "tables": ("Tables", tables_tab),
    "check": ("Check a text", check_tab),
    "map": ("Map", map_tab),
    "models": ("Models", models_tab),
}


def build_app(
    open_answerer: OpenAnswerer,
    models: Sequence[Choice],
    *,
    model: str,
    mode: str,
    questions: Sequence[str] = (),
    private: bool = True,
    accounts: Accounts = NOBODY,
    settings: Settings | None = None,
    library_service: LibraryService | None = None,
) -> Any:
    """The page as ``gradio.Blocks``, not yet served.

    ``open_answerer(model, mode, library)`` is called once a question and once for the papers;
    ``library_service`` answers what else is asked of libraries. ``model`` and ``mode`` are chosen at first.
    ``questions`` are the examples for the library that was started with; without any they are made from the library.
    ``private``: the page is served to this computer only, and says so; ``accounts``: who may sign in, which
    :func:`rag.ui.server.start` gets too.
    """
    import gradio as gr

    uploads_of_this_process()  # before the components, which read where it is
    context = PageContext(open_answerer, models, settings, library_service, private, accounts)
    chat = Chat(context, questions)
    swept = (_SWEEP_EVERY_S, int(MAX_AGE_S))  # files that nobody imported
    with gr.Blocks(title="Footnote", analytics_enabled=False, fill_width=True, delete_cache=swept) as app:
        _header(gr, context, chat, model, mode)
        _tabs(gr, context, chat)
        ask.wire(gr, app, context, chat)
        HeaderEvents(gr, context, chat).connect(app)
        for _, tab in TABS.values():
            tab.wire(gr, app, context)
        app.unload(partial(forget_closed_tabs, app))
    app.queue(api_open=False, default_concurrency_limit=None)
    return app


def _tabs(gr: Any, context: PageContext, chat: Chat) -> None:
    with gr.Tabs(elem_id="fn-tabs", selected="ask") as context.parts["tabs"]:
        with gr.Tab("Ask", id="ask", elem_id="fn-tab-ask"):
            ask.build(gr, context, chat)
        for name, (title, tab) in TABS.items():
            with gr.Tab(title, id=name, elem_id=f"fn-tab-{name}"):
                tab.build(gr, context)


def _header(gr: Any, context: PageContext, chat: Chat, model: str, mode: str) -> None:
    parts = context.parts
    parts["turns"] = gr.State([])
    parts["library"] = gr.State("")
    with gr.Row(elem_id="fn-header"):
        with gr.Column(elem_id="fn-title", min_width=0):
            html(gr, "fn-name", "<h1>Footnote</h1>")
            parts["status"] = html(gr, "fn-status", chat.status(model, mode, "", wait=False))
            if not (context.private or context.accounts):
                html(gr, "fn-open-to-all", open_to_all_html(context.read_only))
        with gr.Row(elem_id="fn-choices"):
            _choices(gr, context, model, mode)


def _choices(gr: Any, context: PageContext, model: str, mode: str) -> None:
    parts, chosen = context.parts, context.models[model]
    parts["library_choice"] = gr.Dropdown(
        [(_started_with(context.settings), "")], value="", label="Library", min_width=0, filterable=False
    )
    names = [(choice.label, choice.name) for choice in context.models.values()]
    parts["model"] = gr.Dropdown(names, value=model, label="Model", min_width=0, filterable=False)
    parts["mode"] = gr.Dropdown(
        mode_choices(chosen),
        value=mode,
        label="Writes in",
        min_width=0,
        visible=len(chosen.modes) > 1,
        filterable=False,
    )
    parts["new"] = gr.Button("New conversation", size="sm", min_width=0, elem_id="fn-new")


def _started_with(settings: Settings | None) -> str:
    """What to call the library that the program was started with."""
    if settings is None or settings.is_shipped_library:
        return "Shipped abstracts"
    return Path(settings.library_path).name


class HeaderEvents:
    """What the choices of the header do. Whatever sets the part ``library`` makes the page follow."""

    def __init__(self, gr: Any, context: PageContext, chat: Chat) -> None:
        self._gr, self._context, self._chat = gr, context, chat

    def connect(self, app: Any) -> None:
        """Connect every event of the header."""
        parts = self._context.parts
        model, mode, library, turns = (parts[name] for name in ("model", "mode", "library", "turns"))
        status, view = parts["status"], self._context.view_parts[1:]
        # 'change', not 'input': another tab of the page may choose the model too.
        model.change(self._choose_model, [model, library], [mode, status], **UNQUEUED)
        mode.input(self._known_status, [model, mode, library], [status], **QUIET)
        opening = [app.load, library.change]
        self._gr.on(opening, self._open_library, [model, mode, library, turns], [status, *view], **QUIET)
        parts["library.changes"].change(self._status, [model, mode, library], [status], **QUIET)

    def _choose_model(self, model: str, library: str) -> tuple[Any, str]:
        choice = self._context.models[model]
        first = choice.modes[0]
        modes = self._gr.update(choices=mode_choices(choice), value=first, visible=len(choice.modes) > 1)
        return modes, self._known_status(model, first, library)

    def _open_library(self, model: str, mode: str, library: str, turns: list[Turn]) -> tuple[Any, ...]:
        status = self._status(model, mode, library)
        return status, *self._chat.view(turns, library)[1:]

    def _status(self, model: str, mode: str, library: str) -> str:
        return self._chat.status(model, mode, library, wait=True)

    def _known_status(self, model: str, mode: str, library: str) -> str:
        """The status without opening the library for it."""
        return self._chat.status(model, mode, library, wait=False)
