"""Turns of a conversation as HTML. Answers and evidence are rendered by :mod:`rag.output.presentation_html`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from rag.datatypes import Paper
from rag.output.presentation import Papers, cited, nearest_papers, to_markdown
from rag.output.presentation_html import answer_html, evidence_html
from rag.output.trace_html import why_html
from rag.papers.bibliography import clean, to_bibtex
from rag.ui.conversation import Choice, Turn
from rag.ui.render_history import export_menu_html, rating_html, stale_html
from rag.ui.render_scope import chart_html, used_html

_MODE_LABELS = {
    "quote": "quotes from the abstracts",
    "cite": "own words, all cited",
    "free": "own words, then checked",
}
_SHORTENED = "quotes, shortened to the question"  # 'cite' of a model that only leaves words out
_LONGEST_QUESTION = 2_000  # characters of it that are repeated on the page
_STAGES = {"retrieve": "Searching the library…", "write": "Writing…", "check": "Checking every sentence…"}


def mode_label(choice: Choice, mode: str) -> str:
    """What a grounding mode is called with this model."""
    return _SHORTENED if choice.shortens and mode == "cite" else _MODE_LABELS.get(mode, mode)


def turn_html(turn: Turn, number: int, last: bool, papers: Papers, labels: Mapping[str, str]) -> str:
    """One turn: the question, and below it the answer, the refusal, the error or the work in progress."""
    question = clean(turn.question).strip()
    if len(question) > _LONGEST_QUESTION:
        question = f"{question[:_LONGEST_QUESTION]}… ({len(turn.question):,} characters)"
    heading = f'<h2 class="fn-question" dir="auto">{escape(question) or "(blank question)"}</h2>'
    outcome = _outcome(turn, number, last, papers, labels)
    return f'<section class="fn-turn" data-turn="{number}">{heading}{outcome}</section>'


def _outcome(turn: Turn, number: int, last: bool, papers: Papers, labels: Mapping[str, str]) -> str:
    retry = '<button type="button" class="fn-action" data-action="retry">Ask again</button>' if last else ""
    if turn.answer is not None:
        replay = f'<p class="fn-note fn-replay" role="status">{escape(turn.replay)}</p>' if turn.replay else ""
        why = why_html(turn.answer, papers, labels.get(turn.model, turn.model))
        extra = used_html(turn.answer, number, last) + chart_html(turn.answer)
        return answer_html(turn.answer, number, papers) + extra + replay + _actions(turn, papers, labels, retry) + why
    if turn.error:
        text = f"<p><strong>No answer.</strong> {escape(clean(turn.error))}</p>"
        return f'<div class="fn-error" role="alert">{text}</div><div class="fn-actions">{retry}</div>'
    if turn.stopped:
        draft = _draft(turn.draft, "Not checked")
        return f'{draft}<p class="fn-state">Stopped.</p><div class="fn-actions">{retry}</div>'
    state = _STAGES.get(turn.stage, "Working…")
    if turn.stage == "wait":
        state = f"Waiting for {turn.ahead} other question{'s' if turn.ahead > 1 else ''} to be answered first…"
    return f'{_draft(turn.draft, "Draft, being checked…")}<p class="fn-state fn-busy" role="status">{state}</p>'


def _draft(text: str, label: str) -> str:
    """What the model has written so far, muted: no sentence of it has been checked."""
    if not text.strip():
        return ""
    lead = f'<p class="fn-label">{label}</p>'
    return f'<div class="fn-draft" aria-live="off">{lead}<p>{escape(clean(text).strip())}</p></div>'


def _actions(turn: Turn, papers: Papers, labels: Mapping[str, str], retry: str) -> str:
    assert turn.answer is not None
    buttons = [_copy("Copy", to_markdown(turn.answer, papers), "Copy the answer with its references, as Markdown")]
    sources = [item.paper for item in cited(turn.answer)] or nearest_papers(turn.answer, papers)
    if sources:
        bibliography = to_bibtex(sources, abstracts=False)
        buttons.append(_copy("Copy BibTeX", bibliography, "Copy the papers of this answer as BibTeX"))
    took = f"{turn.seconds:.1f} s" if turn.seconds >= 1 else f"{1000 * turn.seconds:.0f} ms"
    who = f"{labels.get(turn.model, turn.model)} · {took}"
    keep = f"{rating_html(turn)}{export_menu_html(turn.id)}"
    actions = f'<div class="fn-actions">{"".join(buttons)}{retry}{keep}<span class="fn-who">{escape(who)}</span></div>'
    return actions + stale_html(turn.stale)


def _copy(label: str, text: str, hint: str) -> str:
    return (
        f'<button type="button" class="fn-action" data-action="copy" data-text="{escape(text)}" '
        f'title="{hint}">{label}</button>'
    )


def panel_html(turn: Turn | None, papers: Papers, opened: str = "") -> str:
    """The evidence panel for one turn. ``opened``, a footnote or paper as HTML, covers it until it is closed."""
    return f'{opened}<div class="fn-all"{" hidden" if opened else ""}>{_all_papers(turn, papers)}</div>'


def _all_papers(turn: Turn | None, papers: Papers) -> str:
    if turn is None or turn.answer is None:
        hint = "The papers behind an answer appear here. Click a footnote number to see the very sentence."
        return f'<h2 class="fn-panel-title">Evidence</h2><p class="fn-empty">{hint}</p>'
    title = "Nearest papers" if turn.answer.refusal is not None else "Evidence"
    back = '<button type="button" class="fn-action fn-back" data-action="back">Back to the answer</button>'
    cards = evidence_html(turn.answer, papers=papers)
    return f'<h2 class="fn-panel-title">{title}</h2>{cards}{back}'


def welcome_html(questions: Sequence[str]) -> str:
    """What an empty conversation shows: what this is, and questions to begin with."""
    chips = "".join(
        f'<li><button type="button" class="fn-example" data-action="example" data-text="{escape(question)}">'
        f"{escape(question)}</button></li>"
        for question in questions
    )
    examples = f'<p class="fn-label">For example</p><ul class="fn-examples">{chips}</ul>' if chips else ""
    return (
        '<section class="fn-welcome"><h2>Ask your papers</h2><p>Every sentence of an answer carries a footnote. '
        "Click its number to see the sentence of the abstract that supports it. "
        f"What the library does not hold is not answered.</p>{examples}</section>"
    )


def suggestions_html(questions: Sequence[str]) -> str:
    """Questions that may come next, as buttons; '' without any."""
    if not questions:
        return ""
    chips = "".join(
        f'<li><button type="button" class="fn-example" data-action="example" data-text="{escape(question)}" dir="auto">'
        f"{escape(question)}</button></li>"
        for question in questions
    )
    label = '<p class="fn-label">This library can also answer</p>'
    return f'<div class="fn-next">{label}<ul class="fn-examples">{chips}</ul></div>'


def open_to_all_html() -> str:
    """The warning of a page that is served beyond this computer without a password."""
    return (
        '<p class="fn-error" role="alert"><strong>Open to your network, without a password.</strong> Everybody who '
        "reaches this address can read the library and the conversations that are kept. Set FOOTNOTE_AUTH, or listen "
        "on 127.0.0.1.</p>"
    )


def status_html(choice: Choice, mode: str, papers: Mapping[str, Paper] | None, problem: str, private: bool) -> str:
    """The line that says what answers, over how many papers, and where it all stays."""
    where = (
        "Nothing leaves this computer."
        if private
        else "Nothing is sent to any service; this page is open to the network that it is served to."
    )
    size = "Opening the library (it is built at its first use)…" if papers is None else f"{len(papers):,} papers"
    parts = [f"Answered by <strong>{escape(choice.label)}</strong>", escape(mode_label(choice, mode)), size, where]
    warning = f'<p class="fn-error" role="alert">{escape(clean(problem))}</p>' if problem else ""
    if problem:
        parts.pop(2)
    return f'{warning}<p class="fn-status">{" · ".join(parts)}</p>'
