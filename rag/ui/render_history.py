"""Kept conversations as HTML: the list beside the page, and what stands below an answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from html import escape
from itertools import groupby

from rag.history.models import ConversationInfo
from rag.history.stale import Change, StaleCitation
from rag.output.exports import FORMATS
from rag.papers.bibliography import clean, one_line
from rag.ui.conversation import Turn

_CHANGES = {
    Change.GONE: "the paper is no longer in the library",
    Change.CHANGED: "its abstract no longer says this",
    Change.MOVED: "its abstract has changed, but still says this",
}
_DAY = 86_400
_THUMB = (
    '<svg viewBox="0 0 24 24" width="15" height="15" aria-hidden="true"><path d="M7 10v10H3V10h4Zm2 10V10l4-8c1.5 0 '
    '2.5 1.2 2.2 2.7L14.5 9H20a2 2 0 0 1 2 2.3l-1.2 7a2 2 0 0 1-2 1.7H9Z"/></svg>'
)


def list_html(infos: Sequence[ConversationInfo], current: str, search: str, now: float | None = None) -> str:
    """The list of conversations, grouped by when they were last changed, newest first."""
    if not infos:
        said = "No conversation has these words." if search.strip() else "What you ask is kept here, on this computer."
        return f'<p class="fn-history-none" role="status">{said}</p>'
    today = time.time() if now is None else now
    groups = ""
    for when, group in groupby(infos, key=lambda info: day_of(info.changed, today)):
        items = "".join(_item(info, current) for info in group)
        groups += f'<section aria-label="{when}"><h3>{when}</h3><ul>{items}</ul></section>'
    return f'<nav aria-label="Kept conversations">{groups}</nav>'


def day_of(seconds: float, now: float) -> str:
    """``Today``, ``Yesterday``, ``Last 7 days`` or the month, in the time of this computer."""
    midnight = time.mktime((*time.localtime(now)[:3], 0, 0, 0, 0, 0, -1))
    if seconds >= midnight:
        return "Today"
    if seconds >= midnight - _DAY:
        return "Yesterday"
    return "Last 7 days" if seconds >= midnight - 6 * _DAY else time.strftime("%B %Y", time.localtime(seconds))


def _item(info: ConversationInfo, current: str) -> str:
    title, here = escape(one_line(info.title)), info.id == current
    count = f"{info.turns} question{'' if info.turns == 1 else 's'}"
    meta = escape(" · ".join(filter(None, [count, one_line(info.library.name)])))
    marked = ' aria-current="true"' if here else ""
    return (
        f'<li class="fn-history-item" data-id="{escape(info.id)}">'
        f'<button type="button" class="fn-history-open" data-action="open"{marked}>'
        f'<span class="fn-history-title" dir="auto" title="{title}">{title}</span>'
        f'<span class="fn-history-meta">{meta}</span></button>'
        f'<details class="fn-menu fn-history-menu"><summary aria-label="More for {title}">⋯</summary>'
        '<div class="fn-menu-sheet"><button type="button" data-action="rename">Rename</button>'
        f'<p class="fn-label">Export</p>{_formats("")}'
        '<button type="button" class="fn-history-delete" data-action="ask-delete">Delete…</button>'
        '<p class="fn-history-sure" role="alert" hidden>Delete this conversation with its notes? '
        '<button type="button" data-action="delete">Delete</button> '
        '<button type="button" data-action="keep">Keep</button></p></div></details></li>'
    )


def _formats(turn: str) -> str:
    return "".join(
        f'<button type="button" data-action="export" data-format="{name}" data-id="{escape(turn)}">'
        f"{escape(format.label)}</button>"
        for name, format in FORMATS.items()
    )


def export_menu_html(turn: str) -> str:
    """The menu that exports one answer."""
    return (
        '<details class="fn-menu fn-keep"><summary class="fn-action">Export</summary>'
        f'<div class="fn-menu-sheet">{_formats(turn)}</div></details>'
    )


def rating_html(turn: Turn) -> str:
    """Thumbs and a note for one answer."""
    id, note = escape(turn.id), escape(clean(turn.note))
    thumbs = "".join(
        f'<button type="button" class="fn-action fn-keep fn-thumb fn-thumb-{name}" data-action="rate" data-id="{id}" '
        f'data-rating="{value}" aria-pressed="{str(turn.rating == value).lower()}" aria-label="{label}" '
        f'title="{label}">{_THUMB}</button>'
        for value, name, label in ((1, "up", "Good answer"), (-1, "down", "Bad answer"))
    )
    return (
        f'{thumbs}<details class="fn-menu fn-keep"><summary class="fn-action">{"Note ✓" if note else "Note"}</summary>'
        '<div class="fn-menu-sheet fn-note-sheet">'
        f'<textarea rows="3" maxlength="4000" aria-label="Note on this answer">{note}</textarea>'
        f'<button type="button" data-action="note" data-id="{id}">Save note</button></div></details>'
    )


def stale_html(stale: Sequence[StaleCitation]) -> str:
    """What the library no longer says of an answer, with the sentences as they were kept."""
    if not stale:
        return ""
    rows = ""
    for (number, change), group in groupby(stale, key=lambda one: (one.number, one.change)):
        same = list(group)
        quotes = "".join(
            f'<blockquote class="fn-quote" dir="auto">{escape(one_line(one.sentence))}</blockquote>' for one in same
        )
        title = escape(one_line(same[0].paper.title))
        rows += f'<li><p>[{number}] <span dir="auto">{title}</span>: {_CHANGES[change]}.</p>{quotes}</li>'
    return (
        '<aside class="fn-stale" aria-label="Changes of the library"><p><strong>The library has changed since this '
        f"answer.</strong> These sentences were cited, and are shown as they were kept:</p><ul>{rows}</ul></aside>"
    )


def foot_html(user: str) -> str:
    """Below the list: the evaluation set, and who is signed in."""
    signed_in = (
        f'<p>Signed in as <strong>{escape(one_line(user))}</strong> · <a href="logout">Sign out</a></p>' if user else ""
    )
    hint = "The answers marked good, as a file for 'footnote eval answers'"
    button = f'<button type="button" class="fn-action" data-action="evaluation" title="{hint}">'
    return f"{button}Export rated answers</button>{signed_in}"


def notice_html(text: str, problem: bool = False) -> str:
    """One sentence about what was done, or went wrong."""
    if not text:
        return ""
    kind = ' class="fn-error" role="alert"' if problem else ' class="fn-history-said" role="status"'
    return f"<p{kind}>{escape(clean(text))}</p>"


def head_html() -> str:
    """Above the list: its heading, which folds it."""
    return (
        '<h2><button type="button" class="fn-history-fold" data-action="fold" aria-expanded="true" '
        'aria-controls="fn-history-body">Conversations</button></h2>'
    )
