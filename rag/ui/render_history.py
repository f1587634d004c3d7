"""Kept conversations as HTML: the list beside the page, and what stands below an answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from html import escape
from itertools import groupby

from rag.history.models import ConversationInfo
from rag.history.stale import Change, StaleCitation
from rag.output.exports import FORMATS
from rag.output.templating import Template
from rag.papers.bibliography import clean
from rag.papers.styles.finding import LABELS
from rag.ui.conversation import Turn
from rag.ui.render_messages import error_html

_TEMPLATE = Template("rag.ui", "history")
_CHANGES = {
    Change.GONE: "the paper is no longer in the library",
    Change.CHANGED: "its abstract no longer says this",
    Change.MOVED: "its abstract has changed, but still says this",
}
_DAY = 86_400


def list_html(infos: Sequence[ConversationInfo], current: str, search: str, now: float | None = None) -> str:
    """The list of conversations, grouped by when they were last changed, newest first."""
    if not infos:
        said = "No conversation has these words." if search.strip() else "What you ask is kept here, on this computer."
        return f'<p class="fn-history-none" role="status">{said}</p>'
    today = time.time() if now is None else now
    groups = [(when, [*group]) for when, group in groupby(infos, key=lambda info: day_of(info.changed, today))]
    return _TEMPLATE.list(groups, current, FORMATS)


def day_of(seconds: float, now: float) -> str:
    """``Today``, ``Yesterday``, ``Last 7 days`` or the month, in the time of this computer."""
    midnight = time.mktime((*time.localtime(now)[:3], 0, 0, 0, 0, 0, -1))
    if seconds >= midnight:
        return "Today"
    if seconds >= midnight - _DAY:
        return "Yesterday"
    return "Last 7 days" if seconds >= midnight - 6 * _DAY else time.strftime("%B %Y", time.localtime(seconds))


def export_menu_html(turn: str) -> str:
    """The menu that exports one answer."""
    return _TEMPLATE.export_menu(FORMATS, turn)


def rating_html(turn: Turn) -> str:
    """Thumbs and a note for one answer."""
    return _TEMPLATE.rating(turn)


def stale_html(stale: Sequence[StaleCitation]) -> str:
    """What the library no longer says of an answer, with the sentences as they were kept."""
    if not stale:
        return ""
    groups = [(*key, [*group]) for key, group in groupby(stale, key=lambda one: (one.number, one.change))]
    return _TEMPLATE.stale(groups, _CHANGES)


def foot_html(user: str, may_edit: bool = True) -> str:
    """Below the list: the evaluation set, and who is signed in, as what."""
    return _TEMPLATE.foot(user, "" if may_edit else "reader")


def notice_html(text: str, problem: bool = False) -> str:
    """One sentence about what was done, or went wrong."""
    if problem or not text:
        return error_html(text)
    return f'<p class="fn-history-said" role="status">{escape(clean(text))}</p>'


def head_html() -> str:
    """Above the list: its heading, which folds it; and the citation styles that menus of exports offer."""
    return _TEMPLATE.head(LABELS)
