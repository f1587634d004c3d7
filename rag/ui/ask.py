"""The Ask tab: the conversation, the question box and the evidence beside it. What they show is in ``chat.py``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from rag.datatypes import KINDS, Intent, Wanted
from rag.questions.scope import Scope
from rag.ui import scope_bar
from rag.ui.chat import VIEW, Chat, Updates
from rag.ui.components import html
from rag.ui.conversation import Turn, read_otherwise
from rag.ui.events import QUIET, UNQUEUED, browser_tab, with_event, with_request, with_request_and_event
from rag.ui.page_context import PageContext
from rag.ui.tabs import history

_OUTPUTS = (*VIEW, "next", "box", "tabs")
_ASKED_WITH = ("turns", "model", "mode", "library", "scope")  # what a question is asked with

Steps = Iterator[tuple[Any, ...]]  # values for _OUTPUTS, again and again


def build(gr: Any, context: PageContext, chat: Chat) -> None:
    """Lay out the tab."""
    parts = context.parts
    with gr.Row(elem_id="fn-body"):
        with gr.Column(elem_id="fn-history", min_width=0):
            history.build(gr, context)
        with gr.Column(elem_id="fn-main", min_width=0):
            parts["conversation"] = _html(gr, "conversation", chat.conversation([], ""))
            parts["live"] = _html(gr, "live", "")
            parts["next"] = _html(gr, "next", "")
            with gr.Column(elem_id="fn-dock", min_width=0):
                with gr.Column(elem_id="fn-scope", min_width=0):
                    scope_bar.build(gr, context)
                with gr.Row(elem_id="fn-composer"):
                    _build_question_box(gr, parts)
        with gr.Column(elem_id="fn-side", min_width=0):
            parts["panel"] = _html(gr, "panel", chat.panel([], ""))


def _build_question_box(gr: Any, parts: dict[str, Any]) -> None:
    parts["box"] = gr.Textbox(
        label="Your question", show_label=False, placeholder="Ask about these papers",
        lines=1, max_lines=6, scale=1, min_width=0, elem_id="fn-box", container=False,
    )  # fmt: skip
    parts["ask"] = gr.Button("Ask", variant="primary", scale=0, min_width=88, elem_id="fn-ask")
    parts["review"] = gr.Button("Review", scale=0, min_width=88, elem_id="fn-review")
    parts["stop"] = gr.Button("Stop", variant="stop", scale=0, min_width=88, elem_id="fn-stop")


def _html(gr: Any, name: str, value: str) -> Any:
    return html(gr, f"fn-{name}", value, script="page.js", role=name)


def wire(gr: Any, app: Any, context: PageContext, chat: Chat) -> None:
    """Connect the events of the tab and of what lies in it."""
    AskEvents(gr, context, chat).connect(app)
    history.wire(gr, app, context)
    scope_bar.wire(gr, app, context)


class AskEvents:
    """What clicks and keys on the Ask tab do. Everything that belongs to one browser tab comes in as an argument."""

    def __init__(self, gr: Any, context: PageContext, chat: Chat) -> None:
        self._gr, self._context, self._chat = gr, context, chat
        self._parts = context.parts
        self._outputs = self._named(_OUTPUTS)
        self._asked_with = self._named(_ASKED_WITH)

    def connect(self, app: Any) -> None:
        """Connect every event of the tab."""
        self._context.provide(self.ask_from, VIEW, self._chat.view)
        self._connect_asking()
        self._connect_reading()
        self._connect_ending(app)

    def ask_from(self, event: Any, question: Any) -> None:
        """See :meth:`PageContext.ask_from`."""
        self._on_question(event, with_request(self._gr, self._show_tab_and_ask), [question])

    # --- asking ---

    def _connect_asking(self) -> None:
        gr, box, conversation = self._gr, self._parts["box"], self._parts["conversation"]
        examples = [self._parts[name].example_select for name in ("conversation", "panel", "next")]
        typed = [box.submit, self._parts["ask"].click]
        self._on_question(partial(gr.on, typed), with_request(gr, self._ask), [box])
        self._on_question(self._parts["review"].click, with_request(gr, self._ask_for_review), [box])
        self._on_question(partial(gr.on, examples), with_request_and_event(gr, self._ask_example))
        self._on_question(conversation.undo, with_request_and_event(gr, self._ask_otherwise))
        self._on_question(conversation.retry, with_request(gr, self._ask_again))

    def _on_question(self, event: Any, handler: Any, more: Sequence[Any] = ()) -> None:
        """Let ``event`` ask. What may be asked next is found afterwards, so that no answer waits for it."""
        asked = event(handler, [*more, *self._asked_with], self._outputs, **QUIET)
        here = self._named(("turns", "library"))
        asked.then(with_request(self._gr, self._next_questions), here, [self._parts["next"]], **QUIET)

    def _ask(self, request: Any, question: str, *asked_with: Any) -> Steps:
        yield from map(self._values, self._chat.ask(browser_tab(request), question, *asked_with))

    def _ask_for_review(self, request: Any, topic: str, *asked_with: Any) -> Steps:
        """What stands in the box as the topic of a review."""
        wanted = Wanted(KINDS[Intent.REVIEW], alone=True)
        yield from map(self._values, self._chat.ask(browser_tab(request), topic, *asked_with, wanted=wanted))

    def _show_tab_and_ask(self, request: Any, question: str, *asked_with: Any) -> Steps:
        yield self._values({"tabs": {"selected": "ask"}})
        yield from self._ask(request, question, *asked_with)

    def _ask_example(self, request: Any, event: Any, *asked_with: Any) -> Steps:
        yield from self._ask(request, str(event.question), *asked_with)

    def _ask_again(
        self, request: Any, turns: list[Turn], model: str, mode: str, library: str, scope: Scope | None
    ) -> Steps:
        """The last question once more, over the papers that it was asked over."""
        if turns:
            tab, last = browser_tab(request), turns[-1]
            again = self._chat.ask(
                tab, last.question, turns[:-1], model, mode, library, last.scope, last, wanted=last.wanted
            )
            yield from map(self._values, again)

    def _ask_otherwise(
        self, request: Any, event: Any, turns: list[Turn], model: str, mode: str, library: str, scope: Scope | None
    ) -> Steps:
        """The question once more, read otherwise: as another kind, as no follow-up, or without one of its filters."""
        at = int(event.turn)
        if 0 <= at < len(turns) and turns[at].answer is not None:
            part, kind = str(event.part), str(getattr(event, "kind", "") or "")
            changed = read_otherwise(turns[at], part, kind)
            again = self._chat.ask(
                browser_tab(request), changed.question, turns, model, mode, library, changed.scope,
                heard=turns[:at], wanted=changed.wanted,
            )  # fmt: skip
            yield from map(self._values, again)

    def _next_questions(self, request: Any, turns: list[Turn], library: str) -> str:
        return self._chat.next_questions(browser_tab(request), turns, library)

    # --- reading the evidence ---

    def _connect_reading(self) -> None:
        gr, panel, turns = self._gr, self._parts["panel"], self._parts["turns"]
        here = [turns, self._parts["library"]]
        self._parts["conversation"].select(with_event(gr, self._open_footnote), [turns], [panel], **UNQUEUED)
        panel.select(with_event(gr, self._open_paper), here, [panel], **UNQUEUED)

    def _open_footnote(self, event: Any, turns: list[Turn]) -> str:
        sentence = None if event.sentence is None else int(event.sentence)
        return self._chat.open_footnote(turns, int(event.turn), int(event.number), sentence)

    def _open_paper(self, event: Any, turns: list[Turn], library: str) -> str:
        return self._chat.open_paper(turns, library, str(event.paper))

    # --- stopping and starting anew ---

    def _connect_ending(self, app: Any) -> None:
        stop = with_request(self._gr, self._stop)
        self._parts["stop"].click(stop, **UNQUEUED)
        view = [*self._context.view_parts, self._parts["next"]]
        self._parts["new"].click(self._new_conversation, [self._parts["library"]], view, **UNQUEUED)
        app.unload(stop)  # a closed tab frees the model

    def _stop(self, request: Any) -> None:
        self._chat.conversations.stop(browser_tab(request))

    def _new_conversation(self, library: str) -> tuple[Any, ...]:
        return (*self._chat.view([], library), "")

    # --- components and their values ---

    def _named(self, names: Sequence[str]) -> list[Any]:
        return [self._parts[name] for name in names]

    def _values(self, updates: Updates) -> tuple[Any, ...]:
        """A value for each of ``_OUTPUTS``."""
        return tuple(self._value(updates[name]) if name in updates else self._gr.skip() for name in _OUTPUTS)

    def _value(self, value: Any) -> Any:
        return self._gr.update(**value) if isinstance(value, dict) else value
