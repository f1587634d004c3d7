"""What the Ask tab shows, as values by component name. Knows nothing of Gradio."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rag.datatypes import AS_READ, Wanted
from rag.errors import FootnoteError
from rag.output.footnote_html import footnote_html, paper_behind, paper_html
from rag.retrieval.related import Related
from rag.ui.conversation import Choice, Conversations, Turn, asked_again
from rag.ui.examples import from_papers
from rag.ui.page_context import PageContext
from rag.ui.render import mode_label, panel_html, status_html, suggestions_html, turn_html, welcome_html

Updates = dict[str, Any]  # component name → its new value or update
VIEW = ("turns", "conversation", "live", "panel")  # what shows a whole conversation


class Chat:
    """The conversation, the evidence and the line of state below the title. One object serves all browser tabs."""

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
        *,
        heard: Sequence[Turn] | None = None,
        wanted: Wanted = AS_READ,
    ) -> Iterator[Updates]:
        """The page while one question is answered; ``before`` is the turn that asking again replaces.

        ``heard`` are the turns that the question follows (None: all ``turns``), ``wanted`` overrules how it is read.
        """
        first = True
        before_it = turns if heard is None else heard
        for turn in self.conversations.ask(tab, question, before_it, model, mode, library, scope, wanted):
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
        return welcome_html(shipped or from_papers(papers.sample()))

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
            questions = self._context.library_service.follow_ups(library, answer, [turn.question for turn in turns])
        except FootnoteError:  # offered unasked: what is wrong is said when somebody asks
            return ""
        return "" if self.conversations.running(tab) else suggestions_html(questions)

    def _related(self, library: str, paper_id: str) -> Sequence[Related]:
        try:
            return self._context.library_service.related(library, paper_id)
        except FootnoteError:  # the paper is shown all the same
            return ()

    def status(self, model: str, mode: str, library: str, wait: bool) -> str:
        """The line below the title. ``wait`` opens the library if need be."""
        problem, vectors = "", None
        papers = self._context.known_papers(library) or None
        try:
            papers = self._context.papers(library) if wait else papers
            vectors = self._context.library_service.vectors_at(library) if papers is not None else None
        except FootnoteError as error:
            problem = str(error)
        chosen, goes_to = self._context.models[model], self._context.goes_to(model)
        return status_html(chosen, mode, papers, problem, self._context.private, goes_to, vectors)

    def _turns(self, turns: Sequence[Turn], retry: bool, library: str) -> str:
        papers, labels, last = self._context.known_papers(library), self._context.labels, len(turns) - 1
        return "".join(turn_html(turn, i, retry and i == last, papers, labels) for i, turn in enumerate(turns))


def mode_choices(choice: Choice) -> list[tuple[str, str]]:
    """The grounding modes of a model as the page calls them, with their names."""
    return [(mode_label(mode), mode) for mode in choice.modes]
