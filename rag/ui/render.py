"""Turns of a conversation as HTML. Answers and evidence are rendered by :mod:`rag.output.presentation_html`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.datatypes import Answer, Paper
from rag.output.leaving import what_leaves
from rag.output.presentation import Papers, cited, nearest_papers, to_markdown
from rag.output.presentation_html import answer_html, evidence_html
from rag.output.templating import Template, html
from rag.output.trace_html import why_html
from rag.papers.bibliography import clean, to_bibtex
from rag.system.server_address import ServerAddress
from rag.ui.conversation import Choice, Turn
from rag.ui.render_history import export_menu_html, rating_html, stale_html
from rag.ui.render_scope import chart_html, reading_html, used_html

_TEMPLATE = Template("rag.ui", "conversation")
_MODE_LABELS = {
    "quote": "quotes from the abstracts",
    "shorten": "quotes, shortened to the question",
    "cite": "own words, all cited",
    "free": "own words, then checked",
}
_LONGEST_QUESTION = 2_000  # characters of it that are repeated on the page
_STAGES = {"retrieve": "Searching the library…", "write": "Writing…", "check": "Checking every sentence…"}


def mode_label(mode: str) -> str:
    """What a grounding mode is called on the page."""
    return _MODE_LABELS.get(mode, mode)


def turn_html(turn: Turn, number: int, last: bool, papers: Papers, labels: Mapping[str, str]) -> str:
    """One turn: the question, and below it the answer, the refusal, the error or the work in progress.

    ``last``: it may be asked again. ``labels`` are what the models are called, by name.
    """
    question = clean(turn.question).strip()
    if len(question) > _LONGEST_QUESTION:
        question = f"{question[:_LONGEST_QUESTION]}… ({len(turn.question):,} characters)"
    return _TEMPLATE.turn(number, question, html(_outcome(turn, number, last, papers, labels)))


def _outcome(turn: Turn, number: int, last: bool, papers: Papers, labels: Mapping[str, str]) -> str:
    if turn.answer is not None:
        model = labels.get(turn.model, turn.model)
        return _TEMPLATE.answered(
            html(reading_html(turn.answer, number, last)),
            html(answer_html(turn.answer, number, papers)),
            html(used_html(turn.answer, number, last) + chart_html(turn.answer)),
            turn.replay,
            html(_actions(turn, turn.answer, papers, model, last)),
            html(stale_html(turn.stale)),
            html(why_html(turn.answer, papers, model)),
        )
    if turn.error:
        return _TEMPLATE.failed(clean(turn.error), last)
    draft = clean(turn.draft).strip() if turn.draft.strip() else ""
    if turn.stopped:
        return _TEMPLATE.stopped(draft, last)
    state = _STAGES.get(turn.stage, "Working…")
    if turn.stage == "wait":
        state = f"Waiting for {turn.ahead} other question{'s' if turn.ahead > 1 else ''} to be answered first…"
    preview = answer_html(turn.preview, number, papers) if turn.preview is not None else ""
    return _TEMPLATE.working(draft, state, html(preview))


@dataclass(frozen=True, slots=True)
class _Copy:
    """A button that copies ``text``."""

    label: str
    text: str
    hint: str


def _actions(turn: Turn, answer: Answer, papers: Papers, model: str, last: bool) -> str:
    copies = [_Copy("Copy", to_markdown(answer, papers), "Copy the answer with its references, as Markdown")]
    sources = [item.paper for item in cited(answer)] or nearest_papers(answer, papers)
    if sources:
        bibliography = to_bibtex(sources, whole=False)
        copies.append(_Copy("Copy BibTeX", bibliography, "Copy the papers of this answer as BibTeX"))
    took = f"{turn.seconds:.1f} s" if turn.seconds >= 1 else f"{1000 * turn.seconds:.0f} ms"
    keep = html(rating_html(turn) + export_menu_html(turn.id))
    return _TEMPLATE.actions(copies, last, keep, f"{model} · {took}")


def panel_html(turn: Turn | None, papers: Papers, opened: str = "") -> str:
    """The evidence panel for one turn. ``opened``, a footnote or paper as HTML, covers it until it is closed."""
    if turn is None or turn.answer is None:
        return _TEMPLATE.panel("Evidence", None, html(opened))
    title = "Nearest papers" if turn.answer.refusal is not None else "Evidence"
    return _TEMPLATE.panel(title, html(evidence_html(turn.answer, papers=papers)), html(opened))


def welcome_html(questions: Sequence[str]) -> str:
    """What an empty conversation shows: what this is, and questions to begin with."""
    return _TEMPLATE.welcome(questions)


def suggestions_html(questions: Sequence[str]) -> str:
    """Questions that may come next, as buttons; '' without any."""
    return _TEMPLATE.suggestions(questions) if questions else ""


def status_html(
    choice: Choice,
    mode: str,
    papers: Mapping[str, Paper] | None,
    problem: str,
    private: bool,
    goes_to: str = "",
    vectors: ServerAddress | None = None,
) -> str:
    """The line that says what answers, over how many papers, and where it all stays or ``goes_to`` (a host).

    ``vectors`` is the server that holds those of the papers, if not the library's folder.
    """
    where = (
        "Nothing leaves this computer."
        if private
        else "Nothing is sent to any service; this page is open to the network that it is served to."
    )
    if sent := what_leaves(goes_to if mode != "quote" else "", vectors):
        where = f"{clean(sent)}; {'nothing else leaves this computer' if private else 'nothing is sent anywhere else'}."
    size = "Opening the library (it is built at its first use)…" if papers is None else f"{len(papers):,} papers"
    if vectors is not None:
        size += f", vectors: chroma at {clean(vectors.shown_host)}, yours"
    return _TEMPLATE.status(choice.label, mode_label(mode), size, where, clean(problem))
