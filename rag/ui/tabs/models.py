"""The models tab: what can answer, what it needs, how fast it is; add, measure, choose, remove."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rag.errors import FootnoteError, ModelError
from rag.ui.components import html
from rag.ui.events import QUIET, UNQUEUED, with_request, with_request_and_event, with_request_and_selection
from rag.ui.model_actions import ModelActions
from rag.ui.page_context import PageContext
from rag.ui.render_messages import reader_html
from rag.ui.render_models import said_html

_NO_UPLOAD = (
    "The path of a GGUF file on this computer. A model has hundreds of megabytes or more, so it is not sent through "
    "the browser: it stays where it lies, and nothing is copied."
)


def build(gr: Any, context: PageContext) -> None:
    """Lay out the tab."""
    parts = context.parts
    with gr.Row(elem_id="fn-models"):
        with gr.Column(elem_id="fn-models-main", min_width=0):
            parts["models.said"] = html(gr, "fn-models-said")
            parts["models.here"] = html(gr, "fn-models-here", script="tabs/models.js")
        with gr.Column(elem_id="fn-models-side", min_width=0):
            parts["models.reader"] = html(gr, "fn-models-reader")
            with gr.Column(elem_id="fn-models-adding", min_width=0) as parts["models.adding"]:
                _build_adding(gr, parts)
            parts["models.offers"] = html(gr, "fn-models-offers", script="tabs/models.js")


def _build_adding(gr: Any, parts: dict[str, Any]) -> None:
    gr.HTML(
        f'<h3 class="fn-models-heading">Add a file</h3><p class="fn-models-hint">{_NO_UPLOAD}</p>',
        apply_default_css=False,
    )
    parts["models.path"] = gr.Textbox(
        label="Path of the file", placeholder="~/Downloads/some-instruct-model.gguf", max_lines=1, min_width=0
    )
    parts["models.name"] = gr.Textbox(
        label="Name (without one: that of the file)", max_lines=1, min_width=0, max_length=64
    )
    parts["models.add"] = gr.Button("Add to the list", variant="primary", elem_id="fn-models-add")


def wire(gr: Any, app: Any, context: PageContext) -> None:
    """Connect the events."""
    ModelEvents(gr, context).connect(app)


class ModelEvents:
    """What is done on the models tab. ``chosen`` is the name of the model that answers in the browser tab."""

    def __init__(self, gr: Any, context: PageContext) -> None:
        self._gr, self._context, self._actions = gr, context, ModelActions(context)
        self._parts = context.parts
        self._outputs = [self._parts[f"models.{name}"] for name in ("said", "here", "offers")]

    def connect(self, app: Any) -> None:
        """Connect every event of the tab."""
        gr, parts, model = self._gr, self._parts, self._parts["model"]
        here, path, name = (parts[f"models.{part}"] for part in ("here", "path", "name"))
        shown = [*self._outputs, parts["models.reader"], parts["models.adding"]]
        parts["tabs"].select(with_request_and_selection(gr, self._select), [model], shown, **QUIET)
        model.change(with_request(gr, self._mark_chosen), [model], [here], **UNQUEUED)
        adding = [parts["models.add"].click, path.submit]
        gr.on(
            adding, with_request(gr, self._add), [path, name, model], [*self._outputs, model, path, name], **QUIET
        )  # fmt: skip
        here.select(with_request_and_event(gr, self._act), [model], [*self._outputs, model], **QUIET)
        if self._context.settings is not None:
            app.load(self._choices, [model], [model], **UNQUEUED)

    # --- what the tab shows: values for the outputs ---

    def _page(self, request: Any, chosen: str, word: str = "", busy: str = "") -> tuple[Any, ...]:
        """The tab, with ``word`` about what was done; ``busy`` is the model that is being measured."""
        try:
            return said_html(word, busy=bool(busy)), *self._actions.page(chosen, self._context.may_edit(request), busy)
        except FootnoteError as error:
            return said_html(str(error), problem=True), self._gr.skip(), self._gr.skip()

    def _failure(self, request: Any, error: FootnoteError, chosen: str) -> tuple[Any, ...]:
        return said_html(str(error), problem=True), *self._page(request, chosen)[1:]

    def _select(self, request: Any, tab: str, chosen: str) -> tuple[Any, ...]:
        if tab != "Models":
            return (self._gr.skip(),) * (len(self._outputs) + 2)
        may_edit = self._context.may_edit(request)
        return (
            *self._page(request, chosen),
            "" if may_edit else reader_html(self._context.read_only),
            self._gr.update(visible=may_edit),
        )

    def _mark_chosen(self, request: Any, chosen: str) -> Any:
        return self._page(request, chosen)[1]

    def _choices(self, chosen: str) -> Any:
        """The choice in the header; models may have been added since the page was built."""
        choices = self._actions.choices()
        there = chosen in [name for _, name in choices]
        return self._gr.update(choices=choices, value=chosen if there else choices[0][1])

    # --- adding a file ---

    def _add(self, request: Any, path: str, name: str, chosen: str) -> Iterator[tuple[Any, ...]]:
        skip = self._gr.skip()
        yield said_html("Reading the file…", busy=True), skip, skip, skip, skip, skip
        try:
            word = self._actions.add(self._context.require_editor(request), path, name)
        except FootnoteError as error:
            yield *self._failure(request, error, chosen), skip, skip, skip
        else:
            yield *self._page(request, chosen, word), self._gr.update(choices=self._actions.choices()), "", ""

    # --- the buttons of a model ---

    def _act(self, request: Any, event: Any, chosen: str) -> Iterator[tuple[Any, ...]]:
        action, name = str(event.action), str(event.name)
        try:
            if action == "use":
                yield self._use(request, chosen, name)
            elif action == "remove":
                yield self._remove(request, chosen, name)
            elif action == "measure":
                yield from self._measure(request, chosen, name)
        except FootnoteError as error:
            yield *self._failure(request, error, chosen), self._gr.skip()

    def _use(self, request: Any, chosen: str, name: str) -> tuple[Any, ...]:
        choices = self._actions.choices()
        if name not in [value for _, value in choices]:
            raise ModelError(f"'{name}' cannot be used at the moment; the list says why.")
        word = f"{self._context.models[name].label} answers in this tab from now on."
        return *self._page(request, name, word), self._gr.update(choices=choices, value=name)

    def _remove(self, request: Any, chosen: str, name: str) -> tuple[Any, ...]:
        word = self._actions.remove(self._context.require_editor(request), name)
        choices = self._actions.choices()
        if chosen not in [value for _, value in choices]:
            chosen = choices[0][1]
            word += f" {self._context.models[chosen].label} answers instead."
        return *self._page(request, chosen, word), self._gr.update(choices=choices, value=chosen)

    def _measure(self, request: Any, chosen: str, name: str) -> Iterator[tuple[Any, ...]]:
        word: str | FootnoteError = ""
        for word in self._actions.measure(self._context.require_editor(request), name):
            if isinstance(word, FootnoteError):
                yield *self._failure(request, word, chosen), self._gr.skip()
            else:
                yield *self._page(request, chosen, word, busy=name), self._gr.skip()
        if isinstance(word, str):
            yield *self._page(request, chosen, word), self._gr.skip()
