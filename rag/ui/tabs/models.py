"""The models tab: what can answer, what it needs, how fast it is; add, measure, choose, remove.

Gradio finds out from annotations that a handler wants the event, so the annotations of the inner functions are real
classes: this module does without postponed evaluation.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from rag.errors import FootnoteError, ModelError
from rag.ui.page_context import PageContext
from rag.ui.render_models import here_html, offers_html, said_html

_log = logging.getLogger(__name__)
_QUIET = {"show_progress": "hidden", "api_visibility": "private"}
_NO_UPLOAD = (
    "The path of a GGUF file on this computer. A model has hundreds of megabytes or more, so it is not sent through "
    "the browser: it stays where it lies, and nothing is copied."
)
_ELSEWHERE = (
    "This page is served to other computers, so it takes no paths. On the computer that Footnote runs on: "
    "footnote models add PATH"
)


class Models:
    """What the tab shows and does, without Gradio. One object serves all browser tabs."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    @property
    def home(self) -> Path:
        """Where the list of models lies. Raises :class:`ModelError` where there is none."""
        if self._context.settings is None:
            raise ModelError("There are no settings to find models by. Start the program with 'footnote serve'.")
        return self._context.settings.home

    def page(self, chosen: str, busy: str = "") -> tuple[str, str]:
        """The models that are here, and those that can be downloaded. Raises :class:`FootnoteError`."""
        from rag.generation.models import list_models, memory_available, recommended, speeds, unprepared

        models, free = list_models(self.home), memory_available()
        assert self._context.settings is not None
        here = here_html(
            models, speeds(self.home), coming=unprepared([model.name for model in models]), chosen=chosen,
            free=free, context=self._context.settings.context, changeable=self._context.private, busy=busy,
        )  # fmt: skip
        return here, offers_html(recommended(), [model.name for model in models], free)

    def choices(self) -> list[tuple[str, str]]:
        """Label and name of everything that can be chosen now, what was added since the start included."""
        from rag.factory import available_models

        assert self._context.settings is not None
        found = available_models(self._context.settings)
        self._context.offer_models(found)
        names = [choice.name for choice in found]
        started = self._context.settings.model  # may be a file that is not registered
        if started in self._context.models and started not in names:
            names.append(started)
        return [(self._context.models[name].label, name) for name in names]

    def add(self, path: str, name: str) -> str:
        """Register a file; the sentence that says so. Raises :class:`ModelError`."""
        from rag.generation.models import add_model

        if not self._context.private:
            raise ModelError(_ELSEWHERE)
        if not path.strip():
            raise ModelError("Write the path of a GGUF file into the first field.")
        model = add_model(self.home, Path(path.strip().strip("\"'")), name.strip() or None)
        return f"{model.info.name or model.name} is in the list as '{model.name}'."

    def remove(self, name: str) -> str:
        """Forget a file, which stays where it lies. Raises :class:`ModelError`."""
        from rag.generation.models import SHIPPED, remove_model

        if not self._context.private:
            raise ModelError(f"On the computer that Footnote runs on: footnote models remove {name}")
        if name in SHIPPED:
            raise ModelError(f"'{name}' comes with the installation and stays in the list.")
        remove_model(self.home, name)
        return f"'{name}' is no longer in the list; its file stays where it is."

    def measure(self, name: str) -> Iterator[str | FootnoteError]:
        """Words about the progress; the last one is the result, or what went wrong."""
        from rag.config import with_overrides
        from rag.factory import measure_model

        def work(say: Callable[[str], object]) -> str:
            assert self._context.settings is not None
            speed = measure_model(with_overrides(self._context.settings, model=name), say)
            return f"'{name}' reads {speed.reading:,.0f} and writes {speed.writing:,.0f} tokens a second here."

        yield from _aside(work)


def _aside(work: Callable[[Callable[[str], object]], str]) -> Iterator[str | FootnoteError]:
    """What ``work`` says while it runs in a thread of its own, and last what it returns or raises."""
    said: SimpleQueue[tuple[bool, str | FootnoteError]] = SimpleQueue()

    def run() -> None:
        try:
            said.put((True, work(lambda word: said.put((False, word)))))
        except FootnoteError as error:
            said.put((True, error))
        except Exception as error:  # the edge: whatever it is, the page gets a sentence
            _log.exception("A measurement failed")
            text = (
                f"Something went wrong inside Footnote ({type(error).__name__}); see the terminal it was started from."
            )
            said.put((True, FootnoteError(text)))

    threading.Thread(target=run, name="footnote-measure", daemon=True).start()
    last = False
    while not last:
        last, word = said.get()
        yield word


