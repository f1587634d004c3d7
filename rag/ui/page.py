"""The page: a header with the choices of this browser tab, and below it one tab for each kind of work, in Gradio."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rag.config import Settings
from rag.ui import ask
from rag.ui.ask import QUIET, Chat, mode_choices
from rag.ui.conversation import Choice, OpenAnswerer, Turn
from rag.ui.page_context import PageContext, Shelf
from rag.ui.render import open_to_all_html
from rag.ui.tabs import library as library_tab
from rag.ui.tabs import map as map_tab
from rag.ui.tabs import models as models_tab
from rag.ui.tabs import tables as tables_tab

TABS = {
    "library": ("Library", library_tab),
    "tables": ("Tables", tables_tab),
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
    protected: bool = False,
    settings: Settings | None = None,
    shelf: Shelf | None = None,
) -> Any:
    """The page as ``gradio.Blocks``, not yet served.

    ``open_answerer(model, mode, library)`` is called once a question and once for the papers; ``shelf`` says what else
    there is to know of libraries. ``model`` and ``mode`` are chosen at first. ``questions`` are the examples for the
    library that was started with; without any they are made from the library. ``private``: the page is served to
    this computer only, and says so; ``protected``: one has to sign in.
    """
    import gradio as gr

    context = PageContext(open_answerer, models, settings, shelf, private, protected)
    chat = Chat(context, questions)
    with gr.Blocks(title="Footnote", analytics_enabled=False, fill_width=True) as app:
        _header(gr, context, chat, model, mode)
        with gr.Tabs(elem_id="fn-tabs", selected="ask") as context.parts["tabs"]:
            with gr.Tab("Ask", id="ask", elem_id="fn-tab-ask"):
                ask.build(gr, context, chat)
            for name, (title, tab) in TABS.items():
                with gr.Tab(title, id=name, elem_id=f"fn-tab-{name}"):
                    tab.build(gr, context)
        ask.wire(gr, app, context, chat)
        _wire(gr, app, context, chat)
        for _, tab in TABS.values():
            tab.wire(gr, app, context)
    app.queue(api_open=False, default_concurrency_limit=None)
    return app


def _header(gr: Any, context: PageContext, chat: Chat, model: str, mode: str) -> None:
    parts, chosen = context.parts, context.models[model]
    parts["turns"] = gr.State([])
    parts["library"] = gr.State("")
    with gr.Row(elem_id="fn-header"):
        with gr.Column(elem_id="fn-title", min_width=0):
            ask.html(gr, "name", "<h1>Footnote</h1>")
            parts["status"] = ask.html(gr, "status", chat.status(model, mode, "", wait=False))
            if not (context.private or context.protected):
                ask.html(gr, "open-to-all", open_to_all_html())
        with gr.Row(elem_id="fn-choices"):
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


def _wire(gr: Any, app: Any, context: PageContext, chat: Chat) -> None:
    """The header. Whatever sets ``library`` makes the page follow."""
    parts = context.parts
    model, mode, library, turns = parts["model"], parts["mode"], parts["library"], parts["turns"]

    def choose_model(model: str, library: str) -> tuple[Any, str]:
        choice = context.models[model]
        first = choice.modes[0]
        choices = gr.update(choices=mode_choices(choice), value=first, visible=len(choice.modes) > 1)
        return choices, chat.status(model, first, library, wait=False)

    def status(model: str, mode: str, library: str) -> str:
        return chat.status(model, mode, library, wait=False)

    def opened(model: str, mode: str, library: str, turns: list[Turn]) -> tuple[Any, ...]:
        status = chat.status(model, mode, library, wait=True)
        return status, *chat.view(turns, library)[1:]

    shown = [parts["status"], *context.view_parts[1:]]
    # 'change', not 'input': another tab of the page may choose the model too.
    model.change(choose_model, [model, library], [mode, parts["status"]], queue=False, **QUIET)
    mode.input(status, [model, mode, library], [parts["status"]], **QUIET)
    gr.on([app.load, library.change], opened, [model, mode, library, turns], shown, **QUIET)

    def counted(model: str, mode: str, library: str) -> str:
        return chat.status(model, mode, library, wait=True)

    parts["library.changes"].change(counted, [model, mode, library], [parts["status"]], **QUIET)
