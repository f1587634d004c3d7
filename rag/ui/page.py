"""The layout of the chat page and what its buttons do, in Gradio.

Gradio finds out from annotations that a handler wants the request or the event, so the annotations
of the inner functions are real classes: this module does without postponed evaluation.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from rag.datatypes import Paper
from rag.errors import FootnoteError
from rag.presentation import Papers
from rag.ui.conversation import Choice, Conversations, OpenAnswerer, Turn
from rag.ui.examples import from_papers
from rag.ui.render import MODE_LABELS, panel_html, status_html, turn_html, welcome_html

Updates = dict[str, Any]  # component name → its new value or update


class Shelf:
    """The papers of the library by id, read once. Opening may take a while, and may fail and be tried again."""

    def __init__(self, open_papers: Callable[[], Sequence[Paper]]) -> None:
        self._open = open_papers
        self._lock = threading.Lock()
        self._papers: dict[str, Paper] | None = None

    def papers(self) -> Papers:
        """All papers by id. Raises what opening the library raises."""
        with self._lock:
            if self._papers is None:
                self._papers = {paper.id: paper for paper in self._open()}
            return self._papers

    def known(self) -> Papers:
        """The papers if they have been read; does not wait."""
        return self._papers or {}


class Chat:
    """What the page shows, as values by component name. One object serves all tabs; their turns are arguments."""

    def __init__(
        self,
        open_answerer: OpenAnswerer,
        models: Sequence[Choice],
        shelf: Shelf,
        questions: Sequence[str],
        private: bool,
    ) -> None:
        self.conversations = Conversations(open_answerer)
        self.models: Mapping[str, Choice] = {choice.name: choice for choice in models}
        self._labels = {choice.name: choice.label for choice in models}
        self._shelf = shelf
        self._questions = tuple(questions)
        self._private = private

    def ask(self, tab: str, question: str, turns: Sequence[Turn], model: str, mode: str) -> Iterator[Updates]:
        """The page while one question is answered."""
        busy = {"ask": {"visible": False}, "stop": {"visible": True}, "new": {"interactive": False}}
        idle = {"ask": {"visible": True}, "stop": {"visible": False}, "new": {"interactive": True}}
        first = True
        for turn in self.conversations.ask(tab, question, turns, model, mode):
            number = len(turns)
            if turn.finished:
                done = [*turns, turn]
                end = {"state": done, "conversation": self.conversation(done), "live": "", "panel": self.panel(done)}
                yield end | idle
                continue
            live = turn_html(turn, number, False, self._shelf.known(), self._labels)
            # Older answers lose their 'ask again' while a question runs.
            yield {"live": live} | ({"conversation": self._turns(turns, False), "box": ""} | busy if first else {})
            first = False

    def conversation(self, turns: Sequence[Turn]) -> str:
        """All turns, the last with its 'ask again'; the welcome where there are none."""
        if turns:
            return self._turns(turns, True)
        return welcome_html(self._questions or from_papers(list(self._shelf.known().values())))

    def panel(
        self, turns: Sequence[Turn], turn: int = -1, number: int | None = None, sentence: int | None = None
    ) -> str:
        """The evidence of one turn, the last by default. A turn that does not exist shows as none."""
        chosen = turns[turn] if -len(turns) <= turn < len(turns) else None
        return panel_html(chosen, self._shelf.known(), number, sentence)

    def status(self, model: str, mode: str, wait: bool) -> str:
        """The line below the title. ``wait`` opens the library if need be."""
        problem = ""
        papers: Papers | None = self._shelf.known() or None
        if wait:
            try:
                papers = self._shelf.papers()
            except FootnoteError as error:
                problem = str(error)
        return status_html(self.models[model], mode, papers, problem, self._private)

    def _turns(self, turns: Sequence[Turn], retry: bool) -> str:
        papers, last = self._shelf.known(), len(turns) - 1
        return "".join(turn_html(turn, i, retry and i == last, papers, self._labels) for i, turn in enumerate(turns))


def build_app(
    open_answerer: OpenAnswerer,
    models: Sequence[Choice],
    *,
    model: str,
    mode: str,
    questions: Sequence[str] = (),
    private: bool = True,
) -> Any:
    """The page as ``gradio.Blocks``, not yet served.

    ``open_answerer(model, mode)`` is called once a question and once for the papers. ``model`` and ``mode`` are
    chosen at first. ``questions`` are the examples; without any they are made from the library. ``private``: the
    page is served to this computer only, and says so.
    """
    import gradio as gr

    shelf = Shelf(lambda: open_answerer(model, mode).papers())
    chat = Chat(open_answerer, models, shelf, questions, private)
    with gr.Blocks(title="Footnote", analytics_enabled=False, fill_width=True) as app:
        parts = _lay_out(gr, chat, model, mode)
        _wire(gr, app, chat, parts)
    app.queue(api_open=False, default_concurrency_limit=None)
    return app


def _lay_out(gr: Any, chat: Chat, model: str, mode: str) -> dict[str, Any]:
    """The components by name."""
    script = files("rag.ui").joinpath("page.js").read_text(encoding="utf-8")
    modes = chat.models[model].modes
    parts: dict[str, Any] = {"state": gr.State([])}

    def html(name: str, value: str, role: str) -> Any:
        start = f"({script})({{role: '{role}', element, trigger, watch}});" if role else None
        return gr.HTML(value, elem_id=f"fn-{name}", apply_default_css=False, js_on_load=start)

    with gr.Row(elem_id="fn-header"):
        with gr.Column(elem_id="fn-title", min_width=0):
            html("name", "<h1>Footnote</h1>", "")
            parts["status"] = html("status", chat.status(model, mode, wait=False), "")
        with gr.Row(elem_id="fn-choices"):
            names = [(choice.label, choice.name) for choice in chat.models.values()]
            parts["model"] = gr.Dropdown(names, value=model, label="Model", min_width=0, filterable=False)
            parts["mode"] = gr.Dropdown(
                _mode_choices(modes),
                value=mode,
                label="Writes in",
                min_width=0,
                visible=len(modes) > 1,
                filterable=False,
            )
            parts["new"] = gr.Button("New conversation", size="sm", min_width=0, elem_id="fn-new")
    with gr.Row(elem_id="fn-body"):
        with gr.Column(elem_id="fn-main", min_width=0):
            parts["conversation"] = html("conversation", chat.conversation([]), "conversation")
            parts["live"] = html("live", "", "live")
            with gr.Row(elem_id="fn-composer"):
                parts["box"] = gr.Textbox(
                    label="Your question", show_label=False, placeholder="Ask about these papers",
                    lines=1, max_lines=6, scale=1, min_width=0, elem_id="fn-box", container=False,
                )  # fmt: skip
                parts["ask"] = gr.Button("Ask", variant="primary", scale=0, min_width=88, elem_id="fn-ask")
                parts["stop"] = gr.Button(
                    "Stop", variant="stop", scale=0, min_width=88, visible=False, elem_id="fn-stop"
                )
        with gr.Column(elem_id="fn-side", min_width=0):
            parts["panel"] = html("panel", chat.panel([]), "panel")
    return parts


def _wire(gr: Any, app: Any, chat: Chat, parts: dict[str, Any]) -> None:
    """Connect the components. No handler is offered as an API."""
    state, model, mode = parts["state"], parts["model"], parts["mode"]
    names = ("state", "conversation", "live", "panel", "box", "ask", "stop", "new")
    outputs = [parts[name] for name in names]
    quiet = {"show_progress": "hidden", "api_visibility": "private"}

    def updates(values: Updates) -> tuple[Any, ...]:
        return tuple(
            gr.skip() if name not in values else gr.update(**v) if isinstance(v := values[name], dict) else v
            for name in names
        )

    def ask(question: str, turns: list[Turn], model: str, mode: str, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        yield from map(updates, chat.ask(str(request.session_hash), question, turns, model, mode))

    def example(turns: list[Turn], model: str, mode: str, request: gr.Request, event: gr.EventData) -> Iterator[Any]:
        yield from ask(str(event.question), turns, model, mode, request)

    def retry(turns: list[Turn], model: str, mode: str, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        if turns:
            yield from ask(turns[-1].question, turns[:-1], model, mode, request)

    def stop(request: gr.Request) -> None:
        chat.conversations.stop(str(request.session_hash))

    def open_footnote(turns: list[Turn], event: gr.EventData) -> str:
        sentence = None if event.sentence is None else int(event.sentence)
        return chat.panel(turns, int(event.turn), int(event.number), sentence)

    def choose_model(model: str) -> tuple[Any, str]:
        modes = chat.models[model].modes
        first = modes[0]
        choices = gr.update(choices=_mode_choices(modes), value=first, visible=len(modes) > 1)
        return choices, chat.status(model, first, wait=False)

    def opened(model: str, mode: str, turns: list[Turn]) -> tuple[str, str]:
        status = chat.status(model, mode, wait=True)
        return status, chat.conversation(turns)

    asking = [state, model, mode]
    gr.on([parts["box"].submit, parts["ask"].click], ask, [parts["box"], *asking], outputs, **quiet)
    parts["conversation"].example_select(example, asking, outputs, **quiet)
    parts["conversation"].retry(retry, asking, outputs, **quiet)
    parts["conversation"].select(open_footnote, [state], [parts["panel"]], queue=False, **quiet)
    parts["stop"].click(stop, queue=False, **quiet)
    parts["new"].click(lambda: ([], chat.conversation([]), "", chat.panel([])), None, outputs[:4], queue=False, **quiet)
    model.input(choose_model, [model], [mode, parts["status"]], queue=False, **quiet)
    mode.input(lambda model, mode: chat.status(model, mode, wait=False), [model, mode], [parts["status"]], **quiet)
    app.load(opened, [model, mode, state], [parts["status"], parts["conversation"]], **quiet)
    app.unload(stop)  # a closed tab frees the model


def _mode_choices(modes: Sequence[str]) -> list[tuple[str, str]]:
    return [(MODE_LABELS.get(mode, mode), mode) for mode in modes]
