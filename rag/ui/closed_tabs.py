"""Browser tabs that were closed: what the server still holds of them.

Gradio keeps the state of ten thousand tabs, closed ones as well, each with what its page showed last (a map, a table, a
conversation): hundreds of kilobytes a tab, so that a page that is served for weeks fills the memory. A tab whose
connection broke for a moment comes back and finds its state; so the last ones that were closed stay. Conversations are
kept on disk in any case.
"""

from __future__ import annotations

from typing import Any

KEPT = 20  # closed tabs


def forget_closed_tabs(app: Any) -> None:
    """Drop what ``app`` (a ``gradio.Blocks``) holds of closed tabs, but for the ``KEPT`` that were used last.

    That is what their page showed, and messages to them that nobody has taken.
    """
    holder, queue = app.state_holder, app._queue
    with holder.lock:
        # The longest unused first.
        closed = [tab for tab, state in holder.session_data.items() if state.is_closed]
        for tab in closed[:-KEPT]:
            for held in (
                holder.session_data,
                holder.time_last_used,
                queue.pending_messages_per_session,
                queue.pending_event_ids_session,
            ):
                held.pop(tab, None)
