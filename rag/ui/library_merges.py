"""The library tab: what was merged into which paper, and the button that parts it again."""

from __future__ import annotations

from typing import Any

from rag.ui.events import with_request, with_request_and_event
from rag.ui.library_events import LibraryEvents, Updates
from rag.ui.render_library import note_html
from rag.ui.render_merges import merges_html

_IN_ORDER = {"trigger_mode": "multiple", "concurrency_limit": 1}  # every click, in its order
NO_MERGES: Updates = {"merges": "", "merges_open": {"value": "Merged records"}, "merges_page": -1}


class MergedRecords:
    """The view of the merged records. ``merges_page`` is its page in a browser tab, -1 while it is closed."""

    def __init__(self, events: LibraryEvents) -> None:
        self._events, self._actions, self._context = events, events.library_actions, events.context

    def connect(self, library_shown: list[Any]) -> None:
        """Connect the events. After ``library_shown`` another library is shown, and the view closes."""
        on, part, gr = self._events.on, self._events.part, self._events.gr
        reported = self._events.reported
        on(part("merges_open").click, with_request(gr, reported(self._toggle)), "library", "merges_page")
        on(part("merges").apply, with_request_and_event(gr, reported(self._turn)), "library", **_IN_ORDER)
        undo = with_request_and_event(gr, reported(self._undo))
        on(part("merges").tick, undo, "library", "merges_page", "changes", **_IN_ORDER)
        for event in library_shown:
            on(event.then, self._events.always(NO_MERGES))

    def _toggle(self, request: Any, key: str, page: int) -> Updates:
        return self._shown(request, key, 0) if page < 0 else NO_MERGES

    def _turn(self, request: Any, event: Any, key: str) -> Updates:
        return self._shown(request, key, int(event.page))

    def _shown(self, request: Any, key: str, page: int) -> Updates:
        shown = self._actions.merges(key, max(page, 0))
        may_undo = self._context.may_edit(request) and self._actions.info(key).is_writable
        return {
            "merges": merges_html(shown, may_undo), "merges_open": {"value": "Close merged records"},
            "merges_page": shown.page,
        }  # fmt: skip

    def _undo(self, request: Any, event: Any, key: str, page: int, changes: int) -> Updates:
        editor = self._context.require_editor(request)
        made = self._actions.undo_merge(editor, key, str(event.undo))
        self._context.forget(key)
        words = "The record is a paper of its own now." if made else "Nothing was changed: this was undone before."
        return self._shown(request, key, page) | {"message": note_html(words), "changes": changes + bool(made)}
