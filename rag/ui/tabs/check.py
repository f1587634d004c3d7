"""The check tab: a text of one's own, every sentence with its verdict and the papers that it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rag.ui.components import html
from rag.ui.events import QUIET, UNQUEUED, browser_tab, with_event, with_request
from rag.ui.page_context import PageContext
from rag.ui.render_check import NOTHING_YET
from rag.ui.text_checker import TextChecker, Updates
from rag.verification.claims import LONGEST_TEXT

if TYPE_CHECKING:
    from rag.verification.claims import CheckedClaim

_OUTPUTS = ("result", "state", "list", "paper")


def build(gr: Any, context: PageContext) -> None:
    """Lay out the tab."""
    parts = context.parts
    parts["check.result"] = gr.State(())
    parts["check.question"] = gr.State("")
    with gr.Column(elem_id="fn-check", min_width=0):
        _html(gr, "head", '<h2 class="fn-check-name">Check a text</h2>')
        parts["check.text"] = gr.Textbox(
            label=f"Text to check, Markdown or plain, {LONGEST_TEXT:,} characters at most", lines=7, max_lines=18,
            min_width=0, placeholder="Paste a paragraph or a draft", elem_id="fn-check-text",
        )  # fmt: skip
        with gr.Row(elem_id="fn-check-tools"):
            parts["check.start"] = _button(gr, "Check", "start", variant="primary")
            parts["check.stop"] = _button(gr, "Stop", "stop", variant="stop")
        parts["check.state"] = _html(gr, "state")
        with gr.Row(elem_id="fn-check-body"):
            parts["check.list"] = _html(gr, "list", NOTHING_YET, "list")
            parts["check.paper"] = _html(gr, "paper", "", "paper")


def _html(gr: Any, name: str, value: str = "", role: str = "") -> Any:
    return html(gr, f"fn-check-{name}", value, script="tabs/check.js" if role else "", role=role)


def _button(gr: Any, label: str, name: str, **more: Any) -> Any:
    return gr.Button(label, size="sm", min_width=0, elem_id=f"fn-check-{name}", **more)


def wire(gr: Any, app: Any, context: PageContext) -> None:
    """Connect the events."""
    CheckEvents(gr, context).connect(app)


class CheckEvents:
    """What is done on the check tab. Everything that belongs to one browser tab comes in as an argument."""

    def __init__(self, gr: Any, context: PageContext) -> None:
        self._gr, self._context, self._checker = gr, context, TextChecker(context)
        self._parts = context.parts
        self._outputs = [self._parts[f"check.{name}"] for name in _OUTPUTS]

    def connect(self, app: Any) -> None:
        """Connect every event of the tab."""
        self._connect_checking(app)
        self._connect_reading()

    # --- checking ---

    def _connect_checking(self, app: Any) -> None:
        gr, parts = self._gr, self._parts
        text, library = parts["check.text"], parts["library"]
        stop = with_request(gr, self._stop)
        gr.on([parts["check.start"].click, text.submit], with_request(gr, self._check), [text, library],
              self._outputs, **QUIET)  # fmt: skip
        parts["check.stop"].click(stop, **UNQUEUED)
        library.change(with_request(gr, self._forget), None, self._outputs, **UNQUEUED)
        app.unload(stop)

    def _check(self, request: Any, text: str | None, library: str) -> Iterator[tuple[Any, ...]]:
        # Gradio gives None for a text that was never touched.
        yield from map(self._values, self._checker.check(browser_tab(request), text or "", library))

    def _values(self, updates: Updates) -> tuple[Any, ...]:
        return tuple(updates.get(name, self._gr.skip()) for name in _OUTPUTS)

    def _stop(self, request: Any) -> None:
        self._checker.stop(browser_tab(request))

    def _forget(self, request: Any) -> tuple[Any, ...]:
        """Another library was chosen: what the one before says of the text does not hold for it."""
        self._checker.forget(browser_tab(request))
        return (), "", NOTHING_YET, ""

    # --- reading a source ---

    def _connect_reading(self) -> None:
        result, paper, question = (self._parts[f"check.{name}"] for name in ("result", "paper", "question"))
        opened = with_event(self._gr, self._open)
        self._parts["check.list"].select(opened, [result, self._parts["library"]], [paper], **UNQUEUED)
        paper.clear(lambda: "", None, [paper], **UNQUEUED)
        chosen = paper.example_select(with_event(self._gr, _question), None, [question], **UNQUEUED)
        self._context.ask_from(chosen.then, question)

    def _open(self, event: Any, checked: tuple[CheckedClaim, ...], library: str) -> str:
        return self._checker.open(checked, int(event.sentence), int(event.source), library)


def _question(event: Any) -> str:
    return str(event.question)
