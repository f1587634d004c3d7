"""The library tab: Zotero without an export. What is there is said before anything is imported."""

from __future__ import annotations

from rag.errors import NotAllowed
from rag.ui.library_events import LibraryEvents, Updates, visible
from rag.ui.library_imports import ImportProgress
from rag.ui.page_context import PageContext
from rag.ui.render_zotero import delete_label, zotero_html
from rag.ui.roles import Editor

_OPEN_TO_ALL = (
    "Zotero is not read for a page that everybody in the network can open. Add accounts with 'footnote users add "
    "NAME', or run 'footnote zotero' on the computer that Footnote runs on."
)
CLOSED: Updates = {"zotero_panel": visible(False), "zotero_delete": {"value": False, "visible": False}}


def may_read_zotero(context: PageContext) -> bool:
    """Whether editors may have Zotero read: it is its owner's, and not for whoever happens to reach the page."""
    return context.private or bool(context.accounts)


class ZoteroButton:
    """Looks at Zotero, and imports what is new there when that was read and wanted."""

    def __init__(self, events: LibraryEvents, imports: ImportProgress) -> None:
        self._events, self._imports = events, imports
        self._actions, self._context = events.library_actions, events.context

    def connect(self) -> None:
        """Connect the events."""
        on, part, changing = self._events.on, self._events.part, self._events.changing
        looking = on(part("zotero").click, self._events.announce("Looking for Zotero…"))
        on(looking.then, changing(self._look), "library")
        on(part("zotero_close").click, self._events.always(CLOSED))
        self._imports.begins(part("zotero_import").click, self._begin, "library", "zotero_delete")

    def _look(self, editor: Editor, key: str) -> Updates:
        self._check()
        place, found, skipped = self._actions.look_at_zotero(editor, key)
        gone = len(found.removed)
        return CLOSED | {
            "zotero_found": zotero_html(place, found, skipped), "zotero_panel": visible(True),
            "zotero_delete": {"label": delete_label(gone), "value": False, "visible": gone > 0},
            "zotero_import": visible(bool(found.changed or gone)),
        }  # fmt: skip

    def _begin(self, editor: Editor, key: str, delete_removed: bool) -> Updates:
        self._check()
        return CLOSED | self._imports.begun(self._actions.start_zotero(editor, key, delete_removed))

    def _check(self) -> None:
        if not may_read_zotero(self._context):
            raise NotAllowed(_OPEN_TO_ALL)
