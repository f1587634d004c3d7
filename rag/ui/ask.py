"""The Ask tab: the conversation, the question box and the evidence beside it.

:class:`Chat` says what the parts show, without Gradio. Gradio finds out from annotations that a handler
wants the request or the event, so the annotations of the inner functions are real classes: this module
does without postponed evaluation.
"""

from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any

from rag.errors import FootnoteError
from rag.output.footnote_html import footnote_html, paper_behind, paper_html
from rag.questions.scope import EVERYTHING, Scope
from rag.retrieval.related import Related
from rag.ui import scope_bar
from rag.ui.conversation import Choice, Conversations, Turn, asked_again
from rag.ui.examples import from_papers
from rag.ui.page_context import PageContext
from rag.ui.render import mode_label, panel_html, status_html, suggestions_html, turn_html, welcome_html
from rag.ui.tabs import history

Updates = dict[str, Any]  # component name → its new value or update
VIEW = ("turns", "conversation", "live", "panel")
QUIET = {"show_progress": "hidden", "api_visibility": "private"}


class Chat:
    """What the tab shows, as values by component name. One object serves all browser tabs."""

    def __init__(self, context: PageContext, questions: Sequence[str]) -> None:
        self.conversations = Conversations(context.open)
        self._context = context
        self._questions = tuple(questions)

    def ask(
        self,
        tab: str,
        question: str,
        turns: Sequence[Turn],
        model: str,
        mode: str,
        library: str,
        scope: Any,
        before: Turn | None = None,
    ) -> Iterator[Updates]:
        """The page while one question is answered; ``before`` is the turn that asking again replaces."""
        first = True
        for turn in self.conversations.ask(tab, question, turns, model, mode, library, scope):
            number = len(turns)
            if turn.finished:
                done = turn if before is None else asked_again(before, turn)
                yield dict(zip(VIEW, self.view([*turns, done], library), strict=True))
                continue
            live = turn_html(turn, number, False, self._context.known_papers(library), self._context.labels)
            # Older answers lose their 'ask again' while a question runs.
            conversation = self._turns(turns, False, library)
            yield {"live": live} | ({"conversation": conversation, "box": "", "next": ""} if first else {})
            first = False

    def view(self, turns: Sequence[Turn], library: str) -> tuple[Any, ...]:
        """Values for ``VIEW``: a whole conversation."""
        return [*turns], self.conversation(turns, library), "", self.panel(turns, library)

    def conversation(self, turns: Sequence[Turn], library: str) -> str:
        """All turns, the last with its 'ask again'; the welcome where there are none."""
        if turns:
            return self._turns(turns, True, library)
        papers = self._context.known_papers(library)
        shipped = self._questions if library == "" else ()
        return welcome_html(shipped or from_papers(list(papers.values())))

    def panel(self, turns: Sequence[Turn], library: str) -> str:
        """The evidence of the last turn."""
        return panel_html(turns[-1] if turns else None, self._context.known_papers(library))

    def open_footnote(self, turns: Sequence[Turn], turn: int, number: int, sentence: int | None) -> str:
        """The panel with one footnote opened; without what does not exist."""
        chosen = turns[turn] if 0 <= turn < len(turns) else None
        if chosen is None or chosen.answer is None:
            return panel_html(None, {})
        papers = self._context.known_papers(chosen.library)
        paper = paper_behind(chosen.answer, number, papers)
        related = self._related(chosen.library, paper.id) if paper is not None else ()
        return panel_html(chosen, papers, footnote_html(chosen.answer, turn, number, sentence, papers, related))

    def open_paper(self, turns: Sequence[Turn], library: str, paper_id: str) -> str:
        """The panel with one paper of the library opened."""
        papers = self._context.known_papers(library)
        paper = papers.get(paper_id)
        opened = paper_html(paper, self._related(library, paper_id)) if paper is not None else ""
        return panel_html(turns[-1] if turns else None, papers, opened)

    def next_questions(self, tab: str, turns: Sequence[Turn], library: str) -> str:
        """What may be asked after the last answer; nothing while the tab already asks something else."""
        answer = turns[-1].answer if turns else None
        if answer is None or self.conversations.running(tab):
            return ""
        try:
            questions = self._context.shelf.follow_ups(library, answer, [turn.question for turn in turns])
        except FootnoteError:  # offered unasked: what is wrong is said when somebody asks
            return ""
        return "" if self.conversations.running(tab) else suggestions_html(questions)

    def _related(self, library: str, paper_id: str) -> Sequence[Related]:
        try:
            return self._context.shelf.related(library, paper_id)
        except FootnoteError:  # the paper is shown all the same
            return ()

    def status(self, model: str, mode: str, library: str, wait: bool) -> str:
        """The line below the title. ``wait`` opens the library if need be."""
        problem = ""
        papers = self._context.known_papers(library) or None
        if wait:
            try:
                papers = self._context.papers(library)
            except FootnoteError as error:
                problem = str(error)
        return status_html(self._context.models[model], mode, papers, problem, self._context.private)

    def _turns(self, turns: Sequence[Turn], retry: bool, library: str) -> str:
        papers, labels, last = self._context.known_papers(library), self._context.labels, len(turns) - 1
        return "".join(turn_html(turn, i, retry and i == last, papers, labels) for i, turn in enumerate(turns))


