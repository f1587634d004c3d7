"""The library tab: papers as a file, those ticked, those that the filters leave, or all."""

from __future__ import annotations

from typing import Any

from rag.library.storage.browsing import PaperFilter
from rag.ui.downloads import download_html
from rag.ui.events import with_event
from rag.ui.library_events import LibraryEvents, Updates
from rag.ui.render_library import View, note_html


class PaperExport:
    """The menu beside the line of ticks. Reading is all that it takes, so every user may use it."""

    def __init__(self, events: LibraryEvents) -> None:
        self._events, self._actions = events, events.library_actions

    def connect(self) -> None:
        """Connect the event."""
        export = with_event(self._events.gr, self._events.reported(self._export))
        self._events.on(self._events.part("export").download, export, "library", "view", "ticked")

    def _export(self, event: Any, key: str, view: View, ticked: list[str]) -> Updates:
        which = str(event.which)
        ids = ticked if which == "ticked" else None
        chosen = PaperFilter() if which == "all" else view.chosen
        made = self._actions.export(key, ids, chosen, str(event.format), str(getattr(event, "style", "") or ""))
        return {"report_file": download_html(made), "message": note_html(f"Exported: {', '.join(made)}.")}
