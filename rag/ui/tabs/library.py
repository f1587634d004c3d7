"""The library tab: libraries, their papers, imports.

Its components are in :mod:`rag.ui.library_layout`; what is done with them in ``library_choice``, ``library_papers``,
``library_exports``, ``library_merges``, ``library_imports``, ``library_zotero`` and ``library_versions`` beside it.
"""

from __future__ import annotations

from typing import Any

from rag.ui.library_actions import LibraryActions
from rag.ui.library_choice import LibraryChoice
from rag.ui.library_events import LibraryEvents
from rag.ui.library_exports import PaperExport
from rag.ui.library_imports import ImportProgress
from rag.ui.library_layout import lay_out
from rag.ui.library_merges import MergedRecords
from rag.ui.library_papers import OpenPaper, PaperTable
from rag.ui.library_versions import NewVersions
from rag.ui.library_zotero import ZoteroButton
from rag.ui.page_context import PageContext
from rag.ui.render_library import View
from rag.ui.render_messages import error_html
from rag.ui.uploads import uploads_of_this_process


def build(gr: Any, context: PageContext) -> None:
    """Lay out the tab."""
    parts = context.parts
    states = {
        "view": View(),
        "ticked": [],
        "shown": [],
        "open": "",
        "form": "",
        "changes": 0,
        "seen": "",
        "question": "",
        "merges_page": -1,
    }
    for name, value in states.items():
        parts[f"library.{name}"] = gr.State(value)
    if context.settings is None:
        gr.HTML(error_html("There are no libraries on this page. Start the program with 'footnote serve'."))
        return
    lay_out(gr, parts)


def wire(gr: Any, app: Any, context: PageContext) -> None:
    """Connect the events."""
    if context.settings is None:
        return
    events = LibraryEvents(gr, context, LibraryActions(context.settings, uploads_of_this_process()))
    library_shown = LibraryChoice(events).connect(app)
    PaperTable(events).connect()
    OpenPaper(events).connect()
    PaperExport(events).connect()
    MergedRecords(events).connect(library_shown)
    imports = ImportProgress(events)
    imports.connect(app, library_shown)
    ZoteroButton(events, imports).connect()
    NewVersions(events).connect(library_shown)
