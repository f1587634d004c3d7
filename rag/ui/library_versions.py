"""The library tab: what another program, or another browser tab, has changed in the library meanwhile.

A question always is answered from the library as it is. What stands on the page is looked at when one goes from tab to
tab and when an answer has come; nothing asks by itself, so that a page that is left open ends its session in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rag.ui.library_events import LibraryEvents, Updates


class NewVersions:
    """Shows the papers and counts anew where the library is another version than the one that is shown."""

    def __init__(self, events: LibraryEvents) -> None:
        self._events, self._actions, self._context = events, events.library_actions, events.context

    def connect(self, library_shown: Sequence[Any]) -> None:
        """Connect the events; after those of ``library_shown`` the tab shows the library as it is."""
        on, reported = self._events.on, self._events.reported
        for event in library_shown:
            on(event.then, reported(self._note, clear=False), "library")
        look = reported(self._look, clear=False)
        for change in (self._events.part("tabs").select, self._events.part("turns").change):
            on(change, look, "library", "seen", "changes")

    def _note(self, key: str) -> Updates:
        return {"seen": self._actions.version(key)}

    def _look(self, key: str, seen: str, changes: int) -> Updates:
        now = self._actions.version(key)
        if now == seen:
            return {}
        self._context.forget(key)
        return {"seen": now, "changes": changes + 1}