def build(gr: Any, context: PageContext, chat: Chat) -> None:
    """Lay out the tab."""
    parts = context.parts
    with gr.Row(elem_id="fn-body"):
        with gr.Column(elem_id="fn-history", min_width=0):
            history.build(gr, context)
        with gr.Column(elem_id="fn-main", min_width=0):
            parts["conversation"] = html(gr, "conversation", chat.conversation([], ""), "conversation")
            parts["live"] = html(gr, "live", "", "live")
            parts["next"] = html(gr, "next", "", "next")
            with gr.Column(elem_id="fn-dock", min_width=0):
                with gr.Column(elem_id="fn-scope", min_width=0):
                    scope_bar.build(gr, context)
                with gr.Row(elem_id="fn-composer"):
                    parts["box"] = gr.Textbox(
                        label="Your question", show_label=False, placeholder="Ask about these papers",
                        lines=1, max_lines=6, scale=1, min_width=0, elem_id="fn-box", container=False,
                    )  # fmt: skip
                    parts["ask"] = gr.Button("Ask", variant="primary", scale=0, min_width=88, elem_id="fn-ask")
                    parts["stop"] = gr.Button("Stop", variant="stop", scale=0, min_width=88, elem_id="fn-stop")
        with gr.Column(elem_id="fn-side", min_width=0):
            parts["panel"] = html(gr, "panel", chat.panel([], ""), "panel")


def html(gr: Any, name: str, value: str, role: str = "") -> Any:
    """A ``gr.HTML`` of ours; ``role`` says which part of page.js drives it."""
    script = files("rag.ui").joinpath("page.js").read_text(encoding="utf-8") if role else ""
    start = f"({script})({{role: '{role}', element, trigger, watch}});" if role else None
    return gr.HTML(value, elem_id=f"fn-{name}", apply_default_css=False, js_on_load=start)


