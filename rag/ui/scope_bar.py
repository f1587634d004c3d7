"""Above the question box: which papers a question may use."""

from __future__ import annotations

from typing import Any

from rag.ui.desk import Desk


def build(gr: Any, desk: Desk) -> None:
    """Lay out the bar; called inside ``gr.Column(elem_id="fn-scope")``."""
    desk.parts["scope"] = gr.State(None)  # None: all papers of the library


def wire(gr: Any, app: Any, desk: Desk) -> None:
    """Connect the events."""