def build(gr: Any, context: PageContext) -> None:
    """Lay out the tab."""
    parts = context.parts
    script = files("rag.ui.tabs").joinpath("models.js").read_text(encoding="utf-8")
    start = f"({script})({{element, trigger}});"

    def html(name: str, script: str | None = None) -> Any:
        return gr.HTML("", elem_id=f"fn-models-{name}", apply_default_css=False, js_on_load=script)

    with gr.Row(elem_id="fn-models"):
        with gr.Column(elem_id="fn-models-main", min_width=0):
            parts["models.said"] = html("said")
            parts["models.here"] = html("here", start)
        with gr.Column(elem_id="fn-models-side", min_width=0):
            gr.HTML(
                f'<h3 class="fn-models-heading">Add a file</h3><p class="fn-models-hint">{_NO_UPLOAD}</p>',
                apply_default_css=False,
            )
            with gr.Column(elem_id="fn-models-adding", min_width=0):
                parts["models.path"] = gr.Textbox(
                    label="Path of the file",
                    placeholder="~/Downloads/some-instruct-model.gguf",
                    max_lines=1,
                    min_width=0,
                )
                parts["models.name"] = gr.Textbox(
                    label="Name (without one: that of the file)", max_lines=1, min_width=0, max_length=64
                )
                parts["models.add"] = gr.Button("Add to the list", variant="primary", elem_id="fn-models-add")
            parts["models.offers"] = html("offers", start)


def wire(gr: Any, app: Any, context: PageContext) -> None:
    """Connect the events."""
    parts, models = context.parts, Models(context)
    outputs = [parts["models.said"], parts["models.here"], parts["models.offers"]]
    model = parts["model"]

    def shown(chosen: str, word: str = "", busy: str = "") -> tuple[Any, ...]:
        """Values for ``outputs``."""
        try:
            return said_html(word, busy=bool(busy)), *models.page(chosen, busy)
        except FootnoteError as error:
            return said_html(str(error), problem=True), gr.skip(), gr.skip()

    def failed(error: FootnoteError, chosen: str) -> tuple[Any, ...]:
        return said_html(str(error), problem=True), *shown(chosen)[1:]

    def selected(chosen: str, event: gr.SelectData) -> tuple[Any, ...]:
        return shown(chosen) if event.value == "Models" else (gr.skip(),) * len(outputs)

    def add(path: str, name: str, chosen: str) -> Iterator[tuple[Any, ...]]:
        skip = gr.skip()
        yield said_html("Reading the file…", busy=True), skip, skip, skip, skip, skip
        try:
            word = models.add(path, name)
        except FootnoteError as error:
            yield *failed(error, chosen), skip, skip, skip
        else:
            yield *shown(chosen, word), gr.update(choices=models.choices()), "", ""

    def act(chosen: str, event: gr.EventData) -> Iterator[tuple[Any, ...]]:
        action, name = str(event.action), str(event.name)
        if action == "use":
            yield use(chosen, name)
        elif action == "remove":
            yield remove(chosen, name)
        elif action == "measure":
            word: str | FootnoteError = ""
            for word in models.measure(name):
                if isinstance(word, FootnoteError):
                    yield *failed(word, chosen), gr.skip()
                else:
                    yield *shown(chosen, word, busy=name), gr.skip()
            if isinstance(word, str):
                yield *shown(chosen, word), gr.skip()

    def use(chosen: str, name: str) -> tuple[Any, ...]:
        choices = models.choices()
        if name not in [value for _, value in choices]:
            return *failed(ModelError(f"'{name}' cannot be used at the moment; the list says why."), chosen), gr.skip()
        return *shown(name, f"{context.models[name].label} answers in this tab from now on."), gr.update(
            choices=choices, value=name
        )

    def remove(chosen: str, name: str) -> tuple[Any, ...]:
        try:
            word = models.remove(name)
        except FootnoteError as error:
            return *failed(error, chosen), gr.skip()
        choices = models.choices()
        gone = chosen not in [value for _, value in choices]
        chosen = choices[0][1] if gone else chosen
        if gone:
            word += f" {context.models[chosen].label} answers instead."
        return *shown(chosen, word), gr.update(choices=choices, value=chosen)

    def opened(chosen: str) -> Any:
        # Models may have been added since the page was built.
        choices = models.choices()
        there = chosen in [value for _, value in choices]
        return gr.update(choices=choices, value=chosen if there else choices[0][1])

    parts["tabs"].select(selected, [model], outputs, **_QUIET)
    model.change(lambda chosen: shown(chosen)[1], [model], [parts["models.here"]], queue=False, **_QUIET)
    adding = [parts["models.path"], parts["models.name"], model]
    fields = [model, parts["models.path"], parts["models.name"]]
    gr.on([parts["models.add"].click, parts["models.path"].submit], add, adding, [*outputs, *fields], **_QUIET)
    parts["models.here"].select(act, [model], [*outputs, model], **_QUIET)
    if context.settings is not None:
        app.load(opened, [model], [model], queue=False, **_QUIET)