def wire(gr: Any, app: Any, context: PageContext, chat: Chat) -> None:
    """Connect the components. No handler is offered as an API."""
    parts = context.parts
    names = (*VIEW, "next", "box", "tabs")
    outputs = [parts[name] for name in names]
    asking = [parts[name] for name in ("turns", "model", "mode", "library", "scope")]

    def updates(values: Updates) -> tuple[Any, ...]:
        return tuple(
            gr.skip() if name not in values else gr.update(**v) if isinstance(v := values[name], dict) else v
            for name in names
        )

    def ask(
        question: str,
        turns: list[Turn],
        model: str,
        mode: str,
        library: str,
        scope: Any,
        request: gr.Request,
    ) -> Iterator[tuple[Any, ...]]:
        tab = str(request.session_hash)
        yield from map(updates, chat.ask(tab, question, turns, model, mode, library, scope))

    def ask_elsewhere(
        question: str, turns: list[Turn], model: str, mode: str, library: str, scope: Any, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        yield updates({"tabs": {"selected": "ask"}})
        yield from ask(question, turns, model, mode, library, scope, request)

    def example(
        turns: list[Turn], model: str, mode: str, library: str, scope: Any, request: gr.Request, event: gr.EventData
    ) -> Iterator[tuple[Any, ...]]:
        yield from ask(str(event.question), turns, model, mode, library, scope, request)

    def retry(
        turns: list[Turn], model: str, mode: str, library: str, scope: Any, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        if turns:
            tab, last = str(request.session_hash), turns[-1]
            again = chat.ask(tab, last.question, turns[:-1], model, mode, library, last.scope, last)
            yield from map(updates, again)

    def unscope(
        turns: list[Turn], model: str, mode: str, library: str, scope: Any, request: gr.Request, event: gr.EventData
    ) -> Iterator[tuple[Any, ...]]:
        """The question once more, without one of the filters that were read from its words."""
        at = int(event.turn)
        if 0 <= at < len(turns) and (answer := turns[at].answer) is not None:
            read = Scope.of_record(answer.trace.filters).without(str(event.part))
            wider = (turns[at].scope or EVERYTHING).and_literally(read)
            yield from ask(turns[at].question, turns, model, mode, library, wider, request)

    def stop(request: gr.Request) -> None:
        chat.conversations.stop(str(request.session_hash))

    def open_footnote(turns: list[Turn], event: gr.EventData) -> str:
        sentence = None if event.sentence is None else int(event.sentence)
        return chat.open_footnote(turns, int(event.turn), int(event.number), sentence)

    def open_paper(turns: list[Turn], library: str, event: gr.EventData) -> str:
        return chat.open_paper(turns, library, str(event.paper))

    def next_questions(turns: list[Turn], library: str, request: gr.Request) -> str:
        return chat.next_questions(str(request.session_hash), turns, library)

    def ask_from(event: Any, question: Any) -> None:
        suggest(event(ask_elsewhere, [question, *asking], outputs, **QUIET))

    def suggest(asked: Any) -> None:
        """Afterwards and apart, so that no answer waits for it."""
        asked.then(next_questions, here, [parts["next"]], **QUIET)

    here = [parts["turns"], parts["library"]]
    context.provide(ask_from, VIEW, chat.view)
    view = [*context.view_parts, parts["next"]]
    suggest(gr.on([parts["box"].submit, parts["ask"].click], ask, [parts["box"], *asking], outputs, **QUIET))
    examples = [parts[name].example_select for name in ("conversation", "panel", "next")]
    suggest(gr.on(examples, example, asking, outputs, **QUIET))
    suggest(parts["conversation"].undo(unscope, asking, outputs, **QUIET))
    suggest(parts["conversation"].retry(retry, asking, outputs, **QUIET))
    parts["conversation"].select(open_footnote, [parts["turns"]], [parts["panel"]], queue=False, **QUIET)
    parts["panel"].select(open_paper, here, [parts["panel"]], queue=False, **QUIET)
    parts["stop"].click(stop, queue=False, **QUIET)
    parts["new"].click(lambda library: (*chat.view([], library), ""), [parts["library"]], view, queue=False, **QUIET)
    app.unload(stop)  # a closed tab frees the model
    history.wire(gr, app, context)
    scope_bar.wire(gr, app, context)


def mode_choices(choice: Choice) -> list[tuple[str, str]]:
    """The grounding modes of a model as the page calls them, with their names."""
    return [(mode_label(choice, mode), mode) for mode in choice.modes]
